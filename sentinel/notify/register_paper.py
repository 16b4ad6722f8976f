"""The register as people read it: CSV for a table, PDF for an inspector."""

from __future__ import annotations

import csv
import io
from datetime import datetime

import msgspec

from sentinel.notify import wording
from sentinel.notify.paper import Paper, Section
from sentinel.notify.register_model import Register, Row

_SEPARATOR = " | "
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LABELS = {
    "kind": ("Type d’incident", "Kind of incident"),
    "occurred_from": ("Début", "Began"),
    "occurred_to": ("Fin", "Ended"),
    "detected_at": ("Détection", "Detected"),
    "aware_at": ("Prise de connaissance", "Became aware"),
    "awareness_basis": ("Éléments qui la fondent", "What the awareness rests on"),
    "nature": ("Nature", "Nature"),
    "facts": ("Faits", "Facts"),
    "persons": ("Catégories de personnes", "Categories of persons"),
    "persons_count": ("Nombre de personnes", "Number of persons"),
    "data": ("Catégories de données", "Categories of data"),
    "records_count": ("Nombre d’enregistrements", "Number of records"),
    "effects": ("Effets", "Effects"),
    "risk": ("Décision sur le risque", "Decision on the risk"),
    "risk_reasoning": ("Motifs de la décision", "Reasons of the decision"),
    "action": ("Mesures prises", "Remedial action"),
    "authority": ("Notification à l’autorité", "Notification to the authority"),
    "filings": ("Notifications déposées", "Filings"),
    "delay": ("Motifs du retard", "Reasons for the delay"),
    "why_not_notified": ("Motifs de l’absence de notification", "Why it was not notified"),
    "informed": ("Information des personnes", "Information of the persons"),
    "why_not_informed": ("Motifs de l’absence d’information", "Why they were not informed"),
    "closed_at": ("Clôture", "Closed"),
    "dossiers": ("Empreintes des dossiers", "Digests of the dossiers"),
    "journal_hash": ("Dernière ligne du journal", "Last line of the journal"),
}
_STATES = {
    "undecided": ("non décidé", "undecided"),
    "register": ("risque improbable : registre seul", "risk unlikely: register only"),
    "authority": ("risque : notification à l’autorité", "risk: the authority is notified"),
    "high_risk": (
        "risque élevé : autorité et personnes",
        "high risk: the authority and the persons",
    ),
    "not_due": ("pas de notification", "no notification"),
    "due": ("à faire", "due"),
    "initial": ("notification initiale déposée", "initial notification filed"),
    "complete": ("notification complète", "notification complete"),
    "withdrawn": ("notification retirée", "notification withdrawn"),
    "informed": ("personnes informées", "persons informed"),
    "exempt": ("dispense motivée", "exempt, with reasons"),
}
_KINDS = {
    "out_of_scope_access": ("accès hors du périmètre", "access outside one’s remit"),
    "bulk_export": ("export massif", "bulk export"),
    "leaver": ("compte d’une personne qui part", "account of somebody who leaves"),
    "credential_stuffing": ("prise de contrôle de comptes", "account take-over"),
    "lost_device": ("appareil perdu ou volé", "lost or stolen device"),
    "misdirected_mail": ("envoi au mauvais destinataire", "sent to the wrong recipient"),
    "wrong_person_portal": ("données d’une autre personne affichées", "wrong person shown"),
    "ransomware": ("rançongiciel", "ransomware"),
    "web_skimmer": ("code d’aspiration sur le site", "web skimmer"),
    "log_tampering": ("altération de journaux", "tampering with logs"),
    "key_access": ("accès à une clé ou à un secret", "access to a key or a secret"),
    "minors_data": ("données de mineurs", "data of minors"),
    "processor_notice": ("violation chez un sous-traitant", "breach at a processor"),
    "generic": ("autre", "other"),
}
_FILINGS = {
    "initial": ("initiale", "initial"),
    "complement": ("complémentaire", "complementary"),
    "complete": ("finale", "final"),
    "withdraw": ("retrait", "withdrawn"),
}
_CODED = frozenset({"kind", "risk", "authority", "informed"})
_INSTANTS = frozenset({"occurred_from", "occurred_to", "detected_at", "aware_at", "closed_at"})


def as_csv(register: Register) -> bytes:
    """Return the rows as CSV (RFC 4180), UTF-8 with a mark that spreadsheets know.

    A cell that a spreadsheet would take for a formula opens with an apostrophe.
    """
    text = io.StringIO(newline="")
    columns = [*(field for field in Row.__struct_fields__), "row_sha256"]
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in register.rows:
        told = {**msgspec.to_builtins(row), "row_sha256": row.sha256}
        writer.writerow([_cell(told[column]) for column in columns])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def as_paper(register: Register, sha256: str) -> Paper:
    """Return the register as a paper, in its language. ``sha256``: of its canonical JSON."""
    fr = register.language == "fr"
    title = "Registre des violations de données" if fr else "Register of personal data breaches"
    law = (
        "Règlement (UE) 2016/679, article 33, paragraphe 5 : faits, effets et mesures prises pour "
        "chaque violation, notifiée ou non."
        if fr
        else "Regulation (EU) 2016/679, article 33(5): facts, effects and remedial action of each "
        "breach, notified or not."
    )
    count = len(register.rows)
    told = (
        f"{register.controller} – {_range(register)} – {count} "
        f"{'violations' if count > 1 else 'violation'}."
        if fr
        else f"{register.controller} – {_range(register)} – {count} "
        f"{'breach' if count == 1 else 'breaches'}."
    )
    return Paper(
        title=title,
        language=register.language,
        intro=(law, told),
        sections=(*(_section(row, register.language) for row in register.rows),
                  _proof(register, sha256)),
    )  # fmt: skip


def _section(row: Row, language: str) -> Section:
    values = msgspec.to_builtins(row)
    rows = [
        (_label(field, language), _value(field, values[field], language))
        for field in _LABELS
        if values[field] not in ("", None, [], ())
    ]
    head = ("Rubrique", "Contenu") if language == "fr" else ("Item", "Content")
    return Section(heading=row.reference, head=head, rows=tuple(rows))


def _proof(register: Register, sha256: str) -> Section:
    fr, journal = register.language == "fr", register.journal
    lines = [
        (
            f"Empreinte SHA-256 du registre (JSON canonique, RFC 8785) : {sha256}."
            if fr
            else f"SHA-256 of the register (canonical JSON, RFC 8785): {sha256}."
        ),
        (
            f"Journal chaîné : ligne {journal.last_seq}, empreinte {journal.last_hash}."
            if fr
            else f"Hash-chained journal: line {journal.last_seq}, hash {journal.last_hash}."
        ),
    ]
    if journal.anchor_signature:
        lines.append(
            f"Ancre signée du {journal.anchor_day} : ligne {journal.anchor_seq}, clé "
            f"{journal.anchor_key}."
            if fr
            else f"Signed anchor of {journal.anchor_day}: line {journal.anchor_seq}, key "
            f"{journal.anchor_key}."
        )
    return Section(heading="Preuve d’intégrité" if fr else "Proof of integrity", lines=tuple(lines))


def _range(register: Register) -> str:
    language = register.language
    since, until = (_said(one, language) for one in (register.since, register.until))
    if language == "fr":
        return f"du {since or 'début'} au {until or _said(register.made_at, language)}"
    return f"from {since or 'the beginning'} to {until or _said(register.made_at, language)}"


def _label(field: str, language: str) -> str:
    return _LABELS[field][0 if language == "fr" else 1]


def _value(field: str, value: object, language: str) -> str:
    if field in _CODED:
        code = str(value).replace("-", "_")
        words = _KINDS if field == "kind" else _STATES
        return words.get(code, (code, code))[0 if language == "fr" else 1]
    if field in _INSTANTS:
        return _said(str(value), language)
    if field == "filings" and isinstance(value, list | tuple):
        return _joined([_filing(str(one), language) for one in value], language)
    if isinstance(value, int):
        return wording.number(value, language)
    if isinstance(value, list | tuple):
        return _joined([str(one) for one in value], language)
    return str(value)


def _joined(texts: list[str], language: str) -> str:
    """Join texts of which some end with a full stop."""
    between = " ; " if language == "fr" else "; "
    return between.join([*(one.rstrip(".") for one in texts[:-1]), *texts[-1:]])


def _filing(told: str, language: str) -> str:
    kind, _, rest = told.partition(" ")
    number, _, at = rest.rpartition(" ")
    return f"{_FILINGS[kind][0 if language == 'fr' else 1]} {number}, {_said(at, language)}"


def _said(text: str, language: str) -> str:
    return wording.instant(datetime.fromisoformat(text), language) if text else ""


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        value = _SEPARATOR.join(str(one) for one in value)
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
