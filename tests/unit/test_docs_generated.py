"""Generated pages are what the code makes today, and links between pages lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from sentinel.cli.main import app
from sentinel.config import Section, Settings

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "SECURITY.md", ROOT / "THREAT_MODEL.md"])
TRANSLATED = ("tutorial/first-alert", "explanation/what-we-store")


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names(model: type[Section]) -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            found |= names(inner)
        elif name not in ("sources", "imports"):
            found.add(name)
    return found


def test_the_settings_page_is_fresh(generate: ModuleType) -> None:
    on_disk = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    assert on_disk == generate.settings_page(), "run: python docs/generate.py"


def test_the_formats_page_is_fresh(generate: ModuleType) -> None:
    on_disk = (DOCS / "reference" / "formats.md").read_text(encoding="utf-8")
    assert on_disk == generate.formats_page(), "run: python docs/generate.py"


def test_every_setting_stands_on_the_page_with_a_meaning(generate: ModuleType) -> None:
    page = generate.settings_page()
    for name in names(Settings):
        assert f"| `{name}` |" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert all(not row.endswith("|  |") for row in rows)
    assert "[[sources]]" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", TRANSLATED)
def test_a_translation_has_the_same_steps_and_commands(page: str) -> None:
    english = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    french = (DOCS / f"{page}.fr.md").read_text(encoding="utf-8")
    assert re.findall(r"^#+ ", english, re.M) == re.findall(r"^#+ ", french, re.M)
    assert blocks(english) == blocks(french)


def blocks(text: str) -> list[str]:
    return re.findall(r"```(?:sh|toml|nginx)\n(.*?)```", text, re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_no_real_network_or_mailbox(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for address in re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text):
        assert address.startswith(("127.0.0.1", "192.0.2.", "198.51.100.", "203.0.113."))
    for mailbox in re.findall(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", text):
        assert mailbox.endswith(("example.org", "example.com"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_commands_that_exist(page: Path) -> None:
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"(?:^|`)sentinel ([a-z]+(?:-[a-z]+)*)", text, re.M):
        assert name in command.commands, f"{page.name}: sentinel {name}"
