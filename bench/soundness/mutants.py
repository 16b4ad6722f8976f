"""Seed faults in the matcher and the index, one at a time, and see whether the tests notice.

    python bench/soundness/mutants.py [--only TEXT] [--part K/N] [--list]

Each fault lives in a copy of a module's syntax tree in a child process: no file is changed. The
differential test runs against it first, then the other fast tests, without shrinking, up to the
first failure. A fault that no test
notices is printed as a survivor, unless `equivalent.py` says why it changes nothing. It exits
with 1 where there is a survivor.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

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

from equivalent import EQUIVALENT  # noqa: E402
from mutations import Mutant, mutants  # noqa: E402

MODULES = (
    "rules.folding", "rules.pcre", "rules.strings", "rules.values", "rules.wanted", "rules.fields",
    "rules.expression", "rules.compile", "rules.prepare",
)  # fmt: skip
# What explains a match, words an error or lists the fields: other tests' business.
SKIPPED = frozenset(
    {"reasons", "names", "names_read", "first_reasons", "_field_reason", "_shown", "_key"}
    | {"item_key", "_identifier", "prepare_correlation", "_reason"}
)
TESTS = (
    "tests/unit/test_sigma_matching.py", "tests/unit/test_sigma_specification_tables.py",
    "tests/property/test_sigma_differential.py", "tests/unit/test_sigma_load.py",
    "tests/unit/test_folding.py", "tests/property/test_sigma_property.py",
)  # fmt: skip
QUIETLY = (
    "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
)  # fmt: skip
CPU_SECONDS = 180
# Imported once, for every child; nothing of our own is, or a fault would come too late.
SHARED = (msgspec, re2, sigma.conditions, sigma.correlations, sigma.modifiers, sigma.rule)


class Task(NamedTuple):
    """A mutant of a module. ``name``: below `sentinel.detect`."""

    name: str
    mutant: Mutant

    def __str__(self) -> str:
        m = self.mutant
        return f"{self.name}:{m.line} in {m.where or 'module'}: {m.before}  =>  {m.after}"

    @property
    def reason(self) -> str:
        """Why the fault changes nothing, or the empty string."""
        m = self.mutant
        return EQUIVALENT.get((self.name, m.where, m.before, m.after), "")


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
        source = ROOT / "sentinel" / "detect" / f"{name.replace('.', '/')}.py"
        for mutant in mutants(source.read_text(encoding="utf-8"), SKIPPED):
            task = Task(name, mutant)
            if only in str(task):
                yield task


def survives(task: Task) -> bool:
    """Run the tests against a mutant in a child process; tell whether all of them pass."""
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        sys.meta_path.insert(0, Changed(f"sentinel.detect.{task.name}", task.mutant.tree))
        code = 1
        try:
            _hold_against_naive()
            code = int(pytest.main([*QUIETLY, *_tests()]))
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    return status == 0


def _hold_against_naive() -> None:
    """Run the quickest test by itself. Raises whatever a fault makes it raise."""
    import test_sigma_differential as differential

    for seed in range(12):
        differential.test_drawn_rules(seed)


def _tests() -> list[str]:
    fast = [str(p.relative_to(ROOT)) for p in ROOT.glob("tests/*/test_fast_*.py")]
    return [name for name in (*TESTS, *sorted(fast)) if (ROOT / name).is_file()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="mutants whose line holds this text")
    parser.add_argument("--list", action="store_true", help="name the mutants and stop")
    parser.add_argument("--part", default="1/1", help="K/N: every N-th mutant from the K-th on")
    options = parser.parse_args()
    os.chdir(ROOT)
    hypothesis.settings.register_profile(
        "mutants", phases=(hypothesis.Phase.generate,), database=None, derandomize=True
    )
    whole = Mutant("", 0, "", "", ast.parse(""))
    if not options.list and not survives(Task("no_such_module", whole)):
        print("the tests fail without any fault")
        return 2
    first, step = (int(number) for number in options.part.split("/"))
    counts: Counter[str] = Counter()
    for task in list(tasks(options.only))[first - 1 :: step]:
        if options.list:
            print(task)
            continue
        if task.reason:
            counts["equivalent"] += 1
        elif survives(task):
            counts["survived"] += 1
            print(f"SURVIVED {task}", flush=True)
        else:
            counts["caught"] += 1
            print(f"caught {task}", flush=True)
    print(", ".join(f"{counts[kind]} {kind}" for kind in ("caught", "equivalent", "survived")))
    return 1 if counts["survived"] else 0


if __name__ == "__main__":
    sys.exit(main())
