"""What the commands on campaigns share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from sentinel import config
from sentinel.app.campaign.house import House, open_house
from sentinel.app.parts import open_sealer
from sentinel.cli.casework import TokenFile, acting
from sentinel.domain.campaign import Campaign
from sentinel.domain.incident import Actor
from sentinel.respond import campaign as commands
from sentinel.store.ports import CaseTx

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Id = Annotated[str, typer.Argument(help="Id of the campaign, or its last 6 characters.")]
Reason = Annotated[str, typer.Option(help="Why, in a sentence.")]


@contextmanager
def working(context: typer.Context, token_file: TokenFile) -> Iterator[tuple[CaseTx, Actor, House]]:
    """Open the stores for one act by the holder of a token."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        commands.may(actor, commands.READERS, "campaigns")
        with open_house(settings, open_sealer(settings)) as house:
            yield tx, actor, house


@contextmanager
def working_on(
    context: typer.Context, token_file: TokenFile, campaign: str
) -> Iterator[tuple[CaseTx, Actor, House, Campaign]]:
    """Open the stores for one act on one campaign. Raises NotFound."""
    with working(context, token_file) as (tx, actor, house):
        yield tx, actor, house, commands.get(tx, campaign)
