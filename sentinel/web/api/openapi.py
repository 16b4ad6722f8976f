"""The description of the API (OpenAPI 3.1), made from the commands themselves."""

from __future__ import annotations

from sentinel import __version__
from sentinel.respond.workflow.catalogue import SPECS
from sentinel.respond.workflow.spec import Argument, Command, Kind

PREFIX = "/api/v1"
Object = dict[str, object]

_SCHEMAS: dict[Kind, Object] = {
    Kind.TEXT: {"type": "string", "maxLength": 20_000},
    Kind.LONG: {"type": "string", "maxLength": 20_000},
    Kind.INSTANT: {"type": "string", "format": "date-time"},
    Kind.WHOLE: {"type": "integer"},
    Kind.FLAG: {"type": "boolean"},
    Kind.TEXTS: {"type": "array", "items": {"type": "string"}},
    Kind.ANY: {},
    Kind.OBJECT: {"type": "object"},
    Kind.FACTS: {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["at", "text"],
            "additionalProperties": False,
            "properties": {
                "at": {"type": "string", "format": "date-time"},
                "text": {"type": "string"},
            },
        },
    },
}
_READS = {
    "/health": ("Is the console up?", ()),
    "/openapi.json": ("This description.", ()),
    "/alerts": ("Alerts, newest first.", ("state", "page")),
    "/alerts/{id}": ("One alert, with its ETag.", ()),
    "/blind-windows": (
        "When nothing was seen, why, and what it means; newest first.",
        ("source", "since", "until", "open"),
    ),
    "/incidents": ("Incidents with their clocks, newest first.", ()),
    "/incidents/{id}": ("One incident with its clocks, and its ETag.", ()),
    "/incidents/{id}/timeline": ("What happened, when it occurred and was recorded.", ()),
    "/incidents/{id}/tasks": ("Tasks.", ()),
    "/incidents/{id}/proposals": ("What waits for a second person.", ()),
    "/incidents/{id}/qualification": ("Questions, score, likeness, bridge.", ("language",)),
    "/incidents/{id}/evidence": ("Evidence and its custody.", ()),
    "/incidents/{id}/dossiers": ("Dossiers that were frozen to be filed.", ()),
    "/incidents/{id}/dossiers/{dossier}/files/{name}": (
        "A file of a frozen dossier: json, sig, pdf (lang fr, en), dpv, edpb. Late: with reasons.",
        ("lang",),
    ),
    "/incidents/{id}/approvals": ("Who stood for what.", ()),
    "/campaigns": ("Campaigns of letters, oldest first: hashes and counts.", ()),
    "/campaigns/{campaign}": ("One campaign: letters by state, failures by name, coverage.", ()),
    "/register": (
        "The register of art. 33(5), signed; the proof is in the header Sentinel-Proof.",
        ("format", "since", "until", "language"),
    ),
}
_POSTS = {
    "/incidents/{id}/campaigns": ("prepare_campaign", "Freeze letters and audience.", "", ""),
    "/campaigns/{campaign}/ask": ("ask_campaign", "Ask a second person.", "code", ""),
    "/campaigns/{campaign}/approve": ("approve_campaign", "Stand for it.", "code", ""),
    "/campaigns/{campaign}/start": ("start_campaign", "Let the canary out.", "", "again"),
    "/campaigns/{campaign}/continue": ("continue_campaign", "Let the others out.", "", ""),
    "/campaigns/{campaign}/pause": ("pause_campaign", "Hold letters back.", "reason", ""),
    "/campaigns/{campaign}/resume": ("resume_campaign", "Go on after a pause.", "", ""),
    "/campaigns/{campaign}/stop": ("stop_campaign", "End it for good.", "reason", ""),
    "/incidents/{id}/dossiers": ("freeze_dossier", "Freeze and sign a dossier.", "", "kind"),
    "/incidents/{id}/filings": (
        "record_filed_dossier",
        "Record what a person filed.",
        "kind number filed_at",
        "dossier receipt",
    ),
    "/incidents/{id}/approvals": (
        "ask_approval",
        "Ask a second person to stand for a dossier or a document.",
        "object code",
        "",
    ),
    "/incidents/{id}/approvals/{approval}/approve": (
        "approve_bytes",
        "Stand for it as the second person.",
        "code",
        "",
    ),
    "/incidents/{id}/approvals/{approval}/refuse": ("refuse_bytes", "Refuse it.", "reason", ""),
    "/incidents/{id}/approvals/{approval}/withdraw": (
        "withdraw_approval",
        "End an approval.",
        "reason",
        "",
    ),
}
"""Path: operation, what it does, fields that it needs, fields that it may have; all texts."""
_SUBJECTS = {"incident": "/incidents/{id}/commands/", "alert": "/alerts/{id}/commands/"}


def description() -> Object:
    """Return the description as JSON-able data."""
    paths: dict[str, Object] = {
        PREFIX + path: {"get": _read(path, means, queries)}
        for path, (means, queries) in _READS.items()
    }
    for spec in SPECS.values():
        path = PREFIX + _SUBJECTS.get(spec.subject, "/commands/") + spec.name
        paths[path] = {"post": _write(spec, path)}
    for path, (name, means, needed, other) in _POSTS.items():
        paths.setdefault(PREFIX + path, {})["post"] = _post(path, name, means, needed, other)
    case = f"{PREFIX}/incidents/{{id}}/evidence"
    paths[case]["post"] = _upload(case)
    paths[f"{case}/{{evidence}}/export"] = {"post": _export(case)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sentinel", "version": __version__},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Problem": {
                    "type": "object",
                    "description": "RFC 9457",
                    "required": ["type", "title", "status"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "seen": {"type": "integer"},
                        "current": {"type": "integer"},
                        "changes": {"type": "array", "items": {"type": "object"}},
                    },
                }
            },
        },
    }


def _read(path: str, means: str, queries: tuple[str, ...]) -> Object:
    return {
        "operationId": "get" + path.translate(str.maketrans("/{}.", "____")),
        "summary": means,
        "parameters": [*_in_path(path), *(_parameter("query", name) for name in queries)],
        "responses": _responses("200"),
    }


def _write(spec: Command, path: str) -> Object:
    headers = [_parameter("header", "Idempotency-Key")]
    if spec.subject:
        headers.insert(0, _parameter("header", "If-Match", required=True))
    required = [argument.name for argument in spec.arguments if argument.required]
    schema: Object = {
        "type": "object",
        "additionalProperties": False,
        "properties": {argument.name: _schema(argument) for argument in spec.arguments},
    }
    if required:
        schema["required"] = required
    return {
        "operationId": spec.name,
        "summary": spec.means,
        "parameters": [*_in_path(path), *headers],
        "requestBody": {
            "required": bool(required),
            "content": {"application/json": {"schema": schema}},
        },
        "responses": _responses("201" if not spec.subject or spec.name == "split_case" else "200"),
    }


def _post(path: str, name: str, means: str, needed: str, other: str) -> Object:
    schema: Object = {
        "type": "object",
        "additionalProperties": False,
        "properties": {one: {"type": "string"} for one in (*needed.split(), *other.split())},
    }
    if needed:
        schema["required"] = needed.split()
    return {
        "operationId": name,
        "summary": means,
        "parameters": _in_path(path),
        "requestBody": {
            "required": bool(needed),
            "content": {"application/json": {"schema": schema}},
        },
        "responses": _responses("200" if path.count("{") > 1 else "201"),
    }


def _upload(path: str) -> Object:
    queries = ("name", "described", "source", "acquired_at")
    return {
        "operationId": "upload_evidence",
        "summary": "Take a file in as evidence.",
        "parameters": [*_in_path(path), *(_parameter("query", one) for one in queries)],
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        },
        "responses": _responses("201"),
    }


def _export(path: str) -> Object:
    return {
        "operationId": "export_evidence",
        "summary": "Return the bytes of an evidence; writes a line of custody.",
        "parameters": [
            *_in_path(path),
            _parameter("path", "evidence", required=True),
            _parameter("query", "purpose", required=True),
        ],
        "responses": _responses("200"),
    }


def _schema(argument: Argument) -> Object:
    schema: Object = {**_SCHEMAS[argument.kind], "description": argument.means}
    return {**schema, "enum": list(argument.choices)} if argument.choices else schema


def _in_path(path: str) -> list[Object]:
    return [_parameter("path", "id", required=True)] if "{id}" in path else []


def _parameter(where: str, name: str, *, required: bool = False) -> Object:
    return {"in": where, "name": name, "required": required, "schema": {"type": "string"}}


def _responses(success: str) -> Object:
    problem = {
        "description": "Problem details",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    return {success: {"description": "Done"}, "default": problem}
