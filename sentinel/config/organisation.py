"""Who answers for the data: the controller, its officer, who files with the authority."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from sentinel.config.addresses import Mailbox, WebAddress
from sentinel.config.section import Section


class Person(Section):
    """Somebody who can be reached."""

    name: str = Field(default="", description="Full name.")
    email: Mailbox = Field(default="", description="E-mail address.")
    phone: str = Field(default="", description="Telephone number.")
    hours: str = Field(
        default="", description="When the person can be reached, as shown in letters."
    )
    hours_en: str = Field(default="", description="The same, as letters in English show it.")
    title: str = Field(default="", description="Function.")


class Organisation(Section):
    """The controller, as the CNIL form and the letters name it."""

    name: str = Field(default="", description="Legal name of the controller (GDPR art. 4(7)).")
    siren: str = Field(default="", description="SIREN, nine digits.")
    address: str = Field(default="", description="Postal address.")
    sector: str = Field(default="", description="NAF section letter.")
    website: WebAddress = Field(
        default="", description="Where news about an incident is published."
    )
    dpo: Person = Field(default=Person(), description="Data protection officer (GDPR art. 37).")
    declarant: Person = Field(default=Person(), description="Who files with the CNIL.")
    ecs_provider: Literal["yes", "no", "unknown"] = Field(
        default="unknown",
        description="Provider of electronic communications (Regulation 611/2013: 24 h clock).",
    )
    regimes: list[Literal["nis2_art23", "dora", "cra_art14", "insurance_l12_10_1"]] = Field(
        default=[],
        description="Other laws whose clocks run in each confirmed case: `nis2_art23`, `dora`, "
        "`cra_art14`, `insurance_l12_10_1`.",
    )

    @property
    def placeholders(self) -> dict[str, str]:
        """What a runbook's placeholders stand for (`sentinel.domain.runbook.PLACEHOLDERS`)."""
        return {
            "organisation": self.name,
            "dpo": self.dpo.name,
            "dpo_phone": self.dpo.phone,
            "dpo_email": self.dpo.email,
            "declarant": self.declarant.name,
            "declarant_phone": self.declarant.phone,
        }

    @property
    def clocks_beside(self) -> list[str]:
        """The regimes beside the GDPR; one that is only suspected ends with ``?``."""
        ecs = {"yes": ["ecs_611_2013"], "unknown": ["ecs_611_2013?"], "no": []}
        return [*ecs[self.ecs_provider], *self.regimes]

    @field_validator("siren")
    @classmethod
    def _nine_digits(cls, value: str) -> str:
        digits = value.replace(" ", "")
        if digits and not re.fullmatch(r"\d{9}", digits):
            raise ValueError("a SIREN has nine digits")
        return digits
