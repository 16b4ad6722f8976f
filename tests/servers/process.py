"""A server of the tests: an own folder, an unprivileged user, gone when the tests are gone.

Kept apart from pytest, so that each server also runs by hand.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

HOUSE = Path(
    os.environ.get("TEST_SERVERS_DIR")
    or ("/opt/sentinel-tests" if os.geteuid() == 0 else Path.home() / ".cache/sentinel-tests")
)
"""Where fetched servers lie, readable by everybody."""

_LIBC = ctypes.CDLL(None)
_DIE_WITH_PARENT = 1  # prctl(2), PR_SET_PDEATHSIG


class ServerAbsent(Exception):
    """The server is not installed here. The message is the command that brings it."""


class ServerFailed(Exception):
    """The server did not start."""


def unprivileged(wanted: str) -> pwd.struct_passwd | None:
    """Return the user under which a server runs; None where we are no super-user ourselves."""
    if os.geteuid() != 0:
        return None
    for name in (wanted, "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerAbsent(f"neither the user {wanted} nor nobody exists here")


def own_folder(prefix: str, user: pwd.struct_passwd | None, *, durable: bool) -> Path:
    """Return a fresh temporary folder that ``user`` owns; in memory where it need not last."""
    memory = Path("/dev/shm")
    place = memory if not durable and memory.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix=f"sentinel-{prefix}-", dir=place))
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """One running server, in a process group of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        user: pwd.struct_passwd | None,
        env: Mapping[str, str],
    ) -> None:
        """Start ``command`` in ``folder``; it writes to ``folder/console.log``."""
        self.log = folder / "console.log"
        with self.log.open("ab") as console:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={"PATH": os.environ["PATH"], "HOME": str(folder), **env},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, nothing else
            )

    @property
    def pid(self) -> int:
        """The process, which leads its group."""
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Return once ``ready``. Raises ServerFailed with the end of the log."""
        end = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None:
                raise ServerFailed(f"it ended at once:\n{self._tail()}")
            if time.monotonic() > end:
                self.kill()
                raise ServerFailed(f"not ready after {seconds:.0f} s:\n{self._tail()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill the whole group, as ``kill -9`` does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and insist after a while."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            while True:  # a launcher goes before the server that it launched
                os.killpg(self._process.pid, signal.SIGKILL)
                time.sleep(0.05)

    def _tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


def remove(folder: Path) -> None:
    """Remove the folder of a server that has ended."""
    shutil.rmtree(folder, ignore_errors=True)


def _die_with_parent() -> None:
    _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
