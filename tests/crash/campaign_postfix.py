"""A Postfix of our own in a temporary folder: its queue, its log, its Maildirs, its port.

``postfix start`` asks for root; its daemons then run as ``postfix``. Nothing of the machine's own
configuration is read or changed.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HOW = "tests/servers/install-postfix.sh, and run as root"
DAEMONS = Path("/usr/lib/postfix/sbin")
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""
_MAIN = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.org
mydestination =
mynetworks = 127.0.0.0/8
maillog_file = {root}/log/mail.log
maillog_file_prefixes = {root}
virtual_mailbox_domains = example.org
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = regexp:{root}/etc/mailboxes
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
transport_maps = regexp:{root}/etc/transport
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 2000
smtpd_tls_security_level = {tls}
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
"""


def missing() -> str:
    """Return why no Postfix can be started here, or nothing."""
    if shutil.which("postfix", path="/usr/sbin:/usr/bin") is None:
        return "no postfix"
    return "" if os.geteuid() == 0 else "postfix starts as root only"


class Postfix:
    """Use `start` and `stop`. ``log``: of the server. ``bounces``: Maildir of reports."""

    def __init__(self, certificate: Path | None = None, key: Path | None = None) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="postfix-"))
        self.root.chmod(0o755)
        self.log = self.root / "log" / "mail.log"
        self.bounces = self.root / "mail" / "bounces"
        self.persons = self.root / "mail" / "persons"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        owner = pwd.getpwnam("postfix")
        for name in ("etc", "log", "queue", "data", "mail"):
            (self.root / name).mkdir(mode=0o755)
        for name in ("data", "mail"):
            os.chown(self.root / name, owner.pw_uid, owner.pw_gid)
        tls = "may" if certificate else "none"
        (self.root / "etc" / "main.cf").write_text(
            _MAIN.format(
                root=self.root,
                daemons=DAEMONS,
                uid=owner.pw_uid,
                gid=owner.pw_gid,
                tls=tls,
                certificate=certificate or "",
                key=key or "",
            )
        )
        (self.root / "etc" / "master.cf").write_text(_MASTER.format(port=self.port))
        (self.root / "etc" / "mailboxes").write_text(
            "/^bounces(\\+[^@]*)?@example\\.org$/ bounces/\n"
            "/^p[0-9]+(\\.full|\\.policy)?@example\\.org$/ persons/\n"
            "/^test@example\\.org$/ persons/\n"
        )
        (self.root / "etc" / "transport").write_text(
            "/^p[0-9]+\\.full@example\\.org$/ error:5.2.2 mailbox full\n"
            "/^p[0-9]+\\.policy@example\\.org$/ error:5.7.1 refused by policy\n"
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._postfix("start")
        end = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                    probe.recv(100)
                    return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop it and remove everything."""
        self._postfix("stop", check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def idle(self) -> bool:
        """Tell whether the queue is empty."""
        queues = ("incoming", "active", "deferred", "maildrop")
        return not any(
            files for name in queues for _, _, files in os.walk(self.root / "queue" / name)
        )

    def taken(self) -> dict[str, str]:
        """Return queue id by Message-ID's left part of each letter that its log says it queued."""
        text = self.log.read_text(errors="replace")
        coming: dict[str, str] = {}
        found = {}
        for line in text.splitlines():
            if match := re.search(r"/cleanup\[\d+\]: (\w+): message-id=<([^@>]*)@", line):
                coming[match[1]] = match[2]
            elif match := re.search(r"/qmgr\[\d+\]: (\w+): from=<.*queue active", line):
                token = coming.pop(match[1], "")
                if re.fullmatch("[0-9a-f]{32}", token):
                    assert token not in found, "the log says that a letter was queued twice"
                    found[token] = match[1]
        return found

    def _postfix(self, command: str, *, check: bool = True) -> None:
        done = subprocess.run(
            ["/usr/sbin/postfix", "-c", str(self.root / "etc"), command],
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"postfix {command}: {done.stderr[-1500:]}")
