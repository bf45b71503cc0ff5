"""How the reading of an image shows: a line on a terminal, nothing anywhere else."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_mediaimage.image.build import Item, LayoutWriter, layer
from pytest_mediaimage.report.progress import ProgressLine


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """An image that takes a moment to read."""
    root = tmp_path / "layout"
    writer = LayoutWriter(root)
    writer.image([layer([Item(f"f{n}", os.urandom(20_000_000))], f"step {n}") for n in range(4)])
    return writer.finish()


def argv(layout: Path, folder: Path, *more: str) -> list[str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    cache = f"--media-cache={folder / 'cache'}"
    return [sys.executable, "-m", "pytest", f"--media-image=oci:{layout}", "--media-static", cache, "-k=size", *more]


def on_a_terminal(command: list[str], folder: Path) -> str:
    parent, child = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, stdout=child, stderr=child, stdin=child)
    os.close(child)
    out = io.BytesIO()
    while True:
        try:
            data = os.read(parent, 65536)
        except OSError:  # how a pseudo terminal ends
            break
        if not data:
            break
        out.write(data)
    os.close(parent)
    process.wait()
    return out.getvalue().decode()


LINE = re.compile(r"reading oci:\S+: (?:waiting for layer|layer) \d of 4")


def test_shown_on_a_terminal_and_taken_away(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import pytest_mediaimage.report.progress as p\np._EVERY = 0.01\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    shown = on_a_terminal(argv(layout, tmp_path), tmp_path)
    lines = LINE.findall(shown)
    assert lines
    assert shown.rindex("\r\x1b[K") > shown.rindex(lines[-1])
    assert " passed" in shown


@pytest.mark.parametrize("more", [(), ("-n1",)])
def test_nothing_in_a_log(more: tuple[str, ...], layout: Path, tmp_path: Path) -> None:
    done = subprocess.run(argv(layout, tmp_path, *more), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert " passed" in done.stdout
    assert "reading" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr


def test_a_first_policy_shows_each_check_on_a_terminal(layout: Path, tmp_path: Path) -> None:
    shown = on_a_terminal(argv(layout, tmp_path, "--media-init"), tmp_path)
    steps = re.findall(r"\r\x1b\[Kcheck (\d+) of (\d+): ([a-z-]+\.[a-z0-9-]+)", shown)
    assert [int(step) for step, _, _ in steps] == list(range(1, int(steps[0][1]) + 1))
    assert shown.rindex("\r\x1b[K") > shown.rindex("check ") and "mediaimage.yaml written" in shown


def test_words() -> None:
    line = ProgressLine(io.StringIO())
    line.begin("oci:x", 3, 2_000_000)
    assert line.text(2) == "reading oci:x: waiting for layer 1 of 3, 2 s"
    line.advance(500_000)
    line.layer_done()
    assert line.text(0.5) == "reading oci:x: layer 2 of 3, 500 kB of 2 MB, 1 MB/s"
    for _ in range(2):
        line.layer_done()
    assert line.text(1).startswith("reading oci:x: layer 3 of 3")
    line.end()
    line.end()
    line.begin("docker:x", 1, None)
    line.advance(1_000_000)
    assert line.text(1) == "reading docker:x: layer 1 of 1, 1 MB, 1 MB/s"
    line.end()


def test_told_by_many_threads() -> None:
    line = ProgressLine(io.StringIO())
    line.begin("x", 1, None)
    threads = [threading.Thread(target=lambda: [line.advance(1) for _ in range(5000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "20 kB" in line.text(1)
    line.end()
