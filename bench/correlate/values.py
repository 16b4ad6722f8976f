"""Events per second of `value_count` with 1,800 distinct values in the window.

python -m bench.correlate.values
"""

from __future__ import annotations

import time
from datetime import timedelta

from bench.correlate.material import accesses, rules_with
from sentinel.detect.correlate.correlator import Correlator
from sentinel.detect.correlate.hit import Hit
from sentinel.detect.engine import RuleEngine

EVENTS = 200_000
VALUES = 1_800
SLICE = 256
BLOCK = {
    "type": "value_count",
    "group-by": "source.ip",
    "timespan": "1h",
    "condition": {"field": "url.path", "gte": 5_000},
}


def main() -> None:
    """Print the rates of the correlation alone and of the whole rule engine."""
    rules = rules_with(BLOCK)
    every = timedelta(hours=1) / VALUES
    events = list(accesses(EVENTS, every=every, addresses=1, paths=VALUES))
    rule = rules.rules[0].info.id
    hits = [Hit(rule, e.id, e.time, e.fields, (e.id,), (e.ref,)) for e in events]

    correlator = Correlator(rules.correlations[0])
    began = time.process_time()
    for start in range(0, EVENTS, SLICE):
        for hit in hits[start : start + SLICE]:
            correlator.offer(hit)
        list(correlator.evaluate(hits[min(start + SLICE, EVENTS) - 1].time))
    alone = EVENTS / (time.process_time() - began)

    engine = RuleEngine(rules, lateness=timedelta(minutes=10))
    began = time.process_time()
    for start in range(0, EVENTS, SLICE):
        engine.process(events[start : start + SLICE])
    whole = EVENTS / (time.process_time() - began)
    print(f"value_count, {VALUES:,} distinct values in the window, {EVENTS:,} events")
    print(f"  the correlation alone     {alone:>10,.0f} events per core-second")
    print(f"  rule, hit and correlation {whole:>10,.0f} events per core-second")


if __name__ == "__main__":
    main()
