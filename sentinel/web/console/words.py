"""The console's words for what the domain names by a code. English here; French in the catalog.

A code without words is shown as it is: a new action of the journal must never hide a line.
"""

from __future__ import annotations

from sentinel.web.console import casework_words
from sentinel.web.console.i18n import mark

LEVELS = {
    "informational": mark("informational"),
    "low": mark("low"),
    "medium": mark("medium"),
    "high": mark("high"),
    "critical": mark("critical"),
}

ALERT_STATES = {
    "open": mark("open"),
    "acknowledged": mark("acknowledged"),
    "dismissed": mark("dismissed"),
    "promoted": mark("promoted to an incident"),
}

SECURITY = {
    "open": mark("in progress"),
    "contained": mark("contained"),
    "eradicated": mark("eradicated"),
    "recovered": mark("recovered"),
}

LEGAL = {
    "signal": mark("signal received"),
    "triage": mark("triage"),
    "investigation": mark("short investigation"),
    "breach_confirmed": mark("personal data breach confirmed"),
    "qualified": mark("risk qualified"),
    "closed": mark("closed"),
}

OUTCOMES = {
    "": mark("not decided"),
    "register": mark("register only"),
    "authority": mark("notification to the CNIL"),
    "high_risk": mark("notification to the CNIL and to the persons"),
    "false_positive": mark("false positive"),
    "incident_only": mark("incident without personal data"),
}

AUTHORITY = {
    "not_due": mark("no notification due so far"),
    "due": mark("notification due"),
    "initial": mark("initial notification filed"),
    "complete": mark("notification complete"),
    "withdrawn": mark("notification withdrawn"),
}

PERSONS = {
    "undecided": mark("not decided yet"),
    "due": mark("the persons must be informed"),
    "informed": mark("the persons were informed"),
    "exempt": mark("exemption decided, with reasons"),
}

OBLIGATIONS = {
    "ACK": mark("Acknowledge the alert"),
    "INV": mark("Finish the short investigation"),
    "CNIL-72": mark("Initial notification to the CNIL"),
    "CNIL-COMP": mark("Complementary notification to the CNIL"),
    "ART34": mark("Information of the persons concerned"),
    "LATE-REASONS": mark("Give the reasons for the delay"),
    "FILING-APPROVAL": mark("Second approval of the filing"),
    "PROC": mark("Notice to the controller, as its processor"),
    "RUNBOOK": mark("Next step of the runbook"),
}

# By the text of the rule set (`legal/rulesets`) or of the task, which is English.
BASES = {
    text: text
    for text in (
        mark("GDPR art. 33(1)"),
        mark("GDPR art. 33(4); practice of the CNIL: within 72 h of the first filing, if possible"),
        mark("GDPR art. 34(1): without undue delay; the target of 48 h is ours"),
        mark("EDPB Guidelines 9/2022: a short investigation after a first signal; 24 h is ours"),
        mark("our own limit for a critical alert"),
        mark("our own limit for an alert"),
        mark("four eyes on a filing with the authority"),
        mark("GDPR art. 33(1), second sentence: reasons for the delay"),
    )
}

CATEGORIES = {
    "identity": mark("identity"),
    "contact": mark("contact details"),
    "connection_data": mark("connection data"),
    "billing_transaction": mark("billing and transactions"),
    "correspondence": mark("correspondence"),
    "credentials": mark("credentials"),
    "documents": mark("documents"),
}

KINDS = {
    "out_of_scope_access": mark("access outside one’s remit"),
    "bulk_export": mark("bulk export of data"),
    "credential_stuffing": mark("account take-over with stolen passwords"),
    "generic": mark("other incident"),
}

DOUBTS = {
    "own_work": mark("a fact that names the actor explains it"),
    "shared": mark("a fact of the team explains it"),
    "weak": mark("a weak fact explains it"),
    "earlier": mark("the actor had opened this person before"),
    "returned": mark("the actor came back to this person"),
    "wrong_hit": mark("one look, left at once for a person of the actor’s work: a wrong hit?"),
    "usual_hours": mark("the owner of the account works at that hour"),
    "no_fact": mark("one look at a usual hour; this actor’s work often leaves no fact"),
}

ROLES = {
    "analyst": mark("analyst"),
    "commander": mark("incident commander"),
    "scribe": mark("scribe"),
    "dpo": mark("data protection officer"),
    "legal": mark("legal counsel"),
    "director": mark("director"),
    "comms": mark("communications"),
    "auditor": mark("auditor"),
    "admin": mark("administrator"),
    "service": mark("service identity"),
}

DOCUMENTS = {
    "post_mortem": mark("post-mortem"),
    "call_script": mark("call script"),
    "dossier_initial": mark("CNIL dossier, initial notification"),
    "dossier_complement": mark("CNIL dossier, complementary notification"),
    "dossier_final": mark("CNIL dossier, final"),
    "letter": mark("Letter to the persons concerned"),
}

FILINGS = {
    "initial": mark("initial notification"),
    "complement": mark("complementary notification"),
    "complete": mark("complete notification, in one go"),
    "withdraw": mark("withdrawal of the notification"),
}

EVIDENCE = {
    "none": mark("none needed"),
    "log": mark("log line"),
    "file": mark("file"),
    "decision": mark("written decision"),
    "receipt": mark("receipt"),
}

ACTIONS = {
    "account.disabled": mark("account disabled"),
    "account.created": mark("account created"),
    "account.language": mark("language of the account changed"),
    "account.locked": mark("account locked after repeated failures"),
    "account.sign_in_refused": mark("sign-in refused"),
    "account.signed_in": mark("signed in"),
    "account.signed_out": mark("signed out"),
    "account.factor_proved": mark("second factor given for an act"),
    "account.factor_refused": mark("second factor refused for an act"),
    "account.person_set": mark("human behind the account recorded"),
    "approval.asked": mark("approval of exact bytes asked for"),
    "approval.given": mark("approved by a second person"),
    "approval.refused": mark("approval refused, with a reason"),
    "approval.voided": mark("approval void"),
    "dossier.frozen": mark("dossier frozen and signed"),
    "dossier.exported": mark("dossier taken out to be filed"),
    "document.exported": mark("document taken out"),
    "disclosure.prepared": mark("extract for a third party prepared"),
    "disclosure.given": mark("extract given to a third party"),
    "register.exported": mark("register of breaches exported"),
    "alert.acknowledged": mark("alert acknowledged"),
    "alert.dismissed": mark("alert dismissed"),
    "alert.opened": mark("alert raised"),
    "alert.promoted": mark("alert promoted to an incident"),
    "alert.staff_measure_proposed": mark("measure about a member of staff asked for"),
    "alert.staff_measure_approved": mark(
        "measure about a member of staff approved by a second person"
    ),
    "scope.answered": mark("answer of the person or their manager recorded"),
    "scope.answer_accepted": mark("answer accepted as a fact"),
    "scope.drift_compared": mark("permissions compared with the matrix"),
    "scope.reviewed": mark("accesses of a day reviewed"),
    "blind.window": mark("blind window opened"),
    "dead_letters.expired": mark("lines never understood, erased at the end of their term"),
    "dead_letters.read": mark("lines not understood were read by a person"),
    "dead_letters.replayed": mark("lines not understood at first, examined now"),
    "deadline.alarm": mark("deadline alarm"),
    "document.drafted": mark("document drafted"),
    "incident.affected_frozen": mark("affected persons frozen as evidence"),
    "incident.affected_widened": mark("affected persons widened, with a reason"),
    "incident.affected_narrowed": mark("affected persons narrowed, with a reason"),
    "access.revised": mark("verdict on an access revised"),
    "alert.revised": mark("accesses of the alert judged again"),
    "directory.imported": mark("subject directory imported"),
    "directory.audience": mark("addressees of the letters listed"),
    "directory.opened": mark("persons of the subject directory opened by two people"),
    "incident.deadline_waived": mark("deadline waived"),
    "incident.filing_approved": mark("filing approved by a second person"),
    "incident.filing_explained": mark("reasons for the delay recorded"),
    "incident.notification_waived": mark("decision not to notify, with reasons"),
    "incident.runbook_started": mark("runbook started"),
    "incident.step_completed": mark("step of the runbook completed"),
    "incident.step_skipped": mark("step of the runbook left out, with a reason"),
    "incident.step_assigned": mark("step of the runbook given to somebody"),
    "incident.runbook_stopped": mark("runbook stopped, with a reason"),
    "incident.answered": mark("fact of the case recorded"),
    "incident.awareness_amended": mark("awareness amended"),
    "incident.breach_confirmed": mark("personal data breach confirmed"),
    "incident.closed": mark("incident closed"),
    "incident.contained": mark("incident contained"),
    "incident.eradicated": mark("cause eradicated"),
    "incident.filing_recorded": mark("filing with the CNIL recorded"),
    "incident.investigation_started": mark("short investigation started"),
    "incident.opened": mark("incident opened"),
    "incident.persons_recorded": mark("information of the persons recorded"),
    "incident.qualified": mark("risk qualified"),
    "incident.recovered": mark("service recovered"),
    "incident.reopened": mark("incident reopened"),
}

DONE = {
    "acknowledged": mark("The alert is acknowledged."),
    "contained": mark("Containment is recorded."),
    "confirmed": mark("The breach is confirmed; the 72-hour clock runs."),
    "dismissed": mark("The alert is dismissed; it stays on record with your reason."),
    "dossier": mark("The dossier is drafted."),
    "filed": mark("The filing is recorded."),
    "language": mark("The language is changed."),
    "letters": mark("The letters are drafted."),
    "promoted": mark("The incident is open."),
    "runbook": mark("The runbook is started."),
    "runbook_stopped": mark("The runbook is stopped."),
    "step": mark("The step is recorded."),
    "started": mark("The short investigation is open."),
}

TABLES: dict[str, dict[str, str]] = {
    "level": LEVELS,
    "alert_state": ALERT_STATES,
    "security": SECURITY,
    "legal": LEGAL,
    "outcome": OUTCOMES,
    "authority": AUTHORITY,
    "persons": PERSONS,
    "obligation": OBLIGATIONS,
    "basis": BASES,
    "category": CATEGORIES,
    "doubt": DOUBTS,
    "kind": KINDS,
    "role": ROLES,
    "document": DOCUMENTS,
    "filing": FILINGS,
    "action": ACTIONS,
    "evidence": EVIDENCE,
    "done": DONE,
}

for _name, _more in {
    "action": casework_words.ACTIONS,
    "obligation": casework_words.REGIME_STEPS,
    "basis": casework_words.BASES,
    "kind": casework_words.KINDS,
    "done": casework_words.DONE,
}.items():
    TABLES[_name].update(_more)
TABLES.update(casework_words.TABLES)


def word_for(table: str, code: str) -> str:
    """Return the English words for ``code`` in ``table``; the code itself where there are none."""
    return TABLES[table].get(code, code)
