"""Log files: plain, gzip, folders, standard input; damaged ones as far as they go."""

from __future__ import annotations

import gzip
import io
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.clock import ManualClock
from sentinel.collect.files import LONGEST_LINE, Line, find_files, read_lines, total_size
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.collect.profile import load_profiles
from sentinel.content import content_dir
from sentinel.domain.event import Event
from sentinel.errors import UnreadableFile, UsageError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
PROFILES = load_profiles(content_dir("rules") / "sources")
WEB = '192.0.2.4 - - [24/Jan/2026:07:34:57 +0000] "GET /{} HTTP/1.1" 200 6203 "-" "Mozilla/5.0"\n'


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def test_plain_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes("\ufeffone\r\ntwo\n\nZoé".encode())
    lines = list(read_lines([path]))
    assert texts(lines) == ["one", "two", "", "Zoé"]
    assert [line.number for line in lines] == [1, 2, 3, 4]
    assert lines[-1].byte_offset == path.stat().st_size == total_size([path])
    assert not any(line.bad_utf8 or line.cut for line in lines)


@pytest.mark.parametrize("name", ["a.log.gz", "a.log"])
def test_gzip_by_name_or_by_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert texts(list(read_lines([path]))) == ["one", "two"]


def test_a_plain_file_called_gz_is_plain(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(b"one\n")
    assert texts(list(read_lines([path]))) == ["one"]


@pytest.mark.parametrize("zipped", [False, True])
def test_standard_input(zipped: bool) -> None:
    stream = io.BytesIO(gzip.compress(b"one\ntwo\n") if zipped else b"one\ntwo\n")
    lines = list(read_lines([Path("-")], stream))
    assert texts(lines) == ["one", "two"]
    assert lines[0].path == "<stdin>"
    assert not stream.closed


def test_a_pipe(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo\n")
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        assert texts(list(read_lines([Path("-")], pipe))) == ["one", "two"]  # type: ignore[arg-type]


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"caf\xe9\nok\n")
    lines = list(read_lines([path]))
    assert texts(lines) == ["caf\\xe9", "ok"]
    assert [line.bad_utf8 for line in lines] == [True, False]


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * (3 * LONGEST_LINE) + b"\nnext\n" + b"y" * LONGEST_LINE + b"\nlast")
    lines = list(read_lines([path]))
    assert [line.cut for line in lines] == [True, False, False, False]
    assert texts(lines)[1] == "next"
    assert texts(lines)[3] == "last"
    assert len(lines[2].text) == LONGEST_LINE


def test_folders_are_walked_in_order(tmp_path: Path) -> None:
    for name in ("b/2.log", "a/1.log", "c.log"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    assert texts(list(read_lines([tmp_path]))) == ["c.log", "a/1.log", "b/2.log"]


def test_a_missing_file_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        find_files([tmp_path / "none.log"])
    assert caught.value.where == str(tmp_path / "none.log")


@pytest.mark.parametrize(
    ("damage", "detail"),
    [
        (lambda data: data[: len(data) // 2], "ends too early"),
        (lambda data: data[:300_000] + b"\xff" * 99 + data[300_099:], "damaged gzip data"),
    ],
)
def test_a_damaged_archive_gives_what_it_has(
    tmp_path: Path, damage: Callable[[bytes], bytes], detail: str
) -> None:
    bad, good = tmp_path / "a.log.gz", tmp_path / "b.log"
    dice = random.Random(1)
    noise = "\n".join(str(dice.random()) for _ in range(50_000)).encode()
    bad.write_bytes(damage(gzip.compress(noise)))
    good.write_bytes(b"good\n")
    alone, problem = _as_far_as_possible([bad])
    assert detail in problem.detail
    assert problem.where == str(bad)
    assert alone[0] == noise.split(b"\n", 1)[0].decode()
    both, problem = _as_far_as_possible([bad, good])
    assert problem.where == str(bad)
    assert both == [*alone, "good"]


def _as_far_as_possible(paths: list[Path]) -> tuple[list[str], UnreadableFile]:
    seen: list[str] = []
    try:
        seen.extend(line.text for line in read_lines(paths))
    except UnreadableFile as problem:
        return seen, problem
    raise AssertionError("the damage went unnoticed")


def offline(*paths: Path, **options: str) -> tuple[OfflineReader, list[Event | UnparsedLine]]:
    reader = OfflineReader(PROFILES, clock=ManualClock(datetime(2026, 3, 1, tzinfo=UTC)), **options)
    return reader, list(reader.read(list(paths)))


def test_offline_events_refer_to_their_line(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(WEB.format("a") + "\n" + "nonsense\n" + WEB.format("b"))
    reader, (one, bad, two) = offline(path)
    assert isinstance(one, Event)
    assert isinstance(two, Event)
    assert (one.ref, two.ref) == (f"{path}:1", f"{path}:4")
    assert one.id != two.id
    assert one.sealed == b""
    assert one.fields["source.ip"] == "192.0.2.4"
    assert isinstance(bad, UnparsedLine)
    assert (bad.line_number, bad.path) == (3, str(path))
    assert (reader.lines, reader.blank, reader.unparsed) == (4, 1, 1)
    assert reader.chosen == {str(path): ("nginx_combined", "generic-web")}


def test_offline_ids_are_stable(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(WEB.format("a") * 3)
    first, again = (offline(path)[1] for _ in range(2))
    assert first == again
    assert len({event.id for event in first if isinstance(event, Event)}) == 3


def test_each_file_has_its_own_format(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(WEB.format("a") * 2)
    (tmp_path / "audit.ndjson").write_text(
        '{"id":"1","time":"2026-01-02T03:04:05Z","actor":{"id":"u1","kind":"staff"},"action":"x"}\n'
    )
    (tmp_path / "facts.csv").write_text(
        "kind,id,customer,staff,team,category,opened_by,valid_from,valid_to,recorded_at\n"
        "ticket,T1,C00123,u1,,,,2026-01-01T00:00:00Z,,2026-01-01T00:00:00Z\n"
    )
    (tmp_path / "empty.log").write_text("")
    reader, events = offline(tmp_path)
    assert [event.source for event in events if isinstance(event, Event)] == [
        "generic-web",
        "generic-web",
        "crm-audit",
        "business-facts",
    ]
    assert reader.unparsed == 0


def test_a_declared_format_and_profile(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(WEB.format("documents/17"))
    _, (event,) = offline(path, format_name="nginx_combined", profile_name="nginx-site")
    assert isinstance(event, Event)
    assert event.fields["sentinel.data_category"] == "documents"


def test_noise_is_reported_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "noise"
    path.write_text("lorem\nipsum\n")
    reader, lines = offline(path)
    assert all(isinstance(line, UnparsedLine) for line in lines)
    assert reader.unparsed == 2


@pytest.mark.parametrize("option", [{"format_name": "nope"}, {"profile_name": "nope"}])
def test_unknown_names_list_the_known(option: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        OfflineReader(PROFILES, **option)
    assert "nginx" in caught.value.hint


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no shared data at {SHARED}")
@pytest.mark.parametrize(
    ("name", "events", "unparsed"),
    [
        ("web/elastic", 17_620, 1),
        ("web/ait_russellmitchell/access2.log.gz", 8530, 0),
        ("bench/web.ndjson.gz", 20_000, 0),
        ("scope/world_a/accesses.ndjson.gz", 66_552, 0),
    ],
)
def test_real_files_lose_nothing(name: str, events: int, unparsed: int) -> None:
    reader, items = offline(SHARED / name)
    assert sum(isinstance(item, Event) for item in items) == events
    assert reader.unparsed == unparsed
    assert reader.lines == events + unparsed
    assert reader.bad_utf8 == 0
    redacted = [
        item for item in items if isinstance(item, Event) and item.items("sentinel.redacted")
    ]
    assert len(redacted) == 0


def test_a_name_that_is_not_utf8_is_shown_with_its_bytes(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.log"))
    path.write_bytes(b"one\n")
    (line,) = read_lines([path])
    assert line.path == f"{tmp_path}/caf\\xe9.log"
