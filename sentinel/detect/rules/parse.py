"""One YAML document to one rule or correlation: pySigma reads it, we compile it.

Nothing here touches pySigma's ATT&CK data, which it would download.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import sigma.exceptions as sx
from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationRule
from sigma.rule import SigmaDetectionItem, SigmaRule

from sentinel.detect.rules.compile import Lists, compile_detections
from sentinel.detect.rules.fault import Path, RuleFault
from sentinel.detect.rules.hints import hint_for
from sentinel.detect.rules.metadata import actor_field, rule_info
from sentinel.detect.rules.model import Correlation, CorrelationKind, Operator, Origin, Rule
from sentinel.detect.rules.prepare import CONDITIONS, prepare_correlation, prepare_detection
from sentinel.domain.event import LogSource

# Which key an error of pySigma is about; detections are searched for the culprit.
PLACES: Final[dict[type[sx.SigmaError], Path]] = {
    sx.SigmaAuthorError: ("author",),
    sx.SigmaDateError: ("date",),
    sx.SigmaDescriptionError: ("description",),
    sx.SigmaFalsePositivesError: ("falsepositives",),
    sx.SigmaFieldsError: ("fields",),
    sx.SigmaIdentifierError: ("id",),
    sx.SigmaLevelError: ("level",),
    sx.SigmaLicenseError: ("license",),
    sx.SigmaLogsourceError: ("logsource",),
    sx.SigmaModifiedError: ("modified",),
    sx.SigmaNameError: ("name",),
    sx.SigmaReferencesError: ("references",),
    sx.SigmaRelatedError: ("related",),
    sx.SigmaScopeError: ("scope",),
    sx.SigmaStatusError: ("status",),
    sx.SigmaTagError: ("tags",),
    sx.SigmaTaxonomyError: ("taxonomy",),
    sx.SigmaTitleError: ("title",),
    sx.SigmaCorrelationConditionError: ("correlation", "condition"),
    sx.SigmaCorrelationTypeError: ("correlation", "type"),
    sx.SigmaTimespanError: ("correlation", "timespan"),
    sx.SigmaCorrelationRuleError: ("correlation",),
}


def parse_document(raw: Any, origin: Origin, slug: str, lists: Lists) -> Rule | Correlation:
    """Return the rule or correlation of a document. Raises RuleFault, never anything else."""
    if not isinstance(raw, Mapping):
        raise RuleFault("a rule is a mapping")
    for key in ("filter", "action"):
        if key in raw:
            raise RuleFault(f"`{key}` documents are not supported", path=(key,))
    try:
        if "correlation" in raw:
            return _correlation(raw, origin, slug)
        return _rule(raw, origin, slug, lists)
    except sx.SigmaError as error:
        raise _fault(error, raw) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RuleFault(f"cannot be read ({type(error).__name__}: {error})") from error


def _rule(raw: Mapping[str, Any], origin: Origin, slug: str, lists: Lists) -> Rule:
    if not isinstance(raw.get("detection"), Mapping):
        raise RuleFault("a rule has a detection, which is a mapping", path=("detection",))
    prepared = {**raw, "detection": prepare_detection(raw["detection"])}
    parsed = SigmaRule.from_dict(prepared, collect_errors=True)
    if parsed.errors:
        raise _fault(parsed.errors[0], raw)
    expression = compile_detections(parsed.detection, lists)
    source = parsed.logsource
    return Rule(
        info=rule_info(raw, slug),
        name=parsed.name or "",
        actor=actor_field(raw),
        logsource=LogSource(
            category=source.category or "",
            product=source.product or "",
            service=source.service or "",
        ),
        expression=expression,
        match=expression.matcher(),
        reads=frozenset(expression.names()),
        origin=origin,
    )


def _correlation(raw: Mapping[str, Any], origin: Origin, slug: str) -> Correlation:
    block = raw["correlation"]
    if not isinstance(block, Mapping):
        raise RuleFault("correlation is a mapping", path=("correlation",))
    kind = str(block.get("type"))
    if kind not in set(CorrelationKind):
        raise RuleFault(
            f"correlations of type {kind} are not evaluated",
            path=("correlation", "type"),
            hint=f"evaluated: {', '.join(CorrelationKind)}",
        )
    parsed = SigmaCorrelationRule.from_dict({**raw, "correlation": prepare_correlation(block)})
    if not isinstance(parsed.condition, SigmaCorrelationCondition) or not parsed.rules:
        hint = "write `rules` and a comparison such as `gte: 2`"
        raise RuleFault(
            "expressions as a correlation's condition are not evaluated",
            path=("correlation", "condition"),
            hint=hint,
        )
    return Correlation(
        info=rule_info(raw, slug),
        name=parsed.name or "",
        actor=actor_field(raw),
        kind=CorrelationKind(kind),
        rules=tuple(reference.reference for reference in parsed.rules),
        group_by=tuple(parsed.group_by or ()),
        timespan=timedelta(seconds=parsed.timespan.seconds),
        conditions=_conditions(block, parsed.condition),
        fields=_fields(parsed.condition),
        aliases={
            alias.alias: {ref.reference: name for ref, name in alias.mapping.items()}
            for alias in parsed.aliases
        },
        generate=parsed.generate,
        origin=origin,
    )


def _conditions(
    block: Mapping[str, Any], parsed: SigmaCorrelationCondition
) -> tuple[tuple[Operator, float], ...]:
    """Return every comparison; pySigma's default where a temporal correlation has none."""
    written = block.get("condition")
    if not isinstance(written, Mapping):
        return ((Operator(parsed.op.name.lower()), parsed.count),)
    found = [(Operator(op), written[op]) for op in CONDITIONS if op in written]
    for op, count in found:
        if isinstance(count, bool) or not isinstance(count, int | float):
            raise RuleFault(f"{op} takes a number", path=("correlation", "condition", op))
    return tuple(found)


def _fields(condition: SigmaCorrelationCondition) -> tuple[str, ...]:
    field = condition.fieldref
    if field is None:
        return ()
    return (field,) if isinstance(field, str) else tuple(field)


def _fault(error: Exception, raw: Mapping[str, Any]) -> RuleFault:
    for kind, path in PLACES.items():
        if isinstance(error, kind):
            return RuleFault(str(error), path=path, hint=hint_for(error, ""))
    path = _culprit(raw.get("detection"))
    return RuleFault(str(error), path=path, hint=hint_for(error, str(path[-1]) if path else ""))


def _culprit(detection: Any) -> Path:
    """Return the path of the first item that pySigma refuses on its own."""
    if isinstance(detection, Mapping):
        for name, definition in detection.items():
            if name != "condition" and (path := _bad_item(prepare_detection(definition))):
                return ("detection", str(name), *path)
    return ("detection",)


def _bad_item(definition: Any) -> Path:
    if isinstance(definition, list):
        for item in definition:
            if isinstance(item, Mapping) and (path := _bad_item(item)):
                return path
    elif isinstance(definition, Mapping):
        for key, value in definition.items():
            try:
                SigmaDetectionItem.from_mapping(key, value)
            except (sx.SigmaError, AttributeError, TypeError, ValueError):
                return (str(key),)
    return ()
