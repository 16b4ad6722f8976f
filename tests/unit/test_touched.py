"""A profile says whose data is touched: by path, query parameter, table or text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.collect.formats.base import Parsed
from sentinel.collect.formats.registry import format_named
from sentinel.collect.formats.sql_relations import relations
from sentinel.collect.normalise import Normaliser
from sentinel.collect.profile import Profile, load_profiles
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.collect.redact import Redactor
from sentinel.content import content_dir
from sentinel.domain.event import Event, LogSource, Value
from sentinel.errors import ContentError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PROFILES = load_profiles(content_dir("rules") / "sources")
KEY = bytes(range(32))


def profile(**more: object) -> Profile:
    fields = {"url.path": "url.path", "url.query": "url.query", "user": "user.name"}
    return Profile.model_validate(
        {"id": "p", "title": "P", "formats": ["json"], "fields": fields, **more}
    )


def event(of: Profile, fields: dict[str, Value], *, stored: bool = False) -> Event:
    pseudonymiser = Pseudonymiser(KEY) if stored else None
    normaliser = Normaliser(of, redactor=Redactor(), pseudonymiser=pseudonymiser)
    return normaliser.event(Parsed(fields), identify=lambda _: ("0" * 32, "r"), received=NOW)[0]


PARAMETERS = [{"name": "customer_id", "category": "identity"}, {"name": "invoice_of"}]


@pytest.mark.parametrize(
    ("query", "subjects", "category"),
    [
        ("a=1&customer_id=C00123", ["C00123"], "identity"),
        ("customer_id=C00123&customer_id=C00124", ["C00123", "C00124"], "identity"),
        ("customer_id=a%40example.org", ["a@example.org"], "identity"),
        ("invoice_of=C00125", ["C00125"], None),
        ("customer=C00123", None, None),
        ("customer_id=", None, None),
        ("&".join(["a=1"] * 300 + ["customer_id=C1"]), None, None),
    ],
)
def test_query_parameters(query: str, subjects: list[str] | None, category: str | None) -> None:
    got = event(profile(parameters=PARAMETERS), {"url.path": "/a", "url.query": query}).fields
    assert got.get("sentinel.subject") == subjects
    assert got.get("sentinel.data_category") == category


def test_a_parameters_value_is_a_pseudonym_in_the_query_too() -> None:
    of = profile(parameters=PARAMETERS, identifiers={"sentinel.subject": "sub"})
    got = event(of, {"url.query": "x=2&customer_id=C00123"}, stored=True).fields
    (subject,) = got["sentinel.subject"] if isinstance(got["sentinel.subject"], list) else [""]
    assert subject.startswith("sub_")
    assert got["url.query"] == f"x=2&customer_id={subject}"


def audited(statement: str, relation: str = "") -> dict[str, Value]:
    line = json.dumps(
        {
            "timestamp": "2026-01-24 07:34:57 UTC",
            "user": "a.martin",
            "message": f'AUDIT: SESSION,1,1,READ,SELECT,TABLE,{relation},"{statement}",<none>',
        }
    )
    parsed = format_named("pgaudit").parse(line)
    assert isinstance(parsed, Parsed)
    return parsed.fields


@pytest.mark.parametrize(
    ("statement", "relation", "category", "subjects"),
    [
        ("select 1", "public.invoices", "billing_transaction", None),
        ("select * from customers where id = 'C00123'", "", "identity", ["C00123"]),
        ("select * from customers join Payments p on 1=1", "", "billing_transaction", None),
        ("select * from jobs", "", None, None),
    ],
)
def test_tables(
    statement: str, relation: str, category: str | None, subjects: list[str] | None
) -> None:
    got = event(PROFILES["pgaudit"], audited(statement, relation))
    assert got.fields.get("sentinel.data_category") == category
    assert got.fields.get("sentinel.subject") == subjects
    assert got.logsource == LogSource(category="audit", product="postgresql", service="pgaudit")


def test_a_statement_is_searched_and_not_stored() -> None:
    fields = audited("select * from customers where id in ('C00123', 'C00124')")
    got = event(PROFILES["pgaudit"], fields, stored=True)
    clear = json.dumps(got.fields)
    assert "C0012" not in clear
    assert "select" not in clear.replace("read.select", "").replace('"SELECT"', "")
    subjects = got.fields["sentinel.subject"]
    assert isinstance(subjects, list)
    assert [subject[:4] for subject in subjects] == ["sub_", "sub_"]


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("SELECT a FROM public.t1, t2", ["public.t1"]),
        ("select * from a join b on 1 left join c.d on 2", ["a", "b", "c.d"]),
        ("INSERT INTO t VALUES ('from nowhere')", ["t"]),
        ("update only x set a = 1", ["x"]),
        ('delete from "My Table"', ["My Table"]),
        ("copy t to stdout", ["t"]),
        ("select 'it''s from x'", []),
        ("", []),
    ],
)
def test_relations_of_a_statement(statement: str, names: list[str]) -> None:
    assert relations(statement) == names


def test_the_format_says_the_log_source_unless_the_profile_does() -> None:
    told = LogSource(product="aws", service="cloudtrail")
    for of, expected in (
        (profile(), told),
        (profile(logsource={"product": "own"}), LogSource(product="own")),
    ):
        normaliser = Normaliser(of, redactor=Redactor())
        parsed = Parsed({"user": "a"}, None, told)
        got, _ = normaliser.event(parsed, identify=lambda _: ("0" * 32, ""), received=NOW)
        assert got.logsource == expected


class TestLint:
    HEAD = "id: p\ntitle: P\nformats: [json]\nfields:\n  user: user.name\n"

    @pytest.mark.parametrize(
        ("tail", "place", "words"),
        [
            ("identifiers:\n  user.nmae: usr\n", "6:1", "user.nmae is no field"),
            ("identifiers:\n  user.name: person\n", "7:3", "usr"),
            ("parameters:\n  - {nam: x}\n", "7:6", "no such entry"),
            ("relations:\n  - {name: x}\n", "7:5", "needed"),
            ("subject_pattern: '('\n", "6:1", "RE2"),
            ("routes:\n  - {path: x}\n", "7:6", "pattern"),
            ("fieldz: {}\n", "6:1", "no such entry"),
        ],
    )
    def test_a_fault_has_its_place(self, tmp_path: Path, tail: str, place: str, words: str) -> None:
        (tmp_path / "p.yml").write_text(self.HEAD + tail)
        with pytest.raises(ContentError) as raised:
            load_profiles(tmp_path)
        assert str(raised.value.where).startswith(f"{tmp_path / 'p.yml'}:{place}")
        assert words in str(raised.value)

    def test_two_defaults_of_one_format_are_a_fault(self, tmp_path: Path) -> None:
        (tmp_path / "p.yml").write_text(self.HEAD + "default_for: [json]\n")
        (tmp_path / "q.yml").write_text(
            self.HEAD.replace("id: p", "id: q") + "default_for: [json]\n"
        )
        with pytest.raises(ContentError, match="p is already the default of json") as raised:
            load_profiles(tmp_path)
        assert str(raised.value.where).startswith(f"{tmp_path / 'q.yml'}:6:1")
