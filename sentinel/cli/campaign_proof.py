"""``sentinel campaign evidence`` and its kin: what can be shown of letters, and to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentinel.app.campaign import desk, second_channel
from sentinel.app.campaign import proof as proofs
from sentinel.cli.campaign_common import AsJson, Id, Reason, working, working_on
from sentinel.cli.casework import TokenFile
from sentinel.cli.directory import actor_of
from sentinel.cli.given_file import content_of
from sentinel.cli.ndjson import decode
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock
from sentinel.domain.dispatch import DispatchState
from sentinel.errors import Exit, UnreadableFile, UsageError
from sentinel.notify.campaign.evidence import canonical
from sentinel.store.private_file import write_new
from sentinel.store.signing import read_public_key, signed_bytes_by

ApprovedBy = Annotated[str, typer.Option(help="Sign-in name of the second person.")]
Out = Annotated[Path, typer.Option(help="Folder for the files; never over another file.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("evidence")(evidence)
    app.command("verify")(verify)
    app.command("informed")(informed)
    app.command("unknown")(unknown)
    app.command("settle")(settle)
    app.command("post")(post)
    app.command("posted")(posted)
    app.command("sms")(sms)
    app.command("derogate-sms")(derogate_sms)
    app.command("destroy-list")(destroy_list)


def evidence(
    context: typer.Context,
    campaign: Id,
    out: Out,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the signed evidence file (JSON) and the paper (PDF, French and English)."""
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        made = proofs.make_evidence(tx, house, actor, found, now=SystemClock().now())
    name = f"campaign-{found.id[-6:]}-evidence"
    write_new(out / f"{name}.json", made.json)
    for language, paper in made.papers.items():
        write_new(out / f"{name}-{language}.pdf", paper)
    if as_json:
        json({"file": str(out / f"{name}.json"), "sha256": made.sha256})
    else:
        line(f"{out / name}.json  sha256 {made.sha256}")


def verify(
    file: Annotated[Path, typer.Argument(help="Evidence file (JSON).")],
    key: Annotated[Path, typer.Option(help="Public key of the house (PEM).")],
) -> None:
    """Verify the signature of an evidence file with the house's public key. Exit 1: it fails."""
    raw, pem = content_of(file), content_of(key)
    whole = _document(raw, file)
    body, signature = whole.get("evidence"), whole.get("signature")
    if not isinstance(body, dict) or not isinstance(signature, dict):
        raise UnreadableFile("it is no evidence file of a campaign", where=str(file))
    right = signed_bytes_by(canonical(body), str(signature.get("value", "")), read_public_key(pem))
    line("the signature is right" if right else "the signature is WRONG: the file was altered")
    if not right:
        raise typer.Exit(int(Exit.FINDINGS))


def _document(raw: bytes, file: Path) -> dict[str, object]:
    try:
        found = decode(raw.decode())
    except UnicodeDecodeError as error:
        raise UnreadableFile("it is no text", where=str(file)) from error
    return found if isinstance(found, dict) else {}


def informed(
    context: typer.Context,
    person: Annotated[str, typer.Option(help="Identifier of the person in the business.")] = "",
    email: Annotated[str, typer.Option(help="E-mail address of the person.")] = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Answer "was I informed?" by keyed hash, also after the list was destroyed.

    Exit 1: no letter is known for this person.
    """
    if bool(person) == bool(email):
        raise UsageError("give --person or --email")
    with working(context, token_file) as (tx, actor, house):
        found = proofs.informed(
            tx, house, actor, person=person, email=email, now=SystemClock().now()
        )
    for one in found:
        if as_json:
            json(one)
        else:
            when = one.handed_over_at or one.by_post_at or "-"
            failure = f" ({one.failure})" if one.failure else ""
            line(f"{one.campaign}  {one.kind}  {one.state}{failure}  {when}")
    if not found:
        line("no letter is known for this person")
        raise typer.Exit(int(Exit.FINDINGS))


def unknown(
    context: typer.Context, campaign: Id, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    """List the letters of which nobody knows yet whether a server has them."""
    with working_on(context, token_file, campaign) as (_tx, _actor, house, found):
        letters = list(house.ledger.letters(found.id, DispatchState.UNKNOWN))
        identify = house.settings.mail.sender.rpartition("@")[2].rstrip(">")
    for one in letters:
        message_id = f"<{one.token}@{identify}>"
        if as_json:
            row = {"number": one.number, "message_id": message_id, "way": one.path}
            json({**row, "begun_at": one.begun_at})
        else:
            line(f"{one.number}  {one.path}  {one.begun_at}  Message-ID {message_id}")


def settle(
    context: typer.Context,
    campaign: Id,
    number: Annotated[int, typer.Argument(help="Number of the letter.")],
    reason: Reason,
    taken: Annotated[
        bool, typer.Option("--taken/--not-taken", help="The server has it; or it never had it.")
    ],
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Settle an unknown letter by hand; --not-taken lets it be sent again: you vouch for it."""
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        now = SystemClock().now()
        one = desk.resolve(tx, house, actor, found, number, taken=taken, reason=reason, now=now)
    if as_json:
        json({"number": one.number, "state": one.state})
    else:
        line(f"letter {one.number}: {one.state}")


def post(
    context: typer.Context,
    campaign: Id,
    approved_by: ApprovedBy,
    reason: Reason,
    out: Out,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the list (CSV) and the letters to print (PDF) of who got none by mail; two people."""
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        listed, printed, numbers, without = second_channel.make_post(
            tx,
            house,
            actor,
            found,
            approver=actor_of(tx, approved_by),
            reason=reason,
            now=SystemClock().now(),
        )
    name = f"campaign-{found.id[-6:]}-post"
    write_new(out / f"{name}.csv", listed)
    write_new(out / f"{name}.pdf", printed)
    if as_json:
        json({"letters": numbers, "without_address": without})
    else:
        line(f"{out / name}: {len(numbers)} letters; {without} persons have no postal address")


def posted(
    context: typer.Context,
    campaign: Id,
    number: Annotated[list[int], typer.Argument(help="Numbers of the letters.")],
    receipt: Annotated[str, typer.Option(help="The carrier's receipt.")],
    token_file: TokenFile = None,
) -> None:
    """Record that letters went by post."""
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        now = SystemClock().now()
        count = second_channel.posted(tx, house, actor, found, number, proof=receipt, now=now)
    line(f"{count} letters by post")


def sms(context: typer.Context, campaign: Id, token_file: TokenFile = None) -> None:
    """Refuse SMS (promise R-07), unless the officer derogated; then say whom it would concern."""
    with working_on(context, token_file, campaign) as (tx, _actor, house, found):
        second_channel.refuse_sms(tx, found)
        failed = house.ledger.counts(found.id)[DispatchState.FAILED]
    line(
        f"the officer has derogated: {failed} persons without a letter; the directory holds no "
        "telephone number, and Sentinel sends no SMS: use your own means, and record them"
    )


def derogate_sms(
    context: typer.Context, campaign: Id, reason: Reason, token_file: TokenFile = None
) -> None:
    """Write the officer's derogation for SMS."""
    with working_on(context, token_file, campaign) as (tx, actor, _house, found):
        now = SystemClock().now()
        second_channel.derogate_sms(tx, actor, found, reason=reason, now=now)
    line("written")


def destroy_list(
    context: typer.Context,
    campaign: Id,
    approved_by: ApprovedBy,
    reason: Reason,
    token_file: TokenFile = None,
) -> None:
    """Remove who the persons are; keyed hashes and proof stay. It cannot be undone."""
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        proofs.destroy_list(
            tx,
            house,
            actor,
            found,
            approver=actor_of(tx, approved_by),
            reason=reason,
            now=SystemClock().now(),
        )
    line("the list is destroyed; `sentinel campaign informed` still answers")
