"""Read a folder of mixed log files as `sentinel scan` does; say of every line what became of it.

    python bench/parse/corpus.py FOLDER...            # figures by format, and by reason
    python bench/parse/corpus.py --files FOLDER...    # also the choice of `auto` for each file

Every line is an event, part of its format (a header, a directive), blank, or named unparsed with
a reason; a line that is none of these, counts that do not add up, or an exception, end the run
with 1. Public corpora that
hold many formats: logpai/loghub and the `test` folder of tstack/lnav (they stay outside).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from sentinel.collect.files import find_files
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.collect.profile import load_profiles
from sentinel.content import content_dir
from sentinel.errors import SentinelError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--files", action="store_true", help="print each file's format")
    arguments = parser.parse_args()
    folders = [folder for folder in arguments.folder if folder.is_dir()]
    for missing in set(arguments.folder) - set(folders):
        print(f"SKIPPED: there is no folder {missing}", file=sys.stderr)
    profiles = load_profiles(content_dir("rules") / "sources")
    parsed: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    files: Counter[str] = Counter()
    total = blank = records = directives = within = 0
    astray = 0
    for path in find_files(folders):
        reader = OfflineReader(profiles)
        good, why = _read(reader, path)
        name = next(iter(reader.chosen.values()), ("none: no line", ""))[0]
        files[name] += 1
        parsed[name] += good
        reasons.setdefault(name, Counter()).update(why)
        total += reader.lines
        blank += reader.blank
        records += reader.records
        directives += reader.directives
        within += reader.within
        read = good + why.total() + reader.directives
        if read != reader.records or reader.within < 0:
            astray += 1
            print(f"NOT ADDED UP: {path}: {reader.records} records, {read} told of")
        if arguments.files:
            print(f"{name:16} {good:6} parsed {why.total():6} unparsed  {path.name}")
    _print(files, parsed, reasons)
    unparsed = sum(why.total() for why in reasons.values())
    print(
        f"{total} lines ({blank} blank, {within} within documents), {records} records: "
        f"{parsed.total()} events, {unparsed} unparsed by name, {directives} headers and directives"
    )
    return int(astray > 0 or any(not reason for why in reasons.values() for reason in why))


def _read(reader: OfflineReader, path: Path) -> tuple[int, Counter[str]]:
    good, why = 0, Counter[str]()
    try:
        for item in reader.read([path]):
            if isinstance(item, UnparsedLine):
                why[item.reason] += 1
            else:
                good += 1
    except SentinelError as error:
        print(f"NOT READ TO ITS END: {path}: {error.detail}")
    return good, why


def _print(files: Counter[str], parsed: Counter[str], reasons: dict[str, Counter[str]]) -> None:
    for name, count in files.most_common():
        print(f"\n{name}: {count} files, {parsed[name]} events")
        for reason, times in reasons[name].most_common(6):
            print(f"  {times:7} unparsed: {reason}")
        more = len(reasons[name]) - 6
        if more > 0:
            print(f"          and {more} more reasons")
    print()


if __name__ == "__main__":
    raise SystemExit(main())
