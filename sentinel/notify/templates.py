"""The one way in which the templates of ``notifiers/`` are rendered.

Sandboxed: who may edit a template may not run code. Strict: a name that does not exist is an error
and never an empty field in a letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from sentinel.errors import ContentError


class Templates:
    """Templates below one folder. HTML (``*.html.j2``) is escaped, text is not."""

    def __init__(self, root: Path, finalize: Callable[[Any], Any] | None = None) -> None:
        self._root = root
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(root),
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html.j2"),
            finalize=finalize,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def add_filter(self, name: str, function: Callable[..., object]) -> None:
        """Offer ``function`` to the templates."""
        self._environment.filters[name] = function

    def has(self, name: str) -> bool:
        """Tell whether there is such a template."""
        return (self._root / name).is_file()

    def render(self, name: str, context: dict[str, Any]) -> str:
        """Return the text. Raises ContentError with the template's file and line."""
        try:
            return self._environment.get_template(name).render(context)
        except TemplateNotFound as error:
            raise ContentError(f"no template {error.name!r}", where=str(self._root)) from error
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise ContentError(
                f"{type(error).__name__}: {error}", where=self._where(name, error)
            ) from error

    def _where(self, name: str, error: Exception) -> str:
        line = getattr(error, "lineno", None)
        traceback = error.__traceback__
        while traceback is not None and line is None:
            if traceback.tb_frame.f_code.co_filename == str(self._root / name):
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        return f"{self._root / name}:{line}" if line else str(self._root / name)


def one_line(value: Any) -> Any:
    """Collapse the white space of an interpolated text: a value never starts a line of its own.

    No-break spaces stay. What is markup already is left alone.
    """
    if isinstance(value, str) and not isinstance(value, Markup):
        return re.sub(r"[ \t\n\r\f\v]+", " ", value)
    return value
