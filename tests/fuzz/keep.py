"""Pack the inputs of a fuzzing folder that show something new into `corpus.ndjson`.

    python tests/fuzz/keep.py /var/tmp/corpus

Shortest first, an input is kept where it gives a format a reason or a field that no kept input
gave. What stands in the file already stays: a fault that was once found is replayed for ever.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import targets

from sentinel.collect.formats.base import Parsed, Unparsed

CORPUS = Path(__file__).parent / "corpus.ndjson"
LONGEST = 1024  # bytes of an input that is kept
MOST = 400


def main() -> None:
    kept = load()
    seen = {sign for data in kept for sign in signs(data)}
    folder = Path(sys.argv[1])
    found = sorted((path.read_bytes() for path in folder.iterdir()), key=len)
    for data in found:
        if len(kept) >= MOST or len(data) > LONGEST or data in kept:
            continue
        new = signs(data) - seen
        if new:
            kept.append(data)
            seen |= new
    lines = [json.dumps({"input": base64.b85encode(data).decode()}) for data in kept]
    CORPUS.write_text("\n".join(lines) + "\n")
    print(f"{len(kept)} inputs of {len(found)}, {len(seen)} signs")


def load() -> list[bytes]:
    """Return the inputs that are kept."""
    if not CORPUS.exists():
        return []
    lines = CORPUS.read_text().splitlines()
    return [base64.b85decode(json.loads(line)["input"]) for line in lines]


def signs(data: bytes) -> set[tuple[str, str]]:
    """Return what the lines of an input show of its format."""
    name, _, body = data.partition(b"\n")
    fmt = targets.FORMATS.get(name.decode("ascii", "replace"))
    if fmt is None:
        return set()
    parser, found = fmt.fresh(), set()
    for line in body.decode("utf-8", "backslashreplace").split("\n"):
        result = parser.parse(line)
        if isinstance(result, Unparsed):
            found.add((fmt.name, "".join(c for c in result.reason if not c.isdigit())))
        elif isinstance(result, Parsed):
            found |= {(fmt.name, key) for key in result.fields if key.count(".") and "=" not in key}
            found.add((fmt.name, "time" if result.time else "no time"))
    return {(one, sign[:60]) for one, sign in found}


if __name__ == "__main__":
    main()
