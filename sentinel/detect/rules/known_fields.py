"""The fields that our events may have, so that a lint finds the misspelt ones.

ECS names as the source profiles write them, what the scope engine adds, and the names that rules
for audit logs ask applications for. The Elastic Common Schema is at https://www.elastic.co/docs/reference/ecs
"""

from __future__ import annotations

import difflib
from typing import Final

from sentinel.detect.rules.fields import ALIASES, TIMESTAMP

# Categories of log source whose events are ours; a rule for another source is not judged.
OURS: Final = frozenset({"audit", "webserver", "business"})

_ECS: Final = """
    client.ip destination.domain destination.ip destination.port error.message event.action
    event.category event.code event.dataset event.duration event.kind event.module event.outcome
    event.provider event.reason event.severity event.type file.path host.hostname host.name
    http.request.body.bytes http.request.bytes http.request.cookies http.request.id
    http.request.method http.request.referrer http.response.body.bytes http.response.bytes
    http.response.status_code http.version log.level message observer.name pgaudit.class
    pgaudit.command pgaudit.object_name pgaudit.object_type pgaudit.type postgresql.database
    process.command_line process.executable process.name process.pid sentinel.relation
    server.domain server.ip server.port service.name source.domain source.ip source.port
    tls.version tls.version_protocol url.domain url.full url.original url.path url.query
    url.scheme user.domain user.effective.name user.group.name user.name user.roles
    user.target.name user.target.roles user_agent.original
"""
_OWN: Final = """
    fact.actor fact.category fact.id fact.kind fact.opened_by fact.recorded_at fact.retracted
    fact.subject fact.team fact.valid_from fact.valid_to
    sentinel.actor.kind sentinel.actor.leaver sentinel.auth_method sentinel.data_category
    sentinel.environment sentinel.mfa sentinel.record_count sentinel.redacted sentinel.repeated
    sentinel.scope.reason sentinel.scope.reason_fr sentinel.scope.template
    sentinel.scope.verdict sentinel.scope.weak sentinel.session sentinel.subject
    sentinel.subject_relation
"""
KNOWN: Final = frozenset([*_ECS.split(), *_OWN.split(), *ALIASES, TIMESTAMP, "*"])


def unknown_hint(name: str) -> str:
    """Return what the author of a field that we do not know may have meant."""
    close = difflib.get_close_matches(name, KNOWN, n=1)
    return f"did you mean {close[0]}?" if close else "no source profile writes such a field"
