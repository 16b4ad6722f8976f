"""A small company, invented by a seed: what `sentinel scope eval` is tried on.

Thirty days of support agents who work on their tickets (a few lost, a few late, a few wrong clicks)
and of sales staff who work in their portfolio; then, in the second half, cases of seven kinds.
"""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

START = datetime(2026, 6, 16, tzinfo=UTC)
DAYS, HALF = 30, 15
CUSTOMERS = 1500
FACT = ("customer", "user", "team", "valid_from", "valid_to", "recorded_at")


def stamp(instant: datetime | None) -> str:
    return "" if instant is None else instant.isoformat(timespec="milliseconds")[:-6] + "Z"


class Company:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.staff = {f"s{n:02}": ("support", f"support-{n % 4}") for n in range(24)}
        self.staff |= {f"v{n:02}": ("sales", f"sales-{n % 4}") for n in range(12)}
        self.customers = [f"C{n:05}" for n in range(CUSTOMERS)]
        self.famous = set(self.random.sample(self.customers, 15))
        self.region = {name: str(self.random.randrange(4)) for name in self.customers}
        self.accesses: list[dict[str, Any]] = []
        self.facts: dict[str, list[tuple[str, ...]]] = {"ticket": [], "portfolio": []}
        self.labels: list[tuple[str, str, str]] = []
        self.open: dict[str, list[str]] = {name: [] for name in self.staff}

    def at(self, day: int, hour: float | None = None) -> datetime:
        hours = self.random.gauss(13, 1.8) if hour is None else hour
        return START + timedelta(days=day, hours=min(max(hours, 0), 23.9))

    def look(self, user: str, customer: str, when: datetime, act: str = "view") -> str:
        role, team = self.staff[user]
        event = f"e{len(self.accesses):06}"
        self.accesses.append(
            {
                "@timestamp": stamp(when),
                "event": {"id": event, "action": f"customer.{act}"},
                "user": {"name": user, "roles": [role], "group": {"name": team}},
                "customer": {"id": customer},
            }
        )
        return event

    def fact(self, kind: str, customer: str, user: str, start: datetime | None, late: bool) -> None:
        team = self.staff[user][1] if kind == "ticket" else ""
        end = start + timedelta(days=10) if start else None
        recorded = (start or START) + timedelta(hours=self.random.uniform(1, 9) if late else 0)
        self.facts[kind].append((customer, user, team, stamp(start), stamp(end), stamp(recorded)))

    def work(self) -> None:
        sellers = [name for name, (role, _) in self.staff.items() if role == "sales"]
        for customer in self.customers:
            same = [name for name in sellers if self.staff[name][1][-1] == self.region[customer]]
            owner = self.random.choice(same)
            self.open[owner].append(customer)
            self.fact("portfolio", customer, owner, None, late=False)
        for day in range(DAYS):
            for user, (role, _) in self.staff.items():
                if role == "support":
                    self.support_day(day, user)
                else:
                    for customer in self.random.sample(self.open[user], 6):
                        self.look(user, customer, self.at(day))

    def support_day(self, day: int, user: str) -> None:
        for _ in range(4):
            customer = self.random.choice(self.customers)
            when = self.at(day)
            if self.random.random() > 0.05:  # the others are lost
                start = when - timedelta(minutes=self.random.uniform(10, 300))
                self.fact("ticket", customer, user, start, late=self.random.random() < 0.1)
            self.open[user] = [*self.open[user], customer][-12:]
            self.look(user, customer, when)
            self.look(user, customer, when + timedelta(minutes=3), "edit")
        for customer in self.random.sample(self.open[user], 3):
            when = self.at(day)
            if self.random.random() < 0.15:
                self.look(user, self.random.choice(self.customers), when - timedelta(seconds=20))
            self.look(user, customer, when)

    def case(self, scenario: str, number: int, looks: list[str]) -> None:
        self.labels += [(event, scenario, f"{scenario}#{number}") for event in looks]

    def misuse(self) -> None:
        pick, day = self.random.choice, lambda: self.random.randrange(HALF, DAYS)
        staff = sorted(self.staff)
        for n in range(6):
            self.case("curious", n, [self.look(pick(staff), pick(self.customers), self.at(day()))])
        for n in range(3):
            who, whom = pick(staff), pick(self.customers)
            days = (HALF + n, HALF + n + 5, HALF + n + 10)
            self.case("stalker", n, [self.look(who, whom, self.at(at)) for at in days])
        for n in range(2):
            when, whom = HALF + 4 + n, pick(sorted(self.famous))
            crowd = self.random.sample(staff, 5)
            self.case("vip", n, [self.look(who, whom, self.at(when)) for who in crowd])
        who = pick([name for name in staff if name.startswith("v")])
        taken = self.random.sample(self.open[who], 30)
        self.case("departing", 0, [self.look(who, c, self.at(DAYS - 3), "export") for c in taken])
        slow = self.random.sample(self.customers, 50)
        self.case(
            "scrape", 0, [self.look("s03", c, self.at(HALF + i // 5)) for i, c in enumerate(slow)]
        )
        shared = self.random.sample(self.open["s08"], 10)
        self.case("shared", 0, [self.look("s17", c, self.at(DAYS - 2)) for c in shared])
        for n in range(3):
            who, whom, when = pick(staff[:24]), pick(sorted(self.famous)), self.at(day())
            self.fact("ticket", whom, who, when + timedelta(minutes=20), late=False)
            self.case("cover", n, [self.look(who, whom, when)])

    def write(self, folder: Path) -> Path:
        (folder / "facts").mkdir(parents=True)
        self.accesses.sort(key=lambda one: one["@timestamp"])
        lines = "".join(json.dumps(one) + "\n" for one in self.accesses)
        (folder / "accesses.ndjson.gz").write_bytes(gzip.compress(lines.encode()))
        for kind, rows in self.facts.items():
            table(folder / "facts" / f"{kind}.csv", FACT, rows)
        table(
            folder / "staff.csv",
            ("user", "role", "team", "region"),
            [(name, role, team, team[-1]) for name, (role, team) in self.staff.items()],
        )
        table(
            folder / "customers.csv",
            ("customer", "region", "public_figure"),
            [(name, self.region[name], str(int(name in self.famous))) for name in self.customers],
        )
        table(folder / "labels.csv", ("event_id", "scenario", "case"), self.labels)
        return folder


def table(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def make_world(folder: Path, seed: int) -> Path:
    company = Company(seed)
    company.work()
    company.misuse()
    return company.write(folder)
