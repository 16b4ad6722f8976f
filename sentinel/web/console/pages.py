"""From a template and its facts to a page. One Jinja environment per language.

Autoescape is on and an undefined name is an error: a page says the truth or does not appear.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sentinel.web.auth.gatekeeper import CONSOLE, visitor_of
from sentinel.web.auth.roles import acts_on_cases, reads_cases
from sentinel.web.console.formats import Formats
from sentinel.web.console.i18n import LANGUAGES, Words, load_words, preferred
from sentinel.web.console.prose import prose
from sentinel.web.console.words import word_for

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGE_COOKIE = "sentinel_language"


class Pages:
    """Renders templates in French and English."""

    def __init__(self, zone: str) -> None:
        self.words = {language: load_words(language) for language in LANGUAGES}
        self.formats = {language: Formats(language, zone) for language in LANGUAGES}
        self._environments = {
            language: _environment(self.words[language], self.formats[language])
            for language in LANGUAGES
        }

    def render(self, language: str, template: str, **facts: object) -> str:
        """Return the HTML of ``template``."""
        return self._environments[language].get_template(template).render(**facts)


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


def _environment(words: Words, formats: Formats) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, words.ngettext, newstyle=True
    )
    environment.filters.update(
        duration=formats.duration,
        iso=formats.iso,
        long=formats.long,
        number=formats.number,
        prose=prose,
        short=formats.short,
        word=lambda code, table: words.gettext(word_for(table, str(code))),
    )
    environment.globals["language"] = words.language
    return environment


def language_of(request: web.Request) -> str:
    """Return the account's language; before sign-in the chosen, preferred or default one."""
    visitor = visitor_of(request)
    if visitor is not None:
        return visitor.account.language
    chosen = request.query.get("language") or request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    default = request.app[CONSOLE].settings.language
    return preferred(request.headers.get("Accept-Language", ""), default)


def page(
    request: web.Request, template: str, *, status: int = 200, **facts: object
) -> web.Response:
    """Return ``template`` as a response, with what every page knows: visitor, time, language."""
    service = request.app[CONSOLE]
    visitor = visitor_of(request)
    roles = visitor.account.roles if visitor else ()
    now: datetime = service.clock.now()
    body = request.app[PAGES].render(
        language_of(request),
        template,
        visitor=visitor,
        csrf=visitor.session.csrf_token if visitor else "",
        reads_cases=reads_cases(roles),
        acts=acts_on_cases(roles),
        here=request.path,
        now=now,
        zone=service.settings.timezone,
        done=request.query.get("done", ""),
        **facts,
    )
    return web.Response(text=body, status=status, content_type="text/html", charset="utf-8")
