"""The master key, which lives elsewhere: in a file, in the environment, or in a KMS.

A KMS is a plug-in: an entry point of the group ``sentinel.master_keys`` whose object, called with
the setting ``keys.kms_key``, returns a `MasterKey`. Only wrapping leaves the KMS, never the key.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Final, Protocol, cast

from sentinel.config import Keys
from sentinel.errors import ConfigError
from sentinel.store.seal import AesGcmSealer, key_id, load_master_key

GROUP: Final = "sentinel.master_keys"


class MasterKey(Protocol):
    """What wraps the root keys. Both methods may go over a network, and are called seldom."""

    @property
    def id(self) -> str:
        """What names the key and tells nothing of it; another key has another one."""
        ...

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        """Seal 32 bytes; ``purpose`` is authenticated. Raises StorageError."""
        ...

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        """Return what `wrap` sealed for the same purpose. Raises StorageError."""
        ...


class LocalMasterKey:
    """A master key that is given whole: AES-256-GCM under a key derived for the purpose."""

    def __init__(self, key: bytes) -> None:
        self._sealer = AesGcmSealer(key)
        self.id = f"local:{key_id(key).hex()}"
        self.key = key

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        """Seal 32 bytes."""
        return self._sealer.seal(key, context=f"root-key:{purpose}")

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        """Return what `wrap` sealed. Raises StorageError."""
        return self._sealer.open(wrapped, context=f"root-key:{purpose}")


def open_master_key(keys: Keys) -> MasterKey:
    """Return the master key of the settings. Raises ConfigError where there is none."""
    if not keys.kms:
        return LocalMasterKey(load_master_key(keys))
    found = entry_points(group=GROUP, name=keys.kms)
    if not found:
        known = ", ".join(sorted({one.name for one in entry_points(group=GROUP)})) or "none"
        raise ConfigError(
            f"no plug-in for master keys is called {keys.kms!r}",
            where="keys.kms",
            hint=f"installed: {known}",
        )
    make = cast(Callable[[str], MasterKey], next(iter(found)).load())
    return make(keys.kms_key)
