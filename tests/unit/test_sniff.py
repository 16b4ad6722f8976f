"""What reads a source is remembered, decided again when lines change, and told when it changes."""

from __future__ import annotations

from pathlib import Path

from sentinel.collect.profile import load_profiles
from sentinel.collect.sniff import Sniffer
from sentinel.content import content_dir

LOGS = Path(__file__).resolve().parents[1] / "fixtures" / "logs"
PROFILES = load_profiles(content_dir("rules") / "sources")


def lines_of(name: str) -> list[str]:
    return (LOGS / f"{name}.log").read_text(encoding="utf-8").splitlines()


def test_a_change_is_told_once() -> None:
    told: list[tuple[str, str]] = []
    sniffer = Sniffer(PROFILES, report=lambda name, profile: told.append((name, profile)))
    for name in ("nginx_combined", "nginx_combined", "okta", "okta", "nginx_combined"):
        assert sniffer.choose(lines_of(name))[0].name == name
    assert told == [
        ("nginx_combined", "generic-web"),
        ("okta", "okta"),
        ("nginx_combined", "generic-web"),
    ]
    assert sniffer.choices == {("nginx_combined", "generic-web"): 2, ("okta", "okta"): 1}


def test_lines_of_no_format_do_not_stick() -> None:
    sniffer = Sniffer(PROFILES)
    assert sniffer.choose(["what is", "this"])[0].name == "unknown"
    assert sniffer.choose(lines_of("kubernetes_audit"))[0].name == "kubernetes_audit"


def test_a_general_format_gives_way_to_a_specific_one() -> None:
    sniffer = Sniffer(PROFILES)
    assert sniffer.choose(['{"a":1}'])[0].name == "json"
    assert sniffer.choose(lines_of("cloudtrail"))[0].name == "cloudtrail"


def test_a_named_format_stays() -> None:
    sniffer = Sniffer(PROFILES, format_name="okta")
    for name in ("okta", "cloudtrail", "okta"):
        assert sniffer.choose(lines_of(name))[0].name == "okta"
    assert sniffer.choices.total() == 1


def test_columns_of_iis_are_declared_in_each_batch() -> None:
    sniffer = Sniffer(PROFILES)
    for _ in range(2):
        fmt, profile = sniffer.choose(lines_of("iis_w3c"))
        assert (fmt.name, profile.id) == ("iis_w3c", "generic-web")
