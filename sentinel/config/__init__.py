"""Settings: `sentinel.toml`, overridden by `SENTINEL_*` variables. Nothing is read at import."""

from sentinel.config.detect import BehaviourSettings, DetectSettings
from sentinel.config.keys import Keys
from sentinel.config.listeners import CollectorSettings, ConsoleSettings, Listener
from sentinel.config.load import DEFAULT_PATH, ENV_PREFIX, load
from sentinel.config.model import Settings
from sentinel.config.notify import NotifySettings, SmtpSettings
from sentinel.config.organisation import Organisation, Person
from sentinel.config.scope import (
    DriftSettings,
    FactImport,
    ReviewSettings,
    ScopeSettings,
    StaffSettings,
)
from sentinel.config.section import Section
from sentinel.config.source import (
    SourceSettings,
    SyslogSettings,
    TailSettings,
    Tls12Exception,
    loopback,
)
from sentinel.config.stores import EventStoreSettings

__all__ = [
    "DEFAULT_PATH",
    "ENV_PREFIX",
    "BehaviourSettings",
    "CollectorSettings",
    "ConsoleSettings",
    "DetectSettings",
    "DriftSettings",
    "EventStoreSettings",
    "FactImport",
    "Keys",
    "Listener",
    "NotifySettings",
    "Organisation",
    "Person",
    "ReviewSettings",
    "ScopeSettings",
    "Section",
    "Settings",
    "SmtpSettings",
    "SourceSettings",
    "StaffSettings",
    "SyslogSettings",
    "TailSettings",
    "Tls12Exception",
    "load",
    "loopback",
]
