"""What every act on a campaign needs: the ledger, the directory, the keys, the bytes at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sentinel.app.approving import open_approvals
from sentinel.app.directory import directory_path, open_directory
from sentinel.app.parts import open_persons, stable_key
from sentinel.config import Settings
from sentinel.domain.approval import Bound, Subject
from sentinel.domain.campaign import (
    Campaign,
    LetterPart,
    Listed,
    audience_hash,
    letter_version,
)
from sentinel.domain.dispatch import Dispatch, mail_key_of, token_of
from sentinel.domain.incident import SEALED
from sentinel.errors import Refused, StorageError, UnreadableFile
from sentinel.notify.campaign.compose import Text, read_letter
from sentinel.respond.documents import document_context
from sentinel.store.campaign_ledger import CampaignLedger
from sentinel.store.directory import SubjectDirectory
from sentinel.store.ports import Sealer

FILE = "campaigns.sqlite"
PURPOSE = "campaign/v1"
TEXT, HTML, PDF = "text/plain", "text/html", "application/pdf"


class House:
    """The stores and keys of campaigns. Use `open_house`."""

    def __init__(self, settings: Settings, sealer: Sealer) -> None:
        self.settings = settings
        self.sealer = sealer
        self._key = stable_key(settings, PURPOSE)
        self.approvals = open_approvals(settings)
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.ledger = CampaignLedger(settings.data_dir / FILE, sealer)
        found = directory_path(settings).is_file()
        self._directory = open_directory(settings, sealer) if found else None

    def close(self) -> None:
        """Close the stores."""
        self.ledger.close()
        if self._directory is not None:
            self._directory.close()

    @property
    def directory(self) -> SubjectDirectory:
        """The subject directory. Raises UnreadableFile where there is none."""
        if self._directory is None:
            raise UnreadableFile(
                "there is no directory yet",
                where=str(directory_path(self.settings)),
                hint="sentinel directory import",
            )
        return self._directory

    def token(self, pseudonym: str, letter_sha256: str) -> str:
        """Return the idempotency key of a person x a letter version."""
        return token_of(self._key, pseudonym, letter_sha256)

    def known(self, identifier: str) -> str:
        """Return the pseudonym of a person of the business; empty where none was ever given."""
        persons = open_persons(self.settings, self.sealer)
        try:
            found = persons.known("sub", identifier)
            return found.pseudonym if found is not None else ""
        finally:
            persons.close()

    def mail_key(self, address: str) -> str:
        """Return the keyed hash of an address."""
        return mail_key_of(self._key, address)

    def read_part(self, part: LetterPart) -> bytes:
        """Return a file of the letter as it lies on disk now. Raises StorageError."""
        path = self.settings.data_dir / part.path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StorageError(error.strerror or str(error), where=str(path)) from error
        if not part.path.endswith(SEALED):
            return content
        return self.sealer.open(content, context=document_context(part.document_id))

    def unchanged(self, campaign: Campaign) -> Mapping[LetterPart, bytes]:
        """Return the letter's files. Raises Refused where one was edited."""
        found = {part: self.read_part(part) for part in campaign.parts}
        for part, content in found.items():
            if hashlib.sha256(content).hexdigest() != part.sha256:
                raise Refused(
                    f"{Path(part.path).name} was edited after the campaign was prepared",
                    hint="prepare a new campaign: it has to be approved again",
                )
        return found

    def texts(self, campaign: Campaign) -> dict[tuple[str, str], Text]:
        """Return the letters by variant and language. Raises Refused where one was edited."""
        return read_texts(self.unchanged(campaign))

    def present(self, campaign: Campaign) -> Bound:
        """Return what an approval must bind: hashes of the bytes and rows as they are now."""
        parts = [
            LetterPart(
                variant=part.variant,
                language=part.language,
                media_type=part.media_type,
                path=part.path,
                sha256=hashlib.sha256(self.read_part(part)).hexdigest(),
                document_id=part.document_id,
            )
            for part in campaign.parts
        ]
        return Bound(
            incident_id=campaign.incident_id,
            subject=Subject.LETTER,
            object_id=campaign.id,
            sha256=letter_version(parts),
            audience=audience_hash(
                campaign.affected_sha256, listed(self.ledger.letters(campaign.id))
            ),
        )


def read_texts(files: Mapping[LetterPart, bytes]) -> dict[tuple[str, str], Text]:
    """Return letters by variant and language from their files. Raises Refused."""
    by_place: dict[tuple[str, str], dict[str, bytes]] = {}
    for part, content in files.items():
        by_place.setdefault((part.variant, part.language), {})[part.media_type] = content
    texts = {}
    for place, kinds in by_place.items():
        if TEXT not in kinds or HTML not in kinds:
            raise Refused(f"the letter in {place[1]} needs a text and an HTML page")
        texts[place] = read_letter(place[1], kinds[TEXT], kinds[HTML])
    return texts


def listed(letters: Iterable[Dispatch]) -> Iterator[Listed]:
    """Yield the persons of an audience as they were frozen."""
    for one in letters:
        yield Listed(one.pseudonym, one.reach, one.language, one.variant)


@contextmanager
def open_house(settings: Settings, sealer: Sealer) -> Iterator[House]:
    """Open the stores of campaigns for a while."""
    house = House(settings, sealer)
    try:
        yield house
    finally:
        house.close()
