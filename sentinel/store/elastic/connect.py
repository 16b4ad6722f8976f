"""Opens the event store that the settings name."""

from __future__ import annotations

import logging
import ssl
from typing import Any

import elastic_transport
from elasticsearch import AsyncElasticsearch

from sentinel.config import EventStoreSettings
from sentinel.errors import UnreadableFile
from sentinel.store.elastic.link import Link
from sentinel.store.elastic.store import ElasticEventStore
from sentinel.store.ports import Sealer


def connect(
    settings: EventStoreSettings, sealer: Sealer, *, read_only: bool = False
) -> ElasticEventStore:
    """Return the store; the server is asked when something is asked of the store."""
    link = Link(lambda: client(settings), settings.url)
    return ElasticEventStore(link, sealer, prefix=settings.prefix, read_only=read_only)


def client(settings: EventStoreSettings) -> AsyncElasticsearch:
    """Return a client. Called in the loop that will use it."""
    options: dict[str, Any] = {}
    if settings.api_key is not None:
        options["api_key"] = settings.api_key.get_secret_value()
    elif settings.password is not None:
        options["basic_auth"] = (settings.user, settings.password.get_secret_value())
    if settings.url.startswith("https:"):
        options["ssl_context"] = _tls(settings)
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)  # the relay tells of it, once
    return AsyncElasticsearch(
        settings.url,
        request_timeout=settings.timeout_seconds,
        max_retries=0,  # who asks knows what may be repeated
        retry_on_timeout=False,
        dead_node_backoff_factor=0,
        connections_per_node=8,
        node_class=elastic_transport.AiohttpHttpNode,
        meta_header=False,
        **options,
    )


def _tls(settings: EventStoreSettings) -> ssl.SSLContext:
    """Return a context of TLS 1.3 and nothing below (promise R-30)."""
    try:
        context = ssl.create_default_context(cafile=settings.ca)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableFile(reason, where=str(settings.ca), hint="store.events.ca") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
