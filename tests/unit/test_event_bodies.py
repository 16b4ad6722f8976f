"""Bodies of events: what opens, what closes with whom, and that nothing is stored twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentinel.collect.profile import load_profiles
from sentinel.collect.pseudonymise import Disguise, PersonPseudonymiser
from sentinel.content import content_dir
from sentinel.domain.event import Event, LogSource, Value
from sentinel.errors import StorageError
from sentinel.store.keys.bodies import EventBodies
from sentinel.store.keys.persons import PersonKeys
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class House:
    """A map, and the disguise of the shipped profile of the audit log."""

    def __init__(self, folder: Path) -> None:
        self.keys = PersonKeys(folder, AesGcmSealer(bytes(32)))
        self.keys.at(NOW)
        self.names = PersonPseudonymiser(self.keys)
        assert self.names.bodies is not None
        self.bodies: EventBodies = self.names.bodies
        profile = load_profiles(content_dir("rules") / "sources")["crm-audit"]
        self.disguise = Disguise(
            self.names,
            identifiers=profile.identifiers,
            routes=profile.route_table,
            subject_pattern=profile.subject_pattern,
            texts=profile.texts,
        )

    def event(self, event_id: str = "e1", **fields: Any) -> Event:
        """Return an event as the collector makes it; ``a__b`` stands for ``a.b``."""
        clear: dict[str, Value] = {name.replace("__", "."): v for name, v in fields.items()}
        originals = self.disguise.apply(clear)
        sealed = self.bodies.seal(originals, clear, event_id)
        return Event(
            id=event_id, time=NOW, source="crm", ref="", logsource=LogSource(), fields=clear,
            sealed=sealed,
        )  # fmt: skip

    def erase(self, identifier: str, kind: str = "sub") -> str:
        name = self.names.pseudonym(kind, identifier)
        assert self.keys.erase([name]) == [name]
        return name


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def access(house: House, *subjects: str, **more: Any) -> Event:
    given = {
        "sentinel__actor__kind": "staff",
        "user__name": "a.martin",
        "sentinel__subject": list(subjects),
        "source__ip": "192.0.2.4",
        "url__path": f"/crm/customers/{subjects[0]}/invoices",
    }
    return house.event(**(given | more))


ALL = {
    "user.name": "a.martin",
    "sentinel.subject": ["C00123"],
    "source.ip": "192.0.2.4",
    "url.path": "/crm/customers/C00123/invoices",
}


def test_an_event_opens_to_what_it_said(house: House) -> None:
    event = access(house, "C00123")
    opened = house.bodies.open(event)
    assert opened.originals == ALL
    assert opened.closed == ()


def test_identifiers_stand_in_the_map_alone(house: House) -> None:
    assert access(house, "C00123", source__ip=None, url__path=None).sealed == b""
    one = len(access(house, "C00123").sealed)
    assert len(access(house, *(f"C{n:05d}" for n in range(100, 600))).sealed) == one


def test_with_the_customer_goes_what_tells_of_them_and_nothing_else(house: House) -> None:
    event = access(house, "C00123")
    gone = house.erase("C00123")
    opened = house.bodies.open(event)
    assert opened.originals == {"user.name": "a.martin", "source.ip": "192.0.2.4"}
    assert opened.closed == (gone,)


def test_with_the_staff_goes_where_they_sat(house: House) -> None:
    event = access(house, "C00123")
    gone = house.erase("a.martin", "usr")
    opened = house.bodies.open(event)
    assert set(opened.originals) == {"sentinel.subject", "url.path"}
    assert opened.closed == (gone,)


def test_of_many_subjects_the_others_open_still(house: House) -> None:
    names = [f"C{n:05d}" for n in range(100, 150)]
    event = access(house, *names)
    gone = house.erase("C00120")
    opened = house.bodies.open(event)
    subjects = opened.originals["sentinel.subject"]
    assert isinstance(subjects, list)
    assert subjects == [one if one != "C00120" else gone for one in names]


def test_a_text_that_tells_of_two_closes_with_either(house: House) -> None:
    event = house.event(
        sentinel__actor__kind="staff", user__name="a.martin", sentinel__subject=["C00123"],
        url__query="to=Zoe.B%40example.org&from=C00123",
    )  # fmt: skip
    whole = "to=Zoe.B%40example.org&from=C00123"
    assert house.bodies.open(event).originals["url.query"] == whole
    assert event.sealed  # written otherwise than the map has it
    house.erase("zoe.b@example.org")
    opened = house.bodies.open(event)
    assert "Zoe" not in str(opened)
    assert "zoe" not in str(opened)
    assert str(opened.originals["url.query"]).endswith("&from=C00123")


def test_the_part_of_another_event_does_not_open(house: House) -> None:
    one = access(house, "C00123")
    moved = msgspec.structs.replace(one, id="e2")
    with pytest.raises(StorageError, match="belongs elsewhere"):
        house.bodies.open(moved)


def test_every_byte_counts(house: House) -> None:
    event = access(house, "C00123")
    whole = house.bodies.open(event)
    for index in range(len(event.sealed)):
        altered = bytearray(event.sealed)
        altered[index] ^= 1
        changed = msgspec.structs.replace(event, sealed=bytes(altered))
        try:
            opened = house.bodies.open(changed)
        except StorageError:
            continue
        assert opened != whole  # another owner, who does not exist: closed
        assert "192.0.2.4" not in str(opened)


def test_who_sends_a_line_may_invent_pseudonyms(house: House) -> None:
    invented = "sub_aaaaaaaaaaaaaaaa"
    real = house.names.pseudonym("sub", "C00999")
    path = f"/crm/{invented}/{real}/192.0.2.4/usr_234567abcdefghij"
    event = house.event(
        sentinel__actor__kind="staff", user__name="a.martin", url__path=path,
        source__ip="192.0.2.4",
    )  # fmt: skip
    assert real in str(event.fields["url.path"])
    opened = house.bodies.open(event)
    assert opened.originals["url.path"] == path
    assert opened.originals["source.ip"] == "192.0.2.4"
    assert invented in opened.closed


def test_an_address_of_nobody_closes_with_the_key_of_its_time(house: House) -> None:
    event = house.event(sentinel__actor__kind="visitor", source__ip="198.51.100.7")
    assert house.bodies.open(event).originals == {"source.ip": "198.51.100.7"}
    for days in (31, 62, 500):
        house.keys.at(NOW + timedelta(days))
    assert house.keys.epoch(1) is None
    assert house.bodies.open(event).originals == {}


def test_texts_of_the_transport_belong_to_all_of_an_event(house: House) -> None:
    event = access(house, "C00123", "C00456")
    kept = {"syslog.structured": "for C00123 by a.martin"}
    more = house.bodies.add(event.sealed, kept, event.fields, event.id)
    event = msgspec.structs.replace(event, sealed=more)
    originals = house.bodies.open(event).originals
    assert originals["syslog.structured"] == kept["syslog.structured"]
    assert originals["source.ip"] == "192.0.2.4"
    house.erase("C00456")
    assert "syslog.structured" not in house.bodies.open(event).originals


def test_what_is_no_body_is_an_error(house: House) -> None:
    for wrong in (b"\x01abc", b"\x04", b"\x04\xc1", b"\x04\x91\x92\xc4\x00\xc4\x00"):
        event = Event(
            id="e", time=NOW, source="s", ref="", logsource=LogSource(), fields={}, sealed=wrong
        )
        with pytest.raises(StorageError):
            house.bodies.open(event)


def test_uses_of_the_keys_are_counted(house: House) -> None:
    event = access(house, "C00123")
    house.bodies.open(event)
    uses = house.keys.uses
    assert (uses["seal:event"], uses["open:event"]) == (1, 1)
    assert uses["seal:person"] == 2  # who acts, and whom it touches


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    subjects=st.lists(st.sampled_from([f"C{n:05d}" for n in range(20)]), min_size=1, max_size=4),
    path=st.text(alphabet=st.sampled_from("/aC0123 45%_-.@e\né"), max_size=40),
    erased=st.sets(st.integers(0, 19), max_size=3),
)
def test_what_was_said_comes_back_or_is_closed(
    house: House, subjects: list[str], path: str, erased: set[int]
) -> None:
    event = access(house, *subjects, url__path=path, message=f"{path} {subjects[0]}")
    said = {**ALL, "sentinel.subject": subjects, "url.path": path}
    said["message"] = f"{path} {subjects[0]}"
    whole = house.bodies.open(event)
    for name, value in whole.originals.items():
        assert value == said[name]
    for name, value in said.items():
        assert whole.originals.get(name, event.fields[name]) == value
    gone = {f"C{n:05d}" for n in erased}
    names = [house.names.pseudonym("sub", one) for one in gone]
    house.keys.erase(names)
    left = house.bodies.open(event)
    for one in gone & set(subjects):
        assert one not in str(left.originals.get("sentinel.subject"))
    assert set(left.closed) >= {name for name in event.fields["sentinel.subject"] if name in names}
