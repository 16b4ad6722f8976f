"""Sealing: only the same key, in the same place, with every byte, opens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from sentinel.config import Keys, load
from sentinel.errors import ConfigError, StorageError
from sentinel.store.seal import AesGcmSealer, generate_master_key, load_master_key, unwrap, wrap


@pytest.fixture
def sealer() -> AesGcmSealer:
    return AesGcmSealer(os.urandom(32))


def test_opens_what_it_sealed(sealer: AesGcmSealer) -> None:
    for plain in (b"", b"x", os.urandom(100_000)):
        assert sealer.open(sealer.seal(plain, context="journal"), context="journal") == plain


def test_the_plaintext_does_not_show_and_no_two_seals_are_alike(sealer: AesGcmSealer) -> None:
    plain = b"camille.durand@example.org"
    first, second = (sealer.seal(plain, context="journal") for _ in range(2))
    assert plain not in first
    assert first != second


def test_survives_the_process(sealer: AesGcmSealer) -> None:
    key = os.urandom(32)
    sealed = AesGcmSealer(key).seal(b"payload", context="journal")
    assert AesGcmSealer(key).open(sealed, context="journal") == b"payload"


def test_another_context_does_not_open(sealer: AesGcmSealer) -> None:
    sealed = sealer.seal(b"payload", context="event:1")
    with pytest.raises(StorageError, match="belongs elsewhere") as caught:
        sealer.open(sealed, context="event:2")
    assert caught.value.where == "event:2"
    assert caught.value.hint


def test_another_key_is_named_by_its_id(sealer: AesGcmSealer) -> None:
    sealed = AesGcmSealer(os.urandom(32)).seal(b"payload", context="journal")
    with pytest.raises(StorageError, match="sealed under key") as caught:
        sealer.open(sealed, context="journal")
    assert "master_file" in caught.value.hint


def test_every_flipped_bit_and_every_cut_is_noticed(sealer: AesGcmSealer) -> None:
    sealed = sealer.seal(b"payload", context="journal")
    for index in range(len(sealed)):
        for bit in range(8):
            altered = bytearray(sealed)
            altered[index] ^= 1 << bit
            with pytest.raises(StorageError):
                sealer.open(bytes(altered), context="journal")
        with pytest.raises(StorageError):
            sealer.open(sealed[:index], context="journal")
    with pytest.raises(StorageError):
        sealer.open(sealed + b"\0", context="journal")


def test_more_contexts_than_the_cache_holds(sealer: AesGcmSealer) -> None:
    sealed = [sealer.seal(str(n).encode(), context=f"event:{n}") for n in range(1500)]
    for n in (0, 700, 1499):
        assert sealer.open(sealed[n], context=f"event:{n}") == str(n).encode()


def test_a_wrapped_key_opens_for_its_purpose_only(sealer: AesGcmSealer) -> None:
    key = os.urandom(32)
    wrapped = wrap(sealer, key, purpose="spool:1")
    assert key not in wrapped
    assert unwrap(sealer, wrapped, purpose="spool:1") == key
    with pytest.raises(StorageError):
        unwrap(sealer, wrapped, purpose="spool:2")


def test_a_data_key_is_not_what_a_value_of_that_name_is_sealed_with(sealer: AesGcmSealer) -> None:
    wrapped = wrap(sealer, os.urandom(32), purpose="spool:1")
    with pytest.raises(StorageError):
        sealer.open(wrapped, context="spool:1")


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_master_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ConfigError, match=f"{length} bytes"):
        AesGcmSealer(bytes(length))


def test_a_generated_key_is_accepted_as_a_setting_and_is_fresh() -> None:
    text = generate_master_key()
    assert len(load_master_key(Keys(master=SecretStr(text)))) == 32
    assert generate_master_key() != text


def test_the_key_is_read_from_its_file(tmp_path: Path) -> None:
    text = generate_master_key()
    (tmp_path / "master.key").write_text(text + "\n")
    (tmp_path / "sentinel.toml").write_text('[keys]\nmaster_file = "master.key"\n')
    settings = load(tmp_path / "sentinel.toml", {})
    assert load_master_key(settings.keys) == bytes.fromhex(text)


def test_no_key_is_an_error_that_says_how_to_make_one() -> None:
    with pytest.raises(ConfigError) as caught:
        load_master_key(Keys())
    assert "sentinel init" in caught.value.hint
