"""Staff: cases found in the synthetic worlds at a budget, and users told apart on real histories.

    python bench/behaviour/staff.py [--worlds] [--unix]

`--worlds`: learnt from history (before 2026-07-01, which holds cases too), judged on the rest; the
labels are read for the counting only. A finding is right where a labelled access lies in its
window. `--unix`: the habits of `staff_relations` on command histories (Purdue), split in time,
blocks of 50, 100 and 200 commands; other users' blocks are the positives.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from zoneinfo import ZoneInfo

from sklearn.metrics import roc_auc_score

from sentinel.detect.behaviour.budget import DailyBudget
from sentinel.detect.behaviour.contexts import Contexts
from sentinel.detect.behaviour.staff_acts import Act
from sentinel.detect.behaviour.staff_relations import Account, Relations
from sentinel.detect.behaviour.staff_train import STAFF_BUDGET, learn_roles
from sentinel.detect.behaviour.staff_windows import Windows

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SCORED_FROM = datetime(2026, 7, 1, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Paris")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", action="store_true")
    parser.add_argument("--unix", action="store_true")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"NOT RUN: no open data ({DATA})", file=sys.stderr)
        return 2
    if arguments.worlds or not arguments.unix:
        for name in ("world_a", "world_b"):
            _world(DATA / "scope" / name)
    if arguments.unix or not arguments.worlds:
        _unix(DATA / "users" / "purdue_unix")
    return 0


def _world(folder: Path) -> None:
    with (folder / "labels.csv").open() as file:
        labels = {row["event_id"]: (row["scenario"], row["case"]) for row in csv.DictReader(file)}
    acts = list(_acts(folder / "accesses.ndjson.gz"))
    learnt = [act for act in acts if act.time < SCORED_FROM]
    roles = learn_roles(learnt, ZONE, STAFF_BUDGET)
    habits = {role: Relations(one.accounts) for role, one in roles.items()}
    windows = Windows()
    windows.add(act for act in acts if act.time >= SCORED_FROM)
    rows, days = [], set()
    for window in windows.flush():
        days.add(window.start.date())
        if window.role in roles:
            judged = roles[window.role].judge(window, window.role, habits[window.role], ZONE)
            cases = {labels[act.id] for act in window.acts if act.id in labels}
            if judged is not None:
                rows.append((judged.score - judged.threshold, window, cases, judged))
    every = {labels[act.id] for act in acts if act.time >= SCORED_FROM and act.id in labels}
    print(f"\n### {folder.name}: {len(roles)} roles, {len(rows)} windows, {len(days)} days\n")
    print("| Findings a day at most | Told | Right | Cases found | by scenario |")
    print("|---|---|---|---|---|")
    for most in (1, 3, 5, 20):
        daily, told = DailyBudget(most), []
        seen: set[tuple[str, object]] = set()
        for row in rows:
            _, window, _, _ = row
            key = (window.actor, window.start.date())
            if row[0] > 0 and key not in seen and daily.admit(window.end):
                seen.add(key)
                told.append(row)
        found = {case for _, _, cases, _ in told for case in cases}
        right = sum(1 for _, _, cases, _ in told if cases)
        by = Counter(scenario for scenario, _ in found)
        of = Counter(scenario for scenario, _ in every)
        text = ", ".join(f"{name} {by[name]} of {of[name]}" for name in sorted(of))
        print(f"| {most} | {len(told)} | {right} | {len(found)} of {len(every)} | {text} |")
    days_only = [(r[0], bool(r[2])) for r in rows if r[1].span.days]
    auc = roc_auc_score([y for _, y in days_only], [s for s, _ in days_only])
    print(f"\nROC-AUC of days of accounts with a case among all days: {auc:.3f}", flush=True)


def _acts(path: Path) -> Iterator[Act]:
    with gzip.open(path, "rt") as lines:
        for row in map(json.loads, lines):
            event, user = row["event"], row["user"]
            yield Act(
                time=datetime.fromisoformat(row["@timestamp"]),
                id=event["id"],
                ref="",
                actor=user["name"],
                role=user["roles"][0],
                action=event["action"],
                kind=event["action"],
                subjects=(row["customer"]["id"],),
                records=1,
                network=row.get("source", {}).get("ip", ""),
                agent=row.get("user_agent", {}).get("original", ""),
                refused=False,
                categories=(),
            )


def _unix(folder: Path) -> None:
    users = {
        path.name.removesuffix(".gz"): gzip.decompress(path.read_bytes()).decode("latin-1").split()
        for path in sorted(folder.glob("*.gz"))
    }
    print("\n### purdue_unix: mean over the users (lowest of them) of the ROC-AUC\n")
    print("| Learnt share | Block | habits | variable-order chain | both |")
    print("|---|---|---|---|---|")
    for share in (0.5, 0.7):
        for size in (50, 100, 200):
            cells = [f"{fmean(a):.4f} ({min(a):.4f})" for a in _told_apart(users, share, size)]
            print(f"| {share:.0%} | {size} | {' | '.join(cells)} |", flush=True)


def _told_apart(users: dict[str, list[str]], share: float, size: int) -> list[list[float]]:
    import numpy as np

    cut = {name: int(len(words) * share) for name, words in users.items()}
    learnt = {name: users[name][: cut[name]] for name in users}
    habits = Relations({name: Account(dict(Counter(words))) for name, words in learnt.items()})
    chains: dict[str, Contexts] = defaultdict(lambda: Contexts(2))
    for name, words in learnt.items():
        chains[name].learn(words)
    blocks = [
        (name, words[at : at + size])
        for name, words in users.items()
        for at in range(cut[name], len(words) - size + 1, size)
    ]
    costs = [{name: chains[name].mean_cost(block) for name in users} for _, block in blocks]
    answer: list[list[float]] = [[], [], []]
    for name in users:
        other = np.array([owner != name for owner, _ in blocks])
        own = np.array([habits.otherness(name, block) for _, block in blocks])
        peers = [fmean(np.exp(-cost[one]) for one in users if one != name) for cost in costs]
        chain = np.array([cost[name] for cost in costs]) + np.log(peers)
        for at, scores in enumerate((own, chain, own / own.std() + chain / chain.std())):
            answer[at].append(float(roc_auc_score(other, scores)))
    return answer


if __name__ == "__main__":
    sys.exit(main())
