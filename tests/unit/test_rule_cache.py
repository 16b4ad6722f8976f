"""What parsing gave is kept between two starts, and never believed where it does not fit."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import fields
from datetime import date
from pathlib import Path

import msgspec
import pytest

from sentinel.content import content_dir
from sentinel.detect.correlate.checkpoint import marks
from sentinel.detect.rules import cache as cache_module
from sentinel.detect.rules.cache import RuleCache, user_cache
from sentinel.detect.rules.expression import (
    All,
    AnyOf,
    Expression,
    FieldPair,
    FieldTest,
    KeywordTest,
    Not,
    Presence,
)
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import CacheUse, Correlation, RuleSet
from sentinel.detect.rules.packed import Packed, packed, unpacked
from sentinel.detect.rules.wanted import (
    Boolean,
    Compare,
    InstantPart,
    Network,
    Null,
    Number,
    Pattern,
    Text,
    Wild,
)
from sentinel.errors import UnreadableFile

RULE = """title: {title}
id: {id}
status: test
date: 2026-01-31
logsource: {{category: test}}
detection:
  one: {{a: {value}}}
  condition: one
level: high
"""
FIRST = "0f5a3c1e-8f5c-4a86-9d8b-6f3d1e0b5a11"
SECOND = "1f5a3c1e-8f5c-4a86-9d8b-6f3d1e0b5a12"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "rules"
    found.mkdir()
    (found / "first.yml").write_text(RULE.format(title="First", id=FIRST, value="x*"))
    (found / "second.yml").write_text(RULE.format(title="Second", id=SECOND, value="[1, null]"))
    return found


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "rules.cache"


def used(folder: Path, kept: Path) -> CacheUse:
    found = load_rules(folder, cache=kept).cache
    assert found is not None
    return found


def alike(one: RuleSet, other: RuleSet) -> bool:
    def said(rules: RuleSet) -> list[object]:
        return [(r.info, r.name, r.actor, r.logsource, r.expression, r.reads) for r in rules.rules]

    return said(one) == said(other) and one.silent == other.silent


def test_the_second_start_parses_nothing_and_gives_the_same(folder: Path, kept: Path) -> None:
    assert used(folder, kept) == (0, 2, "")
    again = load_rules(folder, cache=kept)
    assert again.cache == (2, 0, "")
    assert alike(again, load_rules(folder))
    first, second = again.rules
    assert first.match({"a": "XYZ"})
    assert not first.match({"a": "y"})
    assert second.match({"b": 1})
    assert second.match({"a": "1"})


def said(correlation: Correlation) -> list[object]:
    names = [field.name for field in fields(correlation) if field.name != "origin"]
    return [repr(getattr(correlation, name)) for name in names]


def test_without_a_cache_nothing_is_said_of_one(folder: Path) -> None:
    assert load_rules(folder).cache is None


def test_the_shipped_rules_come_back_as_they_are(kept: Path) -> None:
    rules = content_dir("rules")
    fresh = load_rules(rules, cache=kept)
    again = load_rules(rules, cache=kept)
    assert again.cache is not None
    assert again.cache.hits > 60
    assert again.cache.misses == 0
    assert alike(again, fresh)
    assert [said(one) for one in again.correlations] == [said(one) for one in fresh.correlations]
    assert marks(again) == marks(fresh)
    assert again.written_alike(fresh) == {item.info.id for item in fresh.items}


def test_only_the_changed_file_is_parsed(folder: Path, kept: Path) -> None:
    load_rules(folder, cache=kept)
    (folder / "first.yml").write_text(RULE.format(title="First", id=FIRST, value="y"))
    again = load_rules(folder, cache=kept)
    assert again.cache == (1, 1, "")
    assert again.rules[0].match({"a": "y"})
    assert not again.rules[0].match({"a": "x"})


def test_a_file_of_another_name_has_another_slug(folder: Path, kept: Path) -> None:
    load_rules(folder, cache=kept)
    (folder / "first.yml").rename(folder / "third.yml")
    assert "third" in [rule.info.slug for rule in load_rules(folder, cache=kept).rules]


def test_other_lists_and_pipelines_are_other_rules(folder: Path, kept: Path) -> None:
    (folder / "first.yml").write_text(
        RULE.format(title="First", id=FIRST, value="x").replace("{a: x}", "{a|expand: '%who%'}")
    )
    (folder / "lists").mkdir()
    (folder / "lists" / "who.txt").write_text("eve\n")
    assert load_rules(folder, cache=kept).rules[0].match({"a": "eve"})
    (folder / "lists" / "who.txt").write_text("mallory\n")
    changed = load_rules(folder, cache=kept)
    assert changed.cache == (0, 2, "")
    assert not changed.rules[0].match({"a": "eve"})
    (folder / "pipelines").mkdir()
    (folder / "pipelines" / "one.yml").write_text(
        "name: one\npriority: 1\ntransformations:\n"
        "- {id: f, type: field_name_mapping, mapping: {a: b}}\n"
    )
    renamed = load_rules(folder, cache=kept)
    assert renamed.cache == (0, 2, "")
    assert renamed.rules[0].match({"b": "mallory"})


def test_a_fault_is_found_at_every_start(folder: Path, kept: Path) -> None:
    (folder / "first.yml").write_text(RULE.format(title="F", id=FIRST, value="x").replace(
        "{a: x}", "{a|contians: x}"
    ))  # fmt: skip
    told = [str(error) for error in load_rules(folder, cache=kept).errors]
    again = load_rules(folder, cache=kept)
    assert len(told) == 1
    assert [str(error) for error in again.errors] == told
    assert again.cache == (1, 1, "")


def test_an_identity_taken_twice_is_told_from_the_cache_too(folder: Path, kept: Path) -> None:
    (folder / "second.yml").write_text(RULE.format(title="Again", id=FIRST, value="x"))
    told = [str(error) for error in load_rules(folder, cache=kept).errors]
    again = load_rules(folder, cache=kept)
    assert again.cache == (2, 0, "")
    assert [str(error) for error in again.errors] == told
    assert "is taken by" in told[0]


@pytest.mark.parametrize("length", [0, 5, 40, 81, 200])
def test_a_truncated_cache_is_not_believed(folder: Path, kept: Path, length: int) -> None:
    load_rules(folder, cache=kept)
    kept.write_bytes(kept.read_bytes()[:length])
    use = used(folder, kept)
    assert (use.hits, use.misses) == (0, 2)
    assert use.fault
    assert used(folder, kept) == (2, 0, "")


def test_no_damaged_byte_is_believed(folder: Path, kept: Path) -> None:
    load_rules(folder, cache=kept)
    whole = kept.read_bytes()
    for place in range(0, len(whole), 7):
        kept.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        use = used(folder, kept)
        assert (use.hits, use.misses) == (0, 2), place
        assert use.fault


def test_a_payload_of_another_shape_is_not_believed(folder: Path, kept: Path) -> None:
    load_rules(folder, cache=kept)
    head = kept.read_bytes()[: len(cache_module.MAGIC) + cache_module.MARK]
    for odd in ([1, 2], {"a": 1}, {b"k": [["index", 1]]}):
        payload = msgspec.msgpack.encode(odd)
        kept.write_bytes(head + hashlib.sha256(payload).digest() + payload)
        assert used(folder, kept)[:2] == (0, 2)


def test_another_version_of_the_parser_is_not_believed(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(folder, cache=kept)
    monkeypatch.setattr(cache_module, "version", lambda _name: "0.0.1")
    assert "another version" in used(folder, kept).fault


def test_what_others_may_write_is_not_believed(folder: Path, kept: Path) -> None:
    load_rules(folder, cache=kept)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.chmod(0o620)
    assert "others may write" in used(folder, kept).fault
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_where_it_cannot_be_written_the_rules_load_all_the_same(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    use = used(folder, tmp_path / "file" / "rules.cache")
    assert use.misses == 2
    assert use.fault
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "rules"]


def test_it_forgets_the_oldest(
    folder: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "MOST", 3)
    other = tmp_path / "other"
    other.mkdir()
    for name in "ab":
        text = RULE.format(title=name, id=name + FIRST[1:], value=name)
        (other / f"{name}.yml").write_text(text)
    load_rules(folder, cache=kept)
    load_rules(other, cache=kept)
    assert used(other, kept) == (2, 0, "")
    assert used(folder, kept) == (1, 1, "")


def test_nothing_is_written_where_nothing_is_new(folder: Path, kept: Path) -> None:
    load_rules(folder, cache=kept)
    before = kept.stat().st_mtime_ns, kept.stat().st_ino
    load_rules(folder, cache=kept)
    assert (kept.stat().st_mtime_ns, kept.stat().st_ino) == before


def test_the_document_is_read_when_it_is_asked_for(folder: Path, kept: Path) -> None:
    load_rules(folder, cache=kept)
    first, second = load_rules(folder, cache=kept).rules
    assert first.origin.raw["date"] == date(2026, 1, 31)
    assert set(first.origin.raw) >= {"title", "detection"}
    assert len(first.origin.raw) == 7
    (folder / "second.yml").unlink()
    with pytest.raises(UnreadableFile, match="changed while"):
        second.origin.raw["title"]


NODES = [
    FieldTest("a", (Text(("x", Wild.MANY, "y", Wild.ONE), cased=True), Null()), absent=True),
    FieldTest("a", (Number(1, "1"), Number(1.5, "1.5"), Boolean(value=True)), absent=False),
    FieldTest("a", (Pattern("(?i)x+"), Compare("lt", 3), Network("192.0.2.0/24")), absent=False),
    FieldTest("a", (InstantPart("hour", "gte", 3), Text((), cased=False)), absent=False),
    KeywordTest((Text((Wild.MANY, "é\x1e", Wild.MANY), cased=False),)),
    Presence("a", wanted=False),
    FieldPair("a", "b", "startswith", cased=True),
]


@pytest.mark.parametrize("node", [*NODES, All((*NODES[:2], Not(AnyOf(tuple(NODES[2:])))))])
def test_every_node_comes_back(node: Expression) -> None:
    assert (
        unpacked(msgspec.msgpack.decode(msgspec.msgpack.encode(packed(node)), type=Packed)) == node
    )


def test_a_rule_that_cannot_be_written_is_parsed_each_time(folder: Path, kept: Path) -> None:
    odd = RULE.format(title="First", id=FIRST, value=2**70)
    (folder / "first.yml").write_text(odd)
    fresh = load_rules(folder, cache=kept)
    again = load_rules(folder, cache=kept)
    assert again.errors == fresh.errors == ()
    assert again.cache == (1, 1, "")
    assert alike(again, fresh)


def test_a_node_without_a_form_is_refused() -> None:
    with pytest.raises(TypeError):
        packed(Expression())


def test_the_user_has_a_cache_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == tmp_path / "sentinel" / "rules.cache"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_cache() == tmp_path / ".cache" / "sentinel" / "rules.cache"


def test_a_cache_of_another_user_is_not_believed(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_rules(folder, cache=kept)
    monkeypatch.setattr(os, "geteuid", lambda: kept.stat().st_uid + 1)
    assert RuleCache(kept, ()).use.fault
