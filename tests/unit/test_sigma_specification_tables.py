"""What the specification itself says, section by section, put to the compiled engine.

Each table names its section of the Sigma specification 2.1 (rules, modifiers appendix). Where the
text is open or pySigma reads it differently, the row says what we hold to.
"""

from __future__ import annotations

import base64
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document

DASHES = "-/\u2013\u2014\u2015"


def compiled(detection: dict[str, Any], lists: dict[str, tuple[str, ...]] | None = None) -> Rule:
    raw = {
        "title": "t",
        "logsource": {"category": "test"},
        "detection": {"condition": "one", **detection},
    }
    origin = Origin(path=Path("rule.yml"), index=0, raw=raw)
    rule = parse_document(raw, origin, "rule", lists or {})
    assert isinstance(rule, Rule)
    return rule


def says(key: str, wanted: Any, event: dict[str, Any]) -> bool:
    return compiled({"one": {key: wanted}}).match(event)


def allows(key: str, wanted: Any, found: Any) -> bool:
    return says(key, wanted, {"a": found})


# "String Wildcard"


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ("prog?.exe", "progA.exe", True),
        ("prog?.exe", "PROGB.EXE", True),
        ("prog?.exe", "prog.exe", False),
        ("prog?.exe", "progAB.exe", False),
        ("antivirus_V*.exe", "antivirus_V1.exe", True),
        ("antivirus_V*.exe", "antivirus_V21.2.1.exe", True),
        ("antivirus_V*.exe", "antivirus_V.exe", True),
        ("antivirus_V*.exe", "antivirus_V1.dll", False),
        ("*something", "any something", True),
        ("*something", "something else", False),
        ("something*", "something else", True),
        ("something*", "any something", False),
        ("*something*", "any something else", True),
        ("a?*", "a", False),
        ("a?*", "ab", True),
        ("*?", "", False),
        ("??", "ab", True),
        ("??", "abc", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a*ba", "aba", True),
        ("a*aba", "aba", False),
        ("a**b", "ab", True),
        ("*", "", True),
        ("?", "\n", True),
        ("a*", "a\n\nb", True),
        ("?", "İ", True),
        ("a.c", "abc", False),
        ("[a]", "a", False),
        ("a|b", "a", False),
        ("%_", "xy", False),
    ],
)  # fmt: skip
def test_wildcards(wanted: str, found: str, expected: bool) -> None:
    assert allows("a", wanted, found) is expected


# "Escape Character": value in the rule, what it stands for; a str is plain text, a tuple is text
# before and after a `*`.


@pytest.mark.parametrize(
    ("wanted", "plain"),
    [
        (r"a\b", r"a\b"),
        (r"a\\b", r"a\b"),
        (r"a\\\b", r"a\\b"),
        (r"a\\\\b", r"a\\b"),
        (r"a\*", "a*"),
        (r"a\?", "a?"),
        (r"a\\*", ("a\\", "")),
        (r"a\\\*", r"a\*"),
        (r"a\\\\*", ("a\\\\", "")),
        (r"a\\\\\*", r"a\\*"),
        (r"\*b*", ("*b", "")),
        (r"*\*", ("", "*")),
        ("a\\", "a\\"),
        (r"a\\", "a\\"),
    ],
)
def test_escapes(wanted: str, plain: str | tuple[str, str]) -> None:
    if isinstance(plain, tuple):
        head, tail = plain
        assert allows("a", wanted, head + tail)
        assert allows("a", wanted, f"{head}anything{tail}")
        assert not allows("a", wanted, f"!{head}{tail}!")
    else:
        assert allows("a", wanted, plain)
        assert not allows("a", wanted, plain.replace("*", "x").replace("?", "x") + "x")
        assert not allows("a", wanted, plain.replace("\\", "")) if "\\" in plain else True


def test_an_escaped_wildcard_stands_for_itself_alone() -> None:
    assert not allows("a", r"a\*", "abc")
    assert not allows("a", r"a\?", "ab")
    assert not allows("a", r"a\\\*", r"a\x")


# "General": case-insensitive by default; "Special Field Values"; "Field Existence"


@pytest.mark.parametrize(
    ("key", "wanted", "event", "expected"),
    [
        ("a", "", {"a": ""}, True),
        ("a", "", {"a": None}, False),
        ("a", "", {}, False),
        ("a", "", {"a": " "}, False),
        ("a", None, {"a": None}, True),
        ("a", None, {}, True),
        ("a", None, {"a": ""}, False),
        ("a", None, {"a": 0}, False),
        ("a", None, {"a": False}, False),
        ("a|exists", True, {"a": ""}, True),
        ("a|exists", True, {"a": None}, True),
        ("a|exists", True, {"a": []}, True),
        ("a|exists", True, {"b": 1}, False),
        ("a|exists", False, {"b": 1}, True),
        ("a|exists", False, {"a": ""}, False),
        ("a", "EventLog", {"a": "EVENTLOG"}, True),
        ("a|cased", "EventLog", {"a": "EVENTLOG"}, False),
        ("a|cased", "EventLog", {"a": "EventLog"}, True),
        ("a|cased|contains", "Log", {"a": "EventLog"}, True),
        ("a|cased|contains", "Log", {"a": "eventlog"}, False),
        ("a|contains|cased", "Log", {"a": "eventlog"}, False),
        ("a", [517, 1102], {"a": 1102}, True),
        ("a", [517, 1102], {"a": "517"}, True),
        ("a", [517, 1102], {"a": 4624}, False),
        ("a", "0x17", {"a": "0X17"}, True),
        ("A", "x", {"a": "x"}, False),
    ],
)  # fmt: skip
def test_values(key: str, wanted: Any, event: dict[str, Any], expected: bool) -> None:
    assert says(key, wanted, event) is expected


def test_the_special_field_values_of_the_specification() -> None:
    rule = compiled(
        {
            "selection_main": {"FieldA": "something"},
            "selection_empty1": {"FieldB": ""},
            "selection_empty2": {"FieldB": None},
            "condition": "selection_main and 1 of selection_empty*",
        }
    )
    for event, expected in (
        ({"FieldA": "something", "FieldB": ""}, True),
        ({"FieldA": "something", "FieldB": None}, True),
        ({"FieldA": "something"}, True),
        ({"FieldA": "something", "FieldB": "x"}, False),
    ):
        assert rule.match(event) is expected


def test_not_null_is_a_negated_selection() -> None:
    rule = compiled(
        {
            "selection": {"EventID": 4738},
            "filter": {"PasswordLastSet": None},
            "condition": "selection and not filter",
        }
    )
    assert rule.match({"EventID": 4738, "PasswordLastSet": "today"})
    assert not rule.match({"EventID": 4738, "PasswordLastSet": None})
    assert not rule.match({"EventID": 4738})


# Modifiers appendix, "Generic Modifiers" and "Numeric Modifiers"


@pytest.mark.parametrize(
    ("key", "wanted", "found", "expected"),
    [
        ("a|startswith", "adm", "ADMIN", True),
        ("a|startswith", "adm", "xadm", False),
        ("a|endswith", r"\cmd.exe", r"C:\CMD.EXE", True),
        ("a|endswith", r"\cmd.exe", r"C:\cmd.exe.bak", False),
        ("a|contains", "b", "abc", True),
        ("a|contains", "b", "ac", False),
        ("a|contains", "b?d", "abcde", True),
        ("a|startswith", "b*d", "b--de", True),
        ("a|startswith", "b*d", "cb-d", False),
        ("a|contains|all", ["x", "y"], "y then x", True),
        ("a|contains|all", ["x", "y"], "y", False),
        ("a|startswith|all", ["x", "xy"], "xyz", True),
        ("a|neq", "x", "y", True),
        ("a|neq", "x", "X", False),
        ("a|neq", 5, 5, False),
        ("a|neq", 5, 6, True),
        ("a|neq", ["x", "y"], "z", True),
        ("a|neq", ["x", "y"], "y", False),
        ("a|contains|neq", "x", "axb", False),
        ("a|lt", 5, 4, True),
        ("a|lt", 5, 5, False),
        ("a|lte", 5, 5, True),
        ("a|lte", 5, 6, False),
        ("a|gt", 5, 6, True),
        ("a|gt", 5, 5, False),
        ("a|gte", 5, 5, True),
        ("a|gte", 5, 4, False),
        ("a|gt", -1, 0, True),
        ("a|gt", 1.5, "1.6", True),
        ("a|lt", 10, "9", True),
        ("a|lt", 5, None, False),
        ("a|gte", 5, "", False),
        ("a|lt", 5, "nan", False),
        ("a|gte", 2**63, 2**63, True),
        ("a|gt", 2**63, 2**63, False),
    ],
)  # fmt: skip
def test_generic_and_numeric_modifiers(key: str, wanted: Any, found: Any, expected: bool) -> None:
    assert allows(key, wanted, found) is expected


# "String Modifiers": windash has five forms, and any of them may be written in the rule. Only a
# dash that starts a word is one (pySigma's reading, which keeps `a-b` and `C:/x` apart).


@pytest.mark.parametrize(("written", "found"), list(product(DASHES, DASHES)))
def test_windash_has_five_forms(written: str, found: str) -> None:
    assert allows("a|windash|contains", f" {written}exec ", f"cmd {found}exec x")
    assert allows("a|contains|windash", f" {written}exec ", f"cmd {found}EXEC x")
    assert allows("a|windash", [f"{written}exec", "other"], f"{found}exec")


def test_windash_permutes_each_dash_by_itself() -> None:
    for one, other in product(DASHES, DASHES):
        assert allows("a|windash", "-a -b", f"{one}a {other}b")
    assert not allows("a|windash", "-a -b", "+a -b")
    assert not allows("a|windash", "x-a", "x/a")
    assert not allows("a|contains", "-a", "/a")


# "Encoding"; the variants of base64offset are those of any text of that kind


@pytest.mark.parametrize(
    ("text", "variants"),
    [
        ("foobar", ("Zm9vYmFy", "Zvb2Jhc", "mb29iYX")),
        ("http://", ("aHR0cDovL", "h0dHA6Ly", "odHRwOi8v")),
        ("cmd", ("Y21k", "NtZ", "jbW")),
    ],
)
def test_base64offset_has_three_variants(text: str, variants: tuple[str, ...]) -> None:
    for variant in variants:
        assert allows("a|base64offset|contains", text, f"xx{variant}yy")
        assert allows("a|base64offset", text, variant)
        assert not allows("a|base64offset|cased|contains", text, variant.swapcase())


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
@pytest.mark.parametrize("after", [b"", b"z", b"zz"])
def test_base64offset_is_found_wherever_the_text_stands(before: bytes, after: bytes) -> None:
    found = base64.b64encode(before + b"New-Object" + after).decode()
    assert allows("a|base64offset|contains", "New-Object", found)
    wide = base64.b64encode(before + "IEX".encode("utf-16-le") + after).decode()
    for modifier in ("utf16le", "wide"):
        assert allows(f"a|{modifier}|base64offset|contains", "IEX", wide)


@pytest.mark.parametrize(
    ("modifiers", "data"),
    [
        ("base64", b"cmd"),
        ("utf16le|base64", b"c\0m\0d\0"),
        ("wide|base64", b"c\0m\0d\0"),
        ("utf16be|base64", b"\0c\0m\0d"),
        ("utf16|base64", b"\xff\xfec\0m\0d\0"),
    ],
)
def test_encodings(modifiers: str, data: bytes) -> None:
    encoded = base64.b64encode(data).decode()
    assert allows(f"a|{modifiers}", "cmd", encoded)
    assert not allows(f"a|{modifiers}", "cmd", base64.b64encode(data[:-1]).decode())


# "Regular Expression": the metacharacters that the appendix lists, and its three flags


@pytest.mark.parametrize(
    ("key", "wanted", "found", "expected"),
    [
        ("a|re", "a.c", "xabcx", True),
        ("a|re", "a.c", "a\nc", False),
        ("a|re", "^ab", "ab", True),
        ("a|re", "^ab", "xab", False),
        ("a|re", "^b", "a\nb", False),
        ("a|re", "ab$", "xab", True),
        ("a|re", "ab$", "abx", False),
        ("a|re", "ab$", "ab\n", True),
        ("a|re", "ab$", "ab\n\n", False),
        ("a|re", "ab$", "ab\nx", False),
        ("a|re", r"ab\$", "ab$", True),
        ("a|re", r"ab\$", "ab", False),
        ("a|re", "a[$]", "a$b", True),
        ("a|re", "a[]$]", "a$b", True),
        ("a|re", "a[^$]b", "a$b", False),
        ("a|re", r"\Qa$\E$", "xa$\n", True),
        ("a|re", "(?i)ab$", "AB\n", True),
        ("a|re", "(?m)a$", "a\nb", True),
        ("a|re|m", "^a$", "a\nb", True),
        ("a|re|m", "^b$", "a\nb\n", True),
        ("a|re|s", "a.c", "a\nc", True),
        ("a|re|s", "a.c$", "a\nc\n", True),
        ("a|re|i", "AB+c?", "xabBy", True),
        ("a|re", "AB", "ab", False),
        ("a|re|i|s", "A.B", "a\nb", True),
        ("a|re|i|m|s", "^B.C$", "a\nb\nc\nd", True),
        ("a|re", "^(ab|cd){2,3}$", "abcdab", True),
        ("a|re", "^(ab|cd){2,3}$", "ab", False),
        ("a|re", "^[a-c]*[^a-c]$", "abcd", True),
        ("a|re", "^[a-c]*[^a-c]$", "abc", False),
        ("a|re", "", "x", True),
        ("a|re", r"a\*b", "a*b", True),
        ("a|re", r"a\\b", r"a\b", True),
        ("a|re", r"\d\?", "1?", True),
        ("a|re|startswith", "a|b", "bx", True),
        ("a|re|startswith", "a|b", "xb", False),
        ("a|re|endswith", "a|b", "xb", True),
        ("a|re|endswith", "a|b", "bx", False),
        ("a|re|endswith", "b$", "b\n", False),
        ("a|re|neq", "^a", "ab", False),
        ("a|re", ["^a", "^b"], "b", True),
        ("a|re|all", ["a", "b"], "ab", True),
        ("a|re|all", ["a", "b"], "a", False),
        ("a|re", "1", 10, True),
        ("a|re", "^true$", True, True),
        ("a|re", ".*", None, False),
    ],
)  # fmt: skip
def test_regular_expressions(key: str, wanted: Any, found: Any, expected: bool) -> None:
    assert allows(key, wanted, found) is expected


# "Time Modifiers": no conversion of time zones


@pytest.mark.parametrize(
    ("part", "number"),
    [("minute", 59), ("hour", 23), ("day", 31), ("week", 53), ("month", 12), ("year", 2026)],
)
@pytest.mark.parametrize(
    "instant", ["2026-12-31T23:59:01Z", "2026-12-31 23:59:01", "2026-12-31T23:59:01.5-08:00"]
)
def test_time_parts(part: str, number: int, instant: str) -> None:
    assert allows(f"a|{part}", number, instant)
    assert not allows(f"a|{part}", number - 1, instant)
    for operator, limit, expected in (
        ("lt", number, False), ("lt", number + 1, True), ("lte", number, True),
        ("gt", number, False), ("gt", number - 1, True), ("gte", number, True),
        ("gte", number + 1, False), ("lte", number - 1, False),
    ):  # fmt: skip
        assert allows(f"a|{part}|{operator}", limit, instant) is expected
    assert not allows(f"a|{part}", number, "23:59")
    assert not allows(f"a|{part}", number, 2026)


# Section "IP (Internet Protocol) Modifiers"


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ("10.0.0.0/8", "10.255.255.255", True),
        ("10.0.0.0/8", "11.0.0.0", False),
        ("10.0.0.0/8", "9.255.255.255", False),
        ("192.0.2.128/25", "192.0.2.127", False),
        ("192.0.2.128/25", "192.0.2.128", True),
        ("192.0.2.7/32", "192.0.2.7", True),
        ("192.0.2.7/32", "192.0.2.70", False),
        ("0.0.0.0/0", "203.0.113.9", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("2001:db8::/32", "2001:db8:ffff::1", True),
        ("2001:db8::/32", "2001:DB8:0:0::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("::/0", "192.0.2.1", False),
        (["10.0.0.0/8", "2001:db8::/32"], "2001:db8::1", True),
        ("10.0.0.0/8", "10.0.0.1 ", False),
        ("10.0.0.0/8", "10.0.0", False),
        ("10.0.0.0/8", "10.0.0.1:443", False),
        ("10.0.0.0/8", 167772161, False),
    ],
)  # fmt: skip
def test_networks(wanted: Any, found: Any, expected: bool) -> None:
    assert allows("a|cidr", wanted, found) is expected


# "Specific Modifiers"


@pytest.mark.parametrize(
    ("key", "event", "expected"),
    [
        ("a|fieldref", {"a": "X", "b": "x"}, True),
        ("a|fieldref", {"a": "x*", "b": "xyz"}, False),
        ("a|fieldref", {"a": "xyz", "b": "x*"}, False),
        ("a|fieldref", {"a": 5, "b": "5"}, True),
        ("a|fieldref", {"a": None, "b": None}, False),
        ("a|fieldref", {"a": ["p", "q"], "b": ["Q", "r"]}, True),
        ("a|fieldref|contains", {"a": "xyz", "b": "Y"}, True),
        ("a|fieldref|contains", {"a": "y", "b": "xyz"}, False),
        ("a|fieldref|startswith", {"a": "xyz", "b": "xy"}, True),
        ("a|fieldref|startswith", {"a": "xyz", "b": "yz"}, False),
        ("a|fieldref|endswith", {"a": "xyz", "b": "yz"}, True),
        ("a|fieldref|endswith", {"a": "xyz", "b": "xy"}, False),
        ("a|fieldref|neq", {"a": "x", "b": "y"}, True),
        ("a|fieldref|neq", {"a": "x", "b": "X"}, False),
        ("a|fieldref", {"a": "ΟΔΟΣ", "b": "οδος"}, True),
    ],
)  # fmt: skip
def test_field_references(key: str, event: dict[str, Any], expected: bool) -> None:
    assert says(key, "b", event) is expected


def test_placeholders() -> None:
    lists = {"name": ("one", "tw*"), "other": ("x",)}

    def expands(key: str, wanted: Any, found: Any) -> bool:
        return compiled({"one": {key: wanted}}, lists).match({"a": found})

    assert expands("a", "%name%", "%NAME%")
    assert not expands("a", "%name%", "one")
    assert expands("a|expand", "%name%", "twelve")
    assert not expands("a|expand", "%name%", "%name%")
    assert expands("a|contains|expand", "<%name%-%other%>", "a <ONE-x> b")
    assert expands("a|expand|endswith", "%other%", "ax")
    assert expands("a|expand", ["%other%", "y"], "y")
    assert expands("a|expand", "100%", "100%")


def test_a_placeholder_without_a_list_rejects_the_rule() -> None:
    """ "If the tool isn't able to handle placeholders, it must reject the rule."

    pySigma 2 does not know the escape `\\%plain%name%` (its paths hold `\\%USER%`): it reads a
    placeholder `plain`, so that such a rule is refused aloud, never run with another meaning.
    """
    for wanted in ("%name%", r"\%plain%name%"):
        with pytest.raises(RuleFault, match="has no list"):
            compiled({"one": {"a|expand": wanted}})


# "Lists", "Maps", "Keywords search"


@pytest.mark.parametrize(
    ("definition", "event", "expected"),
    [
        (["EVILSERVICE", "svchost.exe -n evil"], {"x": "the EvilService runs"}, True),
        (["EVILSERVICE", "svchost.exe -n evil"], {"x": "a", "y": ["SVCHOST.exe -n evil"]}, True),
        (["EVILSERVICE", "svchost.exe -n evil"], {"EVILSERVICE": "a"}, False),
        ({"|all": ["Oab", " -Ext "]}, {"x": "oab", "y": "a -ext b"}, True),
        ({"|all": ["Oab", " -Ext "]}, {"x": "oab"}, False),
        ({"|cased": "Evil"}, {"x": "an Evil"}, True),
        ({"|cased": "Evil"}, {"x": "an evil"}, False),
        ({"|contains": "evil"}, {"x": "an Evil one"}, True),
        ([r"a\*b"], {"x": "xa*bx"}, True),
        ([r"a\*b"], {"x": "xaxbx"}, False),
        ([""], {"x": "a"}, True),
        ([""], {}, False),
        ([True], {"x": True}, True),
        ([5], {"x": 15}, True),
        ([{"a|endswith": "x"}, {"b|contains": "y"}], {"a": "x"}, True),
        ([{"a|endswith": "x"}, {"b|contains": "y"}], {"b": "xyz"}, True),
        ([{"a": "x", "b": "y"}, {"c": 1}], {"a": "x"}, False),
        ([{"a": "x"}, "word"], {"b": "a WORD"}, True),
        ({"a": "x", "b": ["y", "z"]}, {"a": "x", "b": "z"}, True),
        ({"a": "x", "b": ["y", "z"]}, {"a": "x"}, False),
        ({"a|contains": "x", "a|endswith": "y"}, {"a": "xy"}, True),
        ({"a|contains": "x", "a|endswith": "y"}, {"a": "yx"}, False),
    ],
)  # fmt: skip
def test_search_identifiers(definition: Any, event: dict[str, Any], expected: bool) -> None:
    assert compiled({"one": definition}).match(event) is expected


# "Condition": every assignment of truth to three searches, against Python's own operators, which
# bind in the same order


CONDITIONS = {
    "p or q and r": "p or (q and r)",
    "p and q or r": "(p and q) or r",
    "not p or q": "(not p) or q",
    "not p and q": "(not p) and q",
    "not (p or q)": "not (p or q)",
    "not p and not q or r": "(not p and not q) or r",
    "p and not (q or not r)": "p and not (q or not r)",
    "(p or q) and r": "(p or q) and r",
    "((p))": "p",
    "not not p": "p",
    "1 of them": "p or q or r",
    "any of them": "p or q or r",
    "all of them": "p and q and r",
    "1 of p*": "p",
    "not 1 of them": "not (p or q or r)",
    "not all of them": "not (p and q and r)",
    "not 1 of p* and q": "not p and q",
    "p or all of q* and r": "p or (q and r)",
    "1 of * and not r": "(p or q or r) and not r",
    "_hidden": "True",
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_precedence(condition: str) -> None:
    searches = {name: {name: 1} for name in "pqr"}
    rule = compiled({**searches, "_hidden": {"z|exists": False}, "condition": condition})
    for p, q, r in product((False, True), repeat=3):
        event = {name: int(held) for name, held in zip("pqr", (p, q, r), strict=True)}
        expected = eval(CONDITIONS[condition], {"p": p, "q": q, "r": r})
        assert rule.match(event) is expected, (condition, event)


def test_an_underscore_hides_an_identifier_from_quantifiers() -> None:
    """Hidden unless the pattern itself begins with one: the text is silent, pySigma is not."""
    searches = {"_hidden": {"z": 1}, "one": {"a": 1}}
    assert not compiled({**searches, "condition": "1 of *"}).match({"z": 1})
    with pytest.raises(RuleFault, match="no search identifier"):
        compiled({**searches, "condition": "1 of *hidden"})
    assert compiled({**searches, "condition": "1 of _*"}).match({"z": 1})


@pytest.mark.parametrize(
    ("pattern", "chosen"),
    [
        ("selection*", {"selection", "selection_a", "selection_b"}),
        ("selection_*", {"selection_a", "selection_b"}),
        ("*_a", {"selection_a", "filter_a"}),
        ("*e*_a", {"selection_a", "filter_a"}),
        ("s*n", {"selection"}),
        ("them", {"selection", "selection_a", "selection_b", "filter_a"}),
    ],
)
def test_patterns_of_identifiers(pattern: str, chosen: set[str]) -> None:
    names = ("selection", "selection_a", "selection_b", "filter_a", "_selection_c")
    searches = {name: {name: 1} for name in names}
    one = compiled({**searches, "condition": f"1 of {pattern}"})
    every = compiled({**searches, "condition": f"all of {pattern}"})
    for name in names:
        assert one.match({name: 1}) is (name in chosen)
        without = {other: 1 for other in chosen if other != name}
        assert every.match(without) is (name not in chosen)


def test_a_list_of_conditions_is_linked_with_or() -> None:
    rule = compiled({"p": {"p": 1}, "q": {"q": 1}, "condition": ["p and q", "not p"]})
    assert [rule.match(e) for e in ({"p": 1}, {"p": 1, "q": 1}, {})] == [False, True, True]


@pytest.mark.parametrize(
    "condition",
    [
        "p and",
        "p q",
        "not",
        "(p",
        "p)",
        "1 of",
        "2 of them",
        "p AND q",
        "p | count() > 5",
        "",
        "them",
    ],
)
def test_a_condition_outside_the_grammar_is_refused(condition: str) -> None:
    with pytest.raises(RuleFault) as caught:
        compiled({"p": {"p": 1}, "q": {"q": 1}, "condition": condition})
    assert caught.value.path == ("detection", "condition")
