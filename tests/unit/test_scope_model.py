"""The scope files: what is accepted, and where a fault is said to stand."""

from pathlib import Path

import pytest

from sentinel.content import content_dir
from sentinel.detect.scope.load import load_scope
from sentinel.errors import ContentError, UnreadableFile

ROLES = """\
title: {en: Test, fr: Essai}
roles:
  support:
    title: {en: Support, fr: Assistance}
    categories: [identity]
    acts: ["*.read"]
"""
TEMPLATE = """\
templates:
  - id: ticket
    title: {en: A ticket, fr: Un ticket}
    roles: [support]
    categories: [identity]
    fact: ticket
"""


def write(folder: Path, text: str, name: str = "a.yml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_r10_to_r13_the_shipped_partition_loads() -> None:
    model = load_scope(content_dir("rules") / "scopes")
    assert set(model.roles) >= {"support", "billing", "sre", "sales", "service"}
    assert "billing_transaction" not in model.roles["support"].categories
    assert model.roles["sre"].categories == ("connection_data",)
    assert "admin" not in model.roles  # an administrator of the tool reads nobody's data
    assert all(template.title.fr and template.title.en for template in model.templates)


def test_an_absent_folder_is_an_empty_model(tmp_path: Path) -> None:
    model = load_scope(tmp_path / "nowhere")
    assert model.roles == {}
    assert model.templates == ()


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        (ROLES + TEMPLATE.replace("ticket\n    title", "ticket\n    titel"), 9, 5, "titel"),
        (ROLES + TEMPLATE + "    agent: boss\n", 13, 5, "agent"),
        (ROLES + TEMPLATE.replace("[support]", "[suport]"), 10, 5, "no role is called suport"),
        (ROLES + TEMPLATE.replace("[identity]", "[contact]"), 11, 5, "does not cover contact"),
        (ROLES + TEMPLATE + "    ended_within: P1D\n", 8, 5, "ended_within needs"),
        (ROLES + TEMPLATE + "    subject: any\n    agent: any\n", 8, 5, "must relate"),
        (ROLES + TEMPLATE.replace("    fact: ticket\n", ""), 8, 5, "must name its `acts`"),
        (ROLES + "  support: {}\n", 7, 3, "given twice"),
        (ROLES + "  billing: [\n", 8, 1, "expected the node"),
        ("- 1\n", 1, 1, ""),
        ("", 0, 0, ""),
    ],
)
def test_a_fault_names_its_place(
    tmp_path: Path, text: str, line: int, column: int, reason: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ContentError) as caught:
        load_scope(tmp_path)
    assert reason in caught.value.detail
    assert caught.value.where == (f"{path}:{line}:{column}" if line else str(path))


def test_templates_of_two_files_may_not_share_an_id(tmp_path: Path) -> None:
    write(tmp_path, ROLES + TEMPLATE)
    other = write(tmp_path, "title: {en: B, fr: B}\n" + TEMPLATE, "b.yml")
    with pytest.raises(ContentError, match="declared twice") as caught:
        load_scope(tmp_path)
    assert caught.value.where == f"{other}:3:5"


def test_a_template_may_use_a_role_of_a_later_file(tmp_path: Path) -> None:
    write(tmp_path, "title: {en: A, fr: A}\n" + TEMPLATE)
    write(tmp_path, ROLES, "b.yml")
    assert [template.id for template in load_scope(tmp_path).templates] == ["ticket"]


def test_a_file_that_is_not_text_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableFile):
        load_scope(tmp_path)


def test_acts_are_patterns(tmp_path: Path) -> None:
    write(tmp_path, ROLES)
    role = load_scope(tmp_path).roles["support"]
    assert role.covers_act("customer.read")
    assert not role.covers_act("customer.export")
    assert not role.covers_act("")
