"""Coverage-guided fuzzing of every format with atheris (`pip install 'sentinel-rgpd[fuzz]'`).

    python tests/fuzz/run.py --seconds 3600 --corpus /var/tmp/corpus

Inputs that reach new code are kept in the folder, and a fault ends the run with its input. The
file `figures-<seed>.json` beside it says CPU seconds, inputs, and lines by what became of them.
`tests/fuzz/keep.py` packs a folder into `corpus.ndjson`, which the ordinary suite replays.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sentinel.collect"]):
    import targets

COUNTS: Counter[str] = Counter()


REPORT = Path("figures.json")
EVERY = 250  # inputs: libFuzzer ends the process without a word to Python


def one(data: bytes) -> None:
    COUNTS["inputs"] += 1
    COUNTS.update(targets.run(data))
    if COUNTS["inputs"] % EVERY == 0:
        REPORT.write_text(json.dumps({"cpu_seconds": time.process_time(), **COUNTS}))


def main() -> None:
    global REPORT  # noqa: PLW0603
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.corpus.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(targets.seeds()):
        (arguments.corpus / f"seed-{index:03}").write_bytes(seed)
    REPORT = arguments.corpus.parent / f"figures-{arguments.seed}.json"
    dictionary = arguments.corpus.parent / "words.dict"
    dictionary.write_text(words())
    options = [
        sys.argv[0],
        str(arguments.corpus),
        f"-dict={dictionary}",
        f"-max_total_time={arguments.seconds}",
        f"-seed={arguments.seed}",
        f"-artifact_prefix={arguments.corpus.parent}/",
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    atheris.Setup(options, one)
    atheris.Fuzz()


def words() -> str:
    """Return what formats are made of, as libFuzzer reads a dictionary."""
    marks = {mark.rpartition(".")[2] for fmt in targets.FORMATS.values() for mark in _marks(fmt)}
    texts = [f'"{mark}":' for mark in sorted(marks)] + [
        *targets.FORMATS, "AUDIT: ", "CEF:0|", "#Fields: ", "] [", "\\x", "\\\\", "[client ",
        "%3D", "eyJ", "4111111111111111", "FR14", "password=", "-1", "1e999", "Jan", "UTC", "null",
    ]  # fmt: skip
    return "".join(f'"{_escaped(text)}"\n' for text in texts)


def _marks(fmt: object) -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(fmt, "marks", ())
    return found


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


if __name__ == "__main__":
    main()
