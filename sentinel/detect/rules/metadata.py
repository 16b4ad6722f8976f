"""What our rules say beyond Sigma, under their own top-level key `sentinel` (a custom attribute).

sentinel:
  promises: [R-14]             # of the privacy policy
  runbook: out-of-scope-access
  breach: [confidentiality]    # kinds of breach (EDPB Guidelines 9/2022, section I.B)
  actor: user.name             # the field that says who did it
  title_fr: ...
  triage: {en: ..., fr: ...}
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from sentinel.detect.rules.fault import RuleFault
from sentinel.domain.finding import Level, RuleInfo

KEYS: Final = ("promises", "runbook", "breach", "actor", "title_fr", "triage")
BREACHES: Final = ("confidentiality", "integrity", "availability")


def rule_info(raw: Mapping[str, Any], slug: str) -> RuleInfo:
    """Return what alerts know of a rule. A rule without a level is `medium`. Raises RuleFault."""
    own = extension(raw)
    title = str(raw.get("title", slug))
    title_fr = _text(own, "title_fr")
    return RuleInfo(
        id=str(raw.get("id") or slug),
        slug=slug,
        title=title,
        level=Level(str(raw.get("level") or "medium").lower()),
        titles={"en": title, "fr": title_fr} if title_fr else {"en": title},
        promises=_texts(own, "promises"),
        runbook=_text(own, "runbook"),
        breach_hint=_breaches(own),
        triage=_triage(own),
    )


def extension(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the `sentinel` block. Raises RuleFault where it is no mapping or has other keys."""
    own = raw.get("sentinel") or {}
    if not isinstance(own, Mapping):
        raise RuleFault("sentinel is a mapping", path=("sentinel",))
    for key in own:
        if key not in KEYS:
            close = difflib.get_close_matches(str(key), KEYS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(KEYS)}"
            raise RuleFault(f"unknown key {key!r}", path=("sentinel", str(key)), hint=hint)
    return own


def actor_field(raw: Mapping[str, Any]) -> str:
    """Return the field that names the actor, or the empty string for the usual order."""
    return _text(extension(raw), "actor")


def _text(own: Mapping[str, Any], key: str) -> str:
    value = own.get(key, "")
    if not isinstance(value, str):
        raise RuleFault(f"{key} is text", path=("sentinel", key))
    return value.strip()


def _texts(own: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = own.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RuleFault(f"{key} is a list of text", path=("sentinel", key))
    return tuple(value)


def _breaches(own: Mapping[str, Any]) -> tuple[str, ...]:
    kinds = _texts(own, "breach")
    for kind in kinds:
        if kind not in BREACHES:
            hint = f"one of {', '.join(BREACHES)}"
            raise RuleFault(f"unknown breach {kind!r}", path=("sentinel", "breach"), hint=hint)
    return kinds


def _triage(own: Mapping[str, Any]) -> dict[str, str]:
    value = own.get("triage", {})
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise RuleFault("triage maps languages to text", path=("sentinel", "triage"))
    return {str(language): text.strip() for language, text in value.items()}
