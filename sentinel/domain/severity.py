"""How severe a breach is for the persons: the ENISA score, which proposes and never decides.

Source: ENISA, Recommendations for a methodology of the assessment of severity of personal data
breaches (2013): ``SE = DPC x EI + CB``. The screen and the border of 0.25 are ours, not ENISA's.
A person qualifies; a departure from the proposal carries written reasons.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sentinel.domain.question import fields, number, text, whole, yes_or_no
from sentinel.errors import InvalidValue

Level = Literal["low", "medium", "high", "very_high"]
Screen = Literal["register", "authority", "authority_and_individuals"]

EASE = {"negligible": 0.25, "limited": 0.5, "significant": 0.75, "maximum": 1.0}
LOSS = (0, 0.25, 0.5)
INTENT = (0, 0.5)
THRESHOLDS = (2, 3, 4)
BORDER = 0.25
MANY = 100
LEVELS: tuple[Level, ...] = ("low", "medium", "high", "very_high")
SCREENS: dict[Level, Screen] = {
    "low": "register",
    "medium": "authority",
    "high": "authority_and_individuals",
    "very_high": "authority_and_individuals",
}


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """CB, what adds to the score. Losses are 0, 0.25 or 0.5; malicious intent is 0 or 0.5."""

    confidentiality: float
    integrity: float
    availability: float
    malicious_intent: float

    @property
    def total(self) -> float:
        """The sum, 0 to 2."""
        return self.confidentiality + self.integrity + self.availability + self.malicious_intent


class Assessed(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a breach. ``individuals``: None = nobody knows yet.

    ``dpc``: data processing context, 1 to 4 after adjustment, the highest where there are several
    categories. ``ei``: ease of identification, 0.25 to 1. ``unintelligible``: to whoever has them.
    """

    dpc: int
    ei: float
    cb: Circumstances
    individuals: int | None
    unintelligible: bool


class Severity(msgspec.Struct, frozen=True, kw_only=True):
    """The proposal. ``borderline``: thresholds that the score is at most 0.25 away from.

    ``screen``: who would be told; the register (GDPR art. 33(5)) is always due.
    """

    se: float
    level: Level
    flags: tuple[str, ...]
    borderline: tuple[int, ...]
    screen: Screen
    review_required: bool


def read_assessed(question: object) -> Assessed:
    """Return what a decoded JSON object says. Raises InvalidValue, which names the field."""
    given = fields(question, ("dpc", "ei", "cb", "individuals", "unintelligible"))
    losses = ("confidentiality", "integrity", "availability")
    cb = fields(given["cb"], (*losses, "malicious_intent"), within="cb")
    people = given["individuals"]
    return Assessed(
        dpc=whole(given["dpc"], "dpc", least=1, most=4),
        ei=_ease(given["ei"]),
        cb=Circumstances(
            **{name: number(cb[name], f"cb.{name}", LOSS) for name in losses},
            malicious_intent=number(cb["malicious_intent"], "cb.malicious_intent", INTENT),
        ),
        individuals=None if people is None else whole(people, "individuals", least=0),
        unintelligible=yes_or_no(given["unintelligible"], "unintelligible"),
    )


def assess(breach: Assessed) -> Severity:
    """Return the score of a breach. All figures are quarters, so that no sum is rounded."""
    se = breach.dpc * breach.ei + breach.cb.total
    level = LEVELS[sum(se >= threshold for threshold in THRESHOLDS)]
    borderline = tuple(one for one in THRESHOLDS if abs(se - one) <= BORDER)
    raised = {
        "over_100_individuals": breach.individuals is not None and breach.individuals > MANY,
        "unintelligible_data": breach.unintelligible,
        "borderline": bool(borderline),
    }
    flags = tuple(flag for flag, up in raised.items() if up)
    return Severity(
        se=se,
        level=level,
        flags=flags,
        borderline=borderline,
        screen=SCREENS[level],
        review_required=bool(flags),
    )


def _ease(value: object) -> float:
    if isinstance(value, str):
        return EASE[text(value, "ei", EASE)]
    try:
        return number(value, "ei", EASE.values())
    except InvalidValue as error:
        raise InvalidValue(error.detail, hint=f"{error.hint}, or {', '.join(EASE)}") from None
