"""The console as an aiohttp application: its routes, and what surrounds them."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from sentinel.web.api import v1
from sentinel.web.auth.accounts import Gate
from sentinel.web.auth.gatekeeper import CONSOLE, SIGN_IN, gatekeeper
from sentinel.web.console.pages import PAGES, Pages
from sentinel.web.console.shell import errors, headers
from sentinel.web.console.views import (
    account,
    alert,
    alerts,
    blind,
    calendar,
    case_forms,
    casework,
    documents,
    dossier,
    evidence,
    filing,
    incident,
    incidents,
    intake,
    letters,
    review,
    runbook,
    sheet,
    signin,
    today,
)
from sentinel.web.service import Service

STATIC = Path(__file__).parent / "static"
MAX_FORM_BYTES = 64 * 1024


def create_console(service: Service) -> web.Application:
    """Return the console and its API over ``service``."""
    application = web.Application(
        middlewares=[headers, errors, gatekeeper], client_max_size=MAX_FORM_BYTES
    )
    application[CONSOLE] = service
    application[PAGES] = Pages(service.settings.timezone)
    application[signin.GATE] = Gate(service)
    _add_people(application.router)
    _add_alerts(application.router)
    _add_incidents(application.router)
    v1.add_routes(application)
    application.router.add_static("/static/", STATIC)
    return application


def _add_people(router: web.UrlDispatcher) -> None:
    router.add_get("/", today.show)
    router.add_get("/blind-windows", blind.show)
    router.add_get("/calendar", calendar.show)
    router.add_get(SIGN_IN, signin.show)
    router.add_post(SIGN_IN, signin.enter)
    router.add_post("/sign-out", signin.leave)
    router.add_get("/account", account.show)
    router.add_post("/account/language", account.change_language)


def _add_alerts(router: web.UrlDispatcher) -> None:
    router.add_get("/alerts", alerts.show)
    router.add_get("/alerts.csv", alerts.export)
    router.add_get("/alerts.json", alerts.export)
    router.add_get("/reviews", review.show)
    router.add_get("/reviews/{day}", review.show)
    router.add_get("/alerts/{id}", alert.show)
    router.add_post("/alerts/{id}/acknowledge", alert.acknowledge)
    router.add_post("/alerts/{id}/dismiss", alert.dismiss)
    router.add_post("/alerts/{id}/promote", alert.promote)
    router.add_post("/alerts/{id}/attach", alert.attach)
    router.add_post("/alerts/{id}/reopen", alert.reopen)


def _add_incidents(router: web.UrlDispatcher) -> None:
    case = "/incidents/{id}"
    router.add_get("/incidents", incidents.show)
    router.add_get(case, incident.show)
    router.add_post(f"{case}/start-investigation", incident.start_investigation)
    router.add_post(f"{case}/confirm-breach", incident.confirm_breach)
    router.add_post(f"{case}/contain", incident.contain)
    router.add_post(f"{case}/record-filing", incident.record_filing)
    _add_casework(router, case)
    router.add_get(f"{case}/runbook", runbook.show)
    router.add_post(f"{case}/runbook", runbook.start)
    router.add_post(f"{case}/runbook/{{step}}", runbook.complete)
    router.add_get(f"{case}/dossier", dossier.show)
    router.add_post(f"{case}/dossier", dossier.draft)
    router.add_post(f"{case}/dossier/freeze", filing.freeze)
    router.add_post(f"{case}/dossier/{{dossier}}/approval", filing.stand)
    router.add_get(f"{case}/dossier/{{dossier}}/{{name}}", filing.take_out)
    router.add_get(f"{case}/letters", letters.show)
    router.add_post(f"{case}/letters", letters.draft)
    router.add_get(f"{case}/documents/{{document}}", documents.download)
    router.add_get(f"{case}/documents/{{document}}/preview", documents.preview)


def _add_casework(router: web.UrlDispatcher, case: str) -> None:
    router.add_get("/intake", intake.show)
    router.add_post("/intake", intake.take_in)
    router.add_get(f"{case}/qualification", casework.show_qualification)
    router.add_get(f"{case}/timeline", casework.show_timeline)
    router.add_get(f"{case}/tasks", casework.show_tasks)
    router.add_get(f"{case}/decisions", casework.show_decisions)
    router.add_get(f"{case}/sheet", sheet.show_sheet)
    router.add_get(f"{case}/sheet.pdf", sheet.print_sheet)
    router.add_post(f"{case}/do/{{command}}", case_forms.do)
    router.add_post(f"{case}/propose/{{command}}", case_forms.propose)
    router.add_post(f"{case}/answers", case_forms.answer)
    router.add_post(f"{case}/score", case_forms.score)
    router.add_get(f"{case}/evidence", evidence.show)
    router.add_post(f"{case}/evidence", evidence.take_in)
    router.add_post(f"{case}/evidence/{{evidence}}/export", evidence.export)
