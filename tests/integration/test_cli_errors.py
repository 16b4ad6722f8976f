"""Wrong input on the command line: one clear line, the right exit code, never a traceback.

The tables run the command's entry point in this process; what concerns processes (signals, pipes,
permissions, two services at once) runs the installed command.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sentinel.cli.main import main
from sentinel.content import content_dir

SENTINEL = [str(Path(sys.executable).with_name("sentinel"))]
ACCESS = '192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
UNPRIVILEGED = 65534  # nobody


def sentinel(
    *arguments: str, cwd: Path, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("SENTINEL_")}
    ran = subprocess.run(
        [*SENTINEL, *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env=clean | (env or {}),
        timeout=120,
        check=False,
    )
    return subprocess.CompletedProcess(
        ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode()
    )


def the_error(ran: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that starts with ``error:``; it must be the last."""
    assert "Traceback" not in ran.stderr + ran.stdout
    lines = ran.stderr.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, ran.stderr
    assert lines[-1] == errors[0]
    return errors[0]


Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Return what runs the command's entry point here, in the folder ``cwd``."""

    def run(
        *arguments: str, cwd: Path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["sentinel", *arguments])
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return subprocess.CompletedProcess(arguments, ended.value.code, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `sentinel init` made, with some log files beside."""
    folder = tmp_path_factory.mktemp("made")
    ran = sentinel("init", "--organisation", 'Exemple "SAS" \\ é', cwd=folder)
    assert ran.returncode == 0, ran.stderr
    (folder / "access.log").write_text(ACCESS)
    (folder / "empty.log").touch()
    (folder / "binary.log").write_bytes(bytes(range(256)) * 20)
    (folder / "facts.csv").write_text("kind,colour\nticket,blue\n")
    (folder / "short.csv").write_text("kind,id\nticket\n")
    return folder


@dataclass
class Case:
    """A command line that is wrong, and what is said of it."""

    arguments: str
    code: int
    says: str
    env: dict[str, str] = field(default_factory=dict)


WRONG = [
    Case("nosuch", 2, "no such command 'nosuch'"),
    Case("scan --nosuch", 2, "no such option: --nosuch (see sentinel scan --help)"),
    Case("scan --output bogus access.log", 2, "'jsonl', 'table'"),
    Case("scan --format bogus access.log", 2, "formats: auto, "),
    Case("scan --profile bogus access.log", 2, "profiles: "),
    Case("scan nosuch.log", 4, "nosuch.log: "),
    Case("scan access.log nosuch.log", 4, "nosuch.log: "),
    Case("scan binary.log", 4, "none of "),
    Case("scan --rules nosuch access.log", 4, "nosuch: "),
    Case("scan --facts nosuch access.log", 4, "nosuch: "),
    Case("scan --facts facts.csv access.log", 3, "facts.csv:2: "),
    Case("scan --facts short.csv access.log", 3, "short.csv:2: "),
    Case("parse nosuch.log", 4, "nosuch.log: "),
    Case("parse --format bogus access.log", 2, "formats: auto"),
    Case("check nosuch", 4, "nosuch: "),
    Case("init", 2, "there is a settings file already"),
    Case("init access.log/x", 4, "Not a directory"),
    Case("init other --account a/b", 2, "cannot be a sign-in name"),
    Case("account add bob", 2, "missing option '--role'. Choose from: analyst"),
    Case("account add bob --role king", 2, "'king' is not one of 'analyst'"),
    Case("account add dpo --role dpo", 2, "an account called dpo already"),
    Case("account add -- -x", 2, ""),
    Case("account disable nobody", 2, "no account is called nobody"),
    Case("alert show nosuch", 2, "alert nosuch"),
    Case("alert list --state bogus", 2, "'open', 'acknowledged'"),
    Case("alert list --limit 0", 2, "greater than or equal to 1"),
    Case("incident show nosuch", 2, "incident nosuch"),
    Case("behaviour train nosuch.log", 4, "nosuch.log: "),
    Case("behaviour train empty.log", 3, "0 sessions"),
    Case("-c nosuch.toml doctor", 4, "`sentinel init` writes a first one"),
    Case("-c . doctor", 4, "Is a directory"),
    Case("scan access.log", 3, "SENTINEL_NOSUCH: ", {"SENTINEL_NOSUCH": "1"}),
    Case("scan access.log", 3, "SENTINEL_SMTP__PORT: ", {"SENTINEL_SMTP__PORT": "x"}),
    Case("scan access.log", 4, "nosuch.toml: ", {"SENTINEL_CONFIG": "nosuch.toml"}),
    Case("run", 3, "tls_certificate", {"SENTINEL_CONSOLE__HOST": "0.0.0.0"}),
    Case("demo --port 99999", 2, "--port"),
    Case("demo --seed x", 2, "--seed"),
    Case("demo --directory access.log", 4, "access.log"),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.arguments)
def test_wrong_input_gets_one_line_and_its_exit_code(made: Path, call: Call, case: Case) -> None:
    ran = call(*case.arguments.split(), cwd=made, env=case.env)
    assert case.says in the_error(ran)
    assert ran.returncode == case.code


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    """Change a text file in place; the change must change something."""
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


@pytest.fixture
def own(tmp_path: Path, made: Path) -> Path:
    """A copy of the folder with content of its own, which a case may break."""
    folder = tmp_path / "own"
    shutil.copytree(made, folder)
    for name in ("rules", "notifiers", "runbooks"):
        shutil.copytree(content_dir(name), folder / name)
    rewrite(
        folder / "sentinel.toml",
        lambda text: (
            'notifiers_dir = "notifiers"\nrunbooks_dir = "runbooks"\n'
            + text.replace("port = 8440", "port = 0").replace("port = 8441", "port = 0")
            + '\n[detect]\nrules_dir = "rules"\n'
        ),
    )
    return folder


BROKEN = [
    ("sentinel.toml", "x = = 1\n", "scan access.log", "sentinel.toml:1:5: "),
    ("rules/access/broken.yml", "title: [\n", "scan access.log", "broken.yml:"),
    ("rules/access/broken.yml", "title: x\nlevel: huge\n", "run", "broken.yml"),
    ("rules/scopes/staff.yml", "nosuch: 1\n", "scan access.log", "staff.yml:1:1: "),
    ("rules/scopes/staff.yml", "roles: {\n", "run", "staff.yml:"),
    ("rules/scopes/staff.yml", "", "scan access.log", "entries are expected"),
    ("rules/sources/crm-audit.yml", "- 1\n", "scan access.log", "crm-audit.yml:1:1: "),
    ("notifiers/channels/email.yml", "id: email\ntype: pigeon\n", "run", "email.yml:"),
    ("notifiers/routes.yml", "a: \x00\n", "run", "routes.yml: "),
]


@pytest.mark.parametrize(("name", "text", "command", "says"), BROKEN)
def test_broken_content_is_named_with_its_place(
    own: Path, call: Call, name: str, text: str, command: str, says: str
) -> None:
    (own / name).write_text(text, encoding="utf-8")
    ran = call(*command.split(), cwd=own)
    assert says in the_error(ran)
    assert ran.returncode == 3


def test_a_port_that_is_taken_is_named(own: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = sentinel("run", cwd=own, env={"SENTINEL_CONSOLE__PORT": str(port)})
    assert f"127.0.0.1:{port}: " in the_error(ran)
    assert ran.returncode == 4


def test_a_second_service_on_the_same_data_is_refused(own: Path) -> None:
    first = subprocess.Popen(
        [*SENTINEL, "run"], cwd=own, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        assert first.stderr is not None
        assert any(line.startswith("console ") for line in first.stderr)
        second = sentinel("run", cwd=own)
        assert "another" in the_error(second)
        assert second.returncode == 4
        reading = sentinel("alert", "list", cwd=own)
        assert (reading.returncode, reading.stderr) == (0, "")
        first.send_signal(signal.SIGINT)
        rest = first.stderr.read()
        assert "Traceback" not in rest
        assert first.wait(timeout=60) == 0
    finally:
        first.kill()
        first.communicate()


def test_a_file_without_permission_is_named_and_the_others_are_read() -> None:
    # Not in tmp_path, whose parents are closed to others.
    with tempfile.TemporaryDirectory(prefix="sentinel-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "a.log").write_text(ACCESS)
        (folder / "b.log").write_text(ACCESS)
        (folder / "a.log").chmod(0)
        ran = as_nobody("parse", f"{folder}/a.log", f"{folder}/b.log", near=folder)
        assert "a.log: A file cannot be read: Permission denied" in the_error(ran)
        assert ran.returncode == 4
        assert len(ran.stdout.splitlines()) == 1


def as_nobody(*arguments: str, near: Path) -> subprocess.CompletedProcess[str]:
    """Run the command without the right to read everything, which root has."""
    if os.geteuid() != 0:
        return sentinel(*arguments, cwd=near)
    code = (
        "import os, sys; from sentinel.cli.main import main; import sentinel.detect.engine; "
        f"os.setgroups([]); os.setgid({UNPRIVILEGED}); os.setuid({UNPRIVILEGED}); main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=near,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_reader_that_leaves_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text(ACCESS * 5000)
    process = subprocess.Popen(
        [*SENTINEL, "parse", "access.log"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("{")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 4
    process.stderr.close()


def test_standard_input_plain_and_gzip_are_the_same(tmp_path: Path) -> None:
    plain = sentinel("parse", cwd=tmp_path, stdin=ACCESS.encode())
    packed = sentinel("parse", "-", cwd=tmp_path, stdin=gzip.compress(ACCESS.encode()))
    assert plain.returncode == packed.returncode == 0
    assert plain.stdout == packed.stdout
    assert '"ref":"<stdin>:1"' in plain.stdout


def test_an_empty_input_is_no_fault(made: Path) -> None:
    for command in (["scan", "empty.log"], ["parse", "empty.log"], ["scan"]):
        ran = sentinel(*command, cwd=made)
        assert ran.returncode == 0
        assert ran.stdout == ""


def test_parse_answers_every_line(tmp_path: Path) -> None:
    text = ACCESS + "nonsense\n" + ACCESS
    ran = sentinel("parse", "-", cwd=tmp_path, stdin=text.encode())
    answers = ran.stdout.splitlines()
    assert len(answers) == 3
    assert answers[1].startswith('{"error":')
    assert ran.returncode == 1


def test_doctor_makes_nothing_and_names_the_next_step(tmp_path: Path) -> None:
    ran = sentinel("doctor", cwd=tmp_path)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    lines = ran.stdout.splitlines()
    failing = [at for at, line in enumerate(lines) if line.startswith("NO ")]
    assert failing
    assert all(lines[at + 1].startswith("      -> ") for at in failing)
    assert list(tmp_path.iterdir()) == []


def test_init_leaves_nothing_behind_when_it_refuses(tmp_path: Path) -> None:
    ran = sentinel("init", "new", "--account", "two words", cwd=tmp_path)
    assert ran.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_init_never_replaces_a_secret(tmp_path: Path) -> None:
    key = tmp_path / "secrets" / "master.key"
    key.parent.mkdir()
    key.write_text("precious\n")
    ran = sentinel("init", cwd=tmp_path)
    assert "never overwritten" in the_error(ran)
    assert key.read_text() == "precious\n"


COMMANDS = [
    "",
    "scan",
    "parse",
    "check",
    "init",
    "run",
    "doctor",
    "demo",
    "alert",
    "alert list",
    "alert show",
    "incident",
    "incident list",
    "incident show",
    "incident clocks",
    "journal verify",
    "behaviour train",
    "account add",
    "account list",
    "account disable",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(tmp_path: Path, call: Call, command: str) -> None:
    ran = call(*command.split(), "--help", cwd=tmp_path)
    assert ran.returncode == 0
    assert "Usage: sentinel " in ran.stdout


def test_a_file_that_was_cut_short_is_counted_as_far_as_it_went(tmp_path: Path) -> None:
    lines = "".join(
        f'192.0.2.{n % 250} - - [22/Nov/2026:10:00:00 +0000] "GET /{n * n} HTTP/1.1" 200 {n}\n'
        for n in range(3000)
    )
    whole = gzip.compress(lines.encode())
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    result = sentinel("scan", "cut.gz", cwd=tmp_path)
    assert result.returncode == 4
    told = re.search(r"(\d+) lines read, (\d+) parsed, 0 unparsed", result.stderr)
    assert told is not None
    assert told[1] == told[2] != "0"
