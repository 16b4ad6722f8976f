"""A real Elasticsearch for the tests: the distribution of its own integration tests.

    python tests/servers/elastic_server.py fetch    brings it, by Maven
    python tests/servers/elastic_server.py          runs one until Ctrl-C
    python tests/servers/elastic_server.py secure   the same with passwords and TLS

The distribution holds the server with the modules apm, transport-netty4, x-pack-core and
x-pack-security. So bulk, search, PIT, aggregations, index templates, passwords (file realm), roles
and TLS are real; rest-root (``GET /``), reindex (with it delete-by-query), painless and
analysis-common are not there.
API keys are kept in an index whose analyser is in analysis-common: see ``analysis_plugin``.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from process import HOUSE, ServerAbsent, ServerProcess, free_port, own_folder, remove, unprivileged
from server_certificates import write_certificates

VERSION = "9.2.0"
GROUP, NAME = "org.elasticsearch.distribution.integ-test-zip", "elasticsearch"
INSTALL = "python tests/servers/elastic_server.py fetch"
JDK_FROM = 21
USER, PASSWORD = "sentinel", "only-for-tests-on-loopback"
ADMIN = "admin"
ROLE = Path(__file__).parents[2] / "deploy/elasticsearch/role.json"
"""What `USER` may do: the role that the documentation tells an operator to make."""
_HASH = "$2a$10$aiS5sA5imKSsXtTkP1wGIOXMw.VIOzCYVp9iIp9om2QfViMbTENi2"
_HEAP = "-Xms512m -Xmx512m -XX:TieredStopAtLevel=1"


def home() -> Path:
    """Return the unpacked distribution. Raises ServerAbsent."""
    path = HOUSE / f"elasticsearch-{VERSION}"
    if not (path / "bin/elasticsearch").exists():
        raise ServerAbsent(INSTALL)
    return path


def fetch() -> Path:
    """Bring the distribution, if need be, and return where it lies."""
    path = HOUSE / f"elasticsearch-{VERSION}"
    if (path / "bin/elasticsearch").exists():
        return path
    archive = _archive()
    HOUSE.mkdir(parents=True, exist_ok=True, mode=0o755)
    unpacked = HOUSE / "unpacking"
    shutil.rmtree(unpacked, ignore_errors=True)
    with zipfile.ZipFile(archive) as content:
        for item in content.infolist():
            target = Path(content.extract(item, unpacked))
            if not item.is_dir():
                target.chmod(item.external_attr >> 16 & 0o777 or 0o644)
    shutil.rmtree(path, ignore_errors=True)
    (unpacked / path.name).rename(path)
    subprocess.run(["chmod", "-R", "a+rX", str(HOUSE)], check=True)
    unpacked.rmdir()
    return path


def _archive() -> Path:
    """Return the archive, by Maven or from the repository at ``MAVEN_REPOSITORY_URL``."""
    file = f"{NAME}-{VERSION}.zip"
    place = f"{GROUP.replace('.', '/')}/{NAME}/{VERSION}/{file}"
    if shutil.which("mvn"):
        artifact = f"{GROUP}:{NAME}:{VERSION}:zip"
        subprocess.run(
            ["mvn", "-q", "-B", "dependency:get", "-Dtransitive=false", f"-Dartifact={artifact}"],
            check=True,
        )
        return Path.home() / ".m2/repository" / place
    repository = os.environ.get("MAVEN_REPOSITORY_URL", "")
    if not repository:
        raise SystemExit("install Maven, or name a Maven repository in MAVEN_REPOSITORY_URL")
    HOUSE.mkdir(parents=True, exist_ok=True, mode=0o755)
    target = HOUSE / file
    with urllib.request.urlopen(f"{repository.rstrip('/')}/{place}") as body:
        target.write_bytes(body.read())
    return target


def jdk() -> Path:
    """Return the home of a JDK that is new enough. Raises ServerAbsent."""
    named = [Path(os.environ[name]) for name in ("ES_JAVA_HOME", "JAVA_HOME") if name in os.environ]
    on_path = shutil.which("java")
    if on_path:
        named.append(Path(on_path).resolve().parents[1])
    for path in [*named, *sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)]:
        if (path / "bin/java").exists() and _java_version(path) >= JDK_FROM:
            return path
    raise ServerAbsent(f"a JDK from {JDK_FROM} on, named by ES_JAVA_HOME or in /usr/lib/jvm")


def _java_version(path: Path) -> int:
    release = path / "release"
    text = release.read_text() if release.exists() else ""
    found = re.search(r'^JAVA_VERSION="(\d+)', text, re.MULTILINE)
    return int(found[1]) if found else 0


class ElasticServer:
    """One node on loopback. ``secure``: passwords and TLS."""

    def __init__(self, *, secure: bool = False, durable: bool = False) -> None:
        """Start a node with an empty data folder and wait until it is green.

        ``durable``: its folder is on a disk, as in production.
        """
        self._home, self._jdk = home(), jdk()
        self._user = unprivileged("elasticsearch")
        self.secure = secure
        self.port = free_port()
        self.folder = own_folder("elastic", self._user, durable=durable)
        self.url = f"{'https' if secure else 'http'}://127.0.0.1:{self.port}"
        self.ca = self.folder / "config/ca.pem" if secure else None
        self._configure()
        self.start()
        self.facts = self._facts()

    def start(self) -> None:
        """Start the node, again after `kill`, with what its folder holds."""
        env = {
            "ES_JAVA_HOME": str(self._jdk),
            "ES_PATH_CONF": str(self.folder / "config"),
            "ES_TMPDIR": str(self.folder / "tmp"),
            "CLI_JAVA_OPTS": "-XX:TieredStopAtLevel=1",
            "ES_JAVA_OPTS": os.environ.get("TEST_ELASTIC_JAVA_OPTS", _HEAP),
        }
        command = [str(self._home / "bin/elasticsearch")]
        self._server = ServerProcess(command, folder=self.folder, user=self._user, env=env)
        self._server.wait_until(self._is_green, seconds=180)

    def kill(self) -> None:
        """Kill it, as ``kill -9`` does."""
        self._server.kill()

    def close(self) -> None:
        """End it and remove everything."""
        self._server.kill()
        remove(self.folder)

    def ask(
        self, path: str, *, method: str = "GET", body: object = None, timeout: float = 30
    ) -> object:
        """Return the answer to a plain request, for looks from outside. Raises OSError."""
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        request.add_header("Content-Type", "application/json")
        if self.secure:
            token = base64.b64encode(f"{ADMIN}:{PASSWORD}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        data = None if body is None else json.dumps(body).encode()
        trust = ssl.create_default_context(cafile=str(self.ca)) if self.secure else None
        with urllib.request.urlopen(request, data, timeout=timeout, context=trust) as reply:
            return json.loads(reply.read())

    def forget(self, prefix: str) -> None:
        """Remove the indices and the template of a prefix."""
        names = self.ask(f"/{prefix}-*/_settings")
        assert isinstance(names, dict)
        if names:
            self.ask(f"/{','.join(names)}", method="DELETE")
        with contextlib.suppress(OSError):
            self.ask(f"/_index_template/{prefix}-events", method="DELETE")

    def _is_green(self) -> bool:
        try:
            health = self.ask("/_cluster/health?wait_for_status=green&timeout=1s")
        except (OSError, urllib.error.HTTPError):
            return False
        return isinstance(health, dict) and health["status"] == "green"

    def _facts(self) -> str:
        """Return which version and modules really run."""
        nodes = self.ask("/_nodes/plugins,jvm")
        assert isinstance(nodes, dict)
        (node,) = nodes["nodes"].values()
        modules = ", ".join(sorted(module["name"] for module in node["modules"]))
        plugins = ", ".join(sorted(plugin["name"] for plugin in node["plugins"]))
        security = "on (passwords, TLS)" if self.secure else "off"
        return (
            f"Elasticsearch {node['version']} on Java {node['jvm']['version']}; "
            f"modules: {modules}; plugins: {plugins or 'none'}; security {security}"
        )

    def _configure(self) -> None:
        config = self.folder / "config"
        shutil.copytree(self._home / "config", config)
        (self.folder / "tmp").mkdir()
        settings: Mapping[str, object] = {
            "cluster.name": "sentinel-tests",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": "0",
            "path.data": str(self.folder / "data"),
            "path.logs": str(self.folder / "logs"),
            "cluster.routing.allocation.disk.threshold_enabled": False,
            "xpack.security.enabled": self.secure,
            "xpack.security.enrollment.enabled": False,
        }
        if self.secure:
            write_certificates(config)
            settings = {
                **settings,
                "xpack.security.http.ssl.enabled": True,
                "xpack.security.http.ssl.key": "server.key",
                "xpack.security.http.ssl.certificate": "server.pem",
                "xpack.security.authc.api_key.enabled": True,
            }
            (config / "users").write_text(f"{USER}:{_HASH}\n{ADMIN}:{_HASH}\n")
            (config / "users_roles").write_text(f"sentinel:{USER}\nsuperuser:{ADMIN}\n")
            role = ROLE.read_text().replace('"sentinel-', '"*-')
            (config / "roles.yml").write_text(f"sentinel: {json.dumps(json.loads(role))}\n")
        lines = [f"{name}: {json.dumps(value)}" for name, value in settings.items()]
        (config / "elasticsearch.yml").write_text("\n".join(lines) + "\n")
        if self._user is not None:
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, self._user.pw_uid, self._user.pw_gid)


class AttachedServer(ElasticServer):
    """An open node that somebody else started, by its address."""

    def __init__(self, url: str) -> None:
        self.url, self.secure, self.ca = url, False, None


def main() -> None:
    """Do what the command line asks."""
    if sys.argv[1:] == ["fetch"]:
        print(fetch())
        return
    try:
        server = ElasticServer(secure=sys.argv[1:] == ["secure"], durable=True)
    except ServerAbsent as absent:
        raise SystemExit(f"no Elasticsearch here; this brings it: {absent}") from absent
    print(f"{server.facts}\n{server.url}", flush=True)
    if server.secure:
        print(f"users {USER} and {ADMIN}, password {PASSWORD}, authority {server.ca}", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        server.close()


if __name__ == "__main__":
    main()
