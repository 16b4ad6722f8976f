"""The one type of text that keys and marks have, so that every database gives the same answers.

SQLite neither bounds a text nor knows a language to sort it by. PostgreSQL does both, and takes no
NUL: there these columns are unbounded, sort by code point, and NUL is written as another sign.
"""

from __future__ import annotations

import re

from sqlalchemy import Dialect, String, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

_MARK = "\ue000"
_WRITE = {"\0": _MARK + "0", _MARK: _MARK + "1"}
_READ = {written: meant for meant, written in _WRITE.items()}
_TO_WRITE = re.compile(f"[\0{_MARK}]")
_TO_READ = re.compile(f"{_MARK}[01]")


class Mark(TypeDecorator[str]):
    """``Mark(64)``: a text by which rows are found; its length is a remark, not a bound."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Return the column's type in a database."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(self.impl_instance)
        from sqlalchemy.dialects.postgresql import TEXT

        return dialect.type_descriptor(TEXT(collation="C"))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Write a value."""
        if value is None or dialect.name != "postgresql":
            return value
        return _TO_WRITE.sub(lambda found: _WRITE[found[0]], value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Read a value."""
        if value is None or dialect.name != "postgresql" or _MARK not in value:
            return value
        return _TO_READ.sub(lambda found: _READ[found[0]], value)


class LongMark(Mark):
    """The same for a remark of any length."""

    impl = Text
    cache_ok = True
