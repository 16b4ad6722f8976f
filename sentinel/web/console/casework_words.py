"""The console's words for what people do to a case: commands, their fields, what became of them."""

from __future__ import annotations

from sentinel.web.console.i18n import mark

ACTIONS = {
    "calendar.alarm": mark("calendar alarm sent"),
    "calendar.done": mark("obligation of the calendar met, with proof"),
    "campaign.canary_done": mark("first letters sent: waits for somebody to look"),
    "campaign.continued": mark("sending of the letters continued"),
    "campaign.coverage_low": mark("too few persons reached by the letters"),
    "campaign.evidence_made": mark("evidence of the letters made"),
    "campaign.letter_settled": mark("unknown letter settled by hand"),
    "campaign.list_destroyed": mark("list of the addressees destroyed by two people"),
    "campaign.paused": mark("sending of the letters paused"),
    "campaign.post_list_made": mark("letters for the post made by two people"),
    "campaign.posted": mark("letters given to the post"),
    "campaign.prepared": mark("letters and audience frozen"),
    "campaign.resumed": mark("sending of the letters resumed"),
    "campaign.sent": mark("sending of the letters ended"),
    "campaign.sms_derogated": mark("derogation for SMS written"),
    "campaign.started": mark("first letters let out"),
    "campaign.stopped": mark("sending of the letters stopped for good"),
    "campaign.tested": mark("letters sent as a test inside the house"),
    "campaign.way_changed": mark("other mail server taken for the letters"),
    "directory.opened_for_letters": mark("addressees opened to send the letters"),
    "case.bundled": mark("evidence bundle made"),
    "incident.marked_drill": mark("case marked as a drill"),
    "log_review.drawn": mark("sample of the audit logs drawn"),
    "log_review.signed": mark("sample of the audit logs signed"),
    "person.access_reported": mark("access request about the logs answered"),
    "rota.absence": mark("absence and deputy recorded"),
    "rota.back": mark("back from absence"),
    "account.token_issued": mark("access token issued"),
    "account.token_revoked": mark("access token revoked"),
    "alert.detached": mark("alert taken out of a case"),
    "alert.moved": mark("alert moved to another case"),
    "alert.reopened": mark("dismissed alert taken up again"),
    "deadline.alarm_escalated": mark("undelivered alarm handed to the next channel"),
    "deadline.alarm_unheard": mark("alarm that no channel delivered"),
    "evidence.exported": mark("evidence exported"),
    "evidence.viewed": mark("evidence viewed"),
    "incident.alert_detached": mark("alert taken out of the case"),
    "incident.alerts_attached": mark("alerts taken into the case"),
    "incident.assessed": mark("severity scored"),
    "incident.evidence_added": mark("evidence taken in"),
    "incident.gave_back": mark("merged case given back"),
    "incident.investigation_extended": mark("investigation extended by the DPO"),
    "incident.merge_undone": mark("merge undone"),
    "incident.merged": mark("case merged into another one"),
    "incident.note_added": mark("note"),
    "incident.notice_recorded": mark("notice recorded"),
    "incident.processor_notice_due": mark("notice to the controller due"),
    "incident.proposal_refused": mark("proposal refused"),
    "incident.proposal_withdrawn": mark("proposal withdrawn"),
    "incident.proposed": mark("decision proposed to a second person"),
    "incident.split": mark("case split"),
    "incident.task_added": mark("task given"),
    "incident.task_done": mark("task done"),
    "incident.took_in": mark("another case taken in"),
    "journal.anchored_by_hand": mark("journal anchored by hand"),
    "incident.triage_started": mark("triage started"),
}

COMMANDS = {
    "add_note": mark("Write on the timeline"),
    "add_task": mark("Give a task"),
    "amend_awareness": mark("Move awareness to an earlier instant"),
    "approve_filing": mark("Approve the filing as the second person"),
    "attach_alerts": mark("Take further alerts into the case"),
    "confirm_breach": mark("Confirm a personal data breach"),
    "contain": mark("Record containment"),
    "detach_alert": mark("Take an alert out of the case"),
    "eradicate": mark("Record that the cause was removed"),
    "explain_lateness": mark("Give the reasons for the delay beyond 72 hours"),
    "extend_investigation": mark("Extend the investigation (DPO)"),
    "intake": mark("Open an incident by hand"),
    "merge_cases": mark("Merge this case into another one"),
    "move_alert": mark("Move an alert to another case"),
    "qualify": mark("Decide the qualification"),
    "record_filing": mark("Record a filing with the CNIL"),
    "record_notice": mark("Record a notice of another regime"),
    "record_persons": mark("Record the information of the persons"),
    "recover": mark("Record that the service runs as before"),
    "reopen": mark("Reopen the case"),
    "split_case": mark("Make a case of its own from some alerts"),
    "start_investigation": mark("Start the short investigation"),
    "start_processor_notice": mark("We are the processor: start the clock of the notice"),
    "triage": mark("Take the signal in hand"),
    "undo_merge": mark("Undo the merge"),
    "waive_deadline": mark("Waive a target that is no legal limit"),
    "close": mark("Propose to close the case"),
    "decide_no_notification": mark("Propose not to notify the authority"),
    "amend_awareness_later": mark("Propose a later instant of awareness"),
}

# What a proposal asks, as the second person reads it.
PROPOSED = {
    "close": mark("close the case"),
    "decide_no_notification": mark("not notify the authority"),
    "amend_awareness": mark("move awareness to a later instant"),
}

PROPOSAL_STATES = {
    "pending": mark("waits for a second person"),
    "approved": mark("approved"),
    "refused": mark("refused"),
    "withdrawn": mark("withdrawn"),
}

FIELDS = {
    "alert_id": mark("Alert"),
    "alert_ids": mark("Alerts"),
    "aware_at": mark("Instant of awareness"),
    "basis": mark("Basis: what was known at that instant"),
    "channel": mark("How we were told"),
    "contract_hours": mark("Hours that the contract gives; empty: 24"),
    "controllers": mark("Controllers to be told"),
    "deadline_id": mark("Clock"),
    "description": mark("What was said"),
    "drill": mark("This is a drill"),
    "due_at": mark("To be done by"),
    "filed_at": mark("Instant of filing"),
    "evidence": mark("Evidence held by the case"),
    "facts": mark("Dated facts"),
    "ground": mark("Ground of the delay"),
    "given_at": mark("When it was given"),
    "hours": mark("Hours from now"),
    "informant": mark("Who told us; for a notice, the processor’s name"),
    "into": mark("Reference of the case that takes it in"),
    "kind": mark("Kind"),
    "note": mark("What was done, by whom"),
    "number": mark("Number given by the CNIL"),
    "occurred_at": mark("When it happened"),
    "outcome": mark("Decision"),
    "owner": mark("Owner: an account or a role"),
    "processor_aware_at": mark("When the processor became aware itself"),
    "reason": mark("Written reason, kept on record"),
    "reasons": mark("Written reasons, kept on record"),
    "received_at": mark("When we were told"),
    "reference": mark("Reference of the receipt"),
    "result": mark("Result"),
    "source": mark("Where it is known from"),
    "state": mark("What was done or decided"),
    "text": mark("What happened"),
    "title": mark("Title"),
    "to": mark("Reference of the other case"),
}

CHANNELS = {
    "phone": mark("telephone"),
    "email": mark("e-mail"),
    "person": mark("in person"),
    "processor": mark("notice of a processor (art. 33(2) GDPR)"),
    "other": mark("another way"),
    "alert": mark("alert"),
}

GROUNDS = {
    "investigation": mark("extent of the breach known late"),
    "processor": mark("information received late from a processor or a third party"),
    "similar_breaches": mark("similar breaches in a short time, notified together"),
    "portal": mark("notification portal out of order"),
    "organisation": mark("failing of our own organisation"),
    "law_enforcement": mark("request of a judicial or police authority"),
    "force_majeure": mark("force majeure"),
    "other": mark("another ground"),
}

CUSTODY = {
    "intake": mark("taken in"),
    "view": mark("viewed"),
    "export": mark("exported"),
}

LEVELS = {
    "low": mark("low"),
    "medium": mark("medium"),
    "high": mark("high"),
    "very_high": mark("very high"),
}

SCREENS = {
    "register": mark("register only"),
    "authority": mark("notification to the CNIL"),
    "authority_and_individuals": mark("notification to the CNIL and to the persons"),
}

FLAGS = {
    "over_100_individuals": mark("more than 100 persons"),
    "unintelligible_data": mark("unintelligible data"),
    "borderline": mark("close to a threshold"),
}

REGIME_STEPS = {
    "ecs_611_2013:initial": mark("Reg. 611/2013: initial notification"),
    "ecs_611_2013:second": mark("Reg. 611/2013: second notification"),
    "nis2_art23:early_warning": mark("NIS2: early warning"),
    "nis2_art23:notification": mark("NIS2: notification"),
    "nis2_art23:final": mark("NIS2: final report"),
    "dora:initial": mark("DORA: initial notification"),
    "dora:intermediate": mark("DORA: intermediate report"),
    "dora:final": mark("DORA: final report"),
    "cra_art14:early_warning": mark("CRA: early warning"),
    "cra_art14:notification": mark("CRA: notification"),
    "cra_art14:final_vulnerability": mark("CRA: final report on the vulnerability"),
    "cra_art14:final_incident": mark("CRA: final report on the incident"),
    "insurance_l12_10_1:complaint": mark("Cyber-insurance: police complaint"),
}

BASES = {
    text: text
    for text in (
        mark(
            "GDPR art. 33(2): without undue delay; the hours of the contract, else 24 h of our own"
        ),
    )
}

KINDS = {
    "processor_notice": mark("breach at a processor"),
    "ransomware": mark("ransomware"),
    "lost_device": mark("lost or stolen device"),
    "misdirected_mail": mark("misdirected mail"),
}

DONE = {
    "did": mark("It is recorded."),
    "answered": mark("The answer is recorded."),
    "scored": mark("The score is computed; it proposes, a person decides."),
    "proposed": mark("It waits for a second person."),
    "evidence": mark("The evidence is sealed; its custody has begun."),
}

TABLES: dict[str, dict[str, str]] = {
    "command": COMMANDS,
    "proposed": PROPOSED,
    "proposal_state": PROPOSAL_STATES,
    "field": FIELDS,
    "channel": CHANNELS,
    "ground": GROUNDS,
    "custody": CUSTODY,
    "severity": LEVELS,
    "screen": SCREENS,
    "flag": FLAGS,
}
