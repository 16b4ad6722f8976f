"""The stage: settings, keys, accounts and a trained model, in a folder of the demo's own."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.app import parts
from sentinel.clock import Clock
from sentinel.collect.intake import Intake
from sentinel.config import Settings
from sentinel.demo.story import tell_normal
from sentinel.detect.behaviour.train import train
from sentinel.domain.event import Event
from sentinel.domain.incident import Actor, Role
from sentinel.web.auth.accounts import create_account

TRAINING_SEED = 777_001
"""The model learns from other days of the company than the one that it judges."""

SOURCES = {
    "www": ("nginx_combined", "nginx-site"),
    "crm": ("json", "crm-audit"),
    "backoffice": ("csv", "business-facts"),
}
CAST: dict[str, tuple[str, tuple[Role, ...]]] = {
    "analyst": ("Analyste de service", (Role.ANALYST,)),
    "commander": ("Responsable de crise", (Role.COMMANDER, Role.ANALYST)),
    "dpo": ("Déléguée à la protection des données", (Role.DPO,)),
    "auditor": ("Auditrice", (Role.AUDITOR,)),
    "admin": ("Administrateur", (Role.ADMIN,)),
}

_SEED = hashlib.sha256(b"sentinel demo: not a secret").digest()


class Player(msgspec.Struct, frozen=True):
    """An account of the demo, with what its holder needs to sign in."""

    name: str
    display_name: str
    password: str
    totp_secret: str
    actor: Actor


def settings_for(folder: Path, *, smtp_port: int, console_port: int, language: str) -> Settings:
    """Return the demo's settings.

    The master key is public on purpose, and so is the seed of the persons' keys: every identity in
    the story is invented, and pseudonyms that are the same in every run can be compared. A real
    set-up makes a key of its own (`sentinel init`), and draws the keys of persons.
    """
    public_key = _SEED.hex()
    return Settings.model_validate(
        {
            "data_dir": folder,
            "language": language,
            "log_level": "error",
            "keys": {"master": public_key},
            "organisation": _ORGANISATION,
            "collector": {"port": 0},
            "console": {"port": console_port},
            "sources": [
                {"name": name, "format": fmt, "profile": profile, "token": secrets.token_hex(16)}
                for name, (fmt, profile) in SOURCES.items()
            ],
            "smtp": {
                "host": "127.0.0.1",
                "port": smtp_port,
                "security": "none",
                "sender": "sentinel@example.org",
            },
            "notify": {"email_to": ["astreinte@example.org"]},
            "scope": {"staff": _STAFF},
        }
    )


def cast_players(settings: Settings, clock: Clock) -> dict[str, Player]:
    """Create the demo's accounts; their passwords and second factors are new in every run."""
    sealer = parts.open_sealer(settings)
    parts.open_persons(settings, sealer, seed=_SEED).close()
    cases = parts.open_cases(settings, sealer, clock)
    players: dict[str, Player] = {}
    try:
        with cases.begin() as tx:
            for name, (display_name, roles) in CAST.items():
                made = create_account(
                    name=name,
                    display_name=display_name,
                    roles=roles,
                    language=settings.language,
                    sealer=sealer,
                    now=clock.now(),
                )
                tx.accounts.put(made.account)
                actor = Actor(made.account.id, frozenset(roles))
                players[name] = Player(name, display_name, made.password, made.totp_secret, actor)
    finally:
        cases.close()
    return players


def train_model(settings: Settings, clock: Clock, end: datetime, seed: int) -> None:
    """Train the navigation model on a normal day told from another seed."""
    other = TRAINING_SEED if seed != TRAINING_SEED else TRAINING_SEED + 1
    intake = parts.make_intakes(settings, parts.open_sealer(settings), clock)["www"]
    events = _events(intake, tell_normal(other, end).lines("www"))
    train(events, settings.model_path, clock=clock)


def _events(intake: Intake, lines: list[str]) -> Iterator[Event]:
    for part in intake.slices([line.encode() for line in lines], "training"):
        yield from part.events


_STAFF = {
    "monitoring": True,
    "informed_on": "2026-01-05",
    "informed_how": "note remise en main propre et réunion d’information",
    "dpia_on": "2025-12-15",
    "dpia_reference": "AIPD-2025-004",
    "council_on": "2025-12-18",
    "seen_by": ["Analyste de service", "Déléguée à la protection des données"],
}
_ORGANISATION = {
    "name": "Exemple Communications SAS",
    "siren": "000000000",
    "address": "1 rue de l’Exemple, 75000 Paris",
    "sector": "J",
    "website": "https://www.example.org/incident",
    "ecs_provider": "no",
    "dpo": {
        "name": "Camille Exemple",
        "email": "dpo@example.org",
        "phone": "+33 1 99 00 00 00",
        "hours": "du lundi au vendredi, de 9 h à 18 h",
        "hours_en": "Monday to Friday, 9 a.m. to 6 p.m. (Paris time)",
        "title": "Déléguée à la protection des données",
    },
    "declarant": {
        "name": "Camille Exemple",
        "email": "dpo@example.org",
        "phone": "+33 1 99 00 00 00",
        "title": "Déléguée à la protection des données",
    },
}
