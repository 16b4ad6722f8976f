"""Promise R-57: a notifier reaches loopback and what its owner listed, and nothing else."""

from __future__ import annotations

import pytest

from sentinel.notify.channel import TransportError
from sentinel.notify.egress import EgressPolicy, is_loopback


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]", "Hooks.Example.Org", "a.b.example.com"],
)
def test_what_is_listed_may_be_reached(host: str) -> None:
    EgressPolicy([" hooks.example.org ", "*.example.com"]).check(host)


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "evil-hooks.example.org",
        "hooks.example.org.example.net",
        "example.com",
        "badexample.com",
        "192.0.2.1",
        "localhost.example.net",
        "127.0.0.1.example.net",
        "",
    ],
)
def test_everything_else_is_refused_for_good(host: str) -> None:
    with pytest.raises(TransportError) as raised:
        EgressPolicy(["hooks.example.org", "*.example.com"]).check(host)
    assert raised.value.permanent


def test_an_empty_list_allows_this_machine_only() -> None:
    with pytest.raises(TransportError):
        EgressPolicy(["", " "]).check("hooks.example.org")
    assert is_loopback("127.0.0.1")
    assert not is_loopback("0.0.0.0")
