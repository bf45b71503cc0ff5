"""Wrappers as people write them, around a real ffmpeg: which lose a film, and which hide that they failed."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import pytest

from pytest_mediaimage.checks.transcode import watching
from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.image.sources.demo import find_ffmpeg

BUSYBOX = shutil.which("busybox")
INIT = shutil.which("tini-static") or shutil.which("docker-init") or shutil.which("tini")
pytestmark = pytest.mark.skipif(BUSYBOX is None, reason="needs Debian's busybox-static")

ENCODE = "ffmpeg -nostdin -v error -y -i $1 -an -c:v libx264 -preset ultrafast $2"
LONG = "ffmpeg -nostdin -v error -y -re -stream_loop -1 -i $1 -an -c:v libx264 -preset ultrafast $2"
WHO = "app:x:10001:10001::/:/bin/sh\n"


@pytest.fixture(params=["sandbox", pytest.param("docker", marks=pytest.mark.docker)])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "docker":
        request.getfixturevalue("docker_engine")
    return request.param


@pytest.fixture
def judged(media, write_layout, pytester):
    """`judged(script, check)` runs a check on an image whose command is this shell script; $1 and $2 are its files."""

    def run(script: str, check: str, *, command: list[str] | None = None, runtime: str = "sandbox", **config):
        words = ["sh", "-c", script, "encode", "{input}", "{output}"] if command is None else command
        section = f"container: {{command: {json.dumps(words)}, grace: 3}}\n" if words else ""
        (pytester.path / "mediaimage.yaml").write_text(f"version: 1\ntranscode: {{cases: []}}\n{section}")
        image = write_layout([tools()], user="10001", Env=["PATH=/bin"], **config)
        return media(image, "--media-runtime", runtime, "-k", check)

    return run


@cache
def tools() -> BuiltLayer:
    assert BUSYBOX is not None
    items = [Item("etc/passwd", WHO.encode()), Item.directory("tmp", mode=0o1777), Item.directory("bin")]
    items += [Item(f"bin/{name}", Path(BUSYBOX), mode=0o755) for name in ("cat", "rm", "sh")]
    items += [Item("bin/ffmpeg", find_ffmpeg(), mode=0o755)]
    items += [Item("bin/tini", Path(INIT), mode=0o755)] if INIT else []
    return layer(items, "COPY . /")


DEAF = {
    "the shell stays process 1": f"{LONG}; exit $?",
    "TERM is ignored": f"trap '' TERM; {LONG}; exit $?",
}


@pytest.mark.parametrize("script", DEAF.values(), ids=DEAF)
def test_a_wrapper_that_swallows_sigterm(judged, script, engine):
    outcome = judged(script, "container.stop", runtime=engine)
    assert outcome.code == 1
    (message,) = outcome.messages("container.stop")
    assert "sh still ran 3 s after SIGTERM" in message and "ffmpeg" in message
    assert "exec ffmpeg" in outcome.text


@pytest.mark.parametrize("place", ["$2", "/tmp/cache"])
@pytest.mark.parametrize("check", ["container.stop", "container.exit-code"])
def test_a_command_that_writes_without_end_is_ended(judged, check, place, engine, monkeypatch):
    monkeypatch.setattr(watching, "MOST_BYTES", 20_000_000)
    outcome = judged(f"trap '' TERM; while :; do cat /bin/ffmpeg; done >{place}", check, runtime=engine)
    assert outcome.code == 1
    (message,) = outcome.messages(check)
    assert message.startswith("sh wrote without end: ") and "outputs may have 20 MB in all" in message


def test_a_wrapper_that_leaves_its_child(judged, engine):
    outcome = judged(f"trap 'exit 0' TERM; {LONG} & wait", "container.stop", runtime=engine)
    assert outcome.code == 1
    (message,) = outcome.messages("container.stop")
    assert "can't be played" in message and "ffmpeg ran below process 1, sh, and is killed" in message


def test_a_wrapper_that_has_nothing_to_show(judged):
    script = f"trap 'kill $!; wait $!; : >$2; exit 0' TERM; {LONG} & wait"
    assert "can't be played" in judged(script, "container.stop").messages("container.stop")[0]


HEARING = {
    "exec": f"exec {LONG}",
    "handed on": f"trap 'kill -TERM $!; wait $!; exit $?' TERM; {LONG} & wait $!",
}


@pytest.mark.parametrize("script", HEARING.values(), ids=HEARING)
def test_a_wrapper_that_hears(judged, script, engine):
    outcome = judged(script, "container.stop", runtime=engine)
    assert outcome.code == 0, outcome.text
    assert outcome.result("container.stop")["status"] == "passed"
    assert 0 <= outcome.result("container.stop")["measured"] < 3
    assert outcome.messages("container.stop") == []


def test_a_film_that_is_taken_away_is_a_note(judged):
    script = f"trap 'kill $!; wait $!; rm $2; exit 143' TERM; {LONG} & wait"
    outcome = judged(script, "container.stop")
    assert outcome.code == 0, outcome.text
    assert outcome.messages("container.stop") == ["sh ended with exit code 143 after SIGTERM and left no output"]
    assert judged(script.replace("143", "0"), "container.stop").code == 1


@pytest.mark.skipif(INIT is None, reason="needs tini")
def test_a_small_init_hands_the_signal_on(judged, engine):
    command = ["tini", "--", "ffmpeg", "-nostdin", "-y", "-i", "{input}", "-an", "-preset", "medium", "{output}"]
    for check in ("container.stop", "container.exit-code"):
        outcome = judged("", check, command=command, runtime=engine)
        assert outcome.code == 0, outcome.text


def test_a_command_that_fails_at_once(judged):
    (message,) = judged("echo no licence >&2; exit 5", "container.stop").messages("container.stop")
    assert "exit code 5 before it was stopped: no licence" in message


def test_an_entry_point_that_is_no_ffmpeg_is_not_guessed(judged):
    outcome = judged("", "container", command=[], Entrypoint=["/app/encode"])
    assert set(outcome.statuses().values()) == {"skipped"}
    assert "container: {command:" in outcome.result("container.stop")["reason"]


def test_a_missing_command(judged):
    outcome = judged("", "container", command=["/app/nothing", "{input}", "{output}"])
    assert outcome.statuses() == {"container.stop": "failed", "container.exit-code": "failed"}


def test_an_entry_point_that_is_ffmpeg(judged, engine):
    outcome = judged("", "container", command=[], runtime=engine, Entrypoint=["ffmpeg"])
    assert outcome.statuses() == {"container.stop": "passed", "container.exit-code": "passed"}, outcome.text


ALL = {"unreadable input", "full disk", "killed ffmpeg"}
HIDING = {
    "|| true": (f"{ENCODE} || true", ALL),
    "a last command": (f"{ENCODE}; echo done", ALL),
    "a pipe": (f"{ENCODE} 2>&1 | while read l; do echo $l; done", ALL),
    "a kill taken for an end": (f"{ENCODE}; c=$?; [ $c = 137 ] && exit 0; exit $c", {"killed ffmpeg"}),
}


@pytest.mark.parametrize("name", HIDING)
def test_a_wrapper_that_hides_a_failure(judged, name, engine):
    script, hidden = HIDING[name]
    outcome = judged(script, "container.exit-code", runtime=engine)
    assert outcome.code == 1
    assert {finding["evidence"] for finding in outcome.result("container.exit-code")["findings"]} == hidden


TELLING = {
    "exec": f"exec {ENCODE}",
    "plain": ENCODE,
    "set -e": f"set -e; {ENCODE}; echo done",
    "pipefail": f"set -o pipefail; {ENCODE} 2>&1 | while read l; do echo $l; done",
}


@pytest.mark.parametrize("script", TELLING.values(), ids=TELLING)
def test_a_wrapper_that_tells(judged, script):
    outcome = judged(script, "container.exit-code")
    assert outcome.code == 0, outcome.text
    assert outcome.result("container.exit-code")["measured"] == "unreadable input, full disk, killed ffmpeg"


def test_what_always_fails_is_not_taken_for_honest(judged):
    (message,) = judged("echo no >&2; exit 1", "container.exit-code").messages("container.exit-code")
    assert "ended with exit code 1" in message and "on a good film: no" in message


def test_nothing_is_started_under_media_static(media, write_layout):
    outcome = media(write_layout(), "--media-static", "-k", "container or limits or hardened or speed")
    assert set(outcome.statuses().values()) == {"skipped"}
