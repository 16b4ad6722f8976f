"""Every setting with its meaning, its default, and what is refused at the door."""

from __future__ import annotations

import re
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from sentinel.config.blind import BlindSettings
from sentinel.config.duties import CalendarSettings, LogReviewSettings, RotaSettings
from sentinel.config.mail import MailSettings
from sentinel.config.retention import BackupSettings, RetentionSettings
from sentinel.config.scope import ScopeSettings
from sentinel.config.section import Section
from sentinel.config.source import SourceSettings, loopback
from sentinel.config.stores import StoreSettings
from sentinel.content import content_dir

SECRETS = {
    *("master", "anchor", "key", "api_key", "token", "password", "webhook_secret", "url"),
    "signing_key",
}
"""Settings that may be read from a file: ``X_file`` in place of ``X``."""


def _sender(value: str) -> str:
    """Accept ``Name <address>`` too (RFC 5322, section 3.4: name-addr)."""
    _mailbox(parseaddr(value)[1] or value)
    return value


def _mailbox(value: str) -> str:
    if value and not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", value):
        raise ValueError("an e-mail address is expected, as in name@example.org")
    return value


def _web_address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/?#]+\S*", value):
        raise ValueError("a web address is expected, as in https://www.example.org")
    return value


Mailbox = Annotated[str, AfterValidator(_mailbox)]
Sender = Annotated[str, AfterValidator(_sender)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class Person(Section):
    """Somebody who can be reached."""

    name: str = Field(default="", description="Full name.")
    email: Mailbox = Field(default="", description="E-mail address.")
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
    website: WebAddress = Field(
        default="", description="Where news about an incident is published."
    )
    dpo: Person = Field(default=Person(), description="Data protection officer (GDPR art. 37).")
    declarant: Person = Field(default=Person(), description="Who files with the CNIL.")
    ecs_provider: Literal["yes", "no", "unknown"] = Field(
        default="unknown",
        description="Provider of electronic communications (Regulation 611/2013: 24 h clock).",
    )
    regimes: list[Literal["nis2_art23", "dora", "cra_art14", "insurance_l12_10_1"]] = Field(
        default=[],
        description="Other laws whose clocks run in each confirmed case: `nis2_art23`, `dora`, "
        "`cra_art14`, `insurance_l12_10_1`.",
    )

    @property
    def placeholders(self) -> dict[str, str]:
        """What a runbook's placeholders stand for (`sentinel.domain.runbook.PLACEHOLDERS`)."""
        return {
            "organisation": self.name,
            "dpo": self.dpo.name,
            "dpo_phone": self.dpo.phone,
            "dpo_email": self.dpo.email,
            "declarant": self.declarant.name,
            "declarant_phone": self.declarant.phone,
        }

    @property
    def clocks_beside(self) -> list[str]:
        """The regimes beside the GDPR; one that is only suspected ends with ``?``."""
        ecs = {"yes": ["ecs_611_2013"], "unknown": ["ecs_611_2013?"], "no": []}
        return [*ecs[self.ecs_provider], *self.regimes]

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
    anchor: SecretStr | None = Field(
        default=None,
        description="Key that signs the journal's anchors (Ed25519): 64 hex digits. Prefer "
        "`anchor_file`; keep it apart from the master key.",
    )
    kms: str = Field(
        default="",
        description="Plug-in that holds the master key (entry point of `sentinel.master_keys`); "
        "empty: `master`, from file or environment.",
    )
    kms_key: str = Field(default="", description="Which key of the KMS, as its plug-in names it.")
    token_days: int = Field(
        default=30,
        gt=0,
        description="Days after which addresses and sessions get other tokens (promise R-02).",
    )
    tokens_kept_days: int = Field(
        default=365,
        ge=0,
        description="Days for which the key of former tokens is kept, so that an address is still "
        "found; then it is destroyed.",
    )
    persons_kept_days: int = Field(
        default=1500,
        ge=30,
        description="Days after which the key of a person whom no line names is destroyed. "
        "Default: 12 months until a case is opened, 36 months of the case, and some days.",
    )

    @field_validator("master", "anchor")
    @classmethod
    def _thirty_two_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", value.get_secret_value()):
            raise ValueError("a key has 64 hex digits; `sentinel init` makes one")
        return value

    @model_validator(mode="after")
    def _two_keys(self) -> Self:
        if self.master is not None and self.master == self.anchor:
            raise ValueError("the anchors are signed by a key of their own")
        return self


class JournalSettings(Section):
    """The journal's anchors."""

    anchor_dir: Path | None = Field(
        default=None,
        description="Where each day's signed anchor is written as a file; best on another host. "
        "Default: `<data_dir>/anchors`.",
    )
    timestamp_url: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="Authority that time-stamps each day's anchor (RFC 3161); empty: none. "
        "It receives a SHA-256 and nothing else. Needs the extra `timestamp` and "
        "`timestamp_roots`; its host stands in `notify.egress_allow`.",
    )
    timestamp_roots: Path | None = Field(
        default=None,
        description="PEM file of the root certificates of the time-stamping authority, and of "
        "intermediate ones that it does not send.",
    )

    @model_validator(mode="after")
    def _with_roots(self) -> Self:
        if self.timestamp_url and self.timestamp_roots is None:
            raise ValueError("timestamp_url needs timestamp_roots: who is believed")
        return self


class Listener(Section):
    """A socket that Sentinel opens. Outside loopback it needs TLS (promise R-30)."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=0, ge=0, le=65535, description="Port; 0 lets the system choose.")
    tls_certificate: Path | None = Field(default=None, description="PEM chain.")
    tls_key: Path | None = Field(default=None, description="PEM private key.")
    tls_client_ca: Path | None = Field(
        default=None,
        description="CA of client certificates (mutual TLS): one may then be shown.",
    )
    behind_tls_proxy: bool = Field(
        default=False,
        description="A reverse proxy on this host's network ends TLS 1.3; allows a plain listener "
        "on a private address.",
    )

    @model_validator(mode="after")
    def _tls_outsideloopback(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_certificate is None and not self.behind_tls_proxy and not loopback(self.host):
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
    max_batch_lines: int = Field(
        default=250_000, gt=0, description="Most lines in one body: all are in memory at once."
    )
    max_line_bytes: int = Field(
        default=128 * 1024,
        gt=0,
        description="Longest line; of a longer one the start is kept, as not understood.",
    )
    max_pending_bytes: int = Field(
        default=64 * 1024 * 1024,
        gt=0,
        description="Bytes of bodies in memory at once; above, senders get 429 and come again.",
    )
    spool_max_bytes: int = Field(
        default=8 * 1024**3, gt=0, description="Spool size above which senders get 503."
    )


class ConsoleSettings(Listener):
    """The console."""

    port: int = Field(default=8441, ge=0, le=65535, description="Port; 0 lets the system choose.")
    session_minutes: int = Field(default=480, gt=0, description="Longest session.")
    idle_minutes: int = Field(default=30, gt=0, description="Session without activity.")
    public_url: WebAddress = Field(default="", description="Address shown in messages.")


class SmtpSettings(Section):
    """The mail server for e-mail channels."""

    host: str = Field(default="", description="Server; empty = e-mail channels are off.")
    port: int = Field(default=587, ge=1, le=65535, description="Port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`none` is accepted for loopback only."
    )
    username: str = Field(default="", description="Account on the server.")
    password: SecretStr | None = Field(default=None, description="Prefer `password_file`.")
    sender: Sender = Field(default="", description="Envelope and From address.")
    timeout_seconds: float = Field(default=30, gt=0, description="For one exchange.")

    @model_validator(mode="after")
    def _plain_only_onloopback(self) -> Self:
        if self.security == "none" and self.host and not loopback(self.host):
            raise ValueError("mail without TLS is accepted for a loopback server only")
        if self.host and not self.sender:
            raise ValueError("sender is needed where host is set")
        return self


class NotifySettings(Section):
    """Where alerts go."""

    email_to: list[Mailbox] = Field(default=[], description="Recipients of the `email` channel.")
    webhook_url: WebAddress = Field(default="", description="Target of the `webhook` channel.")
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
    revise_days: int = Field(
        default=30, gt=0, description="Accesses this old are judged again when a late fact comes."
    )


class BehaviourSettings(Section):
    """The navigation model; needs the extra `behaviour`."""

    enabled: bool = Field(default=True, description="Score sessions where a model is present.")
    model_dir: Path | None = Field(default=None, description="Default: `<data_dir>/model`.")
    session_idle_minutes: int = Field(default=30, gt=0, description="A session ends after this.")
    findings_per_day: int = Field(
        default=20, gt=0, description="Findings told a day (UTC) at most; the rest is counted."
    )
    staff: bool = Field(
        default=True,
        description="Watch accounts of staff against their role, where staff monitoring is live "
        "(`scope.staff`) and baselines were learnt (`sentinel behaviour train-staff`).",
    )
    staff_findings_per_day: int = Field(
        default=5, gt=0, description="The same bound for the watch of staff, all accounts together."
    )
    versions_kept: int = Field(
        default=5, gt=0, description="Models kept to roll back to (`sentinel behaviour rollback`)."
    )


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
    journal: JournalSettings = Field(default=JournalSettings(), description="Journal.")
    collector: CollectorSettings = Field(default=CollectorSettings(), description="HTTP collector.")
    console: ConsoleSettings = Field(default=ConsoleSettings(), description="Console.")
    sources: list[SourceSettings] = Field(default=[], description="Declared sources.")
    smtp: SmtpSettings = Field(default=SmtpSettings(), description="Mail server.")
    mail: MailSettings = Field(default=MailSettings(), description="Letters to persons.")
    notify: NotifySettings = Field(default=NotifySettings(), description="Where alerts go.")
    detect: DetectSettings = Field(default=DetectSettings(), description="Detection.")
    behaviour: BehaviourSettings = Field(
        default=BehaviourSettings(), description="Navigation model."
    )
    blind: BlindSettings = Field(
        default=BlindSettings(), description="What Sentinel says of what it could not see."
    )
    scope: ScopeSettings = Field(
        default=ScopeSettings(), description="Out of scope: explain, or flag."
    )
    calendar: CalendarSettings = Field(
        default=CalendarSettings(), description="Calendar of obligations."
    )
    log_review: LogReviewSettings = Field(
        default=LogReviewSettings(), description="Weekly review of the audit logs."
    )
    rota: RotaSettings = Field(default=RotaSettings(), description="Who stands in for the officer.")
    retention: RetentionSettings = Field(default=RetentionSettings(), description="The purge.")
    backup: BackupSettings = Field(default=BackupSettings(), description="Backups.")
    store: StoreSettings = Field(default=StoreSettings(), description="The stores.")

    @field_validator("data_dir")
    @classmethod
    def _named_folder(cls, value: Path) -> Path:
        if value == Path():
            raise ValueError("a folder of its own is needed, as in var")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("no such time zone; the names are like Europe/Paris") from error
        return value

    @field_validator("sources")
    @classmethod
    def _one_name_each(cls, value: list[SourceSettings]) -> list[SourceSettings]:
        names = [source.name for source in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {twice[0]!r}")
        return value

    @property
    def anchor_path(self) -> Path:
        """The folder of the journal's anchors."""
        return self.journal.anchor_dir or self.data_dir / "anchors"

    @property
    def certificate_path(self) -> Path:
        """The folder of the purge's certificates."""
        return self.retention.certificate_dir or self.data_dir / "certificates"

    @property
    def ledger_path(self) -> Path | None:
        """The folder of the purge ledger; None where there are no backups to apply it to."""
        beside = self.backup.dir / "ledger" if self.backup.dir else None
        return self.retention.ledger_dir or beside

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
