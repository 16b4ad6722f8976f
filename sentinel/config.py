"""Settings: ``sentinel.toml``, overridden by ``SENTINEL_*`` variables.

A nested setting is reached by two underscores: ``SENTINEL_SMTP__HOST``. A secret is given as ``X``
or, read from a file, as ``X_FILE`` (``SENTINEL_SMTP__PASSWORD_FILE=/run/secrets/smtp``, or
``password_file`` in the TOML). Both at once is an error. Nothing is read at import.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from sentinel.content import content_dir
from sentinel.errors import ConfigError, UnreadableFile

ENV_PREFIX = "SENTINEL_"
DEFAULT_PATH = Path("sentinel.toml")


class Section(BaseModel):
    """A table of ``sentinel.toml``: unknown settings are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Person(Section):
    """Somebody who can be reached."""

    name: str = Field(default="", description="Full name.")
    email: str = Field(default="", description="E-mail address.")
    phone: str = Field(default="", description="Telephone number.")
    hours: str = Field(
        default="", description="When the person can be reached, as shown in letters."
    )
    hours_en: str = Field(default="", description="The same, as letters in English show it.")
    title: str = Field(default="", description="Function.")


class Organisation(Section):
    """The controller, as the CNIL form and the letters name it."""

    name: str = Field(default="", description="Legal name of the controller (GDPR art. 4(7)).")
    siren: str = Field(default="", description="SIREN, nine digits.")
    address: str = Field(default="", description="Postal address.")
    sector: str = Field(default="", description="NAF section letter.")
    website: str = Field(default="", description="Where news about an incident is published.")
    dpo: Person = Field(default=Person(), description="Data protection officer (GDPR art. 37).")
    declarant: Person = Field(default=Person(), description="Who files with the CNIL.")
    ecs_provider: Literal["yes", "no", "unknown"] = Field(
        default="unknown",
        description="Provider of electronic communications (Regulation 611/2013: 24 h clock).",
    )

    @field_validator("siren")
    @classmethod
    def _nine_digits(cls, value: str) -> str:
        digits = value.replace(" ", "")
        if digits and not re.fullmatch(r"\d{9}", digits):
            raise ValueError("a SIREN has nine digits")
        return digits


class Keys(Section):
    """Keys, which live apart from the data (promises R-31, R-32)."""

    master: SecretStr | None = Field(
        default=None, description="Master key: 32 bytes as 64 hex digits. Prefer `master_file`."
    )

    @field_validator("master")
    @classmethod
    def _thirty_two_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", value.get_secret_value()):
            raise ValueError("the master key has 64 hex digits; `sentinel init` makes one")
        return value


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Listener(Section):
    """A socket that Sentinel opens. Outside loopback it needs TLS (promise R-30)."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=0, ge=0, le=65535, description="Port; 0 lets the system choose.")
    tls_certificate: Path | None = Field(default=None, description="PEM chain.")
    tls_key: Path | None = Field(default=None, description="PEM private key.")
    behind_tls_proxy: bool = Field(
        default=False,
        description="A reverse proxy on this host's network ends TLS 1.3; allows a plain listener "
        "on a private address.",
    )

    @model_validator(mode="after")
    def _tls_outside_loopback(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_certificate is None and not self.behind_tls_proxy and not _loopback(self.host):
            raise ValueError(
                f"{self.host} is reachable from outside: give tls_certificate and tls_key, "
                "or listen on 127.0.0.1"
            )
        return self


class CollectorSettings(Listener):
    """The HTTP collector."""

    port: int = Field(default=8440, ge=0, le=65535, description="Port; 0 lets the system choose.")
    max_body_bytes: int = Field(
        default=32 * 1024 * 1024, gt=0, description="Largest body, after decompression."
    )
    max_line_bytes: int = Field(default=1024 * 1024, gt=0, description="Longest line.")
    spool_max_bytes: int = Field(
        default=8 * 1024**3, gt=0, description="Spool size above which senders get 503."
    )


class ConsoleSettings(Listener):
    """The console."""

    port: int = Field(default=8441, ge=0, le=65535, description="Port; 0 lets the system choose.")
    session_minutes: int = Field(default=480, gt=0, description="Longest session.")
    idle_minutes: int = Field(default=30, gt=0, description="Session without activity.")
    public_url: str = Field(default="", description="Address shown in messages.")


class SourceSettings(Section):
    """A declared source of events: its token, its format, its profile."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Name of the source.")
    token: SecretStr | None = Field(default=None, description="Bearer token. Prefer `token_file`.")
    format: str = Field(default="auto", description="Format of its lines, or `auto`.")
    profile: str = Field(default="", description="Profile in `rules/sources`; default: by format.")


class SmtpSettings(Section):
    """The mail server for e-mail channels."""

    host: str = Field(default="", description="Server; empty = e-mail channels are off.")
    port: int = Field(default=587, ge=1, le=65535, description="Port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`none` is accepted for loopback only."
    )
    username: str = Field(default="", description="Account on the server.")
    password: SecretStr | None = Field(default=None, description="Prefer `password_file`.")
    sender: str = Field(default="", description="Envelope and From address.")
    timeout_seconds: float = Field(default=30, gt=0, description="For one exchange.")

    @model_validator(mode="after")
    def _plain_only_on_loopback(self) -> Self:
        if self.security == "none" and self.host and not _loopback(self.host):
            raise ValueError("mail without TLS is accepted for a loopback server only")
        if self.host and not self.sender:
            raise ValueError("sender is needed where host is set")
        return self


class NotifySettings(Section):
    """Where alerts go."""

    email_to: list[str] = Field(default=[], description="Recipients of the `email` channel.")
    webhook_url: str = Field(default="", description="Target of the `webhook` channel.")
    webhook_secret: SecretStr | None = Field(
        default=None, description="Signs the webhook's body (HMAC-SHA-256)."
    )
    egress_allow: list[str] = Field(
        default=[], description="Hosts that notifiers may reach besides loopback (promise R-57)."
    )


class DetectSettings(Section):
    """Detection."""

    rules_dir: Path | None = Field(default=None, description="Default: the shipped rules.")
    lateness_minutes: int = Field(default=10, ge=0, description="Allowed lateness of events.")
    fold_minutes: int = Field(default=60, gt=0, description="Findings this close are one alert.")


class BehaviourSettings(Section):
    """The navigation model; needs the extra `behaviour`."""

    enabled: bool = Field(default=True, description="Score sessions where a model is present.")
    model_dir: Path | None = Field(default=None, description="Default: `<data_dir>/model`.")
    session_idle_minutes: int = Field(default=30, gt=0, description="A session ends after this.")


class Settings(Section):
    """Everything."""

    data_dir: Path = Field(default=Path("var"), description="Where Sentinel keeps its data.")
    language: Literal["fr", "en"] = Field(default="fr", description="Default language.")
    timezone: str = Field(default="Europe/Paris", description="Zone in which instants are shown.")
    notifiers_dir: Path | None = Field(default=None, description="Default: the shipped notifiers.")
    runbooks_dir: Path | None = Field(default=None, description="Default: the shipped runbooks.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe line of our own log."
    )
    organisation: Organisation = Field(default=Organisation(), description="The controller.")
    keys: Keys = Field(default=Keys(), description="Keys.")
    collector: CollectorSettings = Field(default=CollectorSettings(), description="HTTP collector.")
    console: ConsoleSettings = Field(default=ConsoleSettings(), description="Console.")
    sources: list[SourceSettings] = Field(default=[], description="Declared sources.")
    smtp: SmtpSettings = Field(default=SmtpSettings(), description="Mail server.")
    notify: NotifySettings = Field(default=NotifySettings(), description="Where alerts go.")
    detect: DetectSettings = Field(default=DetectSettings(), description="Detection.")
    behaviour: BehaviourSettings = Field(
        default=BehaviourSettings(), description="Navigation model."
    )

    @property
    def rules_path(self) -> Path:
        """The folder of rules in force."""
        return self.detect.rules_dir or content_dir("rules")

    @property
    def notifiers_path(self) -> Path:
        """The folder of notifiers in force."""
        return self.notifiers_dir or content_dir("notifiers")

    @property
    def runbooks_path(self) -> Path:
        """The folder of runbooks in force."""
        return self.runbooks_dir or content_dir("runbooks")

    @property
    def model_path(self) -> Path:
        """The folder of the navigation model."""
        return self.behaviour.model_dir or self.data_dir / "model"


def load(path: Path | None = None, environ: dict[str, str] | None = None) -> Settings:
    """Read settings from ``path`` (default ``sentinel.toml`` where present) and the environment.

    Relative paths are relative to the file. Raises ConfigError with ``where`` = file:line.
    """
    env = dict(os.environ) if environ is None else environ
    source = path or DEFAULT_PATH
    text = ""
    if source.exists() or path is not None:
        try:
            text = source.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UnreadableFile(
                str(getattr(error, "strerror", None) or error),
                where=str(source),
                hint="`sentinel init` writes a first one",
            ) from error
    tree = _parse(text, source)
    _merge_environment(tree, env)
    _read_secret_files(tree, source)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise _explain(error, text, source) from error
    return _anchored(settings, source.resolve().parent if text else Path.cwd())


def _parse(text: str, source: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        where = f"{source}:{found[1]}:{found[2]}" if found else str(source)
        raise ConfigError(str(error).split(" (at")[0], where=where) from error


def _merge_environment(tree: dict[str, Any], env: dict[str, str]) -> None:
    known = {name.lower() for name in Settings.model_fields}
    for name, value in sorted(env.items()):
        if not name.startswith(ENV_PREFIX):
            continue
        parts = name[len(ENV_PREFIX) :].lower().split("__")
        if parts[0].removesuffix("_file") not in known:
            if parts == ["config"]:
                continue
            raise ConfigError(
                f"no setting is called {parts[0]!r}",
                where=name,
                hint="nested settings take two underscores, as in SENTINEL_SMTP__HOST",
            )
        node = tree
        for part in parts[:-1]:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise ConfigError("this setting has no settings inside", where=name)
            node = child
        node[parts[-1]] = value.split(",") if parts[-1] in _LISTS else value


_LISTS = {"email_to", "egress_allow"}
_SECRETS = {"master", "token", "password", "webhook_secret"}


def _read_secret_files(node: dict[str, Any], source: Path) -> None:
    for key, value in list(node.items()):
        if isinstance(value, dict):
            _read_secret_files(value, source)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    _read_secret_files(item, source)
        elif key.endswith("_file") and key.removesuffix("_file") in _SECRETS:
            name = key.removesuffix("_file")
            if name in node:
                raise ConfigError(f"{name} and {key} are both set", where=str(source))
            del node[key]
            node[name] = _read_secret(source.resolve().parent / str(value), key)


def _read_secret(path: Path, key: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(
            str(getattr(error, "strerror", None) or "not text"),
            where=str(path),
            hint=f"named by {key}",
        ) from error


def _explain(error: ValidationError, text: str, source: Path) -> ConfigError:
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]]
    line = _line_of(text, path)
    where = f"{source}:{line}" if line else ("environment" if not text else str(source))
    message = str(first["msg"]).removeprefix("Value error, ")
    hint = ""
    if first["type"] == "extra_forbidden":
        message = "no such setting"
        hint = "`sentinel doctor` lists the settings in force"
    more = len(error.errors()) - 1
    if more:
        hint = (hint + "; " if hint else "") + f"and {more} more"
    return ConfigError(f"{'.'.join(path)}: {message}", where=where, hint=hint)


def _line_of(text: str, path: list[str]) -> int | None:
    """Return the line (from 1) of the setting at ``path``, or of its table."""
    table: list[str] = []
    seen: dict[str, int] = {}
    best: int | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        if header:
            name = header[2].replace(" ", "")
            table = name.split(".")
            if header[1] == "[[":
                seen[name] = seen.get(name, -1) + 1
                table.append(str(seen[name]))
            if table == path[: len(table)]:
                best = number
        else:
            key = re.match(r"\s*([A-Za-z0-9_.\-\"]+)\s*=", line)
            if key:
                full = table + key[1].replace('"', "").split(".")
                if full == path or full == [*path[:-1], f"{path[-1]}_file"]:
                    return number
                if full == path[: len(full)]:
                    best = number
    return best


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
        return model.model_copy(update=changes)

    anchored = walk(settings)
    assert isinstance(anchored, Settings)  # noqa: S101 - walk keeps the type
    return anchored
