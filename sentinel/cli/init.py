"""``sentinel init``: a first settings file, the keys beside it, and a first account."""

from __future__ import annotations

import os
import secrets
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated, Literal

import msgspec
import typer

from sentinel import config
from sentinel.cli.account import Created, create, require_name, show
from sentinel.cli.output import json, line
from sentinel.domain.incident import Role
from sentinel.errors import UsageError
from sentinel.store.seal import generate_master_key
from sentinel.store.signing import generate_anchor_key

TOKENS = ("www", "crm", "backoffice")


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("init")(init)


def init(
    directory: Annotated[Path, typer.Argument(help="Where to write.")] = Path(),
    organisation: Annotated[str, typer.Option(help="Legal name of the controller.")] = "",
    account: Annotated[str, typer.Option(help="Name of the first account.")] = "dpo",
    language: Annotated[Literal["fr", "en"], typer.Option(help="Default language.")] = "fr",
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Write sentinel.toml, make the keys, create a first account. Never overwrites."""
    require_name(account)
    settings_file = directory / "sentinel.toml"
    if settings_file.exists():
        raise UsageError(
            "there is a settings file already",
            where=str(settings_file),
            hint="sentinel account add makes more accounts; sentinel doctor says what is missing",
        )
    template = Template(files("sentinel.cli").joinpath("first.toml").read_text(encoding="utf-8"))
    text = template.substitute(language=language, organisation=_toml(organisation))
    directory.mkdir(parents=True, exist_ok=True)
    _write_secret(directory / "secrets" / "master.key", generate_master_key())
    _write_secret(directory / "secrets" / "anchor.key", generate_anchor_key())
    for name in TOKENS:
        _write_secret(directory / "secrets" / f"source-{name}.token", secrets.token_urlsafe(32))
    settings_file.write_text(text, encoding="utf-8")
    settings = config.load(settings_file)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    created = create(
        settings,
        name=account,
        display_name=account,
        roles=(Role.ANALYST, Role.COMMANDER, Role.DPO),
        language=language,
    )
    _report(settings_file, created, as_json=as_json)


def _report(settings_file: Path, created: Created, *, as_json: bool) -> None:
    if as_json:
        json({"settings": str(settings_file), "account": created.public()})
        return
    line(f"settings  {settings_file}")
    line(f"secrets   {settings_file.parent / 'secrets'} (keep master.key apart, with a copy)")
    show(created)
    line("next      sentinel doctor, then sentinel run")


def _write_secret(path: Path, value: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(
            "there is a secret already, and it is never overwritten",
            where=str(path),
            hint="move it away, or write sentinel.toml for it by hand",
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value + "\n")


def _toml(value: str) -> str:
    """Return ``value`` as the inside of a TOML string, whose escapes are those of JSON."""
    return msgspec.json.encode(value).decode()[1:-1].replace("\x7f", "\\u007f")
