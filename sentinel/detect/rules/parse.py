"""One YAML document to one rule or correlation: pySigma reads it, we compile it.

Nothing here touches pySigma's ATT&CK data, which it would download.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import sigma.exceptions as sx
from sigma.rule import SigmaDetectionItem, SigmaRule

from sentinel.detect.rules.compile import Lists, compile_detections
from sentinel.detect.rules.fault import Path, RuleFault
from sentinel.detect.rules.filters import Filter, parse_filter
from sentinel.detect.rules.hints import hint_for, words_of
from sentinel.detect.rules.metadata import actor_field, rule_info
from sentinel.detect.rules.model import Correlation, Origin, Rule
from sentinel.detect.rules.parse_correlation import parse_correlation
from sentinel.detect.rules.patterns import check_patterns
from sentinel.detect.rules.pipelines import Pipelines
from sentinel.detect.rules.prepare import prepare_detection
from sentinel.domain.event import LogSource

NONE: Final = Pipelines()

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


def parse_document(
    raw: Any, origin: Origin, slug: str, lists: Lists, pipelines: Pipelines = NONE
) -> Rule | Correlation:
    """Return the rule or correlation of a document. Raises RuleFault, never anything else."""
    with _faults(raw):
        if "correlation" in raw:
            return parse_correlation(raw, origin, slug, pipelines)
        return _rule(raw, origin, slug, lists, pipelines)


def parse_filter_document(raw: Any, origin: Origin, lists: Lists, pipelines: Pipelines) -> Filter:
    """Return the filter of a document. Raises RuleFault, never anything else."""
    with _faults(raw):
        return parse_filter(raw, origin, lists, pipelines)


@contextmanager
def _faults(raw: Any) -> Iterator[None]:
    """Turn whatever is wrong with a document into a RuleFault."""
    if not isinstance(raw, Mapping):
        raise RuleFault("a rule is a mapping")
    if "action" in raw:
        raise RuleFault("`action` documents are not supported", path=("action",))
    try:
        yield
    except sx.SigmaError as error:
        raise _fault(error, raw) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RuleFault(f"cannot be read ({type(error).__name__}: {error})") from error


def _rule(
    raw: Mapping[str, Any], origin: Origin, slug: str, lists: Lists, pipelines: Pipelines
) -> Rule:
    if not isinstance(raw.get("detection"), Mapping):
        raise RuleFault("a rule has a detection, which is a mapping", path=("detection",))
    for name, definition in raw["detection"].items():
        check_patterns(definition, ("detection", str(name)))
    prepared = {**raw, "detection": prepare_detection(raw["detection"])}
    parsed = SigmaRule.from_dict(prepared, collect_errors=True)
    if parsed.errors:
        raise _fault(parsed.errors[0], raw)
    pipelines.apply(parsed)
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
        origin=origin,
    )


def _fault(error: Exception, raw: Mapping[str, Any]) -> RuleFault:
    for kind, path in PLACES.items():
        if isinstance(error, kind):
            return RuleFault(words_of(error), path=path, hint=hint_for(error, ""))
    path = ("filter",) if "filter" in raw else _culprit(raw.get("detection"))
    return RuleFault(
        words_of(error), path=path, hint=hint_for(error, str(path[-1]) if path else "")
    )


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
