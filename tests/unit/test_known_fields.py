"""The list of known fields holds what the shipped profiles write, and all that our rules read."""

from __future__ import annotations

from sentinel.collect.profile import load_profiles
from sentinel.content import content_dir
from sentinel.detect.rules.known_fields import KNOWN, OURS, unknown_hint
from sentinel.detect.rules.load import load_rules


def test_it_knows_what_the_profiles_of_our_sources_write() -> None:
    """Clouds and identity providers keep the names that Sigma's rules for them ask for."""
    written = {
        target.to
        for profile in load_profiles(content_dir("rules") / "sources").values()
        if profile.logsource.get("category") in OURS or profile.id == "generic-web"
        for target in profile.fields.values()
    }
    assert len(written) > 40
    assert written - KNOWN == set()


def test_every_rule_of_the_pack_reads_known_fields() -> None:
    rules = load_rules(content_dir("rules")).require_clean().rules
    assert {name for rule in rules for name in rule.reads} - KNOWN == set()


def test_a_misspelt_name_has_a_neighbour() -> None:
    assert unknown_hint("user.nmae") == "did you mean user.name?"
    assert unknown_hint("winlog.event_id") == "no source profile writes such a field"
