"""Our notice as processor, and the minimal extract: approved, handed out once, registered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from dossier_house import DossierHouse

from sentinel.app.approvables import present
from sentinel.app.approving import open_approvals
from sentinel.app.notices import (
    Demand,
    document_bytes,
    draft_extract,
    draft_processor_notice,
    hand_out_extract,
)
from sentinel.domain.disclosure import Disclosure, Recipient
from sentinel.errors import Refused
from sentinel.notify.notice_facts import Part
from sentinel.respond.filing import guard_document
from sentinel.respond.second_factor import prove
from sentinel.respond.workflow.processor import start_processor_notice

DEMAND = Demand(
    recipient=Recipient.INSURER,
    name="Assurance Exemple",
    request="Déclaration de sinistre 42",
    basis="Article 12 du contrat",
    parts=(Part.FACTS, Part.MEASURES),
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DossierHouse]:
    made = DossierHouse(tmp_path)
    made.change(answers={"m.taken": "Mme Martin (a.martin, 192.0.2.4) ne travaille plus ici."})
    yield made
    made.close()


def drafted(house: DossierHouse, name: str = "dpo", controller: str = "Banque Exemple"):
    return house.now_in_store(
        lambda tx: draft_processor_notice(
            tx,
            house.settings,
            house.sealer,
            house.account_of(name).actor,
            "incident-1",
            controller=controller,
            now=house.clock.now(),
        )
    )


def test_the_notice_tells_the_controller_what_it_needs_in_both_languages(
    house: DossierHouse,
) -> None:
    with pytest.raises(Refused, match="not the processor"):
        drafted(house)
    now = house.clock.now()
    house.now_in_store(
        lambda tx: start_processor_notice(
            tx,
            house.account_of("dpo").actor,
            "incident-1",
            controllers="Banque Exemple",
            aware_at=now - timedelta(hours=2),
            now=now,
        )
    )
    documents, clock = drafted(house)
    assert clock is not None
    assert clock.due_at == now + timedelta(hours=22)  # 24 of our own
    told = {}
    for one in documents:
        _, content = house.now_in_store(
            lambda tx, wanted=one.id: document_bytes(
                tx, house.settings, house.sealer, "incident-1", wanted
            )
        )
        told[one.language, one.media_type] = content
    assert set(told) == {
        (language, media)
        for language in ("fr", "en")
        for media in ("text/markdown", "application/pdf")
    }
    french = told["fr", "text/markdown"].decode()
    assert "article 33, paragraphe 2" in french
    for heading in ("Nature de la violation", "Conséquences probables", "Point de contact"):
        assert heading in french
    assert "pas encore connue" in french  # what is unknown is said, not left out
    assert "Martin" not in french
    english = told["en", "text/markdown"].decode()
    assert "Article 33(2)" in english
    for word in ("à préciser", "to be specified", "Délégué"):
        assert word not in english
    with pytest.raises(Refused, match="auditor"):
        drafted(house, "auditor")
    with pytest.raises(Refused, match="controller"):
        drafted(house, controller=" ")


def prepared(house: DossierHouse, demand: Demand = DEMAND) -> Disclosure:
    return house.now_in_store(
        lambda tx: draft_extract(
            tx,
            house.settings,
            house.sealer,
            house.account_of("dpo").actor,
            "incident-1",
            demand,
            language="fr",
            now=house.clock.now(),
        )
    )


def hand_out(house: DossierHouse, made: Disclosure) -> bytes:
    return house.now_in_store(
        lambda tx: hand_out_extract(
            tx,
            house.settings,
            house.sealer,
            open_approvals(house.settings),
            house.account_of("dpo").actor,
            made.id,
            now=house.clock.now(),
        )
    )[1]


def approve(house: DossierHouse, made: Disclosure) -> None:
    held = open_approvals(house.settings)

    def factor(name: str):
        code = house.code(name)
        return house.now_in_store(
            lambda tx: prove(
                tx, house.sealer, house.account_of(name).id, code, now=house.clock.now()
            )
        )

    def bound(tx):
        return present(tx, house.settings, house.sealer, "incident-1", made.document)

    first = factor("alice.legal")
    asked = house.now_in_store(
        lambda tx: held.ask(
            tx,
            house.account_of("alice.legal").actor,
            first,
            bound(tx)[0],
            authors=(bound(tx)[1],),
            now=house.clock.now(),
        )
    )
    second = factor("director")
    house.now_in_store(
        lambda tx: held.approve(
            tx,
            house.account_of("director").actor,
            second,
            asked.id,
            present=bound(tx)[0],
            now=house.clock.now(),
        )
    )


def test_an_extract_leaves_once_approved_and_stands_in_the_register(house: DossierHouse) -> None:
    made = prepared(house)
    with pytest.raises(Refused, match="nobody has approved"):
        hand_out(house, made)
    document = house.now_in_store(lambda tx: tx.incidents.get_document(made.document))
    with pytest.raises(Refused, match="disclose"):
        house.now_in_store(lambda tx: guard_document(tx, document, house.clock.now()))
    approve(house, made)
    assert hand_out(house, made).startswith(b"%PDF-")
    with pytest.raises(Refused, match="already"):
        hand_out(house, made)
    (kept,) = house.now_in_store(lambda tx: tx.records.find(Disclosure))
    assert kept.given_at is not None
    assert kept.approved_by == house.account_of("director").id
    assert kept.parts == ("facts", "measures")
    actions = house.now_in_store(
        lambda tx: [one.action for one in tx.journal.lines(object_id="incident-1")]
    )
    assert {"disclosure.prepared", "disclosure.given"} <= set(actions)


@pytest.mark.parametrize(
    "change", [{"request": " "}, {"basis": ""}, {"name": ""}], ids=["request", "basis", "name"]
)
def test_nothing_is_prepared_without_request_and_basis(
    house: DossierHouse, change: dict[str, str]
) -> None:
    demand = Demand(**{**{key: getattr(DEMAND, key) for key in DEMAND.__struct_fields__}, **change})
    with pytest.raises(Refused, match="legal basis"):
        prepared(house, demand)
