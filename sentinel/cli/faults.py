"""Faults in content, and the tests of rules, as people and other tools read them.

`github` are workflow commands, `junit` is the XML that CI servers show, `sarif` is SARIF 2.1.0
(OASIS), which code hosts turn into notes on the lines concerned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from urllib.parse import quote
from xml.etree import ElementTree as ET

import msgspec

from sentinel import __version__
from sentinel.detect.rules.rule_tests import RuleTestResult
from sentinel.errors import SentinelError

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
CONTROL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


class Format(StrEnum):
    """How a command prints what it judged."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    JUNIT = "junit"
    SARIF = "sarif"


class Fault(msgspec.Struct, frozen=True):
    """Something wrong: ``where`` is file:line:column."""

    where: str
    reason: str
    hint: str = ""

    @property
    def text(self) -> str:
        """The reason with its hint."""
        return f"{self.reason} ({self.hint})" if self.hint else self.reason

    @property
    def place(self) -> tuple[str, int, int]:
        """File, line and column; 1:1 where the fault concerns a whole file."""
        found = re.fullmatch(r"(.*?)(?::(\d+))?(?::(\d+))?", self.where, re.DOTALL)
        assert found is not None  # noqa: S101 - the expression matches any text
        return found[1], int(found[2] or 1), int(found[3] or 1)


def fault_of(error: SentinelError) -> Fault:
    """Return an error as a fault."""
    return Fault(error.where, error.detail or error.message, error.hint)


def fault_of_test(result: RuleTestResult) -> Fault:
    """Return a test that failed as a fault."""
    return Fault(result.where, f"{result.rule}: {result.case}: {result.detail}")


def text_lines(faults: Sequence[Fault]) -> Iterator[str]:
    """Yield one line per fault, as compilers print them."""
    for fault in faults:
        yield f"{fault.where}: {fault.text}" if fault.where else fault.text


def github_lines(faults: Sequence[Fault]) -> Iterator[str]:
    """Yield workflow commands; their escapes are those of the runner's toolkit."""
    for fault in faults:
        path, line, column = fault.place
        file = _escaped(path).replace(":", "%3A").replace(",", "%2C")
        yield f"::error file={file},line={line},col={column}::{_escaped(fault.text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def junit(faults: Sequence[Fault], tests: Sequence[RuleTestResult]) -> str:
    """Return XML: a case per test of a rule, and one per fault that is no test."""
    suite = ET.Element("testsuite", name="sentinel")
    for result in tests:
        case = ET.SubElement(suite, "testcase", classname=_xml(result.rule), name=_xml(result.case))
        if not result.passed:
            _failure(case, fault_of_test(result))
    failed = {fault_of_test(result) for result in tests if not result.passed}
    for fault in faults:
        if fault not in failed:
            case = ET.SubElement(
                suite, "testcase", classname=_xml(fault.place[0]), name=_xml(fault.reason)
            )
            _failure(case, fault)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _failure(case: ET.Element, fault: Fault) -> None:
    failure = ET.SubElement(case, "failure", message=_xml(fault.text))
    failure.text = _xml(fault.where)


def _xml(text: str) -> str:
    return CONTROL.sub("\ufffd", text)


def sarif(faults: Sequence[Fault]) -> dict[str, object]:
    """Return a SARIF log of one run. Paths are relative where they were given so."""
    driver = {
        "name": "sentinel",
        "version": __version__,
        "rules": [{"id": "content", "shortDescription": {"text": "Content that is wrong"}}],
    }
    results = [
        {
            "ruleId": "content",
            "level": "error",
            "message": {"text": fault.text},
            "locations": [{"physicalLocation": _location(fault)}],
        }
        for fault in faults
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _location(fault: Fault) -> dict[str, object]:
    path, line, column = fault.place
    uri = f"file://{quote(path)}" if path.startswith("/") else quote(path)
    return {
        "artifactLocation": {"uri": uri},
        "region": {"startLine": line, "startColumn": column},
    }
