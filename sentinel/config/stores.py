"""Settings of the stores: where cases lie."""

from __future__ import annotations

import re

from pydantic import Field, SecretStr, field_validator

from sentinel.config.section import Section


class CaseStoreSettings(Section):
    """Where alerts, cases, journal, outbox and accounts lie."""

    url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL, as in `postgresql://sentinel@db.example.org/cases`; prefer "
        "`url_file`, or a password in `~/.pgpass`. A server elsewhere needs TLS 1.3 and a "
        "certificate that names it. Empty: SQLite, in the data directory. Needs the extra "
        "`postgres`.",
    )

    @field_validator("url")
    @classmethod
    def _a_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(
            r"postgresql(\+psycopg)?://", value.get_secret_value()
        ):
            raise ValueError("postgresql://user@host/database is expected")
        return value


class StoreSettings(Section):
    """The stores."""

    cases: CaseStoreSettings = Field(
        default=CaseStoreSettings(), description="Alerts, cases, journal, outbox, accounts."
    )
