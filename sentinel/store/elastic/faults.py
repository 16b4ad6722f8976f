"""What may go wrong with Elasticsearch, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from elastic_transport import ConnectionError as NoConnection
from elastic_transport import ConnectionTimeout, SerializationError, TlsError, TransportError
from elasticsearch import ApiError, UnsupportedProductError

from sentinel.errors import StorageError

_LONGEST = 300


class EventsUnreachable(StorageError):
    """Elasticsearch does not answer."""


class ElasticRefuses(StorageError):
    """Elasticsearch refuses."""


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn what the client raises into an error of ours at ``where``."""
    try:
        yield
    except UnsupportedProductError as error:
        raise ElasticRefuses(
            "the server does not say that it is Elasticsearch", where=where, hint=_PRODUCT
        ) from error
    except ApiError as error:
        raise _refusal(error, where) from error
    except TransportError as error:
        raise _no_answer(error, where) from error


def _no_answer(error: TransportError, where: str) -> StorageError:
    text = _short(str(error.message))
    if isinstance(error, TlsError) or "certificate" in text.lower():
        return EventsUnreachable(
            f"TLS: {text}",
            where=where,
            hint="store.events.ca names the authority that signed the server's certificate",
        )
    if isinstance(error, ConnectionTimeout):
        return EventsUnreachable("no answer in time", where=where, hint=_ALIVE)
    if isinstance(error, SerializationError):
        return ElasticRefuses(f"the answer is not understood: {text}", where=where, hint=_PRODUCT)
    if isinstance(error, NoConnection):
        return EventsUnreachable(text, where=where, hint=_ALIVE)
    return EventsUnreachable(text, where=where, hint=_ALIVE)


def _refusal(error: ApiError, where: str) -> StorageError:
    status, reason = error.status_code, reason_of(error.body)
    if status == HTTPStatus.UNAUTHORIZED:
        return ElasticRefuses(
            "user and password, or the API key, are not accepted",
            where=where,
            hint="store.events.user and password_file, or api_key_file",
        )
    if status == HTTPStatus.FORBIDDEN:
        return ElasticRefuses(f"not allowed: {reason}", where=where, hint=_RIGHTS)
    if status == HTTPStatus.NOT_ACCEPTABLE or "media_type" in reason or "compatible-with" in reason:
        return ElasticRefuses(f"the server is too old: {reason}", where=where, hint=_PRODUCT)
    if is_passing(status):
        return EventsUnreachable(f"it cannot now: {reason}", where=where, hint=_HEALTH)
    return ElasticRefuses(reason, where=where)


def is_passing(status: int) -> bool:
    """Tell whether the same request may well be fulfilled later."""
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def reason_of(body: object) -> str:
    """Return type and reason out of the body of an error."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        causes = error.get("root_cause") or [error]
        cause = causes[0] if isinstance(causes[0], dict) else error
        error = f"{cause.get('type', '')}: {cause.get('reason', '')}".strip(": ")
    return _short(str(error))


def _short(text: str) -> str:
    """Return the text without what it quotes of a document, and not too long."""
    text = text.partition(" Preview of field's value")[0]
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


_ALIVE = "is the server up, and is store.events.url its address?"
_HEALTH = "GET /_cluster/health tells; a red index lacks its primary shard"
_PRODUCT = "Elasticsearch from 9.0 on is expected at store.events.url"
_RIGHTS = "docs/how-to/elasticsearch.md lists the rights that Sentinel needs"
