"""Every document that Sentinel makes of a case, in French and English, from the demo's own case.

``python tests/demo_papers.py FOLDER``: performs the demo in FOLDER/data, works its case on to the
end by the commands of ``sentinel``, writes all papers to FOLDER/papers and a picture of every page
to FOLDER/png, and prints a table. Exit 1: a document that should be there is not. All of it is
made by commands, with one exception: the letters as e-mail are taken from the server they went to.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from demo_desk import CommandFailed, Desk, mail_server
from demo_pictures import pages_of, picture_all, validate

from sentinel.demo.cast import CUSTOMER_COUNT, EXPORTED, customers
from sentinel.demo.mailbox import Mailbox

BOTH = ("fr", "en")
WHY = "Clients dans l’annuaire sans adresse électronique"
REQUESTS = {
    "police": ("Brigade de recherches", "Réquisition 2026-118", "Art. 77-1-1 CPP"),
    "insurer": ("Assurances Exemple", "Sinistre 2026-0042", "Clause 7 de la police cyber"),
}
ANSWERS: dict[str, object] = {
    "qual.personal_data": "yes",
    "qual.security_breach": "yes",
    "qual.kinds": ["confidentiality"],
    "qual.role": "controller",
    "qual.recipients": "known",
    "qual.intent": "malicious",
}
SECOND_LOOK: dict[str, object] = {
    "b.conf_detail": "disclosed",
    "b.unintelligible": "no",
    "b.processings": ["Gestion de la relation client (registre, fiche 4)"],
    "p.countries": {"FR": 1200},
}
FINAL: dict[str, object] = {
    "c.other_parties": {"not_applicable": True},
    "d.sensitive": ["none"],
    "m.before": ["access_levels", "logical_access", "incident_log", "training"],
    "q.conf": ["wider_disclosure", "misuse"],
    "q.severity": "important",
    "q.risk_reasoning": "Méthode ENISA 2013 ; cas 8 des lignes directrices 01/2021 du CEPD.",
    "m.planned": [
        {
            "at": "2026-12-15T09:00:00Z",
            "fr": "Double validation de tout export de plus de cent fiches (direction technique).",
            "en": "Two people approve every export of more than a hundred records (platform team).",
        }
    ],
    "m.prevent": ["Retrait du droit d’export dès l’annonce d’un départ"],
    "i.channel": ["email", "letter"],
    "i.content": "Lettre aux personnes, jointe",
    "x.cross_border": "no",
    "x.lead": "CNIL",
    "x.other_sa": {"not_applicable": True},
    "x.other_authorities": {"not_applicable": True},
    "x.police": "no",
    "a.files": ["Lettre aux personnes"],
}
REASONS = (
    "Coordonnées de 1 200 personnes entre les mains d’un tiers intéressé : fraude et démarchage "
    "probables."
)


class Wanted(NamedTuple):
    """A document that should be there. ``pattern``: of its file under FOLDER/papers."""

    document: str
    language: str
    form: str
    pattern: str


def _each(document: str, folder: str, forms: str, stem: str = "*") -> list[Wanted]:
    return [
        Wanted(document, language, form, f"{folder}/{stem}{language}.{form}")
        for language in BOTH
        for form in forms.split()
    ]


WANTED: tuple[Wanted, ...] = (
    *(
        one
        for kind in ("initial", "complement", "complete", "withdraw")
        for one in (
            Wanted(f"dossier {kind}", "fr", "pdf", f"dossier-{kind}/*-cnil-{kind}.pdf"),
            Wanted(f"dossier {kind}", "en", "pdf", f"dossier-{kind}/*-cnil-{kind}.en.pdf"),
            Wanted(f"dossier {kind}", "-", "json", f"dossier-{kind}/*-cnil-{kind}.json"),
            Wanted(f"dossier {kind}", "-", "sig.json", f"dossier-{kind}/*-cnil-{kind}.sig.json"),
            Wanted(f"dossier {kind}", "-", "DPV", f"dossier-{kind}/*.dpv.jsonld"),
            Wanted(f"dossier {kind}", "-", "EDPB", f"dossier-{kind}/*.edpb-draft.json"),
        )
    ),
    *_each("letter to the persons", "letters", "pdf html txt", "*-letter-"),
    *_each("public communication", "letters", "pdf html txt", "*-statement-public-"),
    *_each("holding statement", "letters", "pdf html txt", "*-statement-holding-"),
    *_each("processor notice", "notice", "pdf md", "*-processor-notice-"),
    *_each("extract for the police", "extracts", "pdf", "police-"),
    *_each("extract for the insurer", "extracts", "pdf", "insurer-"),
    *_each("register art. 33(5)", "register", "pdf csv json", "register-"),
    Wanted("register of disclosures", "-", "ndjson", "register/disclosures.ndjson"),
    *_each("entry art. 30", "register", "pdf md", "art30-"),
    *_each("post-mortem", "case", "pdf md", "*-post-mortem-"),
    *_each("call script", "case", "pdf md", "*-call-script-"),
    *_each("clock sheet", "case", "pdf txt", "sheet-"),
    *_each("qualification", "case", "json", "qualification-"),
    Wanted("timeline", "-", "ndjson", "case/timeline.ndjson"),
    Wanted("evidence with custody", "-", "ndjson", "case/evidence.ndjson"),
    Wanted("runbook of the case", "-", "txt", "runbook/status.txt"),
    *_each("runbook", "runbook", "txt md cacao.json", "*-"),
    *_each("evidence of the campaign", "campaign", "pdf", "*-evidence-"),
    Wanted("evidence of the campaign", "-", "json", "campaign/*-evidence.json"),
    Wanted("letters by post", "fr en", "pdf", "campaign/*-post.pdf"),
    Wanted("letters by post", "-", "csv", "campaign/*-post.csv"),
    *_each("letter as e-mail", "campaign", "eml html", "mail-"),
    *_each("note to staff on scope", "notes", "md", "scope-"),
    *_each("note on behaviour", "notes", "md", "behaviour-"),
    *_each("answer to a person", "person", "pdf md", "access-report-"),
    *_each("purge certificate", "purge", "pdf md", "certificate-"),
    *_each("drill report", "drill", "md", "report."),
    Wanted("evidence bundle", "fr en", "zip", "case/bundle.zip"),
)


class Maker:
    """Works the demo's case on and keeps every paper. ``failed``: what could not be made, why."""

    def __init__(self, desk: Desk, box: Mailbox, reference: str, known: int) -> None:
        self.desk, self.box, self.reference, self.known = desk, box, reference, known
        self.papers = desk.folder / "papers"
        self.failed: list[str] = []

    def all(self) -> None:
        """Make everything; what fails is written down, and the others are made all the same."""
        for step in (
            self.people,
            self.initial,
            self.complement,
            self.statements,
            self.runbook,
            self.campaign,
            self.complete,
            self.withdraw,
            self.notice,
            self.extracts,
            self.case,
            self.registers,
            self.notes,
            self.person,
            self.purge,
            self.drill,
        ):
            begun = time.process_time()
            try:
                step()
            except (CommandFailed, OSError, LookupError, ValueError) as error:
                self.failed.append(f"{step.__name__}: {error}")
            print(f"{step.__name__}: {time.process_time() - begun:.1f} CPU s", file=sys.stderr)

    def keep(self, name: str, text: str) -> None:
        path = self.papers / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def people(self) -> None:
        for name in ("dpo", "commander"):
            self.desk.sign_in(name)
        self.desk.join("j.lenoir", "Juriste", "legal")
        self.desk.join("d.morel", "Directrice générale", "director", "legal")
        self.desk.join("c.vidal", "Chargé de communication", "comms")
        self.desk.join("a.royer", "Adjoint de la déléguée", "dpo")

    def dossier(self, kind: str, *, filed: bool = True) -> None:
        desk, case = self.desk, self.reference
        made = desk.row("dpo", "dossier", "freeze", case, "--kind", kind, "--json")
        if kind == "initial":
            desk.approved("j.lenoir", "d.morel", case, made["id"])
        out = self.papers / f"dossier-{kind}"
        desk("dpo", "dossier", "export", case, "--dossier", made["id"], "--out", out)
        stem = next(out.glob("*.sig.json")).name.removesuffix(".sig.json")
        desk("", "dossier", "verify", out / f"{stem}.json", out / f"{stem}.sig.json")
        if filed:
            receipt = out / "receipt.txt"
            receipt.write_text("Récépissé de la CNIL (exemple)\n", encoding="utf-8")
            desk(
                "dpo", "dossier", "record", case, "--dossier", made["id"], "--kind", kind,
                "--number", f"N-2026-{100 + len(kind)}", "--filed-at", _instant(),
                "--receipt", receipt,
            )  # fmt: skip

    def answer(self, field: str, value: object) -> None:
        words = ("--field", field, "--value", json.dumps(value, ensure_ascii=False))
        self.desk("dpo", "incident", "answer", self.reference, *words)

    def initial(self) -> None:
        self.dossier("initial")

    def complement(self) -> None:
        for field, value in (ANSWERS | SECOND_LOOK).items():
            self.answer(field, value)
        self.dossier("complement")

    def complete(self) -> None:
        self.desk("dpo", "incident", "record-persons", self.reference, "--state", "informed")
        today = datetime.now(UTC).date().isoformat()
        for field, value in (FINAL | {"i.date": today, "i.count": len(EXPORTED)}).items():
            self.answer(field, value)
        words = ("--outcome", "high_risk", "--reasons", REASONS)
        self.desk("dpo", "incident", "qualify", self.reference, *words)
        self.dossier("complete")

    def withdraw(self) -> None:
        reason = "Le fichier a été retrouvé chiffré et sans accès : aucune donnée n’a été lue."
        self.answer("n.withdraw_reason", reason)
        self.dossier("withdraw", filed=False)

    def statements(self) -> None:
        for form in ("letter", "public", "holding"):
            for language in BOTH:
                words = ("--form", form, "--language", language, "--out", self.papers / "letters")
                self.desk("dpo", "letter", "draft", self.reference, *words)

    def runbook(self) -> None:
        slug = self.desk.row("", "runbook", "status", self.reference, "--json")["runbook"]
        proof = ("--evidence", "Journal des sessions")
        self.desk("commander", "runbook", "step", self.reference, "S1", *proof)
        self.keep("runbook/status.txt", self.desk("", "runbook", "status", self.reference))
        for language in BOTH:
            lang = ("--lang", language)
            self.keep(
                f"runbook/{slug}-{language}.txt", self.desk("", "runbook", "show", slug, *lang)
            )
            for form, ending in (("markdown", "md"), ("cacao", "cacao.json")):
                made = self.desk("", "runbook", "export", slug, "--format", form, *lang)
                self.keep(f"runbook/{slug}-{language}.{ending}", made)

    def campaign(self) -> None:
        desk, out = self.desk, self.papers / "campaign"
        directory = desk.folder / "directory.csv"
        directory.write_text(directory_csv(self.known), encoding="utf-8")
        desk("", "directory", "import", directory, "--by", "dpo")
        made = desk.row("c.vidal", "campaign", "prepare", self.reference, "--json")
        number = made["id"]
        code = ("--code", desk.code("c.vidal"))
        desk("c.vidal", "campaign", "ask", number, *code)
        desk("d.morel", "campaign", "approve", number, "--code", desk.code("d.morel"))
        desk("c.vidal", "campaign", "test", number)
        self.mails()
        desk("c.vidal", "campaign", "start", number)
        desk("", "campaign", "work", "--until-done", "--seconds", "120")
        desk("c.vidal", "campaign", "continue", number)
        desk("", "campaign", "work", "--until-done", "--seconds", "240")
        words = ("--approved-by", "d.morel", "--reason", WHY, "--out", out)
        desk("dpo", "campaign", "post", number, *words)
        desk("dpo", "campaign", "evidence", number, "--out", out)

    def mails(self) -> None:
        """Keep one letter of each language as the server got it, and its HTML part."""
        for mail in self.box.messages:
            page = mail.get_body(("html",))  # type: ignore[attr-defined]
            found = re.search(r'<html[^>]*lang="(\w\w)', page.get_content()) if page else None
            if page is not None and found is not None and found[1] in BOTH:
                self.keep(
                    f"campaign/mail-{found[1]}.eml", mail.as_bytes().decode("utf-8", "replace")
                )
                self.keep(f"campaign/mail-{found[1]}.html", page.get_content())

    def notice(self) -> None:
        desk, case = self.desk, self.reference
        words = ("--controllers", "Banque Exemple", "--aware-at", _instant())
        desk("dpo", "incident", "start-processor-notice", case, *words)
        words = ("processor-notice", case, "--controller", "Banque Exemple", "--json")
        for line in desk("dpo", "dossier", *words).splitlines():
            one = json.loads(line)
            out = self.papers / "notice" / one["name"]
            desk("dpo", "dossier", "document", case, one["id"], "--out", out)

    def extracts(self) -> None:
        desk, case = self.desk, self.reference
        for to, (name, request, basis) in REQUESTS.items():
            for language in BOTH:
                words = ("--name", name, "--request", request, "--basis", basis)
                made = desk.row(
                    "dpo", "dossier", "extract", case, "--to", to, *words, "--language", language
                )
                sides = ("j.lenoir", "d.morel") if to == "police" else ("a.royer", "j.lenoir")
                desk.approved(*sides, case, made["document"])
                out = self.papers / "extracts" / f"{to}-{language}.pdf"
                desk("dpo", "dossier", "disclose", made["disclosure"], "--out", out)

    def case(self) -> None:
        desk, case = self.desk, self.reference
        for name in ("timeline", "evidence"):
            self.keep(f"case/{name}.ndjson", desk("", "incident", name, case))
        for language in BOTH:
            lang = ("--language", language)
            for name in ("post-mortem", "call-script"):
                desk("dpo", "incident", name, case, *lang, "--out", self.papers / "case")
            self.keep(f"case/sheet-{language}.txt", desk("", "incident", "sheet", case, *lang))
            sheet = self.papers / "case" / f"sheet-{language}.pdf"
            desk("", "incident", "sheet", case, *lang, "--pdf", sheet)
            told = desk("", "incident", "qualification", case, *lang)
            self.keep(f"case/qualification-{language}.json", told)
        out = self.papers / "case" / "bundle.zip"
        desk("dpo", "bundle", case, "--out", out, "--purpose", "Contrôle de la CNIL")

    def registers(self) -> None:
        folder = self.papers / "register"
        for language in BOTH:
            for form in ("csv", "json", "pdf"):
                out = folder / f"register-{language}.{form}"
                words = ("--out", out, "--format", form, "--language", language)
                self.desk("dpo", "register", "export", *words)
                self.desk("", "register", "verify", out)
            for form in ("pdf", "md"):
                out = folder / f"art30-{language}.{form}"
                self.desk("", "register", "art30", "--out", out, "--language", language)
        self.keep("register/disclosures.ndjson", self.desk("dpo", "register", "disclosures"))

    def notes(self) -> None:
        for language in BOTH:
            for name in ("scope", "behaviour"):
                note = self.desk("", name, "note", "--language", language)
                self.keep(f"notes/{name}-{language}.md", note)

    def person(self) -> None:
        for language in BOTH:
            for form in ("pdf", "md"):
                out = self.papers / "person" / f"access-report-{language}.{form}"
                words = ("--request", "Demande 2026-041", "--language", language, "--out", out)
                self.desk("dpo", "person", "access-report", EXPORTED[0], *words)

    def purge(self) -> None:
        self.desk("", "purge")
        (self.papers / "purge").mkdir(parents=True, exist_ok=True)
        for language in BOTH:
            for form in ("pdf", "md"):
                out = self.papers / "purge" / f"certificate-{language}.{form}"
                self.desk("", "purge", "show", "--language", language, "--out", out)

    def drill(self) -> None:
        self.desk("", "drill", "run", "staff-export", "--out", self.papers / "drill")


def directory_csv(known: int) -> str:
    """Return the first persons of the demo's directory; one in 100 has a postal address only."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("id", "name", "email", "address", "language"))
    for number, one in enumerate(customers()[:known]):
        email = "" if number % 100 == 0 else one.email
        address = f"{number + 1} rue de l’Exemple\n75000 Paris"
        rows.writerow((one.id, one.name, email, address, one.language))
    return text.getvalue()


def make(folder: Path, known: int = CUSTOMER_COUNT) -> list[str]:
    """Perform the demo and make every paper in a fresh folder. Returns what failed, and why."""
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    with mail_server() as box:
        desk = Desk(folder, box.port)
        words = ("demo", "--once", "--json", "--port", "0", "--directory", folder / "data")
        told = desk.row("", *words)
        maker = Maker(desk, box, told["incident"]["reference"], known)
        maker.all()
    return maker.failed


def table(folder: Path) -> Iterator[tuple[Wanted, Path | None]]:
    """Yield what is wanted with its file, None where there is none; then what else lies there."""
    papers, seen = folder / "papers", set[Path]()
    for one in WANTED:
        found = sorted(papers.glob(one.pattern))
        seen |= set(found)
        yield from ((one, path) for path in found or [None])
    for path in sorted(papers.rglob("*")):
        if path.is_file() and path not in seen and path.parts[len(papers.parts)] != "drill":
            language = next((code for code in BOTH if f"-{code}." in path.name), "-")
            yield Wanted("(beside)", language, path.suffix[1:], ""), path


def show(folder: Path, say: Callable[[str], None] = print) -> list[Wanted]:
    """Print the table. Returns what is missing."""
    missing = []
    say(f"{'document':<26} {'lang':<5} {'form':<10} {'pages':>5}  file")
    for one, path in table(folder):
        pages = str(pages_of(path)) if path is not None and path.suffix == ".pdf" else ""
        place = str(path.relative_to(folder)) if path is not None else "MISSING"
        say(f"{one.document:<26} {one.language:<5} {one.form:<10} {pages:>5}  {place}")
        if path is None:
            missing.append(one)
    return missing


def main() -> int:
    """Make, show, picture and, where it is asked for, validate."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("folder", type=Path, help="new or empty folder")
    asked.add_argument("--validate", action="store_true", help="hold each PDF to PDF/UA (veraPDF)")
    asked.add_argument("--no-pictures", action="store_true", help="no PNG of the pages")
    asked.add_argument(
        "--known", type=int, default=CUSTOMER_COUNT, help="how many customers have an address"
    )
    given = asked.parse_args()
    failed = make(given.folder.absolute(), given.known)
    missing = show(given.folder.absolute())
    for one in failed:
        print(f"not made: {one}")
    if not given.no_pictures:
        print(picture_all(given.folder.absolute()))
    wrong = validate(given.folder.absolute() / "papers") if given.validate else []
    for one in wrong:
        print(f"not PDF/UA: {one}")
    return 1 if missing or failed or wrong else 0


def _instant() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
