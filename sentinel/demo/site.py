"""How people move on the public site: pages, what follows what, at a human pace.

Customers sign in and are ``$remote_user`` from then on; visitors stay ``-``. Documents and
invoices are reached through their lists, as everybody does.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from http import HTTPStatus

from sentinel.demo.day import Day, Hit, happens

SITE = "https://www.example.org"
_ASSETS = (
    ("/static/app.3f9c1d.css", 38_211),
    ("/static/app.77ab02.js", 164_902),
    ("/static/logo.svg", 3_118),
    ("/static/inter-latin.woff2", 48_432),
)
_LEAVE = ""
# page -> what follows, with weights
_PUBLIC: dict[str, list[tuple[str, int]]] = {
    "/": [("/offers/", 40), ("/help/", 22), ("/contact", 8), ("/news/", 14), (_LEAVE, 16)],
    "/offers/": [("/offers/{slug}", 55), ("/", 15), ("/help/", 10), (_LEAVE, 20)],
    "/offers/{slug}": [("/offers/{slug}", 25), ("/offers/", 30), ("/contact", 15), (_LEAVE, 30)],
    "/help/": [("/help/{slug}", 60), ("/search", 20), ("/contact", 8), (_LEAVE, 12)],
    "/help/{slug}": [("/help/", 35), ("/help/{slug}", 20), ("/contact", 15), (_LEAVE, 30)],
    "/search": [("/help/{slug}", 60), ("/search", 15), (_LEAVE, 25)],
    "/news/": [("/news/{slug}", 60), ("/", 15), (_LEAVE, 25)],
    "/news/{slug}": [("/news/", 40), ("/", 20), (_LEAVE, 40)],
    "/contact": [("/", 35), (_LEAVE, 65)],
}
_PRIVATE: dict[str, list[tuple[str, int]]] = {
    "/account": [("/documents", 32), ("/invoices", 24), ("/messages", 24), ("/settings", 8),
                 ("/support", 6), (_LEAVE, 6)],
    "/documents": [("/documents/{id}", 70), ("/documents", 12), ("/account", 14), (_LEAVE, 4)],
    "/documents/{id}": [("/documents", 72), ("/documents/{id}", 14), ("/account", 8), (_LEAVE, 6)],
    "/invoices": [("/invoices/{id}", 66), ("/account", 24), (_LEAVE, 10)],
    "/invoices/{id}": [("/invoices", 60), ("/account", 24), (_LEAVE, 16)],
    "/messages": [("/messages/{id}", 68), ("/account", 22), (_LEAVE, 10)],
    "/messages/{id}": [("/messages", 58), ("/messages/{id}", 12), ("/account", 18), (_LEAVE, 12)],
    "/settings": [("/account", 78), (_LEAVE, 22)],
    "/support": [("/account", 70), (_LEAVE, 30)],
}  # fmt: skip
_SLUGS = {
    "/offers/{slug}": ("pro", "team", "fibre", "mobile", "switchboard"),
    "/help/{slug}": ("start", "guide", "billing", "two-factor", "export", "mailbox", "formats"),
    "/news/{slug}": ("roadmap", "delivery", "signature", "archive"),
}
_SEARCHED = ("invoice", "export", "mailbox", "two-factor", "delivery")
_OLD_LINK = "/help/fax"
_LONGEST_PAUSE = 240.0  # seconds: who stays away longer comes back to a fresh page
_SIZES = {"/documents/{id}": 182_000, "/invoices/{id}": 61_000, "/": 18_400}


class Visitor:
    """One session of one person: where they are, when, and what they see in their lists."""

    def __init__(
        self, day: Day, dice: random.Random, start: datetime, address: str, agent: str,
        plot: str = "",
    ) -> None:  # fmt: skip
        self.day, self.dice, self.time = day, dice, start
        self.address, self.agent, self.plot = address, agent, plot
        self.user = "-"
        self.page = "-"
        self.pace = dice.lognormvariate(2.75, 0.35)  # median 16 s a page; each person has a pace
        self.mine = sorted(dice.sample(range(20_000, 90_000), 60), reverse=True)
        self.sheet = 1

    def get(
        self, target: str, *, template: str = "", method: str = "GET", status: int = 200
    ) -> None:
        """Ask for ``target`` now."""
        base = _SIZES.get(template or target, 9_600)
        size = round(base * self.dice.lognormvariate(0, 0.4)) if status in (200, 404) else 0
        self.day.hit(
            Hit(
                self.time, self.address, self.agent, target, self.user, method, status, size,
                f"{SITE}{self.page}" if self.page.startswith("/") else self.page, self.plot,
            )
        )  # fmt: skip
        if method == "GET" and status == HTTPStatus.OK:
            self.page = target

    def wait(self, least: float = 1.5) -> None:
        """Read the page."""
        pause = least + self.pace * self.dice.lognormvariate(-0.2, 0.9)
        self.time += timedelta(seconds=min(pause, _LONGEST_PAUSE))

    def load_assets(self) -> None:
        """Fetch what the first page needs; some of it is in the browser's cache."""
        for path, size in _ASSETS:
            cached = happens(self.dice, 0.25)
            self.time += timedelta(milliseconds=self.dice.randint(15, 160))
            status, length = (304, 0) if cached else (200, size)
            self.day.hit(
                Hit(
                    self.time, self.address, self.agent, path, self.user, "GET", status, length,
                    f"{SITE}{self.page}", self.plot,
                )
            )  # fmt: skip

    def browse(self, graph: dict[str, list[tuple[str, int]]], first: str, most: int) -> None:
        """Walk at most ``most`` pages of ``graph`` from ``first``."""
        template = first
        for _ in range(most):
            self.visit(template)
            self.wait()
            choices = graph[template]
            names, weights = zip(*choices, strict=True)
            template = self.dice.choices(names, weights)[0]
            if template == _LEAVE:
                return

    def visit(self, template: str) -> None:
        """Open a page of the kind ``template``, with the small accidents of a real site."""
        target = self._fill(template)
        if template == "/help/" and happens(self.dice, 0.05):
            self.get(_OLD_LINK, status=404)
            self.wait()
        elif template in ("/search", "/documents") and happens(self.dice, 0.006):
            self.get(target, status=500)
            self.wait()
        elif template in ("/help/", "/offers/", "/news/") and happens(self.dice, 0.03):
            self.get(target.rstrip("/"), status=301)
        self.get(target, template=template)
        if template in ("/settings", "/support", "/contact") and happens(self.dice, 0.4):
            self.wait()
            self.get(target, method="POST", status=303)
            self.get(f"{target}?done=1")

    def _fill(self, template: str) -> str:
        if template == "/documents":
            self.sheet = self.dice.choice((1, 1, 1, 2, 2, 3, self.sheet))
            return template if self.sheet == 1 else f"/documents?page={self.sheet}"
        if template == "/documents/{id}":
            rows = self.mine[(self.sheet - 1) * 10 : self.sheet * 10]
            return f"/documents/{self.dice.choice(rows)}"
        if template == "/search":
            return f"/search?q={self.dice.choice(_SEARCHED)}"
        if template in _SLUGS:
            return template.replace("{slug}", self.dice.choice(_SLUGS[template]))
        return template.replace("{id}", str(self.dice.choice(self.mine)))

    def sign_in(self, customer: str, mistakes: int = 0) -> None:
        """Open the sign-in page and sign in, after ``mistakes`` wrong passwords."""
        self.get("/login")
        self.load_assets()
        for _ in range(mistakes):
            self.wait(4)
            self.get("/login", method="POST", status=401)
        self.wait(4)
        self.user = customer
        self.get("/login", method="POST", status=302)

    def tour_public(self, first: str = "/") -> None:
        """Look around without signing in."""
        self.page = self.dice.choice(("-", "-", "https://search.example.com/", f"{SITE}/"))
        self.get(first)
        self.load_assets()
        self.wait()
        following = self.dice.choices(*zip(*_PUBLIC[first][:-1], strict=True))[0]
        self.browse(_PUBLIC, following, 14)

    def tour_private(self, most: int = 34) -> None:
        """Look at one's own things, then sign out or just leave."""
        self.browse(_PRIVATE, "/account", most)
        if happens(self.dice, 0.3):
            self.get("/logout", method="POST", status=303)

    def read_documents(self, count: int) -> None:
        """Read ``count`` documents, each from its list, with pauses: a diligent customer."""
        self.visit("/account")
        for _ in range(count):
            self.wait()
            self.visit("/documents")
            self.wait()
            self.visit("/documents/{id}")
