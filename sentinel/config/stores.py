"""Settings of the stores: where cases lie, and where events."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from sentinel.config.section import Section
from sentinel.config.source import loopback


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


class EventStoreSettings(Section):
    """Where events lie."""

    kind: Literal["embedded", "elasticsearch"] = Field(
        default="embedded",
        description="`embedded`: in the data directory. `elasticsearch`: on a server from 9.0 on; "
        "needs the extra `elastic`.",
    )
    url: str = Field(
        default="",
        description="The server, as in `https://search.example.org:9200`. A server elsewhere "
        "needs `https`.",
    )
    user: str = Field(default="", description="Account on the server.")
    password: SecretStr | None = Field(
        default=None, description="Password of `user`. Prefer `password_file`."
    )
    api_key: SecretStr | None = Field(
        default=None,
        description="In place of user and password: the `encoded` form. Prefer `api_key_file`.",
    )
    ca: Path | None = Field(
        default=None,
        description="PEM file of the authority that signed the server's certificate, where the "
        "system does not know it.",
    )
    prefix: str = Field(
        default="sentinel",
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="Every index begins with it; one Sentinel a prefix.",
    )
    timeout_seconds: float = Field(default=30, gt=0, description="For one request.")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.kind == "embedded":
            return self
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url: https://host:port of the server is expected")
        if parts.username or parts.password:
            raise ValueError("url: user and password have settings of their own")
        if parts.scheme == "http" and not loopback(parts.hostname):
            raise ValueError("url: a server elsewhere is reached by https alone")
        if parts.scheme == "http" and self.ca is not None:
            raise ValueError("ca: an https url is expected with it")
        if self.api_key is not None and self.password is not None:
            raise ValueError("api_key or password, not both")
        if (self.password is not None) != bool(self.user):
            raise ValueError("user and password go together")
        return self


class StoreSettings(Section):
    """The stores."""

    events: EventStoreSettings = Field(default=EventStoreSettings(), description="Events.")

    cases: CaseStoreSettings = Field(
        default=CaseStoreSettings(), description="Alerts, cases, journal, outbox, accounts."
    )
