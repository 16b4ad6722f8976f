"""Each format reads the lines that its vendor documents, and `auto` knows whose they are.

The lines stand in ``tests/fixtures/logs/<format>.log``; names and addresses are invented.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.collect.formats.base import Parsed, Unparsed
from sentinel.collect.formats.registry import all_formats, detect_format, format_named
from sentinel.domain.event import LogSource, Value

LOGS = Path(__file__).resolve().parents[1] / "fixtures" / "logs"
SAME_LINE_AS = {"apache_combined": "nginx_combined"}
SECOND = datetime(2026, 1, 24, 7, 34, 57, tzinfo=UTC)

Expected = tuple[LogSource, dict[str, Value]]


def web(product: str, service: str = "access") -> LogSource:
    return LogSource(category="webserver", product=product, service=service)


def source(product: str, service: str, category: str = "") -> LogSource:
    return LogSource(category=category, product=product, service=service)


KEYCLOAK = source("keycloak", "events", "audit")
PGAUDIT = source("postgresql", "pgaudit", "audit")
EXPECTED: dict[str, list[Expected]] = {
    "nginx_combined": [(web("nginx"), {"user.name": "C00123", "url.path": "/documents/17"})],
    "apache_common": [(web("apache"), {"http.response.status_code": 200, "http.version": "1.0"})],
    "apache_vhost": [(web("apache"), {"url.domain": "www.example.org", "server.port": 443})],
    "traefik_clf": [
        (web("traefik"), {"traefik.router": "shop@docker", "event.duration": 3_000_000})
    ],
    "haproxy": [
        (
            web("haproxy"),
            {
                "source.ip": "192.0.2.4",
                "http.request.method": "GET",
                "http.version": "1.1",
                "url.path": "/index.html",
                "http.response.status_code": 200,
                "haproxy.request_headers": ["www.example.org"],
            },
        ),
        (web("haproxy"), {"haproxy.frontend": "https-in", "haproxy.state": "SC--"}),
        (web("haproxy"), {"haproxy.backend": "pg/pg1", "http.response.bytes": 212}),
    ],
    "aws_alb": [
        (
            web("aws", "elb"),
            {
                "source.ip": "192.0.2.4",
                "source.port": 2817,
                "url.path": "/a",
                "url.domain": "www.example.org",
                "http.response.status_code": 200,
                "tls.version_protocol": "TLSv1.2",
            },
        ),
        (web("aws", "elb"), {"url.path": "/../../etc/passwd", "aws.elb.action_executed": "waf"}),
    ],
    "iis_w3c": [
        (
            web("iis"),
            {
                "source.ip": "192.0.2.4",
                "user.name": "EXAMPLE\\a.martin",
                "user_agent.original": "Mozilla/5.0 (Windows NT 10.0; Win64)",
                "url.original": "/a.aspx?id=17",
                "event.duration": 15_000_000,
            },
        ),
        (web("iis"), {"source.ip": "2001:db8::4", "http.response.status_code": 500}),
    ],
    "nginx_error": [
        (
            web("nginx", "error"),
            {
                "source.ip": "192.0.2.4",
                "url.path": "/x",
                "server.domain": "www.example.org",
                "http.request.referrer": "https://www.example.org/",
                "event.outcome": "failure",
            },
        ),
        (web("nginx", "error"), {"log.level": "notice"}),
    ],
    "apache_error": [
        (
            web("apache", "error"),
            {"source.ip": "192.0.2.4", "event.code": "AH01630", "event.module": "authz_core"},
        ),
        (web("apache", "error"), {"log.level": "notice", "event.code": "AH00489"}),
        (web("apache", "error"), {"source.ip": "192.0.2.4", "log.level": "error"}),
    ],
    "auth": [
        (source("linux", "sshd"), {"user.name": "admin", "event.outcome": "failure"}),
        (source("linux", "sshd"), {"user.name": "ubuntu", "event.outcome": "success"}),
        (
            source("linux", "sudo"),
            {
                "user.name": "a.martin",
                "user.effective.name": "root",
                "process.command_line": "/usr/bin/cat /etc/shadow",
            },
        ),
    ],
    "cef": [
        (
            source("fire_wall", "cef"),
            {
                "observer.product": "Fire|wall",
                "source.ip": "192.0.2.4",
                "destination.port": 443,
                "message": "two words=one",
                "cef.label.policy": "default deny",
                "event.outcome": "failure",
            },
        ),
        (source("mail", "cef"), {"source.ip": "2001:db8::4", "url.query": "b=1"}),
    ],
    "ecs": [(LogSource(), {"user.name": "a.martin", "event.action": "logged-in"})],
    "json": [(LogSource(), {"msg": "slow query", "ms": 1532})],
    "csv": [(LogSource(), {"kind": "ticket", "staff": "a.martin"})],
    "nginx_json": [(web("nginx"), {"http.response.status_code": 404, "url.query": "b=1"})],
    "caddy": [
        (
            web("caddy"),
            {
                "source.ip": "192.0.2.4",
                "user.name": "a.martin",
                "user_agent.original": "curl/8.5.0",
                "http.response.body.bytes": 10900,
                "event.duration": 929_675,
            },
        )
    ],
    "traefik_json": [
        (web("traefik"), {"source.ip": "192.0.2.4", "url.query": "x=1", "http.version": "1.1"})
    ],
    "cloudtrail": [
        (
            source("aws", "cloudtrail"),
            {
                "user.name": "a.martin",
                "event.outcome": "failure",
                "sentinel.mfa": False,
                "eventName": "ConsoleLogin",
                "responseElements.ConsoleLogin": "Failure",
            },
        ),
        (
            source("aws", "cloudtrail"),
            {
                "user.name": "a.martin@example.org",
                "user.roles": ["admin"],
                "event.outcome": "success",
                "requestParameters": '{"name":"trail"}',
            },
        ),
    ],
    "okta": [
        (
            source("okta", "okta"),
            {
                "user.name": "a.martin@example.org",
                "user.target.name": "b.durand@example.org",
                "source.ip": "192.0.2.4",
                "target.displayName": ["B. Durand"],
                "event.outcome": "success",
            },
        )
    ],
    "github_audit": [
        (source("github", "audit"), {"user.name": "octo-a", "source.ip": "192.0.2.4"})
    ],
    "google_workspace": [
        (
            source("gcp", "google_workspace.admin"),
            {
                "eventService": "admin.googleapis.com",
                "eventName": ["CHANGE_APPLICATION_SETTING"],
                "setting_name": "Password Management",
                "user.target.name": "b.durand@example.org",
            },
        ),
        (
            source("gcp", "google_workspace.login"),
            {"event.outcome": "failure", "source.ip": "2001:db8::4"},
        ),
    ],
    "azure": [
        (source("azure", "activitylogs"), {"source.ip": "192.0.2.4", "event.outcome": "success"}),
        (
            source("azure", "signinlogs"),
            {"ResultType": "50126", "event.outcome": "failure", "sentinel.mfa": False},
        ),
        (
            source("azure", "auditlogs"),
            {
                "user.name": "a.martin@example.org",
                "user.target.name": "b.durand@example.org",
                "properties.message": "Add member to role",
            },
        ),
    ],
    "m365": [
        (
            source("m365", "audit"),
            {
                "source.ip": "2001:db8::4",
                "source.port": 4711,
                "user.name": "a.martin@example.org",
                "Parameters.Name": ["ForwardTo"],
                "event.outcome": "success",
            },
        )
    ],
    "kubernetes_audit": [
        (
            source("kubernetes", "audit", "application"),
            {
                "verb": "list",
                "objectRef.resource": "secrets",
                "user.name": "a.martin",
                "http.response.status_code": 403,
                "event.outcome": "failure",
            },
        )
    ],
    "keycloak": [
        (KEYCLOAK, {"user.name": "a.martin", "event.outcome": "failure"}),
        (KEYCLOAK, {"event.action": "create_user", "event.outcome": "success"}),
    ],
    "keycloak_line": [
        (
            KEYCLOAK,
            {"user.name": "a.martin", "event.outcome": "failure", "error": "user_not_found"},
        ),
        (KEYCLOAK, {"user.name": "a.martin", "event.outcome": "success"}),
    ],
    "pgaudit": [
        (
            PGAUDIT,
            {
                "user.name": "a.martin",
                "postgresql.database": "crm",
                "sentinel.relation": ["public.customers", "invoices"],
            },
        ),
        (PGAUDIT, {"source.ip": "192.0.2.4", "pgaudit.object_name": "public.customers"}),
        (PGAUDIT, {"event.action": "write.update", "sentinel.relation": ["public.payments"]}),
    ],
    "ocsf": [
        (
            source("ocsf", "authentication"),
            {"user.name": "a.martin", "event.outcome": "failure", "sentinel.mfa": False},
        ),
        (
            source("ocsf", "account_change"),
            {"user.name": "a.martin", "user.target.name": "b.durand"},
        ),
        (source("ocsf", "api_activity"), {"event.action": "DeleteTrail", "user.name": "u-1"}),
        (
            source("ocsf", "http_activity", "webserver"),
            {"url.original": "/a?b=1", "http.response.status_code": 404},
        ),
        (source("ocsf", ""), {"user.name": "a.martin", "message": "file opened"}),
    ],
}


def lines_of(name: str) -> list[str]:
    path = LOGS / f"{SAME_LINE_AS.get(name, name)}.log"
    return path.read_text(encoding="utf-8").splitlines()


def read(name: str, line: str) -> Parsed | Unparsed | None:
    return format_named(name).fresh().parse(line)


def fields(name: str, line: str) -> dict[str, Value]:
    parsed = read(name, line)
    assert isinstance(parsed, Parsed), parsed
    return parsed.fields


def reason(name: str, line: str) -> str:
    parsed = read(name, line)
    assert isinstance(parsed, Unparsed), parsed
    return parsed.reason


def test_every_format_has_sample_lines() -> None:
    assert set(EXPECTED) | set(SAME_LINE_AS) == set(all_formats())


@pytest.mark.parametrize("name", EXPECTED)
def test_sample_lines(name: str) -> None:
    parser = format_named(name).fresh()
    parsed = [got for line in lines_of(name) if (got := parser.parse(line)) is not None]
    assert len(parsed) == len(EXPECTED[name])
    for got, (logsource, some) in zip(parsed, EXPECTED[name], strict=True):
        assert isinstance(got, Parsed), got
        assert (got.logsource or LogSource()) == logsource
        assert {key: got.fields.get(key) for key in some} == some


# The source profile says which field of these holds the instant.
@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"ecs", "json", "csv"}))
def test_the_instant_is_the_lines_own(name: str) -> None:
    parsed = [format_named(name).fresh().parse(line) for line in lines_of(name)]
    if name == "iis_w3c":
        assert parsed.count(None) == 5
        return
    for got in parsed:
        assert isinstance(got, Parsed)
        assert got.time is not None
        expected = SECOND.replace(month=3, day=27) if name == "auth" else SECOND
        assert abs((got.time - expected).total_seconds()) < 24 * 3600


@pytest.mark.parametrize("name", EXPECTED)
def test_auto_knows_it(name: str) -> None:
    found = detect_format(lines_of(name))
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("name", EXPECTED)
def test_no_line_is_claimed_by_nobody(name: str) -> None:
    parser = format_named(name).fresh()
    for line in lines_of(name):
        assert parser.claims(line)
        parser.parse(line)


@pytest.mark.parametrize("name", sorted(set(all_formats()) - {"csv"}))
@pytest.mark.parametrize("line", ["x", "{}", "[]", "null", '{"a":', "\x00", "#", "CEF:", "AUDIT: "])
def test_what_is_not_of_the_format_says_why(name: str, line: str) -> None:
    if (name, line) == ("json", "{}"):
        return
    why = reason(name, line)
    assert why
    assert line not in why or len(line) < 3 or "AUDIT" in line


class TestIis:
    HEADER = "#Fields: date time c-ip cs-method sc-status"

    def test_a_line_before_its_fields_says_so(self) -> None:
        assert "no #Fields:" in reason("iis_w3c", "2026-01-24 07:34:57 192.0.2.4 GET 200")

    def test_columns_are_declared_anew(self) -> None:
        parser = format_named("iis_w3c").fresh()
        assert parser.parse("#Date: 2026-01-24 00:00:00") is None
        assert parser.parse(self.HEADER) is None
        assert isinstance(parser.parse("2026-01-24 07:34:57 192.0.2.4 GET 200"), Parsed)
        assert parser.parse("#Fields: time cs-method") is None
        later = parser.parse("07:34:58 PUT")
        assert isinstance(later, Parsed)
        assert later.time == SECOND.replace(second=58)
        assert later.fields["http.request.method"] == "PUT"

    @pytest.mark.parametrize("header", ["#Fields:", "#Fields: time time", "#Fields: " + "a " * 200])
    def test_bad_declarations_leave_no_columns(self, header: str) -> None:
        parser = format_named("iis_w3c").fresh()
        parser.parse(self.HEADER)
        assert isinstance(parser.parse(header), Unparsed)
        assert isinstance(parser.parse("2026-01-24 07:34:57 192.0.2.4 GET 200"), Unparsed)

    def test_another_number_of_columns(self) -> None:
        parser = format_named("iis_w3c").fresh()
        parser.parse(self.HEADER)
        parsed = parser.parse("2026-01-24 07:34:57 192.0.2.4 GET")
        assert isinstance(parsed, Unparsed)
        assert parsed.reason == "4 columns where #Fields: names 5"

    def test_each_file_has_its_own_columns(self) -> None:
        parser = format_named("iis_w3c").fresh()
        parser.parse(self.HEADER)
        assert isinstance(parser.fresh().parse("2026-01-24 07:34:57 192.0.2.4 GET 200"), Unparsed)


class TestCef:
    def test_escapes(self) -> None:
        line = r"CEF:0|a\\b|c\|d|1|2|n|3|msg=a\=b\nc\\d cs1=x y cs1Label=my label"
        got = fields("cef", line)
        assert (got["observer.vendor"], got["observer.product"]) == ("a\\b", "c|d")
        assert got["message"] == "a=b\nc\\d"
        assert got["cef.label.my label"] == "x y"

    def test_a_short_header(self) -> None:
        assert reason("cef", "CEF:0|a|b|c") == "the CEF header has 3 parts of 7"

    def test_no_extension(self) -> None:
        assert fields("cef", "CEF:0|a|b|1|2|name|High|")["event.action"] == "name"


class TestPgaudit:
    def test_a_statement_that_goes_on_says_so(self) -> None:
        line = 'x LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,"select *'
        assert "has no end on its line" in reason("pgaudit", line)

    @pytest.mark.parametrize(
        ("prefix", "user", "database", "address"),
        [
            ("2026-01-24 07:34:57 UTC [12] app@crm LOG:  ", "app", "crm", None),
            (
                "2026-01-24 07:34:57 CET [12]: user=app,db=crm,app=psql,client=192.0.2.4 LOG:  ",
                "app",
                "crm",
                "192.0.2.4",
            ),
            (
                "2026-01-24 07:34:57.678+01 192.0.2.4(5432) app@crm LOG:  ",
                "app",
                "crm",
                "192.0.2.4",
            ),
            ("", None, None, None),
        ],
    )
    def test_prefixes(
        self, prefix: str, user: str | None, database: str | None, address: str | None
    ) -> None:
        got = fields("pgaudit", f"{prefix}AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.a,s,<none>")
        assert got.get("user.name") == user
        assert got.get("postgresql.database") == database
        assert got.get("source.ip") == address


class TestHaproxy:
    def test_a_bad_request(self) -> None:
        line = (
            "192.0.2.4:1 [24/Jan/2026:07:34:57.655] a a/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- "
            '1/1/0/0/0 0/0 "<BADREQ>"'
        )
        got = fields("haproxy", line)
        assert got["http.response.status_code"] == 400
        assert "url.original" not in got

    def test_a_request_cut_by_the_log(self) -> None:
        line = (
            "192.0.2.4:1 [24/Jan/2026:07:34:57.655] a a/b 0/0/0/0/0 200 0 - - ---- "
            '1/1/0/0/0 0/0 "GET /a'
        )
        assert fields("haproxy", line)["url.path"] == "/a"

    def test_https_tail(self) -> None:
        line = (
            "2001:db8::4:1 [24/Jan/2026:07:34:57.655] a~ a/b 0/0/0/0/0 200 0 - - ---- 1/1/0/0/0 "
            '0/0 "GET /a HTTP/1.1" 0/0000000000000000/0/0/1 www.example.org/TLSv1.3/X'
        )
        got = fields("haproxy", line)
        assert got["source.ip"] == "2001:db8::4"
        assert got["http.version"] == "1.1"
