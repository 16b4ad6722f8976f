"""GitHub's audit log, as it is exported and streamed.

https://docs.github.com/en/organizations/keeping-your-organization-secure (audit log events)
"""

from __future__ import annotations

from typing import ClassVar

from sentinel.collect.formats.base import Parsed, Unparsed
from sentinel.collect.formats.json_dialect import JsonDialect, Names, address, text
from sentinel.domain.event import ACTOR_KIND, LogSource, Value

_SCOPES = ("org", "business", "repo", "_document_id")


class GithubAudit(JsonDialect):
    """One action in an organisation or enterprise."""

    name = "github_audit"
    title = "GitHub audit log"
    logsource = LogSource(product="github", service="audit")
    marks = ("action", "actor")
    times = ("@timestamp", "created_at")
    names: ClassVar[Names] = {
        "event.action": ("action",),
        "user.name": ("actor",),
        "user.target.name": ("user",),
        "user_agent.original": ("user_agent",),
        "user.group.name": ("team",),
        "event.reason": ("explanation", "message"),
    }

    def claims(self, line: str) -> bool:
        """Look also for what the action was on."""
        return super().claims(line) and any(f'"{name}"' in line for name in _SCOPES)

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one entry: besides its marks it names an organisation, enterprise or repository."""
        parsed = super().parse(line)
        if isinstance(parsed, Parsed) and not any(name in parsed.fields for name in _SCOPES):
            return Unparsed("a JSON object without org, business, repo or _document_id")
        return parsed

    def interpret(self, fields: dict[str, Value]) -> None:
        """Add the address and the kind of event."""
        address(fields, text(fields, "actor_ip"))
        if fields.get("actor_is_bot") is True:
            fields[ACTOR_KIND] = "service"
        action = text(fields, "action")
        iam = action.startswith(("org.", "team.", "role.", "business.", "personal_access_token."))
        fields["event.category"] = ["iam" if iam else "configuration"]
        failed = action.endswith((".failed_login", "_failed", ".deny"))
        fields["event.outcome"] = "failure" if failed else "success"
