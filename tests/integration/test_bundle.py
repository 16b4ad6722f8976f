"""The evidence bundle: made from a real case, verified by a Python that knows no Sentinel."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.app.bundle import verify
from sentinel.app.bundle.pack import make_bundle
from sentinel.clock import ManualClock
from sentinel.config import Keys, Settings
from sentinel.domain.incident import Actor, Role
from sentinel.errors import ConfigError, Refused, StorageError
from sentinel.respond import evidence, workflow
from sentinel.respond.anchoring import anchor_now, write_anchor
from sentinel.respond.documents import Draft, file_drafts
from sentinel.respond.workflow.intake import Report
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.private_file import write_new
from sentinel.store.seal import AesGcmSealer
from sentinel.store.signing import AnchorSigner

NOW = datetime(2026, 3, 2, 12, 0, 7, 250_000, tzinfo=UTC)
DPO = Actor("acc-dpo", frozenset({Role.DPO}))
KEY = "5" * 64
WHY = "Copy for the criminal court"


class Bench:
    """A store with a case, and beside it the lines of another."""

    def __init__(self, root: Path, key: str | None = KEY) -> None:
        keys = {"master": "7" * 64} | ({"anchor": key} if key else {})
        self.settings = Settings.model_validate({"data_dir": root / "data", "keys": keys})
        self.root = root
        self.clock = ManualClock(NOW)
        self.sealer = AesGcmSealer(bytes(32))
        self.store = SqlCaseStore.open(":memory:", self.sealer, self.clock)
        self.other = self.case("Another case, nobody's business")
        self.early = self.anchor()
        self.id = self.case("Export de fichiers\t« clients » \\ 100 %")
        self.act(self.id)

    def case(self, title: str) -> str:
        report = Report(channel="phone", title=title, description="said", received_at=NOW)
        with self.store.begin() as tx:
            return workflow.intake(tx, DPO, report=report, now=self.clock.now()).id

    def anchor(self) -> Path:
        with self.store.begin() as tx:
            made = anchor_now(tx, self.clock.now(), AnchorSigner(KEY).sign)
        assert made is not None
        return write_anchor(self.root / "elsewhere", made)

    def act(self, case: str) -> None:
        root, now = self.settings.data_dir, NOW + timedelta(hours=1)
        self.clock.set(now)
        label = evidence.Label(
            name="access.log", media_type="text/plain", described="log", source="", acquired_at=NOW
        )
        draft = Draft(
            kind="letter", language="fr", media_type="text/plain", name="l.txt", content=b"Bonjour"
        )
        with self.store.begin() as tx:
            taken = evidence.take_in(root, self.sealer, b"line\n", label=label, actor=DPO, now=now)
            workflow.add_evidence(tx, DPO, case, evidence=taken, now=now)
            workflow.add_note(tx, DPO, self.other, text="of the other", occurred_at=now, now=now)
            incident = tx.incidents.get(case)
            file_drafts(tx, root=root, incident=incident, drafts=[draft], actor=DPO, now=now)

    def make(self, actor: Actor = DPO, purpose: str = WHY):
        with self.store.begin() as tx:
            return make_bundle(
                tx, self.settings, self.sealer,
                actor=actor, reference=self.id, purpose=purpose, now=self.clock.now(),
            )  # fmt: skip

    def unpacked(self) -> Path:
        folder = self.root / "unpacked"
        zipfile.ZipFile(BytesIO(self.make().content)).extractall(folder)
        return folder


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return Bench(tmp_path_factory.mktemp("bench")).make().content


@pytest.fixture
def folder(packed: bytes, tmp_path: Path) -> Path:
    zipfile.ZipFile(BytesIO(packed)).extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the bundle's own verifier, isolated from everything installed."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py"), *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_it_verifies_without_sentinel(bench: Bench) -> None:
    folder = bench.unpacked()
    key = bench.root / "key.pem"
    key.write_text(AnchorSigner(KEY).public_pem())
    done = alone(folder, "--public-key", str(key), "--anchor", str(bench.early))
    assert (done.returncode, done.stdout) == (0, "the bundle holds\n")
    assert "compare it" in alone(folder).stdout
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"README.fr.md", "README.en.md", "case.json", "custody.json", "verify.py"} <= names


def test_it_says_nothing_of_other_cases(folder: Path) -> None:
    assert len((folder / "journal/chain.ndjson").read_bytes().splitlines()) > 3
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert b"nobody's business" not in text
            assert b"of the other" not in text
    seen = {line["seq"] for line in rows(folder / "journal/payloads.ndjson")}
    with_payload = {
        line["seq"] for line in rows(folder / "journal/chain.ndjson") if "payload" in line
    }
    assert seen == with_payload
    assert 1 not in seen


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def edit_line(number: int, **changes: object) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        path = folder / "journal/chain.ndjson"
        lines = rows(path)
        lines[number].update(changes)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    return act


def drop_line(number: int) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        path = folder / "journal/chain.ndjson"
        lines = path.read_bytes().splitlines(keepends=True)
        del lines[number]
        path.write_bytes(b"".join(lines))

    return act


def edit_json(name: str, change: Callable[[object], None]) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        path = next(folder.glob(name))
        value = json.loads(path.read_bytes())
        change(value)
        path.write_text(json.dumps(value))

    return act


def forged_key(folder: Path) -> None:
    (folder / "public-key.pem").write_text(AnchorSigner("6" * 64).public_pem())


def touch(name: str) -> Callable[[Path], None]:
    return lambda folder: append(next(folder.glob(name)))


TAMPERINGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "document": (touch("documents/*"), "documents/"),
    "evidence": (touch("evidence/*"), "evidence/"),
    "readme": (touch("README.fr.md"), "README.fr.md: altered"),
    "verifier": (touch("verify.py"), "verify.py: altered"),
    "case": (edit_json("case.json", lambda v: v.update(title="x")), "case.json: altered"),
    "clocks": (touch("clocks.json"), "clocks.json: altered"),
    "timeline": (touch("timeline.json"), "timeline.json: altered"),
    "custody": (
        edit_json("custody.json", lambda v: v[0]["custody"][0].update(by="nobody")),
        "custody.json: altered",
    ),
    "documents list": (touch("documents.json"), "documents.json: altered"),
    "anchor": (
        edit_json("anchors/*", lambda v: v.update(last_seq=v["last_seq"] + 1)),
        "not signed by this public key",
    ),
    "journal actor": (edit_line(1, actor="somebody"), "line 3: altered"),
    "journal payload": (edit_line(0, payload="AAAA"), "its payload was altered"),
    "journal line gone": (drop_line(1), "lines removed, inserted or moved"),
    "journal tail cut": (drop_line(-1), "no anchor covers"),
    "journal head cut": (drop_line(0), "its beginning was cut"),
    "clear text": (touch("journal/payloads.ndjson"), "journal/payloads.ndjson: altered"),
    "manifest": (edit_json("manifest.json", lambda v: v.update(purpose="x")), "manifest.json: not"),
    "signature": (
        lambda folder: (folder / "manifest.sig").write_text("00" * 64),
        "manifest.json: not signed",
    ),
    "key": (forged_key, "manifest.json: not signed"),
    "removed": (lambda folder: (folder / "case.json").unlink(), "case.json: missing"),
    "added": (
        lambda folder: (folder / "more.txt").write_text("x"),
        "more.txt: not in the manifest",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_was_tampered_with_is_named(folder: Path, name: str) -> None:
    act, says = TAMPERINGS[name]
    act(folder)
    found = verify.check(folder)
    assert any(says in one for one in found), found


@pytest.mark.parametrize("name", ["document", "journal actor", "custody", "journal tail cut"])
def test_a_forger_who_makes_the_manifest_anew_needs_the_key(folder: Path, name: str) -> None:
    TAMPERINGS[name][0](folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for entry in manifest["files"]:
        content = (folder / entry["path"]).read_bytes()
        entry |= {"sha256": verify.hashlib.sha256(content).hexdigest(), "size": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert any("manifest.json: not signed" in one for one in verify.check(folder))


def test_a_forger_with_a_key_of_his_own_falls_over_the_key_kept_elsewhere(tmp_path: Path) -> None:
    forged = Bench(tmp_path / "forged", key="6" * 64).unpacked()
    key = tmp_path / "key.pem"
    key.write_text(AnchorSigner(KEY).public_pem())
    assert verify.check(forged) != []  # its first anchor is of the true key
    done = alone(forged, "--public-key", str(key))
    assert done.returncode == 1
    assert "not the key that you gave" in done.stdout


def test_a_chain_made_anew_does_not_reach_an_anchor_kept_elsewhere(tmp_path: Path) -> None:
    true, other = Bench(tmp_path / "true"), Bench(tmp_path / "other")
    assert verify.check(true.unpacked(), None, (true.early,)) == []
    found = verify.check(other.unpacked(), None, (true.early,))
    assert any("does not start from it" in one for one in found)


def test_a_damaged_store_is_told_and_does_not_stop_the_bundle(bench: Bench) -> None:
    for path in (bench.settings.data_dir / "documents").rglob("*.txt"):
        path.write_text("changed")
    made = bench.make()
    assert made.wrong
    assert "not the one that was recorded" in made.wrong[0]


def test_it_takes_a_role_a_purpose_and_a_key(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="role"):
        bench.make(actor=Actor("a", frozenset({Role.ANALYST})))
    with pytest.raises(Refused, match="for whom"):
        bench.make(purpose=" ")
    bench.settings = bench.settings.model_copy(update={"keys": Keys()})
    with pytest.raises(ConfigError, match=r"keys\.anchor"):
        bench.make()
    write_new(tmp_path / "b.zip", b"x")
    with pytest.raises(StorageError):
        write_new(tmp_path / "b.zip", b"y")


def test_each_export_is_a_line_of_custody(folder: Path) -> None:
    custody = json.loads((folder / "custody.json").read_bytes())[0]["custody"]
    assert [line["act"] for line in custody] == ["intake", "export"]


RFC_8032 = [  # section 7.1, tests 1 to 3: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
        "46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
        "d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
        "6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032(public: str, message: str, signature: str) -> None:
    key, text, signed = (bytes.fromhex(one) for one in (public, message, signature))
    assert verify.ed25519(key, text, signed)
    assert not verify.ed25519(key, text + b"x", signed)
    assert not verify.ed25519(key, text, signed[:-1] + bytes([signed[-1] ^ 1]))


@settings(max_examples=25)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_it_agrees_with_cryptography(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = private.sign(message)
    assert verify.ed25519(public, message, signature)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << (bit % 8)
    assert not verify.ed25519(public, message, bytes(flipped))


def test_a_signature_with_a_scalar_beyond_the_order_is_refused() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = private.sign(b"x")
    scalar = int.from_bytes(signature[32:], "little") + verify.Q
    assert not verify.ed25519(public, b"x", signature[:32] + scalar.to_bytes(32, "little"))
