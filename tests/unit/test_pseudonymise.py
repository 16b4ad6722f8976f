"""Pseudonyms: stable, keyed, apart by kind, and no identifier left in any text."""

from __future__ import annotations

import re

import pytest

from sentinel.collect.pseudonymise import Disguise, Pseudonymiser
from sentinel.collect.routes import Route, Routes
from sentinel.domain.event import Value

KEY = bytes(range(32))
PATTERN = r"\bC\d{5,8}\b"
ROUTES = Routes([Route(path="/customers/{subject}/*"), Route(path="/people/{subject}")])


def pseudonymiser() -> Pseudonymiser:
    return Pseudonymiser(KEY)


def disguise(**identifiers: str) -> Disguise:
    named = {name.replace("__", "."): kind for name, kind in identifiers.items()}
    return Disguise(
        pseudonymiser(),
        identifiers=named,  # type: ignore[arg-type]
        routes=ROUTES,
        subject_pattern=PATTERN,
    )


def sub(value: str) -> str:
    return pseudonymiser().pseudonym("sub", value)


@pytest.mark.parametrize("kind", ["usr", "sub", "ip", "ses"])
def test_shape_and_stability(kind: str) -> None:
    pseudonym = pseudonymiser().pseudonym(kind, "a.martin")
    assert re.fullmatch(rf"{kind}_[a-z2-7]{{16}}", pseudonym)
    assert pseudonym == Pseudonymiser(KEY).pseudonym(kind, "a.martin")


def test_it_is_the_hmac_that_the_documentation_names() -> None:
    # Computed once with `openssl dgst -sha256 -mac HMAC` over "usr", NUL, "a.martin".
    assert pseudonymiser().pseudonym("usr", "a.martin") == "usr_2dhqhh32xylh6y6f"


def test_another_key_gives_another_pseudonym() -> None:
    other = Pseudonymiser(bytes(32)).pseudonym("usr", "a.martin")
    assert other != pseudonymiser().pseudonym("usr", "a.martin")


def test_staff_and_customers_do_not_collide() -> None:
    staff, customer = (pseudonymiser().pseudonym(kind, "C00123") for kind in ("usr", "sub"))
    assert staff[4:] != customer[4:]


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Pseudonymiser(b"short")


def test_a_customer_is_the_same_person_as_actor_and_as_subject() -> None:
    fields = {
        "sentinel.actor.kind": "customer",
        "user.name": "C00123",
        "sentinel.subject": ["C00123", "C00456"],
    }
    disguise(user__name="actor", sentinel__subject="sub").apply(fields)
    assert fields["user.name"] == sub("C00123")
    assert fields["sentinel.subject"] == [sub("C00123"), sub("C00456")]


def test_staff_as_actor() -> None:
    fields = {"sentinel.actor.kind": "staff", "user.name": "a.martin"}
    disguise(user__name="actor").apply(fields)
    assert str(fields["user.name"]).startswith("usr_")


@pytest.mark.parametrize(
    ("opened_by", "prefix"), [("C00123", "sub_"), ("C99999", "sub_"), ("a.martin", "usr_")]
)
def test_who_opened_a_ticket_may_be_either(opened_by: str, prefix: str) -> None:
    fields = {"fact.subject": "C00123", "fact.opened_by": opened_by}
    disguise(fact__subject="sub", fact__opened_by="party").apply(fields)
    assert str(fields["fact.opened_by"]).startswith(prefix)
    if opened_by == "C00123":
        assert fields["fact.opened_by"] == fields["fact.subject"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/customers/C00123/invoices", "/customers/{C00123}/invoices"),
        ("/customers/C00123", "/customers/{C00123}"),
        ("/customers/%4300123/x?y=1", "/customers/{C00123}/x?y=1"),
        ("/people/martin?from=martin", "/people/{martin}?from=martin"),
        ("https://www.example.org/people/martin", "https://www.example.org/people/{martin}"),
        ("/search?q=C00456&x=1", "/search?q={C00456}&x=1"),
        ("https://www.example.org/a?id=C00456", "https://www.example.org/a?id={C00456}"),
        ("/m?to=zoe.b@example.org", "/m?to={zoe.b@example.org}"),
        ("/m?to=Zoe.B%40example.org", "/m?to={zoe.b@example.org}"),
        ("/products/BC00456", "/products/BC00456"),
        ("/", "/"),
        ("https://www.example.org", "https://www.example.org"),
    ],
)
@pytest.mark.parametrize("name", ["url.path", "url.original", "http.request.referrer", "message"])
def test_texts_do_not_give_a_person_away(name: str, text: str, expected: str) -> None:
    fields = {name: text}
    originals = disguise().apply(fields)
    wanted = re.sub(r"\{(.+?)\}", lambda match: sub(match[1]), expected)
    assert fields[name] == wanted
    assert originals == ({name: text} if wanted != text else {})


def test_an_identifier_of_the_event_is_replaced_wherever_it_stands() -> None:
    fields = {
        "sentinel.actor.kind": "staff",
        "user.name": "a.martin",
        "source.ip": "192.0.2.4",
        "url.query": "by=a.martin&from=192.0.2.4&other=xa.martin",
    }
    originals = disguise(user__name="actor", source__ip="ip").apply(fields)
    assert fields["url.query"] == (
        f"by={fields['user.name']}&from={fields['source.ip']}&other=xa.martin"
    )
    assert originals["user.name"] == "a.martin"
    assert originals["source.ip"] == "192.0.2.4"


def test_a_user_called_like_a_word_does_not_eat_the_path() -> None:
    fields = {"sentinel.actor.kind": "staff", "user.name": "admin", "url.path": "/wp-admin/x"}
    disguise(user__name="actor").apply(fields)
    assert fields["url.path"] == "/wp-admin/x"


def test_absent_and_empty_identifiers_stay_absent() -> None:
    fields: dict[str, object] = {"user.name": "", "url.path": "/"}
    assert disguise(user__name="actor", source__ip="ip").apply(fields) == {}  # type: ignore[arg-type]
    assert fields == {"user.name": "", "url.path": "/"}


@pytest.mark.parametrize("identity", ["A-c.delmas-01", "employment:c.delmas", "c.delmas"])
def test_the_id_of_a_fact_does_not_name_its_actor(identity: str) -> None:
    fields: dict[str, Value] = {"fact.id": identity, "fact.actor": "c.delmas"}
    originals = disguise(fact__actor="usr").apply(fields)
    assert fields["fact.id"] == identity.replace("c.delmas", str(fields["fact.actor"]))
    assert originals["fact.id"] == identity
