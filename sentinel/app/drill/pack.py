"""The evidence pack of a drill: what was played, what went where, the case, the score, hashes."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.app.bundle.gather import pretty
from sentinel.app.bundle.pack import Made
from sentinel.app.drill.load import FILE, PERSONS, Stage
from sentinel.app.drill.score import Score
from sentinel.config import Settings
from sentinel.legal.qualification import question
from sentinel.notify import wording
from sentinel.notify.templates import Templates, one_line

SUMS = "SHA256SUMS"
LANGUAGES = ("fr", "en")


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """What is written. ``bundle``: of the case; None where none was opened."""

    folder: Path
    stage: Stage
    score: Score
    bundle: Made | None


def write_pack(pack: Pack, settings: Settings, now: datetime) -> None:
    """Write everything beside the outbox, then ``SHA256SUMS`` over all of it (``sha256sum -c``)."""
    scenario = pack.stage.scenario
    for name in (FILE, PERSONS, *(one.file for one in scenario.sources)):
        _write(pack.folder / "scenario" / name, (pack.stage.folder / name).read_bytes())
    if pack.bundle is not None:
        _write(pack.folder / f"{pack.bundle.reference}-bundle.zip", pack.bundle.content)
    _write(pack.folder / "score.json", pretty(pack.score))
    templates = Templates(settings.notifiers_path / "drill", finalize=one_line)
    for language in LANGUAGES:
        report = templates.render(
            f"report.{language}.md.j2", _facts(pack, settings.timezone, language, now)
        )
        _write(
            pack.folder / f"report.{language}.md", wording.typographic(report, language).encode()
        )
    files = sorted(path for path in pack.folder.rglob("*") if path.is_file())
    sums = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  "
        f"{path.relative_to(pack.folder).as_posix()}\n"
        for path in files
    )
    _write(pack.folder / SUMS, sums.encode())


def _facts(pack: Pack, zone: str, language: str, now: datetime) -> dict[str, object]:
    score = pack.score
    titles = pack.stage.scenario.title
    return {
        "title": titles.fr if language == "fr" else titles.en,
        "score": msgspec.to_builtins(score),
        "ended": wording.instant(now, language, zone),
        "moments": [
            (name, wording.instant(at, language, zone)) for name, at in score.moments.items()
        ],
        "targets": [
            (one.id, _hours(one.took), _hours(one.within), one.passed)
            for one in score.marks
            if one.within is not None
        ],
        "others": [one for one in score.marks if one.within is None],
        "unknown": [question(one).label(language) for one in score.unknown],
    }


def _hours(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    hours, minutes = divmod(seconds // 60, 60)
    told = f"{hours} h {minutes:02d}" if hours else f"{minutes} min {seconds % 60:02d} s"
    return told.replace(" ", wording.NO_BREAK)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
