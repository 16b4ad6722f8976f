"""A real PostgreSQL for the tests: Debian's, in a cluster of its own, on a Unix socket.

By hand: ``python tests/servers/postgres_server.py`` prints the address and runs until Ctrl-C.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from process import ServerAbsent, ServerProcess, own_folder, remove, unprivileged

INSTALL = "apt-get install -y --no-install-recommends postgresql"
HOMES = "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin"
USER = "sentinel"


def binaries() -> Path:
    """Return the folder of the newest ``initdb``. Raises ServerAbsent."""
    found = [path for home in HOMES for path in Path("/").glob(f"{home[1:]}/initdb")]
    on_path = shutil.which("initdb")
    if not found and on_path:
        found = [Path(on_path).resolve()]
    if not found:
        raise ServerAbsent(INSTALL)
    return max(found, key=_version).parent


def _version(initdb: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in initdb.parts[-3].removeprefix("pgsql-").split(".") if part)


class PostgresServer:
    """One cluster in a temporary folder. Who reaches its socket may sign in."""

    def __init__(self, *, durable: bool = False) -> None:
        """Make the cluster and start it. ``durable``: wait for the disk, as in production."""
        self._bin = binaries()
        self._user = unprivileged("postgres")
        self.folder = own_folder("postgres", self._user, durable=durable)
        self._durable = durable
        self._as_user("initdb", "-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "-N")
        self.version = self._as_user("postgres", "--version").strip()
        self.start()

    def start(self) -> None:
        """Start the cluster, again after `kill`."""
        (self.folder / "data/postmaster.pid").unlink(missing_ok=True)
        fsync = "on" if self._durable else "off"
        options = ["listen_addresses=", f"unix_socket_directories={self.folder}", f"fsync={fsync}"]
        command = [str(self._bin / "postgres"), "-D", "data"]
        for option in [*options, "max_connections=200"]:
            command += ["-c", option]
        self._server = ServerProcess(command, folder=self.folder, user=self._user, env={})
        self._server.wait_until(self._is_ready, seconds=60)

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database, as SQLAlchemy writes it."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def create(self, database: str) -> str:
        """Make an empty database and return its address."""
        self._as_user("createdb", "-h", str(self.folder), "-U", USER, database)
        return self.url(database)

    def kill(self) -> None:
        """End it as a power loss would, all its processes at once."""
        self._server.kill()

    def close(self) -> None:
        """End it and remove everything."""
        self._server.kill()
        remove(self.folder)

    def _is_ready(self) -> bool:
        command = [self._bin / "pg_isready", "-q", "-h", self.folder, "-U", USER, "-d", "postgres"]
        return subprocess.run(command, check=False).returncode == 0

    def _as_user(self, name: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(self._bin / name), *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
        )
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr}")
        return done.stdout


def main() -> None:
    """Run one until Ctrl-C."""
    try:
        server = PostgresServer(durable=True)
    except ServerAbsent as absent:
        raise SystemExit(f"no PostgreSQL here; this brings it: {absent}") from absent
    print(f"{server.version}\n{server.url()}", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        server.close()


if __name__ == "__main__":
    main()
