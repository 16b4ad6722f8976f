"""Read ``sentinel.toml`` and the ``SENTINEL_*`` variables, and say where a wrong setting stands.

A nested setting is reached by two underscores: ``SENTINEL_SMTP__HOST``. A secret is given as ``X``
or, read from a file, as ``X_FILE`` (``SENTINEL_SMTP__PASSWORD_FILE=/run/secrets/smtp``, or
``password_file`` in the TOML). Both at once is an error.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sentinel.config.faults import Origin, explain, unknown_hint
from sentinel.config.model import SECRETS, Settings
from sentinel.config.section import Section
from sentinel.errors import ConfigError, UnreadableFile

ENV_PREFIX = "SENTINEL_"
NOT_SETTINGS = (f"{ENV_PREFIX}CONFIG", f"{ENV_PREFIX}TOKEN")  # for the command line alone
DEFAULT_PATH = Path("sentinel.toml")

_LISTS = {"email_to", "egress_allow", "seen_by", "rules", "test_to"}


def load(path: Path | None = None, environ: dict[str, str] | None = None) -> Settings:
    """Read settings from ``path`` (default ``sentinel.toml`` where present) and the environment.

    Relative paths are relative to the file. Raises ConfigError with ``where`` = file:line or the
    variable, and UnreadableFile.
    """
    env = dict(os.environ) if environ is None else environ
    source = path or DEFAULT_PATH
    text = _read(source) if source.exists() or path is not None else ""
    origin = Origin(source, text)
    tree = _parse(text, source)
    _merge_environment(tree, env, origin)
    _read_secret_files(tree, (), origin)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise explain(error, origin) from error
    return _anchored(settings, source.resolve().parent if text else Path.cwd())


def _read(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile("not UTF-8 text", where=str(source)) from error
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise UnreadableFile(
            error.strerror or str(error),
            where=str(source),
            hint="`sentinel init` writes a first one" if missing else "",
        ) from error


def _parse(text: str, source: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        where = f"{source}:{found[1]}:{found[2]}" if found else str(source)
        raise ConfigError(f"not TOML: {str(error).split(' (at')[0]}", where=where) from error


def _merge_environment(tree: dict[str, Any], env: dict[str, str], origin: Origin) -> None:
    for name, value in sorted(env.items()):
        if not name.startswith(ENV_PREFIX) or name in NOT_SETTINGS:
            continue
        parts = tuple(name[len(ENV_PREFIX) :].lower().split("__"))
        if parts[0] not in Settings.model_fields:
            nested = "nested settings take two underscores, as in SENTINEL_SMTP__HOST"
            raise ConfigError(
                f"no setting is called {parts[0]!r}",
                where=name,
                hint=f"{unknown_hint(parts)}; {nested}",
            )
        node = tree
        for part in parts[:-1]:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise ConfigError(f"{part}: this setting has no settings inside", where=name)
            node = child
        node[parts[-1]] = _listed(value) if parts[-1] in _LISTS else value
        origin.variables[parts] = name


def _listed(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _read_secret_files(node: dict[str, Any], place: tuple[str, ...], origin: Origin) -> None:
    """Put the content of each file that ``X_file`` names under ``X``."""
    for key, value in list(node.items()):
        here = (*place, key)
        if isinstance(value, dict):
            _read_secret_files(value, here, origin)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    _read_secret_files(item, (*here, str(index)), origin)
        elif key.endswith("_file") and key.removesuffix("_file") in SECRETS:
            name = key.removesuffix("_file")
            if name in node:
                raise ConfigError(
                    f"{name} and {key} are both set",
                    where=origin.where(here),
                    hint="keep one of them",
                )
            del node[key]
            node[name] = _read_secret(origin.path.resolve().parent / str(value), here, origin)


def _read_secret(path: Path, place: tuple[str, ...], origin: Origin) -> str:
    named = f"named by {'.'.join(place)} in {origin.where(place)}"
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise UnreadableFile("not text", where=str(path), hint=named) from error
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error)
        raise UnreadableFile(reason, where=str(path), hint=named) from error
    if not secret:
        raise ConfigError("the file of this secret is empty", where=str(path), hint=named)
    return secret


def _anchored(settings: Settings, base: Path) -> Settings:
    """Make every relative path relative to the settings file."""

    def walk(model: Section) -> Section:
        changes: dict[str, Any] = {}
        for name in type(model).model_fields:
            value = getattr(model, name)
            if isinstance(value, Path) and not value.is_absolute():
                changes[name] = base / value
            elif isinstance(value, Section):
                changes[name] = walk(value)
            elif isinstance(value, list):
                changes[name] = [anchored_item(item) for item in value]
        return model.model_copy(update=changes)

    def anchored_item(item: Any) -> Any:
        if isinstance(item, Path):
            return item if item.is_absolute() else base / item
        return walk(item) if isinstance(item, Section) else item

    anchored = walk(settings)
    assert isinstance(anchored, Settings)  # noqa: S101 - walk keeps the type
    return anchored
