"""The shipped pack on public logs of real servers: quiet on ordinary days, awake on the attack.

The logs are not part of the repository (see `bench/`): where they are absent this is skipped.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from sentinel.app import parts
from sentinel.app.offline import Offline
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.config import Settings
from sentinel.content import content_dir

DATA = Path(os.environ.get("SENTINEL_TEST_DATA", content_dir("rules").parents[1] / "shared/data"))
LOGS = DATA / "web"
SLICE = 1000

pytestmark = pytest.mark.skipif(
    not LOGS.is_dir(), reason=f"the public web logs are absent: {LOGS}; set SENTINEL_TEST_DATA"
)


async def findings(name: str) -> Counter[str]:
    settings = Settings()
    offline = Offline(settings)
    reader = OfflineReader(parts.load_sources(settings, None))
    events = [item for item in reader.read([LOGS / name]) if not isinstance(item, UnparsedLine)]
    assert len(events) > 500
    found = []
    for start in range(0, len(events), SLICE):
        found += await offline.process(events[start : start + SLICE])
    found += await offline.flush()
    return Counter(finding.rule.slug for finding in found if not finding.continues)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "elastic/apache_combined.log.gz",
        "ait_russellmitchell/access1.log.gz",
        "ait_russellmitchell/access3.log.gz",
        "ait_russellmitchell/access4.log.gz",
    ],
)
async def test_ordinary_days_raise_nothing(name: str) -> None:
    assert await findings(name) == Counter()


@pytest.mark.slow
async def test_the_day_of_the_attack_shows_the_scan_and_the_web_shell() -> None:
    found = await findings("ait_russellmitchell/access2.log.gz")
    assert set(found) == {"scanner_at_work", "forced_browsing", "script_in_upload_folder"}
    assert found["scanner_at_work"] == found["forced_browsing"] == 1
