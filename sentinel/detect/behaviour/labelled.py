"""Labels of a data set: which lines of which test log are an attack, and of what kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from sentinel.errors import ContentError, UnreadableFile

TRAIN, TEST, LABELS = "train", "test", "labels.ndjson"
BENIGN = frozenset({"", "0", "benign", "normal", "none", "legitimate"})
"""Labels that say: no attack. A line without a label is none either."""

Labels = Mapping[tuple[str, int], tuple[str, ...]]
"""File name below ``test/`` and line number from 1, to the kinds of attack."""


class Dataset(msgspec.Struct, frozen=True):
    """A folder with ``train/`` and ``test/`` logs and ``labels.ndjson``."""

    folder: Path
    labels: Labels

    @property
    def train(self) -> Path:
        """Logs of ordinary days."""
        return self.folder / TRAIN

    @property
    def test(self) -> Path:
        """Logs to be judged."""
        return self.folder / TEST

    def kinds(self, ref: str) -> tuple[str, ...]:
        """Return the kinds of attack of the event that stands at ``ref`` (path:line)."""
        path, _, number = ref.rpartition(":")
        name = Path(path).relative_to(self.test).as_posix() if path else ""
        return self.labels.get((name, int(number or 0)), ())


def open_dataset(folder: Path) -> Dataset:
    """Read the labels and check that the logs are there.

    Raises UnreadableFile where a part is missing, ContentError with file:line for a wrong label.
    """
    for part in (TRAIN, TEST):
        if not (folder / part).is_dir() or not any((folder / part).iterdir()):
            raise UnreadableFile(
                "there are no logs in it",
                where=str(folder / part),
                hint=f"a data set is a folder with {TRAIN}/, {TEST}/ and {LABELS}",
            )
    return Dataset(folder, _read(folder / LABELS, folder / TEST))


def _read(path: Path, test: Path) -> dict[tuple[str, int], tuple[str, ...]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(
            str(getattr(error, "strerror", "")) or "is not UTF-8",
            where=str(path),
            hint='one JSON object a line: {"file": "access.log", "line": 12, "label": "scan"}',
        ) from error
    known = {item.relative_to(test).as_posix() for item in test.rglob("*") if item.is_file()}
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            file, at, kinds = _label(line, f"{path}:{number}", known)
            found[file, at] = tuple(dict.fromkeys((*found.get((file, at), ()), *kinds)))
    return {key: kinds for key, kinds in found.items() if kinds}


def _label(line: str, where: str, known: set[str]) -> tuple[str, int, tuple[str, ...]]:
    try:
        tree: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ContentError(f"not a JSON object: {error}", where=where) from error
    file, at = tree.get("file"), tree.get("line")
    if not isinstance(file, str) or type(at) is not int or at < 1:
        raise ContentError(
            "a label names its file and its line, counted from 1",
            where=where,
            hint='{"file": "access.log", "line": 12, "label": "scan"}',
        )
    file = file.removeprefix(f"{TEST}/")
    if file not in known:
        raise ContentError(
            f"there is no {file!r} in {TEST}/", where=where, hint=f"there are: {sorted(known)[:5]}"
        )
    raw = tree.get("labels", tree.get("label"))
    kinds = raw if isinstance(raw, list) else [raw]
    names = (str(kind) for kind in kinds if kind is not None and kind is not False)
    return file, at, tuple(name for name in names if name.lower() not in BENIGN)
