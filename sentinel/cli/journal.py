"""``sentinel journal``: the hash-chained journal."""

from __future__ import annotations

from typing import Annotated

import typer

from sentinel import config
from sentinel.app.parts import reading
from sentinel.cli.output import json, line
from sentinel.domain.journal import GENESIS, Break, verify
from sentinel.errors import Exit

app = typer.Typer(help="The hash-chained journal.", no_args_is_help=True)

PAGE = 10_000


@app.command("verify")
def verify_chain(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Check every line against its hash and the line before; name what does not fit."""
    breaks: list[Break] = []
    last, prev_hash = 0, GENESIS
    with reading(config.load(context.obj)) as tx:
        while page := tx.journal.lines(after=last, limit=PAGE):
            breaks += verify(page, prev_hash=prev_hash, first_seq=last + 1)
            last, prev_hash = page[-1].seq, page[-1].hash
    if as_json:
        json({"lines": last, "breaks": breaks})
    else:
        for found in breaks:
            line(f"line {found.seq}: {found.reason}")
        line(f"{last} lines, {'the chain holds' if not breaks else f'{len(breaks)} breaks'}")
    if breaks:
        raise typer.Exit(int(Exit.FINDINGS))
