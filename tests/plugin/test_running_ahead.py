"""Encodes that run before their turn, in real runs: who makes what, what is measured alone, and how all ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from plugin.test_progress import on_a_terminal

from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.image.sources.demo import find_ffmpeg

BUSYBOX = shutil.which("busybox")
pytestmark = pytest.mark.skipif(BUSYBOX is None, reason="needs Debian's busybox-static")

HANGING = ["sleep", str(10**6 + os.getpid())]
"""Told from what other workers of the tests run."""

CASE = """\
sample: tracks-256x144
command: [ffmpeg, -nostdin, -i, "{input}", -map, "0:v", -vf, "FILTER", -metadata, "title=NAME", -c:v, libx264,
          -preset, ultrafast, "{output}"]
golden: false
timeout: 30
rules:
- streams: {format: mp4, video_codec: h264, pix_fmt: yuv420p}
- pictures: {psnr_y_mean: 30}
"""

# Writes what happens to a file, and makes any machine one of so many cores.
CONFTEST = """\
import json, os, threading, time
import pytest_mediaimage.session as session
import pytest_mediaimage.checks.transcode.cases as transcode
import pytest_mediaimage.checks.transcode.speed as speed
import pytest_mediaimage.checks.transcode.watching as watching

session.usable_cores = lambda: int(os.environ["CORES"])
watching.MOST_BYTES = int(os.environ.get("MOST_BYTES", watching.MOST_BYTES))

def logged(name, function, case):
    def run(*args, **kwargs):
        def tell(what):
            running = [thread.name for thread in threading.enumerate()].count("mediaimage-ahead")
            entry = {"what": what, "case": case(*args), "thread": threading.current_thread().name, "running": running}
            with open(os.environ["EVENTS"], "a") as file:
                file.write(json.dumps(entry | {"pid": os.getpid()}) + "\\n")
        tell(f"{name} begins")
        try:
            return function(*args, **kwargs)
        finally:
            tell(f"{name} ends")
    return run

transcode._encoded = logged("encode", transcode._encoded, lambda context, case, *rest: case.name)
transcode._judge = logged("judge", transcode._judge, lambda context, case, *rest: case.name)
speed.transcode = logged("measure", speed.transcode, lambda *rest: "speed")
"""


@cache
def tools() -> BuiltLayer:
    items = [Item("etc/passwd", b"app:x:10001:10001::/:/bin/sh\n"), Item.directory("tmp", mode=0o1777)]
    items += [Item(f"bin/{name}", Path(str(BUSYBOX)), mode=0o755) for name in ("sh", "sleep", "dd")]
    return layer([*items, Item("opt/ffmpeg", find_ffmpeg(), mode=0o755)], "COPY . /")


@pytest.fixture
def image(write_layout) -> Path:
    """Its ffmpeg hangs at the case `hangs`, and writes no end at the case `floods`."""
    script = (
        "#!/bin/sh\n"
        'case "$*" in\n'
        f"*title=hangs*) {' '.join(HANGING)} ;;\n"
        '*title=floods*) for last; do :; done; dd if=/dev/zero of="$last" bs=1048576 ;;\n'
        "esac\n"
        'exec /opt/ffmpeg "$@"\n'
    )
    wrapper = layer([Item("usr/bin/ffmpeg", script.encode(), mode=0o755)], "COPY ffmpeg /usr/bin/")
    return write_layout([tools(), wrapper], user="10001", Env=["PATH=/usr/bin:/bin"])


@pytest.fixture
def events(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytester.makeconftest(CONFTEST)
    path = pytester.path / "events"
    path.touch()
    monkeypatch.setenv("EVENTS", str(path))
    monkeypatch.setenv("CORES", "2")
    return path


def cases(root: Path, *names: str, filter: str = "null", **changed: str) -> None:
    (root / "mediaimage.yaml").write_text(f"version: 1\ntranscode: {{cases: [{', '.join(names)}]}}\n")
    (root / "cases").mkdir(exist_ok=True)
    for name in names:
        text = CASE.replace("NAME", name).replace("FILTER", filter)
        (root / "cases" / f"{name}.yaml").write_text(text.replace("timeout: 30", f"timeout: {changed.get(name, '30')}"))


def pick(*names: str) -> str:
    """For pytest's -k."""
    return " or ".join(f"transcode.{name}" for name in names)


def told(events: Path, what: str) -> list[dict[str, Any]]:
    return [entry for entry in map(json.loads, events.read_text().splitlines()) if entry["what"] == what]


def test_the_next_encodes_run_while_one_is_judged(media, image, pytester, events):
    cases(pytester.path, "one", "two", "three", "four")
    outcome = media(
        image,
        "-k",
        pick("one", "two", "three", "four"),
        "-p",
        "no:xdist",
        subprocess=True,
    )
    assert set(outcome.statuses().values()) == {"passed"}, outcome.text
    encodes = told(events, "encode begins")
    assert sorted(entry["case"] for entry in encodes) == ["four", "one", "three", "two"]
    assert {entry["case"]: entry["thread"] for entry in encodes} == {
        "one": "MainThread",
        **dict.fromkeys(("two", "three", "four"), "mediaimage-ahead"),
    }
    assert [entry["case"] for entry in told(events, "judge begins")] == ["one", "two", "three", "four"]
    assert {entry["thread"] for entry in told(events, "judge begins")} == {"MainThread"}


def test_one_core_does_one_thing_at_a_time(media, image, pytester, events, monkeypatch):
    monkeypatch.setenv("CORES", "1")
    cases(pytester.path, "one", "two")
    media(image, "-k", pick("one", "two"), "-p", "no:xdist", subprocess=True)
    assert {entry["thread"] for entry in told(events, "encode begins")} == {"MainThread"}


def test_a_worker_runs_ahead_only_what_is_its_own(media, image, pytester, events, monkeypatch):
    monkeypatch.setenv("CORES", "4")
    names = ("one", "two", "three", "four", "five", "six")
    cases(pytester.path, *names)
    outcome = media(image, "-k", pick(*names), "-n2", subprocess=True)
    assert set(outcome.statuses().values()) == {"passed"}, outcome.text
    encodes, judged = told(events, "encode begins"), told(events, "judge begins")
    assert sorted(entry["case"] for entry in encodes) == sorted(names)
    assert {(entry["case"], entry["pid"]) for entry in encodes} == {(entry["case"], entry["pid"]) for entry in judged}
    assert any(entry["thread"] == "mediaimage-ahead" for entry in encodes)


def test_workers_share_the_cores(media, image, pytester, events):
    cases(pytester.path, "one", "two", "three", "four")
    media(image, "-k", pick("one", "two", "three", "four"), "-n2", subprocess=True)
    assert {entry["thread"] for entry in told(events, "encode begins")} == {"MainThread"}


def test_what_is_measured_runs_alone(media, image, pytester, events):
    cases(pytester.path, "one", "two")
    outcome = media(image, "-k", pick("speed", "one", "two"), "-p", "no:xdist", subprocess=True)
    assert outcome.statuses()["transcode.speed"] == "passed", outcome.text
    assert {entry["running"] for entry in told(events, "measure begins")} == {0}
    assert {entry["running"] for entry in told(events, "measure ends")} == {0}


@pytest.mark.parametrize("cores", ["1", "2"])
def test_a_failing_case_says_the_same(media, image, pytester, events, monkeypatch, cores):
    monkeypatch.setenv("CORES", cores)
    cases(pytester.path, "one", "two", "three", filter="select='not(eq(n,50))'")
    (pytester.path / "cases" / "three.yaml").write_text(CASE.replace("FILTER", "nonsense").replace("NAME", "three"))
    outcome = media(image, "-k", pick("one", "two", "three"), "-p", "no:xdist", subprocess=True)
    assert set(outcome.statuses().values()) == {"failed"}
    assert outcome.messages("transcode.one") == outcome.messages("transcode.two")
    assert any("frame 50" in message for message in outcome.messages("transcode.two"))
    (message,) = outcome.messages("transcode.three")
    assert message.startswith("/usr/bin/ffmpeg ended with exit code") and "No such filter: 'nonsense'" in message


def test_a_time_out_kills_one_encode_and_spares_the_others(media, image, pytester, events):
    cases(pytester.path, "one", "hangs", "two", "three", hangs="3")
    outcome = media(image, "-k", pick("one", "hangs", "two", "three"), "-p", "no:xdist", subprocess=True)
    statuses = {name: outcome.statuses()[f"transcode.{name}"] for name in ("one", "hangs", "two", "three")}
    assert statuses == {"one": "passed", "hangs": "failed", "two": "passed", "three": "passed"}, outcome.text
    (message,) = outcome.messages("transcode.hangs")
    assert message.startswith("the transcode did not end") and "3" in message


@pytest.mark.parametrize("runtime", ["sandbox", pytest.param("docker", marks=pytest.mark.docker)])
def test_outputs_without_end_are_ended(request, media, image, pytester, events, monkeypatch, runtime):
    if runtime == "docker":
        request.getfixturevalue("docker_engine")
    monkeypatch.setenv("MOST_BYTES", str(50 * 10**6))
    cases(pytester.path, "one", "floods", "two")
    outcome = media(
        image,
        "-k",
        pick("one", "floods", "two"),
        "-p",
        "no:xdist",
        f"--media-runtime={runtime}",
        subprocess=True,
    )
    statuses = [outcome.statuses()[f"transcode.{name}"] for name in ("one", "floods", "two")]
    assert statuses == ["passed", "failed", "passed"], outcome.text
    (message,) = outcome.messages("transcode.floods")
    assert message.startswith("/usr/bin/ffmpeg wrote without end") and "outputs may have 50 MB in all" in message


def test_an_interrupt_ends_all(image, pytester, events, media_cache):
    cases(pytester.path, "one", "hangs", "two")
    # Who starts tests in the background has interrupts ignored, and so have their children.
    argv = ["env", "--default-signal=INT", sys.executable, "-m", "pytest", f"--media-image=oci:{image}"]
    process = subprocess.Popen(
        [
            *argv,
            f"--media-cache={media_cache}",
            "-k",
            pick("one", "hangs", "two"),
            "-p",
            "no:xdist",
            "--media-runtime=sandbox",
        ],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not any(entry["case"] == "hangs" for entry in told(events, "encode begins")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while not told(events, "judge ends"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, text
    assert not list((media_cache / "runs").glob(f"{process.pid}-*"))
    commands = [_reads(path).decode(errors="replace").split("\0") for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert [command for command in commands if command[:2] == HANGING] == []


def _reads(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _shown(image: Path, root: Path, cache: Path, *more: str) -> str:
    argv = [
        sys.executable,
        "-m",
        "pytest",
        f"--media-image=oci:{image}",
        f"--media-cache={cache}",
        "-k",
        pick("one", "two"),
    ]
    return on_a_terminal([*argv, "-p", "no:xdist", *more], root)


@pytest.mark.parametrize("more", [(), ("-v",), ("-s",)], ids=["plain", "verbose", "uncaught"])
def test_a_terminal_shows_the_frame(image, pytester, events, media_cache, monkeypatch, more):
    monkeypatch.setenv("COLUMNS", "300")
    cases(pytester.path, "one", "two", filter="null,realtime=speed=4")
    shown = _shown(image, pytester.path, media_cache, *more)
    assert "2 passed" in shown
    assert shown.count("transcode.one: frame ") and " fps\x1b8" in shown
    assert shown.rindex("\x1b[K") > shown.rindex(" fps\x1b8")


def test_a_quiet_run_shows_none(image, pytester, events, media_cache):
    cases(pytester.path, "one", "two", filter="null,realtime=speed=4")
    shown = _shown(image, pytester.path, media_cache, "-q")
    assert "2 passed" in shown and " fps" not in shown


@pytest.mark.parametrize("more", [("-p", "no:xdist"), ("-n1",)], ids=["plain", "xdist"])
def test_a_log_shows_none(media, image, pytester, events, more):
    cases(pytester.path, "one", "two", filter="null,realtime=speed=4")
    outcome = media(image, "-k", pick("one", "two"), *more, subprocess=True)
    assert "2 passed" in outcome.text and " fps" not in outcome.text and "\x1b" not in outcome.text
