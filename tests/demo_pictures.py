"""Papers made visible: pages as PNG, HTML as a browser shows it, and what veraPDF says of PDFs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from markdown_it import MarkdownIt

DOTS_PER_INCH = 110
LIBRARY = Path(os.environ.get("VERAPDF", "/opt/sentinel-tests/verapdf")) / "lib"
VALIDATE = Path(__file__).parent / "servers" / "verapdf" / "Validate.java"
PRINT_ONLY = "*-post.pdf"
"""The merge for the printer: letters of the case, drawn into pages; nobody reads it on a screen."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pages_of(pdf: Path) -> int:
    """Return how many pages a PDF of ours has; its page objects lie in the clear."""
    content = pdf.read_bytes()
    return len(re.findall(rb"/Type\s*/Page\b", content))


def picture_all(folder: Path) -> str:
    """Write FOLDER/png from FOLDER/papers; return what was done and what could not be."""
    papers, out = folder / "papers", folder / "png"
    out.mkdir(exist_ok=True)
    told = []
    if shutil.which("pdftoppm") is None:
        told.append("no PDF was pictured: pdftoppm (poppler) is absent")
    else:
        for pdf in sorted(papers.rglob("*.pdf")):
            stem = out / "-".join(pdf.relative_to(papers).with_suffix("").parts)
            words = ["pdftoppm", "-r", str(DOTS_PER_INCH), "-png", str(pdf), str(stem)]
            subprocess.run(words, check=True, timeout=120)
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        told.append("no HTML was pictured: Chromium is absent")
    else:
        for page in _pages(papers, out):
            _shoot(browser, page, out / f"{page.stem}.png")
    return f"{len(list(out.glob('*.png')))} pictures in {out}; {'; '.join(told) or 'all pictured'}"


def _pages(papers: Path, out: Path) -> list[Path]:
    """Return the HTML to show: letters as they are, notes in Markdown as a reader sees them."""
    found = []
    for page in sorted(papers.rglob("*.html")):
        copy = out / f"{'-'.join(page.relative_to(papers).with_suffix('').parts)}-html.html"
        copy.write_bytes(page.read_bytes())
        found.append(copy)
    for note in sorted([*papers.glob("notes/*.md"), *papers.glob("drill/report.*.md")]):
        copy = out / f"{'-'.join(note.relative_to(papers).with_suffix('').parts)}-md.html"
        body = MarkdownIt("commonmark").enable("table").render(note.read_text(encoding="utf-8"))
        copy.write_text(f"<!doctype html><meta charset=utf-8>{body}", encoding="utf-8")
        found.append(copy)
    return found


def _shoot(browser: str, page: Path, picture: Path) -> None:
    words = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    words += ["--window-size=820,2600", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(words, check=True, timeout=120, capture_output=True)


def validate(papers: Path) -> list[str]:
    """Return which PDFs veraPDF does not find to be PDF/UA-1, and by which rules."""
    java = shutil.which("java")
    if java is None or not LIBRARY.is_dir():
        return ["veraPDF is absent: run tests/servers/verapdf/install.sh (maven and Java)"]
    printed = {str(one) for one in papers.rglob(PRINT_ONLY)}
    files = sorted({str(one) for one in papers.rglob("*.pdf")} - printed)
    words = [java, "-Xmx512m", "-cp", f"{LIBRARY}/*", str(VALIDATE), *files]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=600)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    wrong = [f"{row['file']}: {row['failed']}" for row in rows if not row["compliant"]]
    if len(rows) != len(files):
        wrong.append(f"{len(files)} PDFs, {len(rows)} answers: {done.stderr[-300:]}")
    print(f"veraPDF: {len(rows)} PDFs, {sum(row['assertions'] for row in rows)} assertions")
    print(f"not validated, for the printer only: {', '.join(sorted(printed)) or 'none'}")
    return wrong
