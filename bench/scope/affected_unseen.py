"""Affected sets in companies that nobody looked at: other seeds, proportions and habits.

    python bench/scope/affected_unseen.py [--seed 300] [--json]

To the worlds of ``unseen.py`` (its cases with it) come leavers, stolen accounts and wrong hits:

* ``departing``: in the last week, besides the day's work, persons of the own portfolio and of
  others' are opened and exported;
* ``hijack``: through one night and the next day a thief opens persons under the owner's name, the
  owner works on;
* wrong hits, in everybody's work and in no case: a look at somebody else, 4 to 75 seconds before
  the person who was meant.

Who has a case of ``unseen.py`` gets none of these. Seed 300 was seen while the doubts were made;
400 and 500 were run afterwards, and nothing was changed after them.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from affected import Desk, show
from unseen import SHAPES, Company

from sentinel.detect.scope.evaluate_world import read_world

SLIPS = 0.03
"""Share of the looks at an own person that come after a wrong hit."""


class Bigger(Company):
    """A company with leavers, stolen accounts and wrong hits."""

    def look(self, user: str, customer: str, at: datetime, *, address: str = "") -> str:
        """Add an access; sometimes another person was opened just before."""
        if customer in self.cases[user] and self.random.random() < SLIPS:
            before = at - timedelta(seconds=self.random.uniform(4, 75))
            super().look(user, self.random.choice(self.customers), before, address=address)
        return super().look(user, customer, at, address=address)

    def misuse(self) -> None:
        """Plant the cases of ``unseen.py``, then these."""
        super().misuse()
        sellers = [name for name, (role, _) in self.staff.items() if role == "sales"]
        helpers = [name for name, (role, _) in self.staff.items() if role == "support"]
        labelled = {event for event, _, _ in self.labels}
        busy = {one["user"]["name"] for one in self.looks if one["event"]["id"] in labelled}
        for who in self.random.sample(sorted({*sellers} - busy), 4):
            self.case("departing", self.departing(who))
        for who in self.random.sample(sorted({*helpers} - busy), 4):
            self.case("hijack", self.hijack(who))

    def departing(self, who: str) -> list[str]:
        """Return the accesses of a leaver's last week."""
        first = self.random.randrange(self.half, self.shape.days - 8)
        events = []
        for day in range(first, first + 7):
            if self.workday(day, who):
                mine = self.random.sample(self.cases[who], min(12, len(self.cases[who])))
                others = self.random.sample(self.customers, self.random.randrange(3, 15))
                for one in (*mine, *others):
                    events.append(super().look(who, one, self.at(day)))
                    if self.random.random() < 0.3:
                        self.looks[-1]["event"]["action"] = "customer.export"
        return events

    def hijack(self, who: str) -> list[str]:
        """Return what a thief opened in a night and a day."""
        begin = self.start + timedelta(days=self.day())
        return [
            super(Bigger, self).look(who, one, begin + timedelta(hours=self.random.uniform(0, 18)))
            for one in self.random.sample(self.customers, 60)
        ]


def main() -> None:
    """Print the rows and the closing table over one world of each shape."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    desks = []
    with tempfile.TemporaryDirectory() as folder:
        for number, shape in enumerate(SHAPES):
            company = Bigger(shape, chosen.seed + number)
            company.work()
            company.misuse()
            world = company.write(Path(folder) / shape.name.replace(",", "").replace(" ", "_"))
            desks.append(Desk(world.name, read_world(world)))
    show(desks, as_json=chosen.json)


if __name__ == "__main__":
    main()
