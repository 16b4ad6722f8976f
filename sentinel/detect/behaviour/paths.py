"""Paths as the population shares them: identifiers collapse, pages are told from their parts."""

from __future__ import annotations

import re
from functools import lru_cache

from sentinel.detect.behaviour.sessions import Step

ID = "{id}"
_LONGEST = 200
_DEEPEST = 12
_PSEUDONYM = re.compile(r"(?:usr|sub|ip|ses)_[a-z2-7]{16}")
_OPAQUE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?=.*\d)[0-9a-f]{8,}", re.I
)
_DIGITS = re.compile(r"\d+")
_ASSET = re.compile(
    r"\.(?:css|js|mjs|map|png|jpe?g|gif|svg|ico|webp|avif|woff2?|ttf|otf|eot|mp4|webm)$", re.I
)


@lru_cache(maxsize=8192)
def template(path: str) -> str:
    """Return ``path`` with numbers, UUIDs, digests and pseudonyms written ``{id}``.

    >>> template("/customers/sub_abcdefghijklmn23/invoices/2026-118")
    '/customers/{id}/invoices/{id}-{id}'
    """
    segments = path[:_LONGEST].split("/")[: _DEEPEST + 1]
    return "/".join(_collapse(segment) for segment in segments) or "/"


def token(step: Step) -> str:
    """Return what the Markov model counts: the template, after the method where it is not GET."""
    shape = template(step.path)
    return shape if step.method in ("GET", "") else f"{step.method[:10]} {shape}"


def is_page(step: Step) -> bool:
    """Tell whether a person chose this request: no style sheet, image or redirection."""
    return not 300 <= step.status < 400 and not _ASSET.search(step.path)  # noqa: PLR2004 - 3xx


def depth(path: str) -> int:
    """Return how many segments a path has."""
    return sum(1 for segment in path.split("/") if segment)


@lru_cache(maxsize=8192)
def number(path: str) -> int | None:
    """Return the last number in the path that is a segment of its own or ends one, or None."""
    found = re.search(r"(\d{1,18})(?:\.[a-z]{1,5})?/?$", path)
    return int(found[1]) if found else None


def _collapse(segment: str) -> str:
    if _PSEUDONYM.fullmatch(segment) or _OPAQUE.fullmatch(segment):
        return ID
    return _DIGITS.sub(ID, segment)
