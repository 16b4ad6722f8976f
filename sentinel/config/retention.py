"""Settings of the purge, and of the backups whose cycle says when what was purged is gone."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from sentinel.config.section import Section


class RetentionSettings(Section):
    """When the purge runs, and when it refuses to."""

    at: time = Field(
        default=time(2, 30),
        description="Time of day, in `timezone`, from which the day's purge runs; a day that was "
        "missed is caught up at the next start.",
    )
    clock_days: int = Field(
        default=3,
        ge=1,
        description="The purge refuses to run, and alarms, where the clock stands this many days "
        "past both the last run and the newest event: it may be set wrongly.",
    )
    catch_up_days: int = Field(
        default=45,
        ge=1,
        description="After a longer pause than this the purge waits for a person to confirm the "
        "clock (`sentinel purge --clock-is-right`), whatever the events say.",
    )
    certificate_dir: Path | None = Field(
        default=None,
        description="Where each purge's signed certificate is written; best on another host. "
        "Default: `<data_dir>/certificates`.",
    )
    ledger_dir: Path | None = Field(
        default=None,
        description="Where the purge ledger is kept, apart from the data: a restore reads it and "
        "takes away again what was taken away since. Default: `<backup.dir>/ledger`.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.catch_up_days < self.clock_days:
            raise ValueError("catch_up_days is not less than clock_days")
        return self


class BackupSettings(Section):
    """Backups (promise R-54): daily for 7 days, weekly for 4 weeks, monthly for 6 months."""

    dir: Path | None = Field(
        default=None,
        description="Where backups are written; best on another host. Empty: none are made.",
    )
    key: SecretStr | None = Field(
        default=None,
        description="Key of the backups: 32 bytes as 64 hex digits, not the master key. Prefer "
        "`key_file`, and keep a copy of it and of the master key elsewhere.",
    )
    automatic: bool = Field(
        default=True, description="Make one every day while the service runs, where `dir` is set."
    )
    at: time = Field(
        default=time(3, 30), description="Time of day, in `timezone`, from which it is made."
    )

    @field_validator("key")
    @classmethod
    def _thirty_two_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            digits = value.get_secret_value()
            if len(digits) != 64 or set(digits.lower()) - set("0123456789abcdef"):  # noqa: PLR2004
                raise ValueError("a key has 64 hex digits; `sentinel backup key` makes one")
        return value

    @model_validator(mode="after")
    def _with_key(self) -> Self:
        if self.dir is not None and self.key is None:
            raise ValueError("dir needs key_file: backups are never in clear")
        return self
