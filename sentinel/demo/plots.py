"""The five stories that must be found. Their substance is the same on every seed.

Only the instants and the amount of ordinary life around them vary: same actors, same persons, the
same number of lines in the same order.
"""

from __future__ import annotations

from datetime import timedelta

from sentinel.demo import cast
from sentinel.demo.day import Access, Day, Hit, credentials_of
from sentinel.demo.office import Desk, read_all

_READ_ORDER = ("identity", "connection_data", "correspondence")
_SCANNED = ("admin", "backup", "old", "test", "dev", "private", "config", "db", "api/v0", "tmp")
_SCAN_ENDINGS = (
    "", "/", ".zip", ".bak", ".sql", ".tar.gz", "/index.php", "/login", "/setup", "/.git/config",
    ".old", "/console", "/debug", "/status", "/users", "/export", ".yml", ".json", ".log", "~",
    "/install", "/manager", "/phpinfo", "/shell", "/upload", "/dump", "/readme", "/root", "/env",
    "/swagger",
)  # fmt: skip


def no_ticket_read(day: Day, desk: Desk) -> None:
    """Let an agent open twelve customers without a ticket within an hour, between real tickets."""
    dice = day.chance("no_ticket_read")
    begin = day.at(8.5 + dice.uniform(-0.2, 0.2))
    for index, customer in enumerate(cast.READ_WITHOUT_TICKET):
        time = begin + timedelta(minutes=4.4 * index + dice.uniform(0, 1.5))
        category = _READ_ORDER[index % len(_READ_ORDER)]
        day.read(time, cast.CURIOUS, category, customer, plot="no_ticket_read")
    for index, customer in enumerate(cast.READ_WITH_TICKET_BY_CURIOUS):
        time = begin + timedelta(minutes=6.5 * index + 2.5)
        desk.ticket(customer, time - timedelta(hours=2), staff=cast.CURIOUS.id, team="support-1")
        read_all(day, dice, cast.CURIOUS, customer, time, 3)


def admin_without_mfa(day: Day, desk: Desk) -> None:
    """Let an administrator in with a password alone."""
    del desk
    dice = day.chance("admin_without_mfa")
    admin = cast.CARELESS_ADMIN
    fields = {"path": "/crm/admin/login", **credentials_of(admin, day.seed), "mfa": False}
    time = day.at(6.0 + dice.uniform(-0.3, 0.3))
    day.access(Access(time, admin, "session.login", "admin_without_mfa", fields))


def leaver_export(day: Day, desk: Desk) -> None:
    """Let a sales agent, whose contract ends in five days, export a list of 1,200 customers."""
    del desk
    dice = day.chance("leaver_export")
    fields = {
        "customers": list(cast.EXPORTED),
        "category": "contact",
        "records": len(cast.EXPORTED),
        "path": "/crm/customers/export",
        **credentials_of(cast.LEAVER, day.seed),
    }
    time = day.at(11.0 + dice.uniform(-0.3, 0.3))
    day.access(Access(time, cast.LEAVER, "customer.export", "leaver_export", fields))


def site_scanner(day: Day, desk: Desk) -> None:
    """Let one address ask for 300 pages that do not exist, one a second.

    The log tells seconds: no two of its lines share one, so that their order is beyond doubt.
    """
    del desk
    dice = day.chance("site_scanner")
    time = day.at(7.4 + dice.uniform(-0.3, 0.3))
    agent = "Mozilla/5.0 (compatible; probe)"
    for index in range(len(_SCANNED) * len(_SCAN_ENDINGS)):
        place, ending = divmod(index, len(_SCAN_ENDINGS))
        path = f"/{_SCANNED[place]}{_SCAN_ENDINGS[ending]}"
        status, size = (403, 146) if ending in (9, 11) else (404, 153)
        day.hit(
            Hit(
                time, cast.SCANNER_ADDRESS, agent, path,
                status=status, size=size, plot="site_scanner",
            )
        )  # fmt: skip
        time += timedelta(seconds=1)


def odd_navigation(day: Day, desk: Desk) -> None:
    """Let a signed-in session walk documents one by one, downwards, like a metronome.

    It never opens a list; every answer is 200; no threshold is crossed: only the population
    tells that nobody navigates like that.
    """
    del desk
    dice = day.chance("odd_navigation")
    time = day.at(9.6 + dice.uniform(-0.3, 0.3))
    agent = (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/139.0.0.0 Safari/537.36"
    )
    for number in range(90_412, 90_412 - 230, -1):
        size = round(182_000 * dice.lognormvariate(0, 0.4))
        day.hit(
            Hit(
                time, "198.51.100.77", agent, f"/documents/{number}", cast.ODD_NAVIGATOR,
                size=size, plot="odd_navigation",
            )
        )  # fmt: skip
        time += timedelta(seconds=dice.uniform(6.1, 6.9))
