"""Precision and recall of the letter linter on a folder of labelled letters.

    python bench/letters/run.py tests/fixtures/letters [--even | --odd] [--show]

``labels.ndjson`` beside the letters: ``file``, ``lang``, ``missing``, ``findings``, ``sendable``.
``--odd`` and ``--even`` take half of the letters; ``--show`` names the letters that are judged
otherwise than their label says. A code counts once per letter.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from sentinel.notify.lint.functions import FUNCTIONS
from sentinel.notify.lint.linter import lint_letter
from sentinel.notify.lint.report import CODES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--odd", action="store_true")
    parser.add_argument("--even", action="store_true")
    parser.add_argument("--show", action="store_true")
    asked = parser.parse_args()
    right, extra, lost = Counter[str](), Counter[str](), Counter[str]()
    letters = sendable = 0
    for label in labels(asked.folder):
        number = int(re.findall(r"\d+", label["file"])[0])
        if (asked.odd and number % 2 == 0) or (asked.even and number % 2):
            continue
        letters += 1
        content = (asked.folder / label["file"]).read_bytes()
        report = lint_letter(content, label.get("lang") or label["language"], file=label["file"])
        told = {*report.missing, *(one.code for one in report.findings)}
        true = {*label["missing"], *label["findings"]}
        right.update(told & true)
        extra.update(told - true)
        lost.update(true - told)
        sendable += report.sendable == label["sendable"]
        if asked.show and told != true:
            print(label["file"], "extra", sorted(told - true), "lost", sorted(true - told))
            for one in report.findings:
                if one.code not in true:
                    print("   ", one.code, one.line, one.column, one.excerpt)
    print(f"{letters} letters, sendable as labelled: {sendable}")
    for code in (*FUNCTIONS, *CODES):
        print(row(code, right[code], extra[code], lost[code]))
    print(row("all", right.total(), extra.total(), lost.total()))


def labels(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "labels.ndjson").read_bytes().splitlines()
    return [msgspec.json.decode(line) for line in lines if line.strip()]


def row(name: str, right: int, extra: int, lost: int) -> str:
    precision = right / (right + extra) if right + extra else 1.0
    recall = right / (right + lost) if right + lost else 1.0
    counts = f"right {right:3} extra {extra:3} lost {lost:3}"
    return f"{name:28} {counts}   precision {precision:.2f} recall {recall:.2f}"


if __name__ == "__main__":
    main()
