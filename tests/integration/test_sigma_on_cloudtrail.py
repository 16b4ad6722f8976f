"""SigmaHQ's CloudTrail rules fire on real attacks, in a scan and on what the service stores.

The service keeps an allow-list of fields and pseudonyms; a rule must find there what it finds in
the file. The samples are CloudTrail records of attack techniques (Stratus Red Team, Apache-2.0).
"""

from __future__ import annotations

import asyncio
import gzip
import tarfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from sentinel.app.offline import Offline
from sentinel.clock import SystemClock
from sentinel.collect.intake import Intake
from sentinel.collect.offline import OfflineReader
from sentinel.collect.profile import load_profiles
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.config import Settings, SourceSettings
from sentinel.content import content_dir
from sentinel.domain.event import Event
from sentinel.store.seal import AesGcmSealer

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SAMPLES = DATA / "audit" / "stratus"
PROFILES = load_profiles(content_dir("rules") / "sources")
KEY = bytes(range(32))

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no shared data at {DATA}")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sigma")
    with tarfile.open(DATA / "sigma" / "rules.tar.gz") as archive:
        wanted = [m for m in archive.getmembers() if m.name.startswith("rules/cloud/aws/")]
        archive.extractall(folder, members=wanted, filter="data")
    return folder / "rules" / "cloud" / "aws"


def findings(rules: Path, events: Iterable[Event]) -> Counter[str]:
    async def judge() -> Counter[str]:
        offline = Offline(Settings(), rules=rules)
        found = await offline.process(list(events))
        return Counter(finding.rule.slug for finding in [*found, *await offline.flush()])

    return asyncio.run(judge())


def scanned() -> list[Event]:
    reader = OfflineReader(PROFILES)
    items = list(reader.read([SAMPLES]))
    events = [item for item in items if isinstance(item, Event)]
    assert len(events) == len(items)
    assert set(reader.chosen.values()) == {("cloudtrail", "cloudtrail")}
    return events


def stored() -> list[Event]:
    events: list[Event] = []
    for path in sorted(SAMPLES.glob("*.gz")):
        intake = Intake(
            SourceSettings(name="trail"),
            PROFILES,
            pseudonymiser=Pseudonymiser(KEY),
            sealer=AesGcmSealer(KEY),
            clock=SystemClock(),
            max_line_bytes=1 << 24,
        )
        events += intake.batch([gzip.decompress(path.read_bytes())], path.name).events
    return events


def test_rules_fire_alike_on_files_and_on_what_is_stored(rules: Path) -> None:
    in_files, in_store = scanned(), stored()
    assert len(in_files) == len(in_store) == 310
    found = findings(rules, in_files)
    assert found == findings(rules, in_store)
    assert len(found) >= 10
    assert found.total() >= 80
