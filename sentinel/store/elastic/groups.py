"""Groups, counted by Elasticsearch where every name is a column, exactly.

``terms`` where it gave all its terms, else ``composite`` page by page: neither estimates. The
number of distinct values is counted from the groups themselves; ``cardinality`` would estimate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from sentinel.domain.hunt import BUCKETS, Groups
from sentinel.domain.hunt_match import bucket_of
from sentinel.store.elastic import columns
from sentinel.store.elastic.codec import instant
from sentinel.store.elastic.read import Reader
from sentinel.store.elastic.translate import Json

_PAGE: Final = 10_000
_MILLI = timedelta(milliseconds=1)
Key = tuple[str, ...]


def can_count(groups: Groups) -> bool:
    """Tell whether every name is a column or a bucket of time."""
    return all(name in columns.COLUMNS or name in BUCKETS for name in _names(groups))


def counted(reader: Reader, query: Json, groups: Groups) -> Counter[Key]:
    """Return the count of each group of the documents that ``query`` finds, none of them odd."""
    width = len(groups.by)
    counts: Counter[Key] = Counter()
    if not _names(groups):
        counts[()] = reader.count(query)
        return +counts
    for key, count in _buckets(reader, query, _names(groups)):
        if groups.distinct:
            counts[key[:width]] += 1
        else:
            counts[key] = count
    return counts


def _names(groups: Groups) -> tuple[str, ...]:
    return (*groups.by, groups.distinct) if groups.distinct else groups.by


def _buckets(reader: Reader, query: Json, names: tuple[str, ...]) -> Iterator[tuple[Key, int]]:
    if len(names) == 1 and names[0] not in BUCKETS:
        whole = _all_terms(reader, query, columns.text_column(names[0]))
        if whole is not None:
            yield from whole
            return
    sources = [{str(place): _source(name)} for place, name in enumerate(names)]
    composite: Json = {"sources": sources, "size": _PAGE}
    while True:
        answer = reader.aggregate({"query": query, "aggs": {"groups": {"composite": composite}}})
        found = answer["aggregations"]["groups"]
        for bucket in found["buckets"]:
            values = (bucket["key"][str(place)] for place in range(len(names)))
            yield tuple(map(_text, names, values)), bucket["doc_count"]
        if "after_key" not in found or len(found["buckets"]) < _PAGE:
            return
        composite["after"] = found["after_key"]


def _all_terms(reader: Reader, query: Json, field: str) -> list[tuple[Key, int]] | None:
    """Return every term with its count; None where there are too many for one answer."""
    terms = {"terms": {"field": field, "size": _PAGE}}
    answer = reader.aggregate({"query": query, "aggs": {"groups": terms}})
    found = answer["aggregations"]["groups"]
    if found["sum_other_doc_count"] or found["doc_count_error_upper_bound"]:
        return None
    return [((bucket["key"],), bucket["doc_count"]) for bucket in found["buckets"]]


def _source(name: str) -> Json:
    if name in BUCKETS:
        hours = BUCKETS[name] // timedelta(hours=1)
        return {"date_histogram": {"field": columns.TIMESTAMP, "fixed_interval": f"{hours}h"}}
    return {"terms": {"field": columns.text_column(name)}}


def _text(name: str, value: object) -> str:
    if name in BUCKETS and isinstance(value, int):
        return bucket_of(name, instant(value * 1000))
    return str(value)
