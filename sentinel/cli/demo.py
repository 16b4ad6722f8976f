"""``sentinel demo``: one working day of an invented company, from log lines to drafted letters."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from sentinel.cli.output import json, line, note
from sentinel.demo.run import DEFAULT_SEED, Options, perform
from sentinel.obs import log


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("demo")(demo)


def demo(
    once: Annotated[bool, typer.Option(help="Leave when the story is told.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Another seed: other traffic, the same stories.")] = (
        DEFAULT_SEED
    ),
    directory: Annotated[
        Path | None, typer.Option(help="Where to keep its data; default: a new temporary folder.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Console's port; 0: chosen by the system.")
    ] = 8441,
    language: Annotated[Literal["fr", "en"], typer.Option(help="Language of the console.")] = "fr",
) -> None:
    """Tell the story, find what is in it, draft what must be sent; serve it until Ctrl-C."""
    log.configure("error")
    options = Options(seed=seed, directory=directory, port=port, language=language, once=once)
    say = note if as_json else line
    asyncio.run(perform(options, say=say, summarise=json if as_json else None))
