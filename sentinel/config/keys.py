"""Settings of the keys, and of the anchors that one of them signs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from sentinel.config.section import Section


class Keys(Section):
    """Keys, which live apart from the data (promises R-31, R-32)."""

    master: SecretStr | None = Field(
        default=None, description="Master key: 32 bytes as 64 hex digits. Prefer `master_file`."
    )
    anchor: SecretStr | None = Field(
        default=None,
        description="Key that signs the journal's anchors (Ed25519): 64 hex digits. Prefer "
        "`anchor_file`; keep it apart from the master key.",
    )
    kms: str = Field(
        default="",
        description="Plug-in that holds the master key (entry point of `sentinel.master_keys`); "
        "empty: `master`, from file or environment.",
    )
    kms_key: str = Field(default="", description="Which key of the KMS, as its plug-in names it.")
    token_days: int = Field(
        default=30,
        gt=0,
        description="Days after which addresses and sessions get other tokens (promise R-02).",
    )
    tokens_kept_days: int = Field(
        default=365,
        ge=0,
        description="Days for which the key of former tokens is kept, so that an address is still "
        "found; then it is destroyed.",
    )
    persons_kept_days: int = Field(
        default=1500,
        ge=30,
        description="Days after which the key of a person whom no line names is destroyed. "
        "Default: 12 months until a case is opened, 36 months of the case, and some days.",
    )

    @field_validator("master", "anchor")
    @classmethod
    def _thirty_two_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", value.get_secret_value()):
            raise ValueError("a key has 64 hex digits; `sentinel init` makes one")
        return value

    @model_validator(mode="after")
    def _two_keys(self) -> Self:
        if self.master is not None and self.master == self.anchor:
            raise ValueError("the anchors are signed by a key of their own")
        return self


class JournalSettings(Section):
    """The journal's anchors."""

    anchor_dir: Path | None = Field(
        default=None,
        description="Where each day's signed anchor is written as a file; best on another host. "
        "Default: `<data_dir>/anchors`.",
    )
    timestamp_url: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="Authority that time-stamps each day's anchor (RFC 3161); empty: none. "
        "It receives a SHA-256 and nothing else. Needs the extra `timestamp` and "
        "`timestamp_roots`; its host stands in `notify.egress_allow`.",
    )
    timestamp_roots: Path | None = Field(
        default=None,
        description="PEM file of the root certificates of the time-stamping authority, and of "
        "intermediate ones that it does not send.",
    )

    @model_validator(mode="after")
    def _with_roots(self) -> Self:
        if self.timestamp_url and self.timestamp_roots is None:
            raise ValueError("timestamp_url needs timestamp_roots: who is believed")
        return self
