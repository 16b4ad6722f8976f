"""Line 3 of the promise of the stores: the disk tells nobody, and without the key nobody reads."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from plaintext import Searcher

from sentinel.app import parts
from sentinel.app.service import Sentinel
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.demo import run as demo
from sentinel.demo.cast import customers
from sentinel.demo.stage import settings_for
from sentinel.demo.story import tell
from sentinel.errors import StorageError
from sentinel.respond.documents import read_document

SEED = 41_017
ACTED = ("l.ferrand", "h.tessier", "C00008", "client00008@example.org", "192.0.2.20")


@pytest.fixture(scope="module")
def after_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of the demo, run to its end as `sentinel demo --once` does."""
    folder = tmp_path_factory.mktemp("demo")
    options = demo.Options(seed=SEED, directory=folder, port=0, language="fr", once=True)
    asyncio.run(demo.perform(options, say=lambda _: None, summarise=None))
    return folder


@pytest.fixture(scope="module")
def of_the_story() -> Searcher:
    """Everybody who acts in the story or is touched by it, and where from."""
    story = tell(SEED, datetime.now(UTC))
    words = {truth.actor for truth in story.truth.values()}
    for line in story.lines("crm"):
        told = json.loads(line)
        words |= {told["actor"]["id"], told.get("ip", ""), *told.get("customers", ())}
    for line in story.lines("www"):
        words |= set(line.split(" ", 3)[0:3:2])
    for one in customers():
        words |= {one.id, one.name, one.email}
    return Searcher(words - {"", "-", "svc-billing"})


@pytest.mark.slow
def test_the_disk_tells_nothing_of_the_story(after_demo: Path, of_the_story: Searcher) -> None:
    assert len(list(after_demo.rglob("*"))) > 30
    assert of_the_story.in_folder(after_demo) == {}


@pytest.mark.slow
def test_without_the_key_every_read_fails(after_demo: Path) -> None:
    settings = settings_for(after_demo, smtp_port=1, console_port=0, language="fr")
    readers = everything(settings)
    for name, read in readers.items():
        assert read(), name
    thief = settings.model_copy(
        update={"keys": type(settings.keys).model_validate({"master": "11" * 32})}
    )
    opened = []
    for name, read in everything(thief, known=settings).items():
        try:
            read()
        except StorageError:
            continue
        opened.append(name)
    assert opened == []


def everything(settings: Settings, known: Settings | None = None) -> dict[str, Callable[[], Any]]:
    """Return what reads each kind of thing. ``known``: settings by which rows are found."""
    sealer = parts.open_sealer(settings)

    def cases(look: Callable[[Any], Any]) -> Callable[[], Any]:
        def read() -> Any:
            with parts.reading(settings) as tx:
                return look(tx)

        return read

    def events() -> Any:
        store = parts.read_events(settings, sealer)
        try:
            return next(iter(store.search()))
        finally:
            store.close()

    async def first_of_spool() -> Any:
        spool = parts.open_spool(settings, sealer)
        try:
            return spool.read(-1)
        finally:
            await spool.close()

    def documents() -> Any:
        with parts.reading(known or settings) as tx:
            (case,) = tx.incidents.find()
            found = tx.incidents.documents(case.id)
        return [read_document(settings.data_dir, one, sealer) for one in found]

    return {
        "accounts": cases(lambda tx: tx.accounts.all()),
        "alerts": cases(lambda tx: tx.alerts.find()),
        "cases": cases(lambda tx: tx.incidents.find()),
        "clocks": cases(lambda tx: tx.incidents.deadlines()),
        "journal": cases(lambda tx: [tx.journal.opened(one) for one in tx.journal.lines()]),
        "events": events,
        "spool": lambda: asyncio.run(first_of_spool()),
        "documents": documents,
        "persons": lambda: parts.make_pseudonymiser(settings).pseudonym("usr", "l.ferrand"),
    }


class Unsealed:
    """What AES-256-GCM is replaced by where sealing is switched off."""

    def __init__(self, key: bytes) -> None:
        del key

    def encrypt(self, _nonce: bytes, data: bytes, _aad: bytes | None) -> bytes:
        return bytes(data) + b"\0" * 16

    def decrypt(self, _nonce: bytes, data: bytes, _aad: bytes | None) -> bytes:
        return bytes(data)[:-16]


SEALING = ("seal", "body_keys", "keys.bodies", "segments", "segment_writer", "frames")


def switch_off(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    for name in modules:
        module = sys.modules[f"sentinel.store.{name}"]
        if hasattr(module, "AESGCM"):
            monkeypatch.setattr(module, "AESGCM", Unsealed)


@pytest.mark.parametrize("layer", ["nothing", "seal", "body_keys", "keys.bodies"])
async def test_with_sealing_switched_off_the_test_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layer: str
) -> None:
    segments = ("segments", "segment_writer", "frames")
    if layer != "nothing":
        # A body lies in a segment, which is sealed itself: to see one, open both.
        switch_off(monkeypatch, layer, *(segments if layer == "keys.bodies" else ()))
    await small_service(tmp_path)
    found = Searcher([*ACTED, "an answer about l.ferrand"]).in_folder(tmp_path)
    assert bool(found) == (layer != "nothing"), found


async def small_service(folder: Path) -> None:
    """Take in what names persons, through the real service, and journal something."""
    settings = Settings.model_validate(
        {
            "data_dir": folder,
            "log_level": "error",
            "keys": {"master": "22" * 32},
            "behaviour": {"enabled": False},
            "sources": [{"name": "crm", "format": "json", "profile": "crm-audit", "token": "t"}],
        }
    )
    service = await Sentinel.open(settings, SystemClock())
    await service.start()
    lines = [
        json.dumps(
            {
                "id": f"crm-{number}",
                "time": datetime.now(UTC).isoformat(),
                "actor": {"id": "l.ferrand", "kind": "staff", "roles": ["support"]},
                "action": "customer.read",
                "outcome": "success",
                "customers": ["C00008"],
                "ip": "192.0.2.20",
                "path": "/crm/C00008?mail=Client00008%40example.org",
            }
        ).encode()
        for number in range(50)
    ]
    try:
        batch = service._intakes["crm"].batch(lines, "batch")
        await service._spool.append(batch.events)
        await service.settle()
        await service.in_store(
            lambda tx: tx.journal.append(
                occurred_at=datetime.now(UTC), actor="dpo", action="note", object_id="o",
                payload="an answer about l.ferrand",
            )
        )  # fmt: skip
    finally:
        await service.stop()


def hidden(word: bytes) -> Iterator[tuple[str, bytes]]:
    yield "plain", b"..." + word + b"..."
    yield "gzip", b"head" + gzip.compress(word)
    yield "zstd", b"head" + zstandard.ZstdCompressor().compress(word)
    yield "pdf", b"%PDF-1.7\n<< >> stream\n" + zlib.compress(word) + b"\nendstream"
    yield "twice", gzip.compress(zstandard.ZstdCompressor().compress(word))
    yield "utf16", word.decode().encode("utf-16-le")
    yield "base64", b"eyJhIjoi" + __import__("base64").b64encode(b"x" + word + b"yz")


@pytest.mark.parametrize("how", [name for name, _ in hidden(b"x")])
def test_the_search_finds_what_is_hidden(tmp_path: Path, how: str) -> None:
    word = "zoe.victim@example.org"
    (tmp_path / "file").write_bytes(dict(hidden(word.encode()))[how])
    assert Searcher([word]).in_folder(tmp_path) == {"file": {word}}
    assert Searcher(["somebody.else@example.org"]).in_folder(tmp_path) == {}


def test_the_search_looks_into_a_database(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "x.sqlite")
    with database:
        database.execute("CREATE TABLE t (v)")
        value = gzip.compress(b"zoe.victim@example.org " + bytes(range(256)) * 40)
        database.execute("INSERT INTO t VALUES (?)", (b"\0" * 9000 + value,))
    database.close()
    assert Searcher(["zoe.victim@example.org"]).in_folder(tmp_path)
