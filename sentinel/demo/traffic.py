"""The ordinary day on the public site: customers, visitors, probes, crawlers, and the noise.

Whatever looks odd and is legitimate exists several times on every day (probes, crawlers, diligent
readers, forgotten passwords): a model of the population can only learn what happens.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

from sentinel.demo import cast
from sentinel.demo.day import Day, Hit, happens
from sentinel.demo.site import Visitor

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{v}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.{m} Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_{m} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.{m} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{v}.0.0.0 Mobile Safari/537.36",
)
_CRAWLER = "Mozilla/5.0 (compatible; LumenBot/2.1; +https://bot.example.com/about)"
_PROBE = "uptime-check/3.2 (+https://status.example.com)"
_PUBLIC_PATHS = (
    "/", "/offers/", "/offers/pro", "/offers/team", "/offers/fibre", "/offers/mobile", "/help/",
    "/help/start", "/help/guide", "/help/export", "/help/formats", "/news/", "/news/roadmap",
    "/news/delivery", "/contact", "/legal", "/privacy",
)  # fmt: skip
_GONE = ("/offers/2019", "/blog/", "/news/old-launch", "/help/fax")
_NOISE = ("/.env", "/wp-login.php", "/xmlrpc.php", "/admin/", "/favicon.png", "/server-status")


def ordinary_site(day: Day) -> None:
    """Fill ``day`` with everything that happens on the site on any day."""
    places = _places(day)
    _customers(day, places)
    _visitors(day, places)
    _probes(day)
    _crawlers(day)
    _noise(day)


def _places(day: Day) -> Iterator[tuple[str, str]]:
    """Yield (address, user agent) pairs, each once a day, so that visitors do not merge."""
    dice = day.chance("places")
    agents = [
        agent.format(v=version, m=version % 6) for agent in _AGENTS for version in (137, 139, 142)
    ]
    addresses = [f"198.51.100.{number}" for number in range(1, 255)]
    addresses += [f"203.0.113.{number}" for number in range(100, 255)]
    pairs = [(address, agent) for address in addresses for agent in agents]
    dice.shuffle(pairs)
    return iter(pairs)


def _hour(dice: random.Random) -> float:
    """Return when somebody comes, in hours from the day's start: few in its first part."""
    return dice.uniform(0, 4) if happens(dice, 0.12) else dice.triangular(4, 13.9, 8.5)


def _customers(day: Day, places: Iterator[tuple[str, str]]) -> None:
    dice = day.chance("customers")
    who = dice.sample(cast.ORDINARY, dice.randint(490, 560))
    for index, customer in enumerate(who[4:]):
        visitor = Visitor(day, dice, day.at(_hour(dice)), *next(places))
        if happens(dice, 0.75):
            visitor.sign_in(customer, mistakes=dice.choice((0,) * 18 + (1, 2)))
        visitor.user = customer
        if index % 50 == 0:
            visitor.read_documents(dice.randint(25, 45))
        else:
            visitor.tour_private()
    _forgetful(day, dice, places, cast.FORGETFUL_USER, "mistyped_password")
    for customer in who[:4]:
        _forgetful(day, dice, places, customer, "")
    _diligent(day, dice, places)


def _forgetful(
    day: Day, dice: random.Random, places: Iterator[tuple[str, str]], customer: str, plot: str
) -> None:
    visitor = Visitor(day, dice, day.at(dice.uniform(5, 12)), *next(places), plot)
    visitor.sign_in(customer, mistakes=3)
    visitor.tour_private(8)


def _diligent(day: Day, dice: random.Random, places: Iterator[tuple[str, str]]) -> None:
    visitor = Visitor(day, dice, day.at(dice.uniform(5, 7)), *next(places), "power_user")
    visitor.sign_in(cast.POWER_USER)
    visitor.pace = 14.0
    visitor.read_documents(40)


def _visitors(day: Day, places: Iterator[tuple[str, str]]) -> None:
    dice = day.chance("visitors")
    for _ in range(dice.randint(390, 450)):
        visitor = Visitor(day, dice, day.at(_hour(dice)), *next(places))
        visitor.tour_public(dice.choice(("/", "/", "/", "/offers/", "/help/", "/news/")))


def _probes(day: Day) -> None:
    """Ask for the health page every two minutes from six places; the first is a look-alike."""
    dice = day.chance("probes")
    for index in range(6):
        time = day.start + timedelta(seconds=5 + 19 * index)
        plot = "monitoring_probe" if index == 0 else ""
        while time < day.end:
            jitter = timedelta(milliseconds=dice.randint(0, 400))
            address = f"203.0.113.{10 + index}"
            day.hit(Hit(time + jitter, address, _PROBE, "/healthz", size=15, plot=plot))
            time += timedelta(minutes=2)


def _crawlers(day: Day) -> None:
    """Let a search engine read robots.txt, the site map and public pages, some of them gone."""
    dice = day.chance("crawlers")
    for index in range(8):
        address, plot = f"203.0.113.{30 + index}", "search_bot" if index == 0 else ""
        time = day.at(dice.uniform(0.2, 11))
        paths = ["/robots.txt", "/sitemap.xml"]
        paths += [dice.choice(_PUBLIC_PATHS) for _ in range(dice.randint(50, 80))]
        paths += _GONE[: dice.randint(2, 4)]
        for path in paths:
            status, size = (404, 153) if path in _GONE else (200, dice.randint(4_000, 22_000))
            day.hit(Hit(time, address, _CRAWLER, path, status=status, size=size, plot=plot))
            time += timedelta(seconds=dice.uniform(2, 22))


def _noise(day: Day) -> None:
    """Add what any public address receives: a few probes for other people's software."""
    dice = day.chance("noise")
    for index in range(dice.randint(12, 18)):
        address = f"203.0.113.{70 + index}"
        time = day.at(dice.uniform(0, 13.5))
        for path in dice.sample(_NOISE, dice.randint(2, 5)):
            day.hit(Hit(time, address, "Mozilla/5.0", path, status=404, size=153))
            time += timedelta(seconds=dice.uniform(0.5, 6))
        if index % 4 == 0:  # TLS spoken to a plain port: nginx logs the bytes it received
            hello = "\\x16\\x03\\x01\\x00\\xEE\\x01\\x00"
            day.hit(Hit(time, address, "-", "", status=400, size=157, bad_request=hello))
