"""What every table of ``sentinel.toml`` is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of ``sentinel.toml``: unknown settings are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
