"""What ``sentinel check`` says of runbooks: every kind of fault, each at its line and column."""

from pathlib import Path

import pytest

from sentinel.content import content_dir
from sentinel.detect.rules.load import load_rules
from sentinel.respond.runbook_lint import lint_runbooks
from sentinel.respond.runbooks import load_runbooks

PHASES = ("triage", "contain", "preserve", "qualify", "decide", "notify", "persons", "recover",
          "close")  # fmt: skip
HEAD = """---
id: sample
version: "1"
language: en
title: Sample
triggers: []
roles: [analyst]
max_duration: P3D
clocks: [CNIL-72]
created: 2026-11-22
modified: 2026-11-23
---

Read this first. Ring {{dpo_phone}}.

"""
ENGLISH = HEAD + "\n".join(
    f"## S{n} - Do {phase} {{role: analyst, within: PT{n}H, evidence: log, phase: {phase}}}\n\n"
    f"Do it: now.\n"
    for n, phase in enumerate(PHASES, start=1)
)
FRENCH = (
    ENGLISH.replace("language: en", "language: fr")
    .replace("Do it: now.", "Faites-le\u00a0: l’heure compte.")
    .replace("Read this first.", "À lire d’abord.")
)


def write(root: Path, english: str = ENGLISH, french: str = FRENCH) -> Path:
    folder = root / "sample"
    folder.mkdir(exist_ok=True)
    (folder / "runbook.en.md").write_text(english, encoding="utf-8")
    (folder / "runbook.fr.md").write_text(french, encoding="utf-8")
    return root


def said(root: Path) -> list[str]:
    return [f"{Path(fault.where).name} {fault.detail}" for fault in lint_runbooks(root)]


def test_what_ships_has_no_fault() -> None:
    assert lint_runbooks(content_dir("runbooks")) == []


def test_a_sound_pair_has_no_fault(tmp_path: Path) -> None:
    assert said(write(tmp_path)) == []


START = ":1:1"


def place_of(text: str, needle: str) -> str:
    """Return ``:line:column`` of the first ``needle`` in ``text``."""
    if needle == START:
        return START
    index = text.index(needle)
    start = text.rfind("\n", 0, index) + 1
    return f":{text.count(chr(10), 0, index) + 1}:{index - start + 1}"


@pytest.mark.parametrize(
    ("old", "new", "needle", "reason"),
    [
        ("Do preserve {role: analyst", "Do preserve {role: wizard", "{role: wizard", "wizard"),
        ("Do preserve {role: analyst", "Do preserve {role: dpo", "dpo, ", "not name the role"),
        ("within: PT3H", "evidence: log", "{role: analyst, evidence", "within"),
        ("within: PT3H", "within: soon", "soon", "soon"),
        ("within: PT3H", "within: PT1H", "within: PT1H, evidence: log, phase: pres", "above it"),
        ("within: PT9H", "within: P4D", "within: P4D", "after the runbook's end"),
        ("[CNIL-72]", "[CNIL-99]", "CNIL-99", "no clock is called"),
        ("phase: notify", "phase: notify, clock: PROC", "PROC", "does not name the clock"),
        (
            "PT6H, evidence: log, phase: notify",
            "PT73H, evidence: log, phase: notify, clock: CNIL-72",
            "within: PT73H",
            "gives 72 hours",
        ),
        ("phase: persons", "phase: party", "party", "phase is 'party'"),
        (", phase: persons", "", "role: analyst, within: PT7H", "no phase"),
        ("phase: preserve", "phase: triage", START, "of the phase preserve"),
        ("phase: contain", "phase: contain, together: act", "## S2", "no neighbour"),
        ("created: 2026-11-22\n", "", START, "no day created"),
        ("modified: 2026-11-23", "modified: 2026-11-21", START, "before it was created"),
        ("roles: [analyst]", "roles: [analyst, dpo]", START, "no step takes the role dpo"),
        ("{{dpo_phone}}", "{{dpo_fax}}", "{{dpo_fax", "no placeholder is called 'dpo_fax'"),
        ("{{dpo_phone}}", "{{dpo_phone", "{{dpo_phone", "a placeholder is"),
        ("Read this", "[Read](../gone/runbook.en.md) this", "../gone", "leads nowhere"),
        ("Do it: now.", "**Arrêtez-vous si** rien.", "role: analyst, within: PT1H", "**Stop if**"),
    ],
)
def test_a_fault_is_named_at_its_place(
    tmp_path: Path, old: str, new: str, needle: str, reason: str
) -> None:
    assert old in ENGLISH
    spoiled = ENGLISH.replace(old, new, 1)
    found = said(write(tmp_path, spoiled))
    wanted = f"runbook.en.md{place_of(spoiled, needle)} "
    assert [one for one in found if one.startswith(wanted) and reason in one], (wanted, found)


@pytest.mark.parametrize(
    ("old", "new", "needle", "reason"),
    [
        ("l’heure", "l'heure", "'heure", "straight apostrophe"),
        ("l’heure", 'l’"heure', '"heure', "straight quotation mark"),
        ("le\u00a0:", "le :", ": l’", "no no-break space before :"),
        ("le\u00a0:", "le:", ": l’", "no no-break space before :"),
        ("compte.", "compte !", "!", "no no-break space before !"),
        ("compte.", "compte ;", ";", "no no-break space before ;"),
        ("compte.", "«compte\u00a0».", "«", "no no-break space after «"),
        ("le\u00a0:", "le \u00a0:", " \u00a0:", "beside a space"),
        ("title: Sample", "title: L'essai", "'essai", "straight apostrophe"),
    ],
)
def test_french_is_spaced_as_french(
    tmp_path: Path, old: str, new: str, needle: str, reason: str
) -> None:
    spoiled = FRENCH.replace(old, new, 1)
    found = said(write(tmp_path, french=spoiled))
    wanted = f"runbook.fr.md{place_of(spoiled, needle)} "
    assert [one for one in found if one.startswith(wanted) and reason in one], (wanted, found)


def test_code_links_and_placeholders_are_no_prose(tmp_path: Path) -> None:
    quiet = "Lancez `sentinel check 'x' :` puis [ceci](https://example.org/a?b;c), {{dpo}}."
    assert said(write(tmp_path, french=FRENCH.replace("À lire", quiet + " À lire"))) == []


def test_a_missing_language_and_differing_steps_are_named(tmp_path: Path) -> None:
    write(tmp_path, french=FRENCH.replace("within: PT2H", "within: PT3H"))
    assert any(
        one.startswith("runbook.en.md:20:1 ") and "in the other language" in one
        for one in said(tmp_path)
    )
    write(tmp_path, french=FRENCH.partition("## S9")[0])
    assert any("9 steps here, 8 in the other" in one for one in said(tmp_path))
    (tmp_path / "sample" / "runbook.fr.md").unlink()
    assert said(tmp_path) == ["runbook.fr.md:1:1 the language fr is missing"]


def test_recovery_comes_after_the_evidence(tmp_path: Path) -> None:
    swapped = ENGLISH.replace("phase: preserve", "phase: X").replace(
        "phase: recover", "phase: preserve"
    )
    found = said(write(tmp_path, swapped.replace("phase: X", "phase: recover")))
    assert any("preserved before" in one for one in found), found


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    spoiled = ENGLISH.replace("within: PT3H", "within: PT1H").replace("{{dpo_phone}}", "{{x}}")
    assert len(said(write(tmp_path, spoiled, FRENCH.replace("l’heure", "l'heure")))) >= 4


def test_every_shipped_rule_names_a_runbook_that_names_it_back() -> None:
    books = load_runbooks(content_dir("runbooks"))
    items = load_rules(content_dir("rules")).items
    for item in items:
        if item.info.runbook:
            assert item.info.slug in books[item.info.runbook, "fr"].heading.triggers
    named = {item.info.slug: item.info.runbook for item in items}
    for (slug, _), book in books.items():
        for trigger in book.heading.triggers:
            assert named.get(trigger, slug) == slug
