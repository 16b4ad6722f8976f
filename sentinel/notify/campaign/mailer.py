"""Hand letters over, each once: the one loop that sends.

For each letter: its turn, its way, its person opened from the sealed directory, the mail composed
and signed in memory, offered, written down as leaving, sent, written down as taken. What the
process knows when it dies is in the ledger; what it does not know is called unknown.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from sentinel.clock import Clock
from sentinel.config.mail import MailSettings
from sentinel.domain.dispatch import Dispatch, DispatchState, Failure
from sentinel.errors import StorageError
from sentinel.notify.campaign import changes
from sentinel.notify.campaign.batch import Batch, Sent, text_for, unreachable
from sentinel.notify.campaign.bounces import failure_of
from sentinel.notify.campaign.compose import BadAddress, Composer, Recipient, Text, mailbox
from sentinel.notify.campaign.dkim import DkimSigner
from sentinel.notify.campaign.relay import (
    AnswerLost,
    Declined,
    Mail,
    Relay,
    RelayDown,
    Shut,
)
from sentinel.notify.campaign.ways import SECOND, Throttle, Ways
from sentinel.notify.egress import EgressPolicy
from sentinel.store.campaign_ledger import CampaignLedger

AT_ONCE = 50
LAST = 40
SUSPICIOUS = 20
"""So many of the `LAST` letters refused, and not for the person's sake: somebody must look."""
OF_THE_PERSON = frozenset(
    {Failure.ADDRESS, Failure.MAILBOX_DISABLED, Failure.MAILBOX_FULL, Failure.BAD_ADDRESS}
)
WRITE_AGAIN_SECONDS = 1.0


class Mailer:
    """Sends through the ways of the settings. One per process, under the process's lock."""

    def __init__(
        self,
        mail: MailSettings,
        egress: EgressPolicy,
        ledger: CampaignLedger,
        ways: Ways,
        clock: Clock,
    ) -> None:
        self._mail = mail
        self._ledger = ledger
        self._ways = ways
        self._clock = clock
        self._throttle = Throttle(mail.per_minute)
        self.composer = Composer(
            sender=mail.sender, reply_to=mail.reply_to, bounce=mail.bounce_address, verp=mail.verp
        )
        key = mail.dkim.signing_key
        self._signer = (
            DkimSigner(mail.dkim.domain, mail.dkim.selector, key.get_secret_value())
            if key is not None
            else None
        )
        self._egress = egress
        self._relays: dict[tuple[int, str], Relay] = {}
        self._refused: deque[bool] = deque(maxlen=LAST)

    def recover(self) -> int:
        """Name what a dead predecessor left half done: unknown. Return how many letters."""
        return self._ledger.change_all(None, DispatchState.HANDING_OVER, self._abandoned)

    def _abandoned(self, one: Dispatch) -> Dispatch | None:
        return changes.unknown(one, "the sending process ended", self._clock.now())

    async def close(self) -> None:
        """Close the connections."""
        for relay in self._relays.values():
            await relay.close()
        self._relays.clear()

    async def send(self, batch: Batch, stop: asyncio.Event, *, seconds: float = 10) -> Sent:
        """Send what is due of a batch, for some ``seconds``.

        Ends before where nothing is due, a person stops it, or no server answers.
        """
        sent = Sent(counts=Counter())
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while not sent.stops and not stop.is_set() and clock() < until:
            due = await asyncio.to_thread(
                self._ledger.due,
                batch.campaign,
                self._clock.now(),
                open_to=batch.open_to,
                limit=AT_ONCE,
            )
            if not due:
                break
            waiting = iter(due)
            slots = range(min(self._mail.connections, len(due)))
            try:
                ends = await asyncio.gather(
                    *(self._slot(n, waiting, batch, sent, stop) for n in slots),
                    return_exceptions=True,  # nobody is left on the wire when one slot fails
                )
            finally:
                left = await asyncio.to_thread(
                    self._ledger.change_all,
                    batch.campaign,
                    DispatchState.HANDING_OVER,
                    self._abandoned,
                )
                sent.counts["unknown"] += left
            for end in ends:
                if isinstance(end, BaseException):
                    raise end
        return sent

    async def test(
        self, texts: Mapping[tuple[str, str], Text], addresses: list[str], mark: str
    ) -> list[str]:
        """Send each language to addresses inside the house; return what the servers said.

        Raises RelayDown, Declined, AnswerLost, BadAddress.
        """
        replies = []
        for place, (_, text) in enumerate(sorted(texts.items())):
            for number, address in enumerate(addresses):
                now = self._clock.now()
                token = f"test-{now.timestamp():.0f}-{place}-{number}"
                to = Recipient(name="", email=address)
                mail = self._composed(text, to, token=token, at=now, mark=mark)
                taken = await self._relay(0, self._ways.choose(now) or "primary").hand_over(
                    mail, _always
                )
                replies.append(taken.reply)
        return replies

    async def _slot(
        self,
        slot: int,
        waiting: Iterator[Dispatch],
        batch: Batch,
        sent: Sent,
        stop: asyncio.Event,
    ) -> None:
        for letter in waiting:  # shared by the slots: each takes one
            if sent.stops or stop.is_set():
                return
            await self._throttle.wait()
            now = self._clock.now()
            way = self._ways.choose(now)
            if not way:
                sent.no_way = True
                return
            outcome = await self._one(slot, way, letter, batch, sent)
            sent.counts[outcome] += 1

    async def _one(self, slot: int, way: str, letter: Dispatch, batch: Batch, sent: Sent) -> str:
        entry = await asyncio.to_thread(batch.open_person, letter.pseudonym)
        text = text_for(batch, letter)
        named = unreachable(entry, text)
        if named is not None or entry is None or text is None:
            return await self._fail(letter.token, named or Failure.NOT_FOUND, "not sent")
        try:
            mail = await asyncio.to_thread(
                self._composed,
                text,
                Recipient(name=entry.name, email=entry.email),
                token=letter.token,
                at=self._clock.now(),
                mark=batch.mark,
            )
        except BadAddress as error:
            return await self._fail(letter.token, Failure.BAD_ADDRESS, error.detail)
        change = partial(changes.begun, way=way, mail_key=batch.mail_key(entry.email))

        async def begin() -> bool:
            leaves = partial(change, now=self._clock.now())
            return await asyncio.to_thread(self._ledger.begin, letter.token, leaves) is not None

        return await self._hand_over(slot, way, mail, begin, sent)

    async def _hand_over(
        self, slot: int, way: str, mail: Mail, begin: Callable[[], Awaitable[bool]], sent: Sent
    ) -> str:
        try:
            answer = await self._relay(slot, way).hand_over(mail, begin)
        except Shut:
            sent.shut = True
            return "shut"
        except RelayDown as error:
            self._ways.failed(way, self._clock.now(), str(error))
            return "relay_down"
        except Declined as error:
            self._ways.took(way)
            return await self._declined(mail.token, way, error, sent)
        except AnswerLost as error:
            now, why = self._clock.now(), error.detail
            self._ways.failed(way, now, str(error))
            await self._write(mail.token, lambda one: changes.unknown(one, why, now))
            return "unknown"
        self._ways.took(way)
        self._refused.append(False)
        now = self._clock.now()
        await self._write(mail.token, lambda one: changes.taken(one, answer, now))
        return "handed_over"

    async def _declined(self, token: str, way: str, error: Declined, sent: Sent) -> str:
        if error.permanent:
            failure = failure_of(error.status, error.code)
            self._refused.append(failure not in OF_THE_PERSON)
            if sum(self._refused) >= SUSPICIOUS:
                sent.suspicious = str(error)
                self._refused.clear()
            return await self._fail(token, failure, f"{way}: {error.detail}")
        self._refused.append(False)
        now = self._clock.now()
        later = partial(
            changes.put_off,
            way=way,
            answer=error,
            now=now,
            first_pause=timedelta(minutes=self._mail.retry_minutes),
            patience=timedelta(hours=self._mail.retry_hours),
        )
        await self._write(token, later)
        return "put_off"

    async def _fail(self, token: str, failure: Failure, why: str) -> str:
        now = self._clock.now()
        await self._write(token, lambda one: changes.failed(one, failure, why, now))
        return "failed"

    async def _write(self, token: str, change: Callable[[Dispatch], Dispatch | None]) -> None:
        """Write what became of a letter, again and again until the disk takes it."""
        while True:
            try:
                await asyncio.to_thread(self._ledger.change, token, change)
                return
            except StorageError:
                await asyncio.sleep(WRITE_AGAIN_SECONDS)

    def _relay(self, slot: int, way: str) -> Relay:
        known = self._relays.get((slot, way))
        if known is None:
            settings = self._mail.second if way == SECOND else self._mail.primary
            known = Relay(settings, self._egress, self.composer.domain)
            self._relays[slot, way] = known
        return known

    def _composed(self, text: Text, to: Recipient, *, token: str, at: datetime, mark: str) -> Mail:
        content = self.composer.compose(text, to, token=token, at=at, mark=mark)
        if self._signer is not None:
            content = self._signer.sign(content, at)
        return Mail(
            token=token,
            sender=self.composer.envelope_sender(token),
            recipient=mailbox(to.email),
            content=content,
        )


async def _always() -> bool:
    return True
