"""The open sets beside the checkout, as data sets that `sentinel behaviour eval` reads.

    python bench/behaviour/datasets.py FOLDER

`ait`: trained on the two earlier days, judged on the day of the attack. `csic2010`: de-duplicated
before the split, half of the normal requests learnt; bodies stand in the query, as a log with
request bodies has them; each request is a client of its own. `crs`: half of the requests that must
not be seen are learnt. Only what a log shows: method, path, query, agent where it has one.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SETS = ("ait", "csic2010", "crs")
Request = tuple[str, str]  # method, path with query


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    for name in SETS:
        print(build(name, Path(sys.argv[1]) / name, seed=0))
    return 0


def build(name: str, folder: Path, *, seed: int) -> Path:
    """Write the data set ``name`` into ``folder``; ``seed`` draws the split where time does not."""
    for part in ("train", "test"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    if name == "ait":
        _ait(folder)
    else:
        normal, attacks = _csic() if name == "csic2010" else _crs()
        _requests(folder, normal, attacks, seed)
    return folder


def _ait(folder: Path) -> None:
    source = DATA / "web" / "ait_russellmitchell"
    for name, part in (("access4", "train"), ("access3", "train"), ("access2", "test")):
        raw = gzip.decompress((source / f"{name}.log.gz").read_bytes())
        (folder / part / f"{name}.log").write_bytes(raw)
    with gzip.open(source / "access2.labels.ndjson.gz", "rt") as labels:
        rows = [json.loads(line) for line in labels]
    _labels(folder, [("access2.log", row["line"], row["labels"]) for row in rows])


def _requests(
    folder: Path,
    normal: Sequence[Request],
    attacks: Sequence[tuple[str, Request]],
    seed: int,
) -> None:
    drawn = random.Random(seed)
    order = list(dict.fromkeys(normal))
    drawn.shuffle(order)
    half = len(order) // 2
    known = set(order)
    odd = [(kind, request) for kind, request in dict.fromkeys(attacks) if request not in known]
    judged = [("", request) for request in order[half:]] + odd
    drawn.shuffle(judged)
    (folder / "train" / "access.log").write_text(_log(order[:half], day=1))
    (folder / "test" / "access.log").write_text(_log([item for _, item in judged], day=8))
    _labels(
        folder,
        [("access.log", at, [kind]) for at, (kind, _) in enumerate(judged, 1) if kind],
    )


def _log(requests: Sequence[Request], *, day: int) -> str:
    """Write combined lines, a client each; a minute has 20 requests, as no set has a real pace."""
    lines = []
    for at, (method, target) in enumerate(requests):
        client = f"10.{day}.{at // 250}.{at % 250 + 1}"
        seconds = 3 * at
        stamp = (
            f"{day + seconds // 86400:02}/Jan/2026:{seconds // 3600 % 24:02}:"
            f"{seconds // 60 % 60:02}:{seconds % 60:02} +0000"
        )
        shown = target.replace("\\", "%5C").replace('"', "%22").replace(" ", "%20")
        shown = re.sub(r"[^\x21-\x7e]", lambda found: f"%{ord(found[0]) & 255:02X}", shown)
        lines.append(f'{client} - - [{stamp}] "{method} {shown} HTTP/1.1" 200 1000 "-" "-"\n')
    return "".join(lines)


def _csic() -> tuple[list[Request], list[tuple[str, Request]]]:
    folder = DATA / "web" / "csic2010"
    normal = list(_raw_requests(folder / "norm_test.txt.gz"))
    odd = [("anomalous", item) for item in _raw_requests(folder / "anomal_test.txt.gz")]
    return normal, odd


def _raw_requests(path: Path) -> Iterator[Request]:
    text = gzip.decompress(path.read_bytes()).decode("latin-1").replace("\r\n", "\n")
    for block in re.split(r"(?m)^(?=(?:GET|POST|PUT|DELETE|HEAD|OPTIONS) http)", text):
        if block.strip():
            head, _, body = block.partition("\n\n")
            method, rest = head.split("\n", 1)[0].split(" ", 1)
            target = re.sub(r"^http://[^/]+", "", rest.rsplit(" HTTP", 1)[0])
            body = body.strip()
            yield method, target + (("&" if "?" in target else "?") + body if body else "")


def _crs() -> tuple[list[Request], list[tuple[str, Request]]]:
    normal, odd = [], []
    with gzip.open(DATA / "web" / "crs" / "requests.ndjson.gz", "rt") as lines:
        for row in map(json.loads, lines):
            if row["has_body"]:
                continue
            request = (row["method"] or "GET", row["uri"] or "/")
            if row["expect"] == "miss":
                normal.append(request)
            else:
                odd.append((row["category"], request))
    return normal, odd


def _labels(folder: Path, rows: Sequence[tuple[str, int, list[str]]]) -> None:
    (folder / "labels.ndjson").write_text(
        "".join(
            json.dumps({"file": file, "line": at, "labels": kinds}) + "\n"
            for file, at, kinds in rows
        )
    )


if __name__ == "__main__":
    sys.exit(main())
