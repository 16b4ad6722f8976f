"""What a role may do, and which business facts make an access necessary, as data.

A team edits these files (``rules/scopes/*.yml``); pydantic checks them at the edge. Default deny:
what no role covers is forbidden, what no template explains is unexplained (promises R-10 to R-13).
"""

from __future__ import annotations

from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ANY = "*"
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Weakness = Literal["opened_by_actor", "opened_after", "recorded_late", "ended", "break_glass"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Strict):
    """A text in the two languages that users read."""

    en: str = Field(min_length=1)
    fr: str = Field(min_length=1)


class DataCategory(_Strict):
    """A kind of personal data. ``special``: GDPR art. 9, 10, or secrets of correspondence."""

    title: Words
    special: bool = False


class Act(_Strict):
    """A kind of act, as patterns over ``event.action``; roles name it as ``@<id>``."""

    title: Words
    patterns: tuple[str, ...] = Field(min_length=1)


class Purpose(_Strict):
    """Why data are processed, and on which ground (GDPR art. 5(1)(b), 6)."""

    title: Words
    basis: str = Field(min_length=1)


class Population(_Strict):
    """Some of the persons: those about whom a fact of this kind holds, with this id as category."""

    title: Words
    fact: Slug


class Team(_Strict):
    """A team, and the roles that its members may use."""

    title: Words
    roles: tuple[str, ...] = Field(min_length=1)


class ServiceIdentity(_Strict):
    """A program with an account of its own (promise R-17). ``until``: its last day."""

    title: Words
    role: str
    owner: str = Field(min_length=1)
    until: date | None = None


class BreakGlass(_Strict):
    """Access in an emergency: a declared fact with a recorded reason, always reviewed.

    ``fact``: kind of the fact that declares it. ``reasons``: where there are any, the fact's
    category must be one of them, or it explains nothing.
    """

    fact: Slug
    reasons: dict[Slug, Words] = {}


class Role(_Strict):
    """What a role covers: data categories, and acts as patterns over ``event.action``.

    ``populations``: only the persons who belong to one of them; empty = everybody. ``purposes``:
    what for. ``until``: the last day on which the role may be used.
    """

    title: Words
    categories: tuple[str, ...] = Field(min_length=1)
    acts: tuple[str, ...] = Field(min_length=1)
    populations: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    until: date | None = None

    def covers_categories(self, categories: tuple[str, ...]) -> bool:
        """Tell whether every one of ``categories`` is in the role's partition."""
        return ANY in self.categories or all(name in self.categories for name in categories)

    def covers_act(self, action: str) -> bool:
        """Tell whether the act is one of the role's."""
        return any(fnmatchcase(action, pattern) for pattern in self.acts)


class Template(_Strict):
    """An explanation: which fact must relate whom for the access to be necessary.

    ``fact``: kind of the fact; absent = a standing duty of the role, which needs no fact.
    ``subject``: the fact is about that very person, or about nobody in particular.
    ``agent``: the fact names the actor, the actor's team, either, or need name neither.
    ``about``: values of the fact's category that count; ``same`` = the access's own category.
    ``weak``: circumstances under which the explanation holds, but is said to be weak.
    ``opened_after_within``, ``ended_within``: how far outside its validity a fact still explains,
    weakly. A fact is otherwise joined at the instant of the access.
    """

    id: Slug
    title: Words
    roles: tuple[str, ...] = Field(min_length=1)
    categories: tuple[str, ...] = Field(min_length=1)
    acts: tuple[str, ...] = (ANY,)
    fact: Slug | None = None
    subject: Literal["same", "any"] = "same"
    agent: Literal["actor", "team", "actor_or_team", "any"] = "actor_or_team"
    about: tuple[str, ...] = ()
    weak: tuple[Weakness, ...] = ()
    opened_after_within: timedelta = timedelta(0)
    ended_within: timedelta = timedelta(0)

    @model_validator(mode="after")
    def _graces_are_weak(self) -> Self:
        if self.opened_after_within and "opened_after" not in self.weak:
            raise ValueError("opened_after_within needs `opened_after` among `weak`")
        if self.ended_within and "ended" not in self.weak:
            raise ValueError("ended_within needs `ended` among `weak`")
        if self.fact is None and self.acts == (ANY,):
            raise ValueError("a standing duty (no `fact`) must name its `acts`")
        if self.fact and self.subject == "any" and self.agent == "any":
            raise ValueError("the fact must relate the person, the actor or the team")
        return self

    def applies(self, roles: frozenset[str], categories: tuple[str, ...], action: str) -> bool:
        """Tell whether the template speaks about this kind of access."""
        return (
            (ANY in self.roles or not roles.isdisjoint(self.roles))
            and (ANY in self.categories or all(name in self.categories for name in categories))
            and any(fnmatchcase(action, pattern) for pattern in self.acts)
        )


class ScopeFile(_Strict):
    """One file of ``rules/scopes``."""

    title: Words
    data_categories: dict[Slug, DataCategory] = {}
    acts: dict[Slug, Act] = {}
    purposes: dict[Slug, Purpose] = {}
    populations: dict[Slug, Population] = {}
    teams: dict[str, Team] = {}
    roles: dict[Slug, Role] = {}
    services: dict[str, ServiceIdentity] = {}
    break_glass: BreakGlass | None = None
    templates: tuple[Template, ...] = ()


class ScopeModel(_Strict):
    """Every file of a folder, as one.

    ``teams`` and ``services`` close their lists where they name anybody: a team that is not there
    may use no role, and a service identity that is not there has none.
    """

    data_categories: dict[str, DataCategory] = {}
    purposes: dict[str, Purpose] = {}
    populations: dict[str, Population] = {}
    teams: dict[str, Team] = {}
    roles: dict[str, Role] = {}
    services: dict[str, ServiceIdentity] = {}
    break_glass: BreakGlass | None = None
    templates: tuple[Template, ...] = ()
    leaver_notice: timedelta = timedelta(days=30)
