"""Memory of one correlation with a million groups in its window.

python -m bench.correlate.groups
"""

from __future__ import annotations

import resource
import time
from datetime import timedelta

from bench.correlate.material import accesses, rules_with
from sentinel.detect.engine import RuleEngine

GROUPS = 1_000_000
SLICE = 256
BLOCK = {
    "type": "value_count",
    "group-by": "source.ip",
    "timespan": "1d",
    "condition": {"field": "url.path", "gte": 50},
}


def megabytes() -> float:
    """Return the largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the memory and the rate for a million addresses, each seen once in the window."""
    engine = RuleEngine(rules_with(BLOCK), lateness=timedelta(minutes=10))
    before = megabytes()
    began = time.process_time()
    every = timedelta(hours=12) / GROUPS
    batch = []
    for event in accesses(GROUPS, every=every, addresses=GROUPS, paths=500):
        batch.append(event)
        if len(batch) == SLICE:
            engine.process(batch)
            batch = []
    engine.process(batch)
    engine.advance(event.time + timedelta(minutes=11))
    seconds = time.process_time() - began
    full = megabytes()
    (losses,) = engine.losses.values()
    print(f"{engine.weight:,} groups, {losses.evicted_groups} evicted")
    print(
        f"  before {before:,.0f} MB, at most {full:,.0f} MB resident, "
        f"{GROUPS / seconds:,.0f} events per core-second"
    )
    began = time.process_time()
    size = sum(map(len, engine.remember()))
    print(
        f"  checkpoint {size / 1e6:,.0f} MB in {time.process_time() - began:.1f} s, "
        f"then at most {megabytes():,.0f} MB"
    )


if __name__ == "__main__":
    main()
