"""The command ``sentinel``. Each group of commands stands in a file of its own beside this one.

Exit codes: 0 ok, 1 findings or refusals where the command judges, 2 usage, 3 configuration or
content, 4 input or output (`sentinel.errors.Exit`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sentinel import __version__
from sentinel.cli import (
    account,
    account_token,
    affected,
    alert,
    approval,
    backtest,
    backup,
    behaviour,
    blind,
    bundle,
    calendar,
    campaign,
    carry_over,
    case_drafts,
    case_papers,
    casework,
    check,
    deadlines,
    demo,
    directory,
    doctor,
    dossier,
    drill,
    explain,
    hold,
    hunt,
    incident,
    init,
    journal,
    keys,
    letter,
    log_review,
    match,
    metrics,
    migrate,
    person,
    person_keys,
    purge,
    register,
    replay,
    retention,
    rota,
    run,
    runbook,
    scan,
    scope,
    severity,
    test,
)
from sentinel.cli.output import forget_stdout, note
from sentinel.errors import Exit, SentinelError

INTERRUPTED = 130  # 128 + SIGINT, as shells say it

app = typer.Typer(
    name="sentinel",
    help="From an access log line to a breach notification that arrives within 72 hours.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"sentinel {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            envvar="SENTINEL_CONFIG",
            readable=False,  # `sentinel.config` says why a file cannot be read
            help="Settings file; default: ./sentinel.toml where it exists.",
        ),
    ] = None,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    context.obj = config


for group in (
    scan,
    match,
    check,
    test,
    explain,
    backtest,
    init,
    run,
    doctor,
    demo,
    deadlines,
    severity,
    affected,
):
    group.register(app)
for group in (blind, replay, bundle, migrate, hunt, carry_over):
    group.register(app)
casework.register(incident.app, alert.app)
case_papers.register(incident.app)
case_drafts.register(incident.app)
account_token.register(account.app)
person_keys.register(person.app)
app.add_typer(alert.app, name="alert")
app.add_typer(incident.app, name="incident")
app.add_typer(runbook.app, name="runbook")
app.add_typer(journal.app, name="journal")
app.add_typer(letter.app, name="letter")
app.add_typer(keys.app, name="keys")
app.add_typer(behaviour.app, name="behaviour")
app.add_typer(account.app, name="account")
app.add_typer(scope.app, name="scope")
app.add_typer(retention.app, name="retention")
app.add_typer(purge.app, name="purge")
app.add_typer(backup.app, name="backup")
backup.register(app)
app.add_typer(hold.app, name="hold")
app.add_typer(directory.app, name="directory")
app.add_typer(drill.app, name="drill")
app.add_typer(calendar.app, name="calendar")
app.add_typer(rota.app, name="rota")
app.add_typer(log_review.app, name="log-review")
app.add_typer(metrics.app, name="metrics")
app.add_typer(person.app, name="person")
app.add_typer(dossier.app, name="dossier")
app.add_typer(register.app, name="register")
app.add_typer(approval.app, name="approval")
app.add_typer(campaign.app, name="campaign")


def main() -> None:
    """Run the command line; turn an error into one line and its exit code."""
    try:
        code = app(prog_name="sentinel", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        _say_misuse(error)
        code = Exit.USAGE
    except SentinelError as error:
        note(f"error: {error}")
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        forget_stdout()
        code = Exit.IO
    except UnicodeEncodeError:
        note("error: an argument is not UTF-8 text")
        code = Exit.USAGE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        note(f"error: {where}{error.strerror or error}")
        code = Exit.IO
    sys.exit(int(code or 0))


def _say_misuse(error: typer.TyperException) -> None:
    """Say in one line what the command line gets wrong; without arguments, help is said already."""
    message = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    if message:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "sentinel"
        note(f"error: {message[:1].lower()}{message[1:]} (see {command} --help)")
