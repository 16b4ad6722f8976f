"""Every setting with its meaning, its default, and what is refused at the door."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from sentinel.config.blind import BlindSettings
from sentinel.config.detect import BehaviourSettings, DetectSettings
from sentinel.config.duties import CalendarSettings, LogReviewSettings, RotaSettings
from sentinel.config.keys import JournalSettings, Keys
from sentinel.config.listeners import CollectorSettings, ConsoleSettings
from sentinel.config.mail import MailSettings
from sentinel.config.notify import NotifySettings, SmtpSettings
from sentinel.config.organisation import Organisation
from sentinel.config.retention import BackupSettings, RetentionSettings
from sentinel.config.scope import ScopeSettings
from sentinel.config.section import Section
from sentinel.config.source import SourceSettings
from sentinel.config.stores import StoreSettings
from sentinel.content import content_dir

SECRETS = {
    *("master", "anchor", "key", "api_key", "token", "password", "webhook_secret", "url"),
    "signing_key",
}
"""Settings that may be read from a file: ``X_file`` in place of ``X``."""


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
