"""The map of persons: durable before it tells, shared by processes, and really gone when erased."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.errors import StorageError
from sentinel.store.keys.persons import FILE, PersonKeys
from sentinel.store.keys.reseal import reseal_map
from sentinel.store.keys.tokens import token
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
MASTER = bytes(range(32))


def opened(folder: Path, master: bytes = MASTER, **more: object) -> PersonKeys:
    keys = PersonKeys(folder, AesGcmSealer(master), **more)  # type: ignore[arg-type]
    keys.at(NOW)
    return keys


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (folder / FILE).parent.iterdir())


@pytest.mark.parametrize("kind", ["usr", "sub", "ip", "ses"])
def test_a_pseudonym_has_its_shape_and_stays(tmp_path: Path, kind: str) -> None:
    first = opened(tmp_path).pseudonym(kind, "a.martin")
    assert re.fullmatch(rf"{kind}_[a-z2-7]{{16}}", first)
    assert opened(tmp_path).pseudonym(kind, "a.martin") == first
    assert opened(tmp_path).pseudonym(kind, "b.durand") != first


def test_nothing_but_the_map_makes_a_pseudonym(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "a"), opened(tmp_path / "b")
    assert one.pseudonym("sub", "C00123") != other.pseudonym("sub", "C00123")


def test_staff_and_customers_are_two_persons(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    assert keys.pseudonym("usr", "C00123")[4:] != keys.pseudonym("sub", "C00123")[4:]


@pytest.mark.parametrize("odd", ["", "\0", "é", "\ud800", "x" * 100_000, "a\0b", "' OR 1=1 --"])
def test_any_text_may_be_an_identifier(tmp_path: Path, odd: str) -> None:
    name = opened(tmp_path).pseudonym("sub", odd)
    again = opened(tmp_path)
    person = again.person(name)
    assert person is not None
    assert (person.kind, person.identifier, person.pseudonym) == ("sub", odd, name)
    assert again.tokens("sub", odd) == (name,)


def test_the_file_is_private_and_tells_nobody(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    keys.pseudonym("sub", "zoe.example@example.org")
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / FILE).parent.stat().st_mode & 0o777 == 0o700
    assert b"zoe" not in on_disk(tmp_path)
    with pytest.raises(StorageError, match="sealed under key"):
        opened(tmp_path, bytes(32))


def test_it_is_opened_for_safety(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    found = [keys._file.one(f"PRAGMA {name}") for name in ("journal_mode", "synchronous")]
    assert found == [("wal",), (2,)]
    assert keys._file.one("PRAGMA secure_delete") == (1,)


def test_who_asks_for_a_person_makes_none(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    assert keys.tokens("sub", "C1") == ()
    assert keys.known("sub", "C1") is None
    assert keys.person("sub_aaaaaaaaaaaaaaaa") is None
    assert keys.count() == 0


def test_an_erased_person_is_nobody_and_their_bytes_are_gone(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    names = {one: keys.pseudonym("sub", one) for one in ("C1", "C2", "C3")}
    held = keys.person(names["C2"])
    (sealed,) = keys._file.one("SELECT sealed FROM persons WHERE pseudonym = ?", names["C2"])
    assert sealed in on_disk(tmp_path)
    assert names["C2"].encode() in on_disk(tmp_path)
    assert keys.erase([names["C2"], "sub_aaaaaaaaaaaaaaaa"]) == [names["C2"]]
    assert held is not None
    for gone in (sealed, sealed[-32:], names["C2"].encode()):
        assert gone not in on_disk(tmp_path)
    assert keys.person(names["C2"]) is None
    assert keys.tokens("sub", "C2") == ()
    assert keys.person(names["C1"]).identifier == "C1"  # type: ignore[union-attr]
    assert keys.pseudonym("sub", "C2") != names["C2"]  # somebody new, as anybody else
    assert keys.pseudonym("sub", "C3") == names["C3"]
    assert keys.erase([names["C2"]]) == []


def test_no_key_that_is_left_computes_an_erased_pseudonym(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    name = keys.pseudonym("sub", "C2")
    session = keys.session("sub", "C2")
    keys.erase([name])
    left = [MASTER, keys._tag_key, *(epoch.key for epoch in keys._tokens.epochs)]
    for key in left:
        for text in ("C2", "", "user\0C2", "1", name):
            assert token("sub", key, text) != name
            assert token("ses", key, text) != session


def test_a_process_that_runs_forgets_whom_another_one_erased(tmp_path: Path) -> None:
    service, command = opened(tmp_path), opened(tmp_path)
    name = service.pseudonym("sub", "C1")
    forgotten = []
    service.forgetting.append(lambda: forgotten.append(True))
    assert command.pseudonym("sub", "C9")
    service.at(NOW)
    assert not forgotten  # somebody new is no reason
    assert command.erase([name]) == [name]
    service.at(NOW)
    assert forgotten
    assert service.person(name) is None
    assert service.pseudonym("sub", "C1") != name


def test_a_batch_is_durable_at_its_end_and_not_before(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    with keys.batch():
        names = [keys.pseudonym("sub", f"C{n}") for n in range(5)]
        reader = sqlite3.connect(tmp_path / FILE)
        assert reader.execute("SELECT count(*) FROM persons").fetchone() == (0,)
    assert reader.execute("SELECT count(*) FROM persons").fetchone() == (5,)
    reader.close()
    assert [opened(tmp_path).pseudonym("sub", f"C{n}") for n in range(5)] == names


def test_a_batch_that_fails_leaves_nobody_behind(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    known = keys.pseudonym("sub", "C0")
    with pytest.raises(RuntimeError), keys.batch():  # noqa: PT012 - the batch is what is tested
        lost = keys.pseudonym("sub", "C1")
        raise RuntimeError
    assert keys.person(lost) is None
    assert keys.pseudonym("sub", "C1") != lost
    assert keys.pseudonym("sub", "C0") == known


def test_a_batch_that_cannot_be_written_is_an_error_and_leaves_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = opened(tmp_path)
    real = keys._file._db

    class Failing:
        in_transaction = property(lambda _: real.in_transaction)

        def commit(self) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

    monkeypatch.setattr(keys._file, "_db", Failing())
    with pytest.raises(StorageError, match="full"), keys.batch():
        lost = keys.pseudonym("sub", "C1")
    monkeypatch.undo()
    assert keys.person(lost) is None
    assert keys.pseudonym("sub", "C1") != lost


def test_a_batch_of_known_people_takes_no_lock(tmp_path: Path) -> None:
    keys, other = opened(tmp_path), opened(tmp_path)
    keys.pseudonym("sub", "C1")
    with keys.batch():
        keys.pseudonym("sub", "C1")
        other.pseudonym("sub", "C2")  # would wait for ever


def test_processes_that_meet_somebody_at_once_agree(tmp_path: Path) -> None:
    opened(tmp_path).close()
    spawn = multiprocessing.get_context("spawn")
    start, told = spawn.Barrier(3), spawn.Queue()
    processes = [spawn.Process(target=_meet, args=(str(tmp_path), start, told)) for _ in range(3)]
    for one in processes:
        one.start()
    answers = [told.get(timeout=60) for _ in processes]
    for one in processes:
        one.join()
    assert answers[0] == answers[1] == answers[2]
    assert len(set(answers[0])) == 200


def _meet(folder, start, told) -> None:
    keys = opened(Path(folder))
    start.wait()
    names = []
    for begin in range(0, 200, 20):
        with keys.batch():
            names += [keys.pseudonym("sub", f"C{n}") for n in range(begin, begin + 20)]
    told.put(names)


def test_threads_agree(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    found: list[list[str]] = []

    def work() -> None:
        with keys.batch():
            found.append([keys.pseudonym("sub", f"C{n}") for n in range(100)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one == found[0] for one in found)


def test_a_kill_after_a_batch_loses_nobody(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from test_person_keys import opened\n"
        "keys = opened(Path(sys.argv[1]))\n"
        "n = 0\n"
        "while True:\n"
        "    with keys.batch():\n"
        "        some = [(f'C{i}', keys.pseudonym('sub', f'C{i}')) for i in range(n, n + 10)]\n"
        "    print(*(x for pair in some for x in pair), flush=True)\n"
        "    n += 10\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(Path(__file__).parent)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    told += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    keys = opened(tmp_path)
    for words in (line.split() for line in told if line.endswith("\n")):
        for identifier, name in zip(words[::2], words[1::2], strict=True):
            person = keys.person(name)
            assert person is not None
            assert person.identifier == identifier


def test_tokens_change_and_are_found_as_long_as_their_key_is_kept(tmp_path: Path) -> None:
    keys = opened(tmp_path, token_days=30, kept_days=60)
    tokens = [keys.pseudonym("ip", "192.0.2.1")]
    assert keys.pseudonym("ip", "192.0.2.1") == tokens[0]
    keys.at(NOW + 29 * DAY)
    assert keys.pseudonym("ip", "192.0.2.1") == tokens[0]
    for days in (30, 60, 90):
        keys.at(NOW + days * DAY)
        tokens.insert(0, keys.pseudonym("ip", "192.0.2.1"))
    assert len(set(tokens)) == 4
    assert keys.tokens("ip", "192.0.2.1") == tuple(tokens)
    keys.at(NOW + 120 * DAY)  # the first key ended 90 days ago
    assert tokens[-1] not in keys.tokens("ip", "192.0.2.1")
    assert tokens[-2] in keys.tokens("ip", "192.0.2.1")
    assert keys.epoch(1) is None
    assert opened(tmp_path).tokens("ip", "192.0.2.1") == keys.tokens("ip", "192.0.2.1")


def test_a_person_keeps_the_pseudonym_when_tokens_change(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    before = keys.pseudonym("usr", "a.martin"), keys.session("usr", "a.martin")
    keys.at(NOW + 40 * DAY)
    assert keys.pseudonym("usr", "a.martin") == before[0]
    assert keys.session("usr", "a.martin") != before[1]


def test_who_is_not_met_for_long_is_forgotten_and_nobody_else(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    old, regular = (keys.pseudonym("sub", one) for one in ("C1", "C2"))
    for days in range(0, 400, 10):
        keys.at(NOW + days * DAY)
        assert keys.pseudonym("sub", "C2") == regular
        with keys.batch():
            assert keys.pseudonym("sub", "C2") == regular
        assert keys.person(old) is not None  # to look is not to meet
        assert keys.tokens("sub", "C1") == (old,)
    late = keys.pseudonym("sub", "C3")
    kept = timedelta(days=365)
    assert keys.forget_unseen(NOW + 390 * DAY, kept) == 0
    assert keys.forget_unseen(NOW + 400 * DAY, kept) == 1
    assert keys.person(old) is None
    assert keys.pseudonym("sub", "C2") == regular
    assert keys.pseudonym("sub", "C3") == late


def test_a_clock_that_goes_back_changes_nothing(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    ip = keys.pseudonym("ip", "192.0.2.1")
    keys.at(NOW - 400 * DAY)
    assert keys.pseudonym("ip", "192.0.2.1") == ip


def test_two_processes_change_tokens_once(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    for keys in (one, other):
        keys.at(NOW + 31 * DAY)
    assert one.current.number == other.current.number == 2
    assert one.pseudonym("ip", "192.0.2.1") == other.pseudonym("ip", "192.0.2.1")


def test_the_demo_has_the_same_pseudonyms_in_each_run(tmp_path: Path) -> None:
    runs = [opened(tmp_path / name, seed=b"public") for name in "ab"]
    for kind in ("usr", "sub", "ip", "ses"):
        first, second = (keys.pseudonym(kind, "x") for keys in runs)
        assert first == second
    assert all(keys.seeded and keys.computable for keys in runs)
    assert opened(tmp_path / "a").seeded  # the map says it of itself
    assert not opened(tmp_path / "c").computable


def test_pseudonyms_of_before_the_map_stay_and_the_new_keys_are_random(tmp_path: Path) -> None:
    keys = opened(tmp_path, former=MASTER)
    assert keys.pseudonym("usr", "a.martin") == "usr_2dhqhh32xylh6y6f"  # as test_pseudonymise
    assert keys.pseudonym("ip", "192.0.2.1") == token("ip", MASTER, "192.0.2.1")
    other = opened(tmp_path / "other", former=MASTER)
    assert other.known("usr", "a.martin") is None
    other.pseudonym("usr", "a.martin")
    keys_of = [one.known("usr", "a.martin").key for one in (keys, other)]  # type: ignore[union-attr]
    assert keys_of[0] != keys_of[1]
    assert keys.computable


def test_sealing_again_moves_every_row_and_can_be_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentinel.store.keys.reseal.AT_ONCE", 10)
    keys = opened(tmp_path)
    names = {f"C{n}": keys.pseudonym("sub", f"C{n}") for n in range(35)}
    ip = keys.pseudonym("ip", "192.0.2.1")
    keys.close()
    new = bytes(32)
    both = AesGcmSealer(new, [MASTER])
    assert next(reseal_map(tmp_path, both)) == 10  # cut short here
    assert opened_with(tmp_path, both).count() == 35
    assert list(reseal_map(tmp_path, both)) == [10, 20, 30, 35]
    after = opened(tmp_path, new)  # the new key alone opens everything
    assert {one: after.pseudonym("sub", one) for one in names} == names
    assert after.pseudonym("ip", "192.0.2.1") == ip
    assert AesGcmSealer(MASTER)._key_id not in on_disk(tmp_path)


def opened_with(folder: Path, sealer: AesGcmSealer) -> PersonKeys:
    return PersonKeys(folder, sealer)


def test_a_map_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    database = sqlite3.connect(tmp_path / FILE)
    with database:
        database.execute("UPDATE meta SET value = 2 WHERE name = 'version'")
    database.close()
    with pytest.raises(StorageError, match="version 2"):
        opened(tmp_path)


def test_what_is_no_map_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(b"this is a text, and a long one, no database" * 100)
    with pytest.raises(StorageError, match="not a database"):
        opened(tmp_path)
    assert (tmp_path / FILE).read_bytes().startswith(b"this is a text")
