"""Processing pipelines: pySigma's own YAML, from `pipelines/` beside the rules.

They rename fields, replace values and fill placeholders of rules that were written for another
schema, before anything is compiled. What works on the text of a query (`postprocessing`,
`finalizers`) has no meaning here and is refused, not ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.locate import load_documents, place_of
from sentinel.errors import ContentError

FOLDER: Final = "pipelines"
QUERY_KEYS: Final = ("postprocessing", "finalizers")
READ_ERRORS: Final = (SigmaError, AttributeError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Pipelines:
    """The pipelines of a folder, in the order of their `priority`, then of their file names."""

    items: tuple[ProcessingPipeline, ...] = ()

    def apply(self, rule: SigmaRule | SigmaCorrelationRule) -> None:
        """Rewrite a parsed rule in place. Raises RuleFault, SigmaError."""
        for pipeline in self.items:
            try:
                pipeline.apply(rule)
            except SigmaError as error:
                name = pipeline.name or "a pipeline"
                raise RuleFault(f"{name} refuses the rule: {error}", path=_about(rule)) from error


def load_pipelines(directory: Path) -> tuple[Pipelines, Sequence[ContentError]]:
    """Return the pipelines of a folder, which need not exist, and what is wrong with the rest."""
    found: list[tuple[int, str, ProcessingPipeline]] = []
    errors: list[ContentError] = []
    paths = sorted(path for path in directory.glob("*.y*ml") if path.suffix in {".yml", ".yaml"})
    for path in paths:
        text = ""
        try:
            text = path.read_text(encoding="utf-8")
            pipeline = _pipeline(text)
        except RuleFault as fault:
            line, column = place_of(text, fault.path)
            errors.append(fault.located(f"{path}:{line}:{column}"))
        except (OSError, UnicodeDecodeError) as error:
            errors.append(ContentError(str(error), where=str(path)))
        else:
            found.append((pipeline.priority, path.name, pipeline))
    found.sort(key=lambda item: item[:2])
    return Pipelines(tuple(pipeline for _priority, _name, pipeline in found)), errors


def _pipeline(text: str) -> ProcessingPipeline:
    documents = load_documents(text)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise RuleFault("a pipeline is one mapping")
    raw: dict[str, Any] = documents[0]
    for key in QUERY_KEYS:
        if raw.get(key):
            raise RuleFault(f"{key} works on query text, and there is none", path=(key,))
    try:
        return ProcessingPipeline.from_yaml(text)
    except READ_ERRORS as error:
        raise RuleFault(f"not a pipeline: {error}", path=_culprit(raw)) from error


def _culprit(raw: dict[str, Any]) -> tuple[str | int, ...]:
    """Return the path of the first transformation that cannot be read by itself."""
    for index, item in enumerate(raw.get("transformations") or ()):
        try:
            ProcessingPipeline.from_dict({"name": "one", "transformations": [item]})
        except READ_ERRORS:
            return ("transformations", index)
    return ()


def _about(rule: SigmaRule | SigmaCorrelationRule) -> tuple[str, ...]:
    return ("correlation",) if isinstance(rule, SigmaCorrelationRule) else ("detection",)
