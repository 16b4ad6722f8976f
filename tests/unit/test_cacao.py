"""Every shipped runbook is a CACAO 2.0 playbook, by the specification's rules, named by section.

With CACAO_SCHEMAS (the folder ``schemas`` of oasis-open/cacao-json-schemas) and jsonschema at hand,
the published schemas judge too.
"""

import json
import os
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from sentinel.content import content_dir
from sentinel.domain.runbook import Runbook
from sentinel.respond.cacao import TLP, to_cacao
from sentinel.respond.runbooks import load_runbooks

SHIPPED = load_runbooks(content_dir("runbooks"))
KEYS = sorted(SHIPPED)

IDENTIFIER = re.compile(
    r"([a-z][a-z0-9-]+[a-z0-9])--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
REQUIRED = ("type", "spec_version", "id", "name", "created_by", "created", "modified",
            "workflow_start", "workflow")  # fmt: skip
FOLLOW = ("on_completion", "on_success", "on_failure", "on_true", "on_false")


def faults(playbook: dict[str, Any]) -> list[str]:
    """Return the rules of the specification that ``playbook`` breaks."""
    missing = [f"3.1 {name} is required" for name in REQUIRED if not playbook.get(name)]
    return missing or [
        *metadata_faults(playbook),
        *(
            fault
            for key, step in playbook["workflow"].items()
            for fault in step_faults(key, step, playbook)
        ),
        *(f"4 {key} is never reached" for key in set(playbook["workflow"]) - reached(playbook)),
        *definition_faults(playbook),
    ]


def metadata_faults(playbook: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the properties of the playbook itself (3.1)."""
    if (playbook["type"], playbook["spec_version"]) != ("playbook", "cacao-2.0"):
        yield "3.1 type and spec_version"
    for name in ("id", "created_by"):
        if not IDENTIFIER.fullmatch(playbook[name]):
            yield f"10.10 {name} is no identifier"
    for name in ("created", "modified"):
        if not TIMESTAMP.fullmatch(playbook[name]):
            yield f"3.1 {name} has no milliseconds"
    if playbook["modified"] < playbook["created"]:
        yield "3.1 modified before created"
    kinds = [step["type"] for step in playbook["workflow"].values()]
    if kinds.count("start") != 1 or "end" not in kinds or "action" not in kinds:
        yield "3.1 a workflow has a start, an action and an end"
    if playbook["workflow"].get(playbook["workflow_start"], {}).get("type") != "start":
        yield "3.1 workflow_start is the start step"


def definition_faults(playbook: dict[str, Any]) -> Iterator[str]:
    """Yield what does not agree with what is defined beside the workflow."""
    steps = playbook["workflow"].values()
    kinds = [step["type"] for step in steps]
    activities = {one["playbook_activity"] for step in steps for one in step.get("commands", ())}
    if activities != set(playbook["playbook_activities"]):
        yield "3.1 each activity is reflected in a step"
    marks = playbook["data_marking_definitions"]
    if set(playbook["markings"]) - set(marks):
        yield "9 a marking that is not defined"
    for key, mark in marks.items():
        if key != mark["id"] or mark["tlpv2_level"] not in TLP:
            yield "9 a marking is not what its key says"
    summary = playbook["playbook_processing_summary"]
    if summary["parallel_processing"] != ("parallel" in kinds):
        yield "10.14 parallel_processing"
    if summary["if_logic"] != ("if-condition" in kinds):
        yield "10.14 if_logic"


def step_faults(key: str, step: dict[str, Any], playbook: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one step of a workflow."""
    kind = step["type"]
    named = IDENTIFIER.fullmatch(key)
    if named is None or named[1] != kind:
        yield f"10.10 {key} is not of the type {kind}"
    after = [step[name] for name in FOLLOW if name in step] + step.get("next_steps", [])
    yield from (f"4.1 {key} goes to {one}" for one in after if one not in playbook["workflow"])
    if kind == "end" and after:
        yield "4.4 an end step goes nowhere"
    if kind != "end" and ("on_completion" in step) == ("on_success" in step):
        yield f"4.1 {key}: on_completion or on_success, not both"
    yield from {"action": action_faults, "if-condition": condition_faults}.get(
        kind, lambda _step, _playbook: iter(())
    )(step, playbook)
    if kind == "parallel" and len(step.get("next_steps", [])) <= 1:
        yield "4.7 a parallel step has two branches"


def action_faults(step: dict[str, Any], playbook: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with an action (4.5)."""
    if not step.get("commands"):
        yield "4.5 an action has commands"
    if step.get("agent") not in playbook["agent_definitions"]:
        yield "4.5 the agent of an action is defined"
    known = playbook.get("playbook_variables", {})
    yield from (f"4.5 {one} is no variable" for one in step.get("out_args", []) if one not in known)


def condition_faults(step: dict[str, Any], playbook: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a condition (4.8)."""
    variable = str(step.get("condition", "")).partition(":")[0]
    if "on_true" not in step or variable not in playbook.get("playbook_variables", {}):
        yield "4.8 a condition asks a variable that exists"


def reached(playbook: dict[str, Any]) -> set[str]:
    """Return the steps that a path from the start reaches; each branch must end."""
    seen: set[str] = set()
    ahead = [playbook["workflow_start"]]
    while ahead:
        key = ahead.pop()
        if key in seen or key not in playbook["workflow"]:
            continue
        seen.add(key)
        step = playbook["workflow"][key]
        ahead += [step[name] for name in FOLLOW if name in step] + step.get("next_steps", [])
    return seen


def book(slug: str = "bulk-export", language: str = "en") -> Runbook:
    return SHIPPED[slug, language]


@pytest.mark.parametrize("key", KEYS, ids="-".join)
def test_every_shipped_runbook_keeps_the_specification(key: tuple[str, str]) -> None:
    playbook = json.loads(json.dumps(to_cacao(SHIPPED[key])))
    assert faults(playbook) == []
    actions = [step for step in playbook["workflow"].values() if step["type"] == "action"]
    assert len(actions) == len(SHIPPED[key].steps)
    assert "{{" not in json.dumps(playbook), "no placeholder leaves the house unexplained"


def test_the_same_edition_is_the_same_playbook_and_languages_are_related() -> None:
    assert json.dumps(to_cacao(book())) == json.dumps(to_cacao(book()))
    english, french = to_cacao(book()), to_cacao(book(language="fr"))
    assert english["id"] != french["id"]
    assert english["related_to"] == [french["id"]]
    assert not set(english["workflow"]) & set(french["workflow"])  # type: ignore[call-overload]


def test_a_stop_condition_ends_and_its_opposite_goes_on() -> None:
    workflow: dict[str, Any] = to_cacao(book())["workflow"]  # type: ignore[assignment]
    (condition,) = (step for step in workflow.values() if step["type"] == "if-condition")
    assert workflow[condition["on_true"]] == {"type": "end"}
    assert workflow[condition["on_false"]]["name"].startswith("S3 ")
    parallels = [step["name"] for step in workflow.values() if step["type"] == "parallel"]
    assert sorted(parallels) == ["S4 + S5", "S9 + S10"]


def _drop(name: str) -> Any:
    return lambda one: one.pop(name)


BREAKERS = [
    *((_drop(name), f"3.1 {name}") for name in REQUIRED),
    (lambda one: one.update(created="2026-11-23T00:00:00Z"), "milliseconds"),
    (lambda one: one.update(modified="2020-01-01T00:00:00.000Z"), "modified before"),
    (lambda one: one.update(markings=["marking-tlp--x"]), "9 a marking"),
    (lambda one: one["agent_definitions"].clear(), "4.5 the agent"),
    (lambda one: one["playbook_variables"].clear(), "4.8"),
    (lambda one: one["playbook_activities"].pop(), "activity"),
    (lambda one: one["workflow"].pop(next(k for k in one["workflow"] if k[:3] == "end")), "4.1"),
    (lambda one: one["workflow"].update({"end--x": {"type": "end"}}), "10.10"),
]


@pytest.mark.parametrize(("spoil", "reason"), BREAKERS)
def test_the_check_finds_what_is_wrong(spoil: Any, reason: str) -> None:
    playbook = deepcopy(to_cacao(book()))
    spoil(playbook)
    assert any(reason in fault for fault in faults(playbook))


def test_the_published_schemas_agree() -> None:
    folder = os.environ.get("CACAO_SCHEMAS", "")
    if not folder:
        pytest.skip(
            "set CACAO_SCHEMAS to the folder schemas of a clone of oasis-open/cacao-json-schemas, "
            "and pip install jsonschema"
        )
    jsonschema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing")
    from referencing.jsonschema import DRAFT7  # type: ignore[import-not-found]

    found = [json.loads(path.read_text()) for path in Path(folder).rglob("*.json")]
    registry = referencing.Registry().with_resources(
        [(one["$id"], DRAFT7.create_resource(one)) for one in found]
    )
    top = next(one for one in found if one["title"] == "playbook")
    judge = jsonschema.Draft7Validator(top, registry=registry)
    for key in KEYS:
        playbook = json.loads(json.dumps(to_cacao(SHIPPED[key])))
        assert [error.message for error in judge.iter_errors(playbook)] == [], key
