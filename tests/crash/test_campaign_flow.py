"""A campaign from the case to the proof: approval, canary, pause, kill switch, post, evidence."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from campaign_house import SENDER, World, entries
from campaign_tls import certificate
from test_campaign_killed import relay
from typer.testing import CliRunner

from sentinel.app.campaign import desk, proof, second_channel
from sentinel.app.campaign.house import House
from sentinel.app.campaign.prepare import prepare_letters, prepare_notice
from sentinel.app.campaign.rounds import Rounds
from sentinel.cli.main import app
from sentinel.clock import ManualClock, SystemClock
from sentinel.domain.campaign import Campaign, CampaignState
from sentinel.domain.dispatch import DispatchState, Failure
from sentinel.domain.incident import Actor, Role
from sentinel.domain.record import Task
from sentinel.errors import Refused, SentinelError, StorageError
from sentinel.notify.campaign.evidence import canonical
from sentinel.respond import campaign as commands
from sentinel.store.ports import CaseTx
from sentinel.store.private_file import write_new
from sentinel.store.signing import AnchorSigner, read_public_key, signed_bytes_by

START = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
WHY = "The wording needs another look"
MAIL = """
[mail]
sender = "{sender}"
bounce_address = "bounces@example.org"
bounce_maildir = "{box}"
per_minute = 100000
canary_percent = 20
test_to = ["inside@example.org"]
[mail.primary]
host = "127.0.0.1"
port = {port}
security = "{security}"
{more}
"""


class Flow:
    """A world, its server, its rounds."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        security: str = "none",
        more: str = "",
        at: Path | None = None,
    ) -> None:
        self.log = (at or folder) / "relay.log"
        self._seen = len(self.log.read_text().splitlines())
        self.clock = ManualClock(START)
        mail = MAIL.format(
            sender=SENDER, port=port, security=security, more=more, box=(at or folder) / "box"
        )
        self.world = World(folder, mail, self.clock)
        for name, role in (
            ("comms", Role.COMMS),
            ("dpo", Role.DPO),
            ("legal", Role.LEGAL),
            ("admin", Role.ADMIN),
            ("auditor", Role.AUDITOR),
        ):
            self.world.person(name, role)

    def taken(self) -> list[str]:
        return [json.loads(line)["to"] for line in self.log.read_text().splitlines()[self._seen :]]

    def rounds(self, times: int = 3) -> None:
        async def look() -> None:
            rounds = Rounds(self.world.settings, self.world.in_store, self.world.sealer, self.clock)
            for _ in range(times):
                await rounds.look()
            await rounds.stop()

        asyncio.run(look())

    def go_on(self, campaign: Campaign, name: str = "dpo") -> Campaign:
        return self.world.act(name, desk.go_on, campaign)

    def counts(self, campaign: Campaign) -> dict[DispatchState, int]:
        with self.world.house() as house:
            return house.ledger.counts(campaign.id)

    def actions(self, campaign: Campaign) -> list[str]:
        lines = self.world.run(lambda tx: tx.journal.lines(object_id=campaign.incident_id))
        return [line.action for line in lines]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """One server that takes everything, for all tests; its folder, its port."""
    folder = tmp_path_factory.mktemp("server")
    for name in ("tmp", "new", "cur"):
        (folder / "box" / name).mkdir(parents=True)
    with relay(folder, folder / "box", "--plain") as (_process, port):
        yield folder, port


@pytest.fixture
def flow(tmp_path: Path, server: tuple[Path, int]) -> Iterator[Flow]:
    folder, port = server
    made = Flow(tmp_path, port, at=folder)
    yield made
    made.world.close()


def test_from_the_case_to_the_proof(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(20, english=5, post=4), minors=5)
    campaign = world.approved()
    assert campaign.audience_counts == {"email": 16, "post": 4}
    assert campaign.canary == 3
    assert {part.variant for part in campaign.parts} == {
        "connection_data,identity",
        "contact,identity",
    }
    world.act("dpo", desk.start, campaign)
    flow.rounds()
    assert len(flow.taken()) == 3  # the canary waits for a person
    assert world.campaign(campaign).state is CampaignState.CANARY_DONE
    flow.go_on(campaign)
    flow.rounds()
    assert world.campaign(campaign).state is CampaignState.SENT
    assert len(flow.taken()) == len(set(flow.taken())) == 16
    assert flow.actions(campaign)[-6:] == [
        "approval.given",
        "campaign.started",
        "directory.opened_for_letters",
        "campaign.canary_done",
        "campaign.continued",
        "campaign.sent",
    ]
    made = world.act("auditor", proof.make_evidence, campaign)
    whole = json.loads(made.json)
    assert whole["evidence"]["totals"]["states"]["failed"] == 4
    assert whole["evidence"]["totals"]["coverage"] == 0.8
    assert len(whole["evidence"]["letters"]) == 20
    assert not [word for word in ("Personne", "@example.org", "sub_") if word in made.json.decode()]
    assert hashlib.sha256(made.json).hexdigest() == made.sha256
    assert made.papers["fr"].startswith(b"%PDF")
    key = world.settings.keys.anchor
    assert key is not None
    public = read_public_key(AnchorSigner(key.get_secret_value()).public_pem().encode())
    value = whole["signature"]["value"]
    assert signed_bytes_by(canonical(whole["evidence"]), value, public)
    whole["evidence"]["letters"][0]["state"] = "delivered"
    whole["evidence"]["letters"][1]["state"] = "delivered"
    whole["evidence"]["totals"]["coverage"] = 1.0
    assert not signed_bytes_by(canonical(whole["evidence"]), value, public)


def test_the_post_and_was_i_informed_after_the_list_is_destroyed(flow: Flow) -> None:
    world = flow.world
    people = entries(6, post=2)
    world.fill(people)
    campaign = world.approved()
    world.act("dpo", desk.start, campaign)
    flow.rounds()
    flow.go_on(campaign)
    flow.rounds()
    legal = world.people["legal"].actor
    with pytest.raises(Refused, match="author cannot be the approver"):
        world.act("legal", _post, campaign, approver=legal)
    listed, printed, numbers, without = world.act("dpo", _post, campaign, approver=legal)
    assert (len(numbers), without) == (2, 0)
    text = listed.decode("utf-8-sig")
    assert "Personne n° 5" in text
    assert "no_email" in text
    assert printed.startswith(b"%PDF")
    with pytest.raises(Refused, match="receipt"):
        world.act("dpo", second_channel.posted, campaign, numbers, proof="")
    assert world.act("dpo", second_channel.posted, campaign, numbers, proof="LP-1") == 2
    assert world.act("dpo", second_channel.posted, campaign, numbers, proof="LP-1") == 0
    with world.house() as house:
        assert desk.progress(house, campaign).coverage == 1.0
    world.act("dpo", proof.destroy_list, campaign, approver=legal, reason=WHY)
    ledger = world.settings.data_dir / "campaigns.sqlite"
    raw = b"".join(path.read_bytes() for path in ledger.parent.glob("campaigns.sqlite*"))
    with world.house() as house:
        assert not [one for one in house.ledger.letters(campaign.id) if one.pseudonym]
    assert b"example.org" not in raw
    (found,) = world.act("dpo", proof.informed, person=people[0].pseudonym)
    assert (found.state, found.campaign) == ("delivered", campaign.id)
    (again,) = world.act("dpo", proof.informed, email=" P0@Example.org ")
    assert again == found
    (by_post,) = world.act("dpo", proof.informed, person=people[5].pseudonym)
    assert by_post.by_post_at
    assert world.act("dpo", proof.informed, person="C99999") == []
    assert world.act("dpo", proof.informed, email="nobody@example.org") == []


def _post(
    tx: CaseTx, house: House, actor: Actor, campaign: Campaign, *, approver: Actor, now: datetime
) -> tuple[bytes, bytes, list[int], int]:
    return second_channel.make_post(
        tx, house, actor, campaign, approver=approver, reason=WHY, now=now
    )


def test_one_comma_after_approval_blocks_sending(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(5))
    campaign = world.approved()
    part = next(
        one for one in campaign.parts if (one.media_type, one.language) == ("text/plain", "fr")
    )
    path = world.settings.data_dir / part.path
    whole = path.read_bytes()
    # On disk the letter is sealed: who edits it there only breaks it.
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises((Refused, StorageError)):
        world.act("dpo", desk.start, campaign)
    # With the key it can be edited: one comma more.
    context = f"document:{part.document_id}"
    text = world.sealer.open(whole, context=context).decode()
    comma = text.replace("données", "données,", 1)
    assert comma != text
    path.write_bytes(world.sealer.seal(comma.encode(), context=context))
    with pytest.raises(Refused, match="edited"):
        world.act("dpo", desk.start, campaign)
    path.write_bytes(whole)
    world.act("dpo", desk.start, campaign)
    path.write_bytes(world.sealer.seal(comma.encode(), context=context))
    flow.rounds()
    assert flow.taken() == []
    held = world.campaign(campaign)
    assert held.state is CampaignState.PAUSED
    assert "edited" in held.reason


def test_a_person_more_after_approval_blocks_sending(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(5))
    campaign = world.approved()
    with world.house() as house:
        first = next(iter(house.ledger.letters(campaign.id)))
        stranger = msgspec.structs.replace(
            first, token="a" * 32, number=6, pseudonym="sub_ffffffffffffffff"
        )
        assert house.ledger.fill([stranger]) == 1
    with pytest.raises(Refused, match="edited"):
        world.act("dpo", desk.start, campaign)


def test_nothing_leaves_without_approval_or_after_it_is_withdrawn(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(5))
    campaign = world.prepared()
    with pytest.raises(Refused, match="nobody has approved"):
        world.act("dpo", desk.start, campaign)
    world.act("comms", desk.ask, world.factor("comms"), campaign)
    with pytest.raises(Refused, match="takes the role"):
        world.act("comms", desk.approve, world.factor("comms"), campaign)
    given = world.act("dpo", desk.approve, world.factor("dpo"), campaign)
    world.act("dpo", desk.start, campaign)
    with world.house() as house:
        world.run(
            lambda tx: house.approvals.withdraw(
                tx, world.people["dpo"].actor, given.id, reason=WHY, now=flow.clock.now()
            )
        )
    flow.rounds()
    assert flow.taken() == []
    assert world.campaign(campaign).state is CampaignState.PAUSED


def test_pause_resume_and_the_kill_switch(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(10))
    campaign = world.approved()
    world.act("dpo", desk.start, campaign)
    with pytest.raises(Refused, match="reason"):
        world.act("comms", desk.hold, campaign, reason="no")
    world.act("comms", desk.hold, campaign, reason=WHY)
    flow.rounds()
    assert flow.taken() == []
    flow.go_on(campaign)
    flow.rounds()
    assert len(flow.taken()) == 2
    flow.go_on(campaign)
    world.act("comms", desk.end, campaign, reason=WHY)
    flow.rounds()
    assert len(flow.taken()) == 2
    with world.house() as house:
        assert house.ledger.failures(campaign.id) == {Failure.STOPPED: 8}
    with pytest.raises(Refused, match="stopped"):
        flow.go_on(campaign)


def test_a_worker_that_is_behind_cannot_open_a_shut_gate(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(10))
    campaign = world.approved()
    started = world.act("dpo", desk.start, campaign)
    with world.house() as house:
        assert house.ledger.gate(campaign.id, version=started.version + 1, open_to=0)
        assert not house.ledger.gate(campaign.id, version=started.version, open_to=99)
        letter = house.ledger.due(campaign.id, flow.clock.now(), open_to=99, limit=1)[0]
        assert house.ledger.begin(letter.token, lambda one: one) is None


def test_nobody_gets_the_same_letter_twice(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(5))
    campaign = world.approved()
    world.act("dpo", desk.start, campaign)
    with world.house() as house:
        letters = list(house.ledger.letters(campaign.id))
        other = [msgspec.structs.replace(one, campaign="another") for one in letters]
        assert house.ledger.fill(other) == 0
    flow.clock.advance(timedelta(minutes=1))
    second = world.approved()
    with pytest.raises(Refused, match="sent before"):
        world.act("dpo", desk.start, second)
    world.act("dpo", desk.start, second, again="The first letter named a wrong telephone number")


def test_an_unknown_letter_is_settled_by_a_person_or_goes_by_post(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(3))
    campaign = world.approved()
    world.act("dpo", desk.start, campaign)
    with world.house() as house:
        for one in list(house.ledger.letters(campaign.id)):
            house.ledger.change(
                one.token,
                lambda at: msgspec.structs.replace(
                    at, state=DispatchState.HANDING_OVER, begun_at=START, path="primary"
                ),
            )
    flow.rounds(1)  # a process that died on the wire is not sent again by itself
    assert flow.counts(campaign)[DispatchState.UNKNOWN] == 3
    assert flow.taken() == []
    with pytest.raises(Refused, match="role"):
        world.act("comms", desk.resolve, campaign, 1, taken=True, reason=WHY)
    world.act("dpo", desk.resolve, campaign, 1, taken=True, reason=WHY)
    world.act("dpo", desk.resolve, campaign, 2, taken=False, reason=WHY)
    with pytest.raises(Refused, match="not unknown"):
        world.act("dpo", desk.resolve, campaign, 1, taken=False, reason=WHY)
    flow.clock.advance(timedelta(hours=25))
    flow.rounds(1)
    with world.house() as house:
        assert house.ledger.failures(campaign.id) == {Failure.HANDOVER_UNKNOWN: 1}


def test_low_coverage_opens_a_decision_once(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(10, post=3))
    campaign = world.approved()
    world.act("dpo", desk.start, campaign)
    flow.rounds()
    flow.go_on(campaign)
    flow.rounds()
    flow.clock.advance(timedelta(hours=71))
    flow.rounds()
    assert world.run(lambda tx: tx.records.find(Task)) == []
    flow.clock.advance(timedelta(hours=1))
    flow.rounds()
    flow.rounds()
    (task,) = world.run(lambda tx: tx.records.find(Task))
    assert "34(3)(c)" in task.title
    assert "70,0 %" in task.title
    assert task.owner == "dpo"


def test_sms_is_refused_unless_the_officer_derogates(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(3))
    campaign = world.prepared()
    with pytest.raises(Refused, match="R-07"):
        world.run(lambda tx: second_channel.refuse_sms(tx, campaign))

    def derogate(name: str) -> None:
        actor = world.people[name].actor
        world.run(
            lambda tx: second_channel.derogate_sms(
                tx, actor, campaign, reason=WHY, now=flow.clock.now()
            )
        )

    with pytest.raises(Refused, match="role"):
        derogate("comms")
    derogate("dpo")
    world.run(lambda tx: second_channel.refuse_sms(tx, campaign))


def test_a_change_is_told_thirty_days_ahead(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(4, post=1))
    files = [
        ("fr", "text/plain", b"Nos conditions changent\n\nBonjour."),
        ("fr", "text/html", b"<p>Bonjour.</p>"),
    ]
    soon = flow.clock.now() + timedelta(days=29, hours=23)
    with pytest.raises(Refused, match="30 days ahead"):
        world.act("dpo", prepare_notice, files, effective_at=soon)
    later = flow.clock.now() + timedelta(days=31)
    made = world.act("dpo", prepare_notice, files, effective_at=later)
    assert (made.audience_count, made.incident_id) == (4, "")
    flow.clock.advance(timedelta(days=2))
    with pytest.raises(Refused, match="30 days ahead"):
        commands.in_time(made, flow.clock.now())


def test_an_administrator_and_the_files_tell_nothing(flow: Flow, tmp_path: Path) -> None:
    world = flow.world
    people = entries(5)
    world.fill(people)
    with pytest.raises(Refused, match="administrator"):
        world.act("admin", prepare_letters, world.incident_id)
    campaign = world.approved()
    for act in (desk.start, proof.make_evidence):
        with pytest.raises(Refused, match="administrator"):
            world.act("admin", act, campaign)
    with pytest.raises(Refused, match="administrator"):
        world.act("admin", proof.informed, email="p0@example.org")
    with pytest.raises(Refused):
        world.token("admin")  # and so neither the API nor the command line opens
    world.act("dpo", desk.start, campaign)
    flow.rounds()
    # What lies in the data directory, and so in every backup of it:
    for path in world.settings.data_dir.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            for one in people:
                assert one.email.encode() not in raw, path
                assert one.name.encode() not in raw, path
                if path.name.startswith("campaigns"):
                    assert one.pseudonym.encode() not in raw, path


def test_a_row_changed_by_hand_is_found(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(5))
    campaign = world.approved()
    world.act("dpo", desk.start, campaign)
    flow.rounds()
    database = sqlite3.connect(world.settings.data_dir / "campaigns.sqlite")
    with database:
        database.execute("update letters set state = 'queued' where state <> 'queued'")
    database.close()
    with pytest.raises(StorageError, match="altered"), world.house() as house:
        list(house.ledger.letters(campaign.id))


def test_a_test_reaches_nobody_outside(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(3))
    campaign = world.prepared()
    with world.house() as house:
        with pytest.raises(Refused, match="addresses are not in"):
            asyncio.run(desk.send_test(house, campaign, ["p1@example.org"], flow.clock))
        answers = asyncio.run(desk.send_test(house, campaign, [], flow.clock))
    assert len(answers) == 2  # both languages
    assert set(flow.taken()) == {"inside@example.org"}


def test_tls_and_sign_in(tmp_path: Path) -> None:
    authority, chain, key = certificate(tmp_path)
    with relay(
        tmp_path, tmp_path / "box", "--plain", "--certificate", str(chain), "--key", str(key)
    ) as (_process, port):
        more = f'ca_file = "{authority}"\nusername = "letters"\npassword = "{{}}"'
        flow = Flow(tmp_path, port, security="starttls", more=more.format("right"))
        flow.world.fill(entries(5))
        campaign = flow.world.approved()
        flow.world.act("dpo", desk.start, campaign)
        flow.rounds()
        assert len(flow.taken()) == 1
        flow.world.close()


@pytest.mark.parametrize("wrong", ["authority", "password", "egress"])
def test_a_server_that_is_not_ours_gets_nothing(tmp_path: Path, wrong: str) -> None:
    authority, chain, key = certificate(tmp_path)
    assert ssl.create_default_context(cafile=authority)
    with relay(
        tmp_path, tmp_path / "box", "--plain", "--certificate", str(chain), "--key", str(key)
    ) as (_process, port):
        more = 'username = "letters"\npassword = "right"\n'
        if wrong == "password":
            more = f'ca_file = "{authority}"\nusername = "letters"\npassword = "wrong"\n'
        flow = Flow(tmp_path, port, security="starttls", more=more)
        if wrong == "egress":
            toml = flow.world.toml.read_text().replace("127.0.0.1", "mail.example.net")
            flow.world.toml.write_text(toml)
            from sentinel import config

            flow.world.settings = config.load(flow.world.toml)
        flow.world.fill(entries(5))
        campaign = flow.world.approved()
        flow.world.act("dpo", desk.start, campaign)
        flow.rounds(6)
        assert flow.taken() == []
        assert flow.counts(campaign)[DispatchState.QUEUED] == 5
        assert "campaign.way_changed" in flow.actions(campaign)
        flow.world.close()


def test_the_command_line_from_end_to_end(flow: Flow, tmp_path: Path) -> None:
    world = flow.world
    world.clock = SystemClock()
    world.fill(entries(3))
    tokens = {name: world.token(name) for name in ("comms", "dpo")}

    def sentinel(name: str, *arguments: str, code: int = 0) -> str:
        runner = CliRunner(env={"SENTINEL_TOKEN": tokens[name]})
        done = runner.invoke(app, ["-c", str(world.toml), "campaign", *arguments])
        error = done.exception
        got = error.exit_code if isinstance(error, SentinelError) else done.exit_code
        assert int(got) == code, done.output
        return done.stdout

    made = json.loads(sentinel("comms", "prepare", "INC-2026-0001", "--json"))
    sentinel("dpo", "start", made["id"], code=1)
    sentinel("comms", "ask", made["id"], "--code", world.code("comms"))
    sentinel("dpo", "approve", made["id"][-6:], "--code", world.code("dpo"))
    sentinel("dpo", "start", made["id"])
    sentinel("dpo", "work", "--until-done")
    shown = json.loads(sentinel("dpo", "show", made["id"], "--json"))
    assert shown["state"] == "canary_done"
    out = tmp_path / "out"
    sentinel("dpo", "evidence", made["id"], "--out", str(out))
    key = world.settings.keys.anchor
    assert key is not None
    write_new(out / "key.pem", AnchorSigner(key.get_secret_value()).public_pem().encode())
    (file,) = out.glob("*.json")
    sentinel("dpo", "verify", str(file), "--key", str(out / "key.pem"))
    file.write_bytes(file.read_bytes().replace(b'"attempts": 1', b'"attempts": 9', 1))
    sentinel("dpo", "verify", str(file), "--key", str(out / "key.pem"), code=1)
    assert "no letter" in sentinel("dpo", "informed", "--email", "x@example.org", code=1)
    sentinel("dpo", "sms", made["id"], code=1)


def test_a_letter_that_is_not_fit_is_refused(flow: Flow) -> None:
    flow.world.fill(entries(3))
    incident = flow.world.run(lambda tx: tx.incidents.get(flow.world.incident_id))
    answers = {
        **incident.answers,
        "letter.story.fr": "Nous prenons la sécurité très au sérieux. Répondez avec votre mot de "
        "passe : https://bit.ly/3xyz",
    }
    worse = msgspec.structs.replace(incident, answers=answers, version=incident.version + 1)
    flow.world.run(lambda tx: tx.incidents.put(worse))
    with pytest.raises(Refused, match="not fit to be sent"):
        flow.world.prepared()


def test_a_notice_is_approved_and_sent_by_the_same_engine(flow: Flow) -> None:
    world = flow.world
    world.fill(entries(4, post=1))
    files = [
        ("fr", "text/plain", b"Nos conditions changent\n\nBonjour."),
        ("fr", "text/html", b"<p>Bonjour.</p>"),
    ]
    later = flow.clock.now() + timedelta(days=31)
    made = world.act("comms", prepare_notice, files, effective_at=later)
    with pytest.raises(Refused, match="nobody has approved"):
        world.act("dpo", desk.start, made)
    world.act("comms", desk.ask, world.factor("comms"), made)
    world.act("dpo", desk.approve, world.factor("dpo"), made)
    world.act("dpo", desk.start, made)
    flow.rounds()
    flow.go_on(made)
    flow.rounds()
    assert len(flow.taken()) == 3
    assert world.campaign(made).state is CampaignState.SENT
