"""Which formats there are, and which one a sample of lines is written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sentinel.collect.formats.apache_error import ApacheError
from sentinel.collect.formats.auth import AuthLog
from sentinel.collect.formats.aws_alb import AwsAlb
from sentinel.collect.formats.azure import Azure
from sentinel.collect.formats.base import Format, Parsed
from sentinel.collect.formats.caddy import Caddy
from sentinel.collect.formats.cef import Cef
from sentinel.collect.formats.cloudtrail import CloudTrail
from sentinel.collect.formats.combined import (
    ApacheCombined,
    ApacheCommon,
    ApacheVhost,
    NginxCombined,
    TraefikClf,
)
from sentinel.collect.formats.csv_rows import CsvRows
from sentinel.collect.formats.github_audit import GithubAudit
from sentinel.collect.formats.google_workspace import GoogleWorkspace
from sentinel.collect.formats.haproxy import HaproxyHttp
from sentinel.collect.formats.iis_w3c import IisW3c
from sentinel.collect.formats.json_object import Ecs, JsonObject
from sentinel.collect.formats.keycloak import Keycloak, KeycloakLine
from sentinel.collect.formats.kubernetes_audit import KubernetesAudit
from sentinel.collect.formats.m365 import M365
from sentinel.collect.formats.nginx_error import NginxError
from sentinel.collect.formats.nginx_json import NginxJson
from sentinel.collect.formats.ocsf import Ocsf
from sentinel.collect.formats.okta import Okta
from sentinel.collect.formats.pgaudit import PgAudit
from sentinel.collect.formats.traefik_json import TraefikJson
from sentinel.errors import UsageError

AUTO = "auto"
_GENERAL = frozenset({"auth", "ecs", "json", "csv"})


def all_formats() -> dict[str, Format]:
    """Return every format by name, the most specific first."""
    formats: tuple[Format, ...] = (
        # Access logs: what begins or ends with more than a combined line comes before it.
        TraefikClf(),
        ApacheVhost(),
        NginxCombined(),
        ApacheCombined(),
        ApacheCommon(),
        HaproxyHttp(),
        AwsAlb(),
        IisW3c(),
        # Error and authentication logs, security products.
        NginxError(),
        ApacheError(),
        KeycloakLine(),
        PgAudit(),
        Cef(),
        AuthLog(),
        # JSON with marks of its own, then JSON in general.
        CloudTrail(),
        KubernetesAudit(),
        Okta(),
        GoogleWorkspace(),
        M365(),
        Azure(),
        Keycloak(),
        Ocsf(),
        Caddy(),
        TraefikJson(),
        NginxJson(),
        GithubAudit(),
        Ecs(),
        JsonObject(),
        CsvRows(),
    )
    return {fmt.name: fmt for fmt in formats}


def format_named(name: str) -> Format:
    """Return the format ``name``. Raises UsageError that lists the names."""
    formats = all_formats()
    if name not in formats:
        raise UsageError(
            f"no format is called {name!r}", hint="formats: " + ", ".join([AUTO, *formats])
        )
    return formats[name]


def detect_format(
    sample: Sequence[str], candidates: Iterable[Format] | None = None
) -> Format | None:
    """Return the format that reads most lines of ``sample``; None where none reads a line.

    Between equals the first candidate wins, by default the more specific: an nginx line before
    any JSON object before CSV. A format that reads every line ends the search. A general one (any
    JSON object, any line of syslog) must read twice as many lines as the best of the others:
    HAProxy's own messages stand among its requests.
    """
    best: Format | None = None
    most = 0
    for fmt in all_formats().values() if candidates is None else candidates:
        parser = fmt.fresh()
        read = sum(
            parser.claims(line) and isinstance(parser.parse(line), Parsed) for line in sample
        )
        if read > (2 * most if fmt.name in _GENERAL else most):
            best, most = fmt, read
        if most == len(sample):
            break
    return best
