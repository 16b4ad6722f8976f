"""Seed faults in the matcher and the index, one at a time, and see whether the tests notice.

    python bench/soundness/mutants.py [--only TEXT] [--sample N] [--part K/N] [--again FILE]
                                       [--known FILE] [--quick] [--list]

Each fault lives in a copy of a module's syntax tree in a child process: no file is changed. First
a quick differential run and the tables meet it (`quick.py`), then, unless ``--quick`` is given, the
slower tests, without shrinking, up to the first failure. A fault under which a test never ends
counts as caught, and is said apart. One that no test notices is printed as a survivor, unless
`equivalent.py` says why it changes nothing, or nothing but the speed. It exits with 1 where there
is a survivor.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import hypothesis
import msgspec
import pytest
import re2
import sigma.conditions
import sigma.correlations
import sigma.modifiers
import sigma.rule

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "bench" / "soundness"), str(ROOT / "tests" / "property")]

from equivalent import EQUIVALENT, SPEED  # noqa: E402
from mutations import Mutant, mutants  # noqa: E402
from seeded import by_hand  # noqa: E402

MODULES = (
    "rules.folding", "rules.pcre", "rules.strings", "rules.values", "rules.wanted", "rules.fields",
    "rules.expression", "rules.compile", "rules.prepare",
)  # fmt: skip
# What explains a match, words an error or lists the fields: other tests' business.
SKIPPED = frozenset(
    {"reasons", "names", "names_read", "first_reasons", "_field_reason", "_shown", "_key"}
    | {"item_key", "_identifier", "prepare_correlation", "_reason"}
)
QUICK = {
    "rules": (
        "tests/unit/test_sigma_matching.py", "tests/unit/test_sigma_specification_tables.py",
        "tests/unit/test_sigma_corners.py", "tests/unit/test_sigma_memory.py",
        "tests/unit/test_fast_*.py", "tests/unit/test_sigma_load.py",
    ),
    "fast": ("tests/unit/test_fast_*.py",),
    "fast.choice": ("tests/unit/test_fast_choice.py",),
    "fast.frequency": ("tests/unit/test_fast_choice.py",),
    "fast.column": ("tests/unit/test_fast_index.py",),
    "fast.index": ("tests/unit/test_fast_index.py",),
    "fast.regex_literals": ("tests/unit/test_fast_witness.py",),
    "fast.watch": ("tests/unit/test_fast_index.py",),
    "fast.raw": ("tests/property/test_fast_sieve.py", "tests/unit/test_fast_lines.py"),
    "fast.rows": (
        "tests/property/test_fast_sieve.py", "tests/unit/test_fast_lines.py",
        "tests/unit/test_fast_index.py",
    ),
    "fast.sieve": ("tests/property/test_fast_sieve.py", "tests/unit/test_fast_lines.py"),
}  # fmt: skip
SLOW = (
    "tests/property/test_sigma_differential.py", "tests/unit/test_folding.py",
    "tests/property/test_sigma_property.py", "tests/property/test_fast_*.py",
)  # fmt: skip
QUIETLY = (
    "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip
CPU_SECONDS = {"quick": 15, "slow": 180}
# Imported once, for every child; nothing of our own is, or a fault would come too late.
SHARED = (msgspec, re2, sigma.conditions, sigma.correlations, sigma.modifiers, sigma.rule)


class Task(NamedTuple):
    """A mutant of a module. ``name``: below `sentinel.detect`.

    ``nth``: which one of those in its function that read alike.
    """

    name: str
    mutant: Mutant
    nth: int = 1

    def __str__(self) -> str:
        m = self.mutant
        changed = f": {m.before}  =>  {m.after}" if m.after else f": {m.before}"
        return f"{self.name}:{m.line} in {m.where or 'module'}{changed}"

    @property
    def area(self) -> str:
        """The package that the fault is in: `rules` or `fast`."""
        return self.name.partition(".")[0]

    @property
    def reason(self) -> str:
        """Why the fault changes nothing, or the empty string."""
        m = self.mutant
        alike = EQUIVALENT.get((self.name, m.where, m.before, m.after), "")
        return alike or EQUIVALENT.get((self.name, m.where, f"{m.before} #{self.nth}", m.after), "")


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module from a changed tree, all others as they are."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self.module, self.tree = module, tree

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Answer for the changed module only."""
        del path, target
        if fullname != self.module:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed tree as the module."""
        exec(compile(self.tree, f"<{self.module}>", "exec"), module.__dict__)


def tasks(only: str) -> Iterator[Task]:
    """Yield every mutant of the modules, the fast path's included where there is one."""
    fast = sorted((ROOT / "sentinel" / "detect" / "fast").glob("[a-z]*.py"))
    for name in (*MODULES, *(f"fast.{path.stem}" for path in fast)):
        path = ROOT / "sentinel" / "detect" / f"{name.replace('.', '/')}.py"
        source = path.read_text(encoding="utf-8")
        alike: Counter[tuple[str, str, str]] = Counter()
        for mutant in (*mutants(source, SKIPPED), *by_hand(name, source)):
            alike[mutant.where, mutant.before, mutant.after] += 1
            task = Task(name, mutant, alike[mutant.where, mutant.before, mutant.after])
            if only in str(task):
                yield task


@cache
def prepared() -> list[tuple[list[Any], list[Any]]]:
    """Return the cases of the quick run, for faults of the index: it loads the matcher for good."""
    found: list[tuple[list[Any], list[Any]]] = importlib.import_module("quick").prepare()
    return found


def fate(task: Task, stage: str) -> str:
    """Run the tests of a stage against a mutant in a child process; return what became of it."""
    if task.area == "fast":
        prepared()
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS[stage], CPU_SECONDS[stage]))
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        sys.meta_path.insert(0, Changed(f"sentinel.detect.{task.name}", task.mutant.tree()))
        code = 1
        try:
            if stage == "quick":
                quick = importlib.import_module("quick")
                quick.hold(prepared() if task.area == "fast" else quick.prepare())
            tests = QUICK.get(task.name, QUICK[task.area]) if stage == "quick" else SLOW
            code = int(pytest.main([*QUIETLY, *_files(tests)]))
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGKILL}:
        return "never ended"
    return "caught" if status else "survived"


def judge(task: Task, stages: Sequence[str]) -> str:
    """Return the fate of a mutant after the stages that it needs."""
    found = "survived"
    for stage in stages:
        found = fate(task, stage)
        if found != "survived":
            break
    return found


def _files(patterns: Sequence[str]) -> list[str]:
    return [str(path) for pattern in patterns for path in sorted(ROOT.glob(pattern))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="mutants whose line holds this text")
    parser.add_argument("--list", action="store_true", help="name the mutants and stop")
    parser.add_argument("--part", default="1/1", help="K/N: every N-th mutant from the K-th on")
    parser.add_argument("--sample", type=int, default=0, help="so many of each module, the same")
    parser.add_argument("--again", type=Path, help="what this output calls survivors, only")
    parser.add_argument("--known", type=Path, help="leave out what this output tells the fate of")
    parser.add_argument("--quick", action="store_true", help="the quick tests alone")
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.dont_write_bytecode = False  # or every child would compile everything again
    hypothesis.settings.register_profile(
        "mutants", phases=(hypothesis.Phase.generate,), database=None, derandomize=True
    )
    stages = ("quick",) if options.quick else ("quick", "slow")
    whole = Mutant("", 0, "", "", partial(ast.parse, ""))
    if (
        not (options.list or options.known)
        and judge(Task("rules.no_such_module", whole), stages) != "survived"
    ):
        print("the tests fail without any fault")
        return 2
    first, step = (int(number) for number in options.part.split("/"))
    counts: Counter[str] = Counter()
    wanted = options.again.read_text().splitlines() if options.again else None
    known = options.known.read_text() if options.known else ""
    # The matcher's first: a fault of the index makes the parent load the matcher for good.
    ordered = sorted(chosen(options.only, options.sample), key=lambda task: task.area == "fast")
    for task in ordered[first - 1 :: step]:
        if wanted is not None and f"SURVIVED {task}" not in wanted:
            continue
        if f" {task}\n" in known:
            continue
        if options.list:
            print(task)
            continue
        found = "equivalent" if task.reason else judge(task, stages)
        if found == "survived" and (task.name, task.mutant.where) in SPEED:
            found = "speed"
        counts[found] += 1
        print(f"{found.upper() if found == 'survived' else found} {task}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    return 1 if counts["survived"] else 0


def chosen(only: str, sample: int) -> Iterator[Task]:
    """Yield the mutants asked for; of a sample the same ones each time, and all made by hand."""
    by_module: dict[str, list[Task]] = {}
    for task in tasks(only):
        if task.mutant.where == "by hand":
            yield task
        else:
            by_module.setdefault(task.name, []).append(task)
    for name, found in by_module.items():
        rng = random.Random(name)
        kept = sorted(rng.sample(range(len(found)), min(sample or len(found), len(found))))
        yield from (found[index] for index in kept)


if __name__ == "__main__":
    sys.exit(main())
