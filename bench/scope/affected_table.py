"""What the bench of affected sets counts for each case, and the table that closes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from sentinel.domain.affected import Affected, Doubt, Why

AIM = 0.99
LEVELS = {
    "nothing": "query alone",
    "left_out": "who was left out is settled",
    "work": "and who is counted though something speaks for work",
    "slips": "and one look left at once, as after a wrong hit",
    "hours": "and one look at the owner's usual hours",
    "all": "and one look where work often leaves no fact: every doubt",
}
"""Which doubts somebody settles, each level with those before it, and how the table calls it."""

FAINT = {
    "work": {Why.WRONG_HIT, Why.USUAL_HOURS, Why.NO_FACT},
    "slips": {Why.USUAL_HOURS, Why.NO_FACT},
    "hours": {Why.NO_FACT},
}
"""Reasons that a level does not ask about yet."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """One case at one level: is the aim met, is nobody missing, how many persons were asked for."""

    met: bool
    whole: bool
    asked: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One case under one extent, persons counted; ``access_recall``: of the labelled accesses."""

    world: str
    case: str
    scenario: str
    extent: str
    chosen: bool
    labelled: int
    found: int
    recall: float
    precision: float
    access_recall: float
    access_precision: float
    left_out: int
    asked: int
    settled_recall: float
    settled_precision: float
    levels: dict[str, Tally]

    def line(self) -> str:
        """Return the row as printed; a star marks the extent that a commander would freeze."""
        return (
            f"{'*' if self.chosen else ' '} {self.world} {self.case:<13} {self.extent:<16} "
            f"persons {self.found:>4} of {self.labelled:>4}  "
            f"recall {self.recall:.4f}  precision {self.precision:.4f}  "
            f"accesses {self.access_recall:.4f}/{self.access_precision:.4f}  "
            f"asked {self.asked}: {self.settled_recall:.4f}/{self.settled_precision:.4f}"
        )


def row_of(
    true: set[str],
    answer: Affected,
    accesses: Collection[str],
    taken: Collection[str],
    *,
    world: str,
    case: str,
    scenario: str,
    chosen: bool,
) -> Row:
    """Compare an answer with the persons (``true``) and ``accesses`` of a case."""
    assert answer.selection is not None
    found, hit = set(answer.subjects), len({*accesses} & {*taken})
    settled, asked = answered(true, found, answer.doubts, "all")
    return Row(
        world=world,
        case=case,
        scenario=scenario,
        extent=answer.selection.extent.value,
        chosen=chosen,
        labelled=len(true),
        found=len(found),
        recall=_share(len(true & found), len(true)),
        precision=_share(len(true & found), len(found)),
        access_recall=_share(hit, len(accesses)),
        access_precision=_share(hit, len(taken)),
        left_out=len(answer.left_out),
        asked=asked,
        settled_recall=_share(len(true & settled), len(true)),
        settled_precision=_share(len(true & settled), len(settled)),
        levels={level: _tally(true, found, answer.doubts, level) for level in LEVELS},
    )


def answered(
    true: set[str], found: set[str], doubts: Sequence[Doubt], level: str
) -> tuple[set[str], int]:
    """Return the set after somebody who knows settled the doubts up to ``level``, and how many.

    Nothing but those is answered: what is wrong and not in doubt stays wrong.
    """
    put = {one.subject for one in doubts if _asked(one, level)}
    return (found - put) | (put & true), len(put)


def closing(rows: Sequence[Row], exact: Sequence[bool]) -> Iterator[str]:
    """Yield the lines of the table over all cases. ``exact``: a case asked by its own accesses."""
    chosen = [row for row in rows if row.chosen]
    cases = len(chosen)
    yield f"{'':<62}{'at the aim':>11}{'recall 1.0':>12}{'questions':>11}{'most':>6}"
    named = _reported(rows).values()
    yield _line("what rules and verdicts name (`unjustified`, exports)", named, "nothing", cases)
    for level, words in LEVELS.items():
        yield _line(f"{level}: {words}", chosen, level, cases)
    own = f"{sum(exact)} of {len(exact)}"
    yield f"{'own accesses: by the labelled events (counting, no test)':<62}{own:>11}{own:>12}"
    yield (
        f"the aim: recall 1.0 and precision {AIM} or better; questions: persons settled by "
        "somebody who knows; most: in one case"
    )


def _reported(rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """Return, of each case, the row of `unjustified`; cases about one person have one extent."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (row.world, row.case)
        if row.extent == "unjustified" or key not in found:
            found[key] = row
    return found


def _line(words: str, rows: Iterable[Row], level: str, cases: int) -> str:
    reached = [row.levels[level] for row in rows]
    met, whole = sum(one.met for one in reached), sum(one.whole for one in reached)
    asked = [one.asked for one in reached]
    return (
        f"{words:<62}{f'{met} of {cases}':>11}{f'{whole} of {cases}':>12}"
        f"{sum(asked):>11,}{max(asked, default=0):>6}"
    )


def _asked(doubt: Doubt, level: str) -> bool:
    if level == "nothing":
        return False
    if level == "left_out":
        return not doubt.inside
    return not doubt.inside or not FAINT.get(level, set()).issuperset(doubt.why)


def _tally(true: set[str], found: set[str], doubts: Sequence[Doubt], level: str) -> Tally:
    settled, asked = answered(true, found, doubts, level)
    right = len(true & settled)
    whole = right == len(true)
    return Tally(met=whole and right >= AIM * len(settled), whole=whole, asked=asked)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
