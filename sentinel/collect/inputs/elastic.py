"""What a shipper asks an Elasticsearch before it sends: version, licence, templates, nodes.

There are no templates, policies and pipelines here: those that a shipper sets up are acknowledged
and forgotten, since a source's profile says what its fields mean.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from sentinel.collect.door import Door
from sentinel.collect.problem import headers_of, status_of
from sentinel.errors import SentinelError

VERSION = "9.1.0"  # a client's major version is at most its server's
PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
_ID = "sentinel-collector0000"
_ROOT = {
    "name": "sentinel",
    "cluster_name": "sentinel",
    "cluster_uuid": _ID,
    "version": {
        "number": VERSION,
        "build_flavor": "default",
        "build_type": "tar",
        "build_hash": "0" * 40,
        "build_date": "2025-07-01T00:00:00Z",
        "build_snapshot": False,
        "lucene_version": "10.2.2",
        "minimum_wire_compatibility_version": "8.19.0",
        "minimum_index_compatibility_version": "8.0.0",
    },
    "tagline": "You Know, for Search",
}
_LICENSE = {
    "license": {"status": "active", "uid": _ID, "type": "basic", "mode": "basic", "issuer": "-"}
}
_XPACK = {"license": {"uid": _ID, "type": "basic", "mode": "basic", "status": "active"}}
_HEALTH = {"cluster_name": "sentinel", "status": "green", "timed_out": False, "number_of_nodes": 1}
_NODES = {
    "_nodes": {"total": 1, "successful": 1, "failed": 0},
    "cluster_name": "sentinel",
    "nodes": {_ID: {"name": "sentinel", "version": VERSION, "roles": ["ingest"]}},
}
_FIXED: dict[str, dict[str, Any]] = {
    "/": _ROOT,
    "/_license": _LICENSE,
    "/_xpack": _XPACK,
    "/_cluster/health": _HEALTH,
    "/_nodes": _NODES,
    "/_nodes/{rest:.*}": _NODES,
}
_SET_UP = (
    "/_ilm/policy/{name}",
    "/_index_template/{name}",
    "/_component_template/{name}",
    "/_template/{name}",
    "/_ingest/pipeline/{name}",
    "/_data_stream/{name}",
    "/_alias/{name}",
)


def add_face(app: web.Application, door: Door) -> None:
    """Add the routes to ``app``; each wants the token of a source."""
    for path, document in _FIXED.items():
        app.router.add_get(path, _fixed(door, document))  # aiohttp answers HEAD by GET's handler
    for path in _SET_UP:
        app.router.add_get(path, _fixed(door, {}))
        app.router.add_put(path, _fixed(door, {"acknowledged": True}))
        app.router.add_post(path, _fixed(door, {"acknowledged": True}))
    for path in ("/_ilm", "/_ilm/status", "/_index_template", "/_ingest", "/_ingest/pipeline"):
        app.router.add_get(path, _fixed(door, {}))


def answer(document: dict[str, Any], status: int = HTTPStatus.OK) -> web.Response:
    """Return JSON under the header by which clients know their product."""
    return web.Response(
        body=msgspec.json.encode(document),
        status=status,
        content_type="application/json",
        headers=PRODUCT,
    )


def refusal(status: int, reason: str, headers: dict[str, str]) -> web.Response:
    """Return an error in the form that clients of Elasticsearch read."""
    kind = {
        HTTPStatus.BAD_REQUEST: "illegal_argument_exception",
        HTTPStatus.UNAUTHORIZED: "security_exception",
        HTTPStatus.TOO_MANY_REQUESTS: "es_rejected_execution_exception",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "content_too_long_exception",
    }.get(HTTPStatus(status), "exception")
    error = {"type": kind, "reason": reason, "root_cause": [{"type": kind, "reason": reason}]}
    response = answer({"error": error, "status": int(status)}, status)
    response.headers.update(headers)
    return response


def _fixed(door: Door, document: dict[str, Any]) -> Any:
    async def show(request: web.Request) -> web.Response:
        try:
            door.sources(request)
        except SentinelError as error:
            status = status_of(error)
            return refusal(status, error.message, headers_of(status))
        return answer(document)

    return show
