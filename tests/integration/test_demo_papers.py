"""Every document of the demo's case comes out of the commands a user has, in both languages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "demo_papers.py"
SENTINEL = str(Path(sys.executable).with_name("sentinel"))
FILED = {
    "dossier_initial",
    "dossier_complement",
    "dossier_complete",
    "dossier_withdraw",
    "letter",
    "statement_public",
    "statement_holding",
    "campaign_letter",
    "processor_notice",
    "disclosure",
    "post_mortem",
    "call_script",
}


@pytest.mark.slow
def test_the_papers_of_the_demo_are_complete(tmp_path: Path) -> None:
    pytest.importorskip("aiosmtpd", reason="the demo's mailbox needs the extra 'demo'")
    pytest.importorskip("pyod", reason="the demo's model needs the extra 'behaviour'")
    folder = tmp_path / "out"
    words = [sys.executable, str(SCRIPT), str(folder), "--no-pictures", "--known", "140"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False)
    assert "MISSING" not in done.stdout
    assert "not made" not in done.stdout
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert {"fr", "en"} <= {line[27:32].strip() for line in done.stdout.splitlines()[1:]}
    kinds = {one["kind"] for one in _case(folder)["documents"]}
    assert kinds == FILED
    for pdf in (folder / "papers").rglob("*.pdf"):
        assert pdf.read_bytes().startswith(b"%PDF-"), pdf


def _case(folder: Path) -> dict[str, list[dict[str, str]]]:
    env = {**os.environ, "SENTINEL_CONFIG": str(folder / "sentinel.toml")}
    words = [SENTINEL, "incident", "show", "INC-2026-0001", "--json"]
    shown = subprocess.run(words, capture_output=True, text=True, env=env, check=True, timeout=60)
    found: dict[str, list[dict[str, str]]] = json.loads(shown.stdout)
    return found
