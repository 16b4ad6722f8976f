"""Who plays in the demo: the same people on every seed, so that two tellings can be compared.

All names are invented; addresses are TEST-NET (RFC 5737) and mail is example.org (RFC 2606).
"""

from __future__ import annotations

import csv
import io
from typing import NamedTuple


class Member(NamedTuple):
    """Somebody, or something, that works in the back office."""

    id: str
    role: str
    team: str
    address: str
    kind: str = "staff"


class Customer(NamedTuple):
    """A data subject, as the subject directory knows it."""

    id: str
    name: str
    email: str
    language: str


def _team(role: str, team: str, first_address: int, *names: str) -> list[Member]:
    return [
        Member(name, role, team, f"192.0.2.{first_address + index}")
        for index, name in enumerate(names)
    ]


SUPPORT = _team(
    "support", "support-1", 20, "l.ferrand", "h.tessier", "y.cordier", "m.vasseur", "i.roche"
) + _team("support", "support-2", 40, "n.perrot", "j.lambert", "o.dufour", "e.marchal", "b.noel")
BILLING = _team("billing", "billing-1", 60, "r.guyot", "v.hamon", "d.pasquier", "f.leroux")
SRE = _team("sre", "sre-1", 70, "s.kermadec", "t.lacaze", "g.brunel")
SALES = _team("sales", "sales-1", 80, "c.delmas", "k.baron", "u.rolland")
ADMINS = _team("admin", "platform-1", 90, "p.aubry", "w.chauvin")
STAFF = (*SUPPORT, *BILLING, *SRE, *SALES, *ADMINS)
BILLING_SERVICE = Member("svc-billing", "service", "", "192.0.2.10", kind="service")

CURIOUS = SUPPORT[0]
BUSY = SUPPORT[5]
ON_CALL_AT_NIGHT = SRE[0]
ON_CALL_BY_DAY = SRE[1]
LEAVER = SALES[0]
CARELESS_ADMIN = ADMINS[0]

CUSTOMER_COUNT = 1500
SCANNER_ADDRESS = "203.0.113.66"


def customer_id(number: int) -> str:
    """Return the id of customer ``number``, from 1."""
    return f"C{number:05d}"


# One customer in eight is kept for the cast; the others make the day's ordinary traffic.
_KEPT = [customer_id(number) for number in range(1, CUSTOMER_COUNT + 1) if number % 8 == 0]
ORDINARY = [customer_id(number) for number in range(1, CUSTOMER_COUNT + 1) if number % 8 != 0]

READ_WITHOUT_TICKET = tuple(_KEPT[:12])
WITH_NIGHT_INCIDENT = tuple(_KEPT[12:37])
WITH_BUSY_TICKET = tuple(_KEPT[37:97])
READ_WITH_TICKET_BY_CURIOUS = tuple(_KEPT[97:105])
ODD_NAVIGATOR = _KEPT[120]
POWER_USER = _KEPT[121]
FORGETFUL_USER = _KEPT[122]
EXPORTED = tuple(customer_id(number) for number in range(101, 1301))
BILLED_BY_BATCH = tuple(customer_id(number) for number in range(401, 1201))

_GIVEN = (
    "Adèle", "Bastien", "Célia", "Damien", "Élise", "Fabrice", "Gaëlle", "Hugo", "Inès", "Jules",
    "Karine", "Léo", "Maëlle", "Nathan", "Océane", "Pascal", "Rosalie", "Simon", "Thaïs", "Victor",
    "Alice", "Brandon", "Chloe", "Derek", "Emily",
)  # fmt: skip
_FAMILY = (
    "Abadie", "Bourrel", "Castaing", "Daubresse", "Escoffet", "Fontanel", "Garrigue", "Hourcade",
    "Izard", "Jaubert", "Kerveillant", "Lagarde", "Maurin", "Naudet", "Ollivon", "Peyrat",
    "Quintard", "Rivoire", "Sabathier", "Tournier", "Urvoas", "Valade", "Weber", "Yvernault",
    "Archer", "Barlow", "Colby", "Dawson", "Ellery",
)  # fmt: skip
_ENGLISH_FROM = _GIVEN.index("Alice")


def customers() -> list[Customer]:
    """Return the subject directory: the same on every seed; one person in five reads English."""
    found = []
    for number in range(1, CUSTOMER_COUNT + 1):
        given = number * 7 % len(_GIVEN)
        family = _FAMILY[number * 11 % len(_FAMILY)]
        language = "en" if given >= _ENGLISH_FROM else "fr"
        found.append(
            Customer(
                customer_id(number),
                f"{_GIVEN[given]} {family}",
                f"client{number:05d}@example.org",
                language,
            )
        )
    return found


def directory_csv() -> str:
    """Return the subject directory as CSV text: ``id,name,email,language``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Customer._fields)
    writer.writerows(customers())
    return text.getvalue()
