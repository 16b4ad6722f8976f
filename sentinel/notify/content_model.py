"""The base of every notifier file: what is not known is refused, nothing changes after reading."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Content(BaseModel):
    """A piece of content that people edit."""

    model_config = ConfigDict(extra="forbid", frozen=True)
