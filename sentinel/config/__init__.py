"""Settings: `sentinel.toml`, overridden by `SENTINEL_*` variables. Nothing is read at import."""

from sentinel.config.load import DEFAULT_PATH, ENV_PREFIX, load
from sentinel.config.model import (
    BehaviourSettings,
    CollectorSettings,
    ConsoleSettings,
    DetectSettings,
    Keys,
    Listener,
    NotifySettings,
    Organisation,
    Person,
    Section,
    Settings,
    SmtpSettings,
    SourceSettings,
)

__all__ = [
    "DEFAULT_PATH",
    "ENV_PREFIX",
    "BehaviourSettings",
    "CollectorSettings",
    "ConsoleSettings",
    "DetectSettings",
    "Keys",
    "Listener",
    "NotifySettings",
    "Organisation",
    "Person",
    "Section",
    "Settings",
    "SmtpSettings",
    "SourceSettings",
    "load",
]
