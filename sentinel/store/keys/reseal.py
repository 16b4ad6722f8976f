"""Seals the map of persons again, row by row, under the key that is in force now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sentinel.store.keys.map_file import MapFile
from sentinel.store.keys.persons import FILE, SECRETS, person_context, secret_context
from sentinel.store.keys.tokens import context_of
from sentinel.store.seal import AesGcmSealer

AT_ONCE = 1000


def reseal_map(folder: Path, sealer: AesGcmSealer) -> Iterator[int]:
    """Seal every key of the map under the key in force of ``sealer``; yield the rows passed.

    Each slice is a transaction of its own, and a row that is done is passed over: killed, it is
    simply run again. The service may run meanwhile, once it knows the key in force.
    """
    if not (folder / FILE).exists():
        return
    file = MapFile(folder / FILE)
    try:
        last, passed = b"", 0
        while True:
            with file.writing():
                rows = file.all(
                    "SELECT tag, pseudonym, sealed FROM persons WHERE tag > ? ORDER BY tag LIMIT ?",
                    last,
                    AT_ONCE,
                )
                for tag, pseudonym, sealed in rows:
                    again = _again(sealer, sealed, person_context(pseudonym))
                    if again is not None:
                        file.do("UPDATE persons SET sealed = ? WHERE tag = ?", again, tag)
                if not rows:
                    _rest(file, sealer)
            if not rows:
                file.empty_log()
                return
            last, passed = rows[-1][0], passed + len(rows)
            yield passed
    finally:
        file.close()


def _rest(file: MapFile, sealer: AesGcmSealer) -> None:
    for number, sealed in file.all("SELECT number, sealed FROM epochs"):
        again = _again(sealer, sealed, context_of(number))
        if again is not None:
            file.do("UPDATE epochs SET sealed = ? WHERE number = ?", again, number)
    for name in SECRETS:
        for (sealed,) in file.all("SELECT value FROM meta WHERE name = ?", name):
            again = _again(sealer, sealed, secret_context(name))
            if again is not None:
                file.do("UPDATE meta SET value = ? WHERE name = ?", again, name)


def _again(sealer: AesGcmSealer, sealed: bytes, context: str) -> bytes | None:
    if sealer.is_current(sealed):
        return None
    return sealer.seal(sealer.open(sealed, context=context), context=context)
