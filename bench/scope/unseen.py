"""Companies that the ranking never saw: other seeds, other proportions, more scenarios.

    python bench/scope/unseen.py [--seeds 3] [--budget 20]

Writes worlds in the layout that `sentinel scope eval` takes, evaluates each with the settings that
hold for every world, and prints recall per scenario. Nothing is tuned to a label: the generator
knows what it planted, the ranking does not.

Scenarios: curious (one look), stalker (comes back), cover_before and cover_after (a ticket of the
own making around one look at somebody), shared (somebody works a colleague's cases under another
account), two_places (the same from another address, at the same time), slow_scrape (two to four
persons a day for weeks).
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from sentinel.detect.scope.evaluate import evaluate
from sentinel.detect.scope.evaluate_world import read_world

START = datetime(2026, 6, 1, tzinfo=UTC)
FACT = ("customer", "user", "team", "valid_from", "valid_to", "recorded_at")


class Shape(NamedTuple):
    """The proportions of a company. ``lost``, ``late``: shares of facts; ``chatter``: of looks."""

    name: str
    support: int
    sales: int
    customers: int
    days: int
    lost: float
    late: float
    chatter: float
    addresses: bool


SHAPES = (
    Shape("small, tidy", 24, 10, 1500, 40, 0.03, 0.05, 0.02, True),
    Shape("large support, lossy", 70, 14, 5000, 44, 0.10, 0.15, 0.05, False),
    Shape("sales house", 20, 50, 4000, 40, 0.06, 0.10, 0.03, True),
)


class Company:
    """A company by its shape and a seed: its work, then its misuse."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self.shape, self.random = shape, Random(seed)
        self.start, self.half = START, shape.days // 2
        self.staff = {f"p{n:03}": ("support", f"support-{n % 5}") for n in range(shape.support)}
        self.staff |= {f"q{n:03}": ("sales", f"sales-{n % 5}") for n in range(shape.sales)}
        self.customers = [f"C{n:05}" for n in range(shape.customers)]
        self.place = {one: str(self.random.randrange(5)) for one in self.customers}
        self.looks: list[dict[str, Any]] = []
        self.facts: dict[str, list[tuple[str, ...]]] = {"ticket": [], "portfolio": []}
        self.labels: list[tuple[str, str, str]] = []
        self.cases: dict[str, list[str]] = {name: [] for name in self.staff}
        self.counts: Counter[str] = Counter()

    def at(self, day: int) -> datetime:
        """Return an instant of a day at which people work."""
        hours = min(max(self.random.gauss(13, 2), 6), 21)
        return self.start + timedelta(days=day, hours=hours)

    def workday(self, day: int, user: str) -> bool:
        """Tell whether somebody works on a day."""
        return (self.start + timedelta(days=day)).weekday() < 5 or int(user[1:]) % 6 == 0

    def look(self, user: str, customer: str, at: datetime, *, address: str = "") -> str:
        """Add an access; return its id."""
        role, team = self.staff[user]
        event = f"n{len(self.looks):06}"
        entry: dict[str, Any] = {
            "@timestamp": stamp(at),
            "event": {"id": event, "action": "customer.view"},
            "user": {"name": user, "roles": [role], "group": {"name": team}},
            "customer": {"id": customer},
        }
        if self.shape.addresses:
            entry["source"] = {"ip": address or f"192.0.2.{int(user[1:]) + 1}"}
        self.looks.append(entry)
        return event

    def ticket(self, customer: str, user: str, opened: datetime) -> None:
        """Add a ticket; some are recorded late."""
        late = self.random.random() < self.shape.late
        recorded = opened + timedelta(hours=self.random.uniform(1, 30) if late else 0)
        closed = opened + timedelta(hours=self.random.expovariate(1 / 60) + 2)
        row = (customer, user, self.staff[user][1], stamp(opened), stamp(closed), stamp(recorded))
        self.facts["ticket"].append(row)

    def work(self) -> None:
        """Tell the ordinary days."""
        sellers = [name for name, (role, _) in self.staff.items() if role == "sales"]
        for customer in self.customers:
            owner = self.random.choice(sellers)
            self.cases[owner].append(customer)
            row = (customer, owner, "", stamp(self.start), "", stamp(self.start))
            self.facts["portfolio"].append(row)
        for day in range(self.shape.days):
            for user, (role, _) in self.staff.items():
                if self.workday(day, user):
                    (self.support if role == "support" else self.sell)(day, user)

    def support(self, day: int, user: str) -> None:
        """Tell a day of support: new cases, and some old ones."""
        for _ in range(self.random.randrange(4, 9)):
            customer, at = self.random.choice(self.customers), self.at(day)
            if self.random.random() > self.shape.lost:
                self.ticket(customer, user, at - timedelta(minutes=self.random.expovariate(1 / 90)))
            for n in range(self.random.choice((1, 1, 2, 3))):
                self.look(user, customer, at + timedelta(minutes=7 * n))
            self.cases[user] = [*self.cases[user], customer][-10:]
            if self.random.random() < 0.4:  # goes on with an older case
                self.look(user, self.random.choice(self.cases[user]), self.at(day))
        self.chat(day, user)

    def sell(self, day: int, user: str) -> None:
        """Tell a day of sales."""
        for customer in self.random.sample(self.cases[user], 8):
            self.look(user, customer, self.at(day))
        self.chat(day, user)

    def chat(self, day: int, user: str) -> None:
        """Add what is innocent and in no record: a colleague asked, a wrong click."""
        if self.random.random() < 6 * self.shape.chatter:
            self.look(user, self.random.choice(self.customers), self.at(day))

    def case(self, scenario: str, events: Sequence[str]) -> None:
        """Label the accesses of a case."""
        self.counts[scenario] += 1
        name = f"{scenario}#{self.counts[scenario]}"
        self.labels += [(event, scenario, name) for event in events]

    def day(self) -> int:
        """Return a day of the scored half."""
        return self.random.randrange(self.half, self.shape.days - 2)

    def misuse(self) -> None:
        """Plant the cases."""
        pick, staff = self.random.choice, sorted(self.staff)
        helpers = [name for name in staff if self.staff[name][0] == "support"]
        for _ in range(10):
            self.case(
                "curious", [self.look(pick(staff), pick(self.customers), self.at(self.day()))]
            )
        for _ in range(4):
            who, whom, first = pick(staff), pick(self.customers), self.half
            days = sorted(self.random.sample(range(first, self.shape.days), 4))
            self.case("stalker", [self.look(who, whom, self.at(at)) for at in days])
        for _ in range(5):
            who, whom, at = pick(helpers), pick(self.customers), self.at(self.day())
            self.ticket(whom, who, at - timedelta(minutes=self.random.uniform(0.5, 8)))
            self.case("cover_before", [self.look(who, whom, at)])
        for _ in range(5):
            who, whom, at = pick(helpers), pick(self.customers), self.at(self.day())
            self.ticket(whom, who, at + timedelta(minutes=self.random.uniform(2, 90)))
            self.case("cover_after", [self.look(who, whom, at)])
        for scenario in ("shared", "shared", "two_places", "two_places"):
            owner, thief = self.random.sample(helpers, 2)
            when, away = self.day(), "198.51.100.7" if scenario == "two_places" else ""
            taken = self.random.sample(self.cases[owner], 6)
            looks = [self.look(thief, one, self.at(when), address=away) for one in taken]
            self.case(scenario, looks)
        for _ in range(3):
            who = pick(staff)
            events = []
            for day in range(self.half - 8, self.shape.days):
                if self.workday(day, who):
                    whom = self.random.sample(self.customers, self.random.randrange(2, 5))
                    events += [self.look(who, one, self.at(day)) for one in whom]
            self.case("slow_scrape", events)

    def write(self, folder: Path) -> Path:
        """Write the folder and return it."""
        (folder / "facts").mkdir(parents=True)
        self.looks.sort(key=lambda one: str(one["@timestamp"]))
        lines = "".join(json.dumps(one) + "\n" for one in self.looks)
        (folder / "accesses.ndjson").write_text(lines, encoding="utf-8")
        for kind, rows in self.facts.items():
            table(folder / "facts" / f"{kind}.csv", FACT, rows)
        people = [(name, role, team, team[-1]) for name, (role, team) in self.staff.items()]
        table(folder / "staff.csv", ("user", "role", "team", "region"), people)
        known = [(name, self.place[name], "0") for name in self.customers]
        table(folder / "customers.csv", ("customer", "region", "public_figure"), known)
        table(folder / "labels.csv", ("event_id", "scenario", "case"), self.labels)
        return folder


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def table(path: Path, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def make(folder: Path, shape: Shape, seed: int) -> Path:
    """Write one world and return its folder."""
    company = Company(shape, seed)
    company.work()
    company.misuse()
    return company.write(folder)


def main() -> None:
    """Print one line per world and the recall per scenario over all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--budget", type=int, default=20)
    chosen = parser.parse_args()
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for shape in SHAPES:
            for seed in range(chosen.seeds):
                world = make(Path(folder) / f"{shape.support}-{seed}", shape, 100 + seed)
                cut = (START + timedelta(days=shape.days // 2)).date()
                budget = max(4, chosen.budget * (shape.support + shape.sales) // 120)
                report = evaluate(read_world(world), budget=budget, scored_from=cut)
                print(f"{shape.name}, seed {100 + seed}, {budget} a day: {report}", flush=True)
                for name, count in report.cases.items():
                    total[name] += count
                    found[name] += round((report.case_recall[name] or 0) * count)
    for name in total:
        print(f"{name:<14} {found[name]:>3} of {total[name]:>3}  {found[name] / total[name]:.0%}")


if __name__ == "__main__":
    main()
