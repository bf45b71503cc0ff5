"""An encode within limits, in a hardened container, and its speed beside a baseline's, with a real ffmpeg."""

from __future__ import annotations

import json
import os
import shutil
from functools import cache
from pathlib import Path

import pytest

from pytest_mediaimage.checks.transcode import watching
from pytest_mediaimage.checks.transcode.speed import Runner, _compare
from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.image.sources.demo import find_ffmpeg
from pytest_mediaimage.result import Severity
from pytest_mediaimage.runtime.cgroups import make_group
from pytest_mediaimage.runtime.hierarchies import NoControlGroup

BUSYBOX = shutil.which("busybox")
busybox = pytest.mark.skipif(BUSYBOX is None, reason="needs Debian's busybox-static")
WHO = b"app:x:10001:10001::/:/bin/sh\n"


@cache
def tools() -> BuiltLayer:
    items = [Item("etc/passwd", WHO), Item.directory("tmp", mode=0o1777), Item.directory("bin")]
    items += [Item(f"bin/{name}", Path(BUSYBOX), mode=0o755) for name in ("cat", "head", "sh", "tail") if BUSYBOX]
    return layer([*items, Item("opt/ffmpeg", find_ffmpeg(), mode=0o755)], "COPY . /")


def wrapper(script: str, mode: int = 0o755) -> BuiltLayer:
    """An ffmpeg on the PATH that is a script around the real one."""
    return layer([Item("usr/bin/ffmpeg", f"#!/bin/sh\n{script}\n".encode(), mode=mode)], "COPY ffmpeg /usr/bin/")


@pytest.fixture
def judged(media, write_layout, pytester):
    """`judged(script, check)` runs a check on an image whose ffmpeg is this script."""

    def run(script: str, check: str, *args: str, limits: dict[str, object] | None = None, mode: int = 0o755):
        more = f", limits: {json.dumps(limits)}" if limits else ""
        (pytester.path / "mediaimage.yaml").write_text(f"version: 1\ntranscode: {{cases: [], speed: 10%{more}}}\n")
        image = write_layout([tools(), wrapper(script, mode)], user="10001", Env=["PATH=/usr/bin:/bin"])
        return media(image, "-k", check, *args)

    return run


HONEST = 'exec /opt/ffmpeg "$@"'


@pytest.fixture(params=["sandbox", pytest.param("docker", marks=pytest.mark.docker)])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "docker":
        request.getfixturevalue("docker_engine")
    return f"--media-runtime={request.param}"


@pytest.fixture
def limiting(engine: str) -> str:
    """An engine that can limit memory."""
    if "sandbox" in engine:
        try:
            make_group(f"{os.getpid()}-limits", memory=1 << 25, cpus=1).close()
        except NoControlGroup as reason:
            pytest.skip(str(reason))
    return engine


@busybox
class TestLimits:
    def test_an_encode_within_them(self, judged, limiting):
        outcome = judged(HONEST, "limits", limiting, limits={"memory": "500MB", "cpus": 0.5})
        assert outcome.code == 0, outcome.text
        assert 10e6 < outcome.result("transcode.limits")["measured"] < 500e6
        (note,) = outcome.result("transcode.limits")["findings"]
        assert note["severity"] == "note" and "its quota is 0.5 CPU" in note["message"]

    def test_threads_by_the_quota_are_no_note(self, judged, limiting):
        one = '-nostdin -y -i "${last%/output/*}/input.mp4" -an -c:v libx264 -threads:v 1 "$last"'
        script = f'for last; do :; done; case "$*" in *-benchmark*) exec /opt/ffmpeg {one};; esac; {HONEST}'
        outcome = judged(script, "limits", limiting)
        assert outcome.code == 0, outcome.text
        assert outcome.messages("transcode.limits") == []

    def test_an_encode_that_takes_more_memory(self, judged, limiting):
        """x264 itself is killed, with a lookahead for which there is no room."""
        script = f'case "$*" in *-benchmark*) set -- "$@" -threads 1; esac; {HONEST}'
        outcome = judged(script, "limits", limiting, limits={"memory": "24MB", "cpus": 1})
        assert outcome.code == 1
        assert outcome.messages("transcode.limits") == [
            "the encode was killed out of memory within 24 MB of memory and 1 CPU"
        ]
        assert outcome.result("transcode.limits")["measured"] == 24e6

    def test_an_encode_that_writes_without_end(self, judged, limiting, monkeypatch):
        monkeypatch.setattr(watching, "MOST_BYTES", 20_000_000)
        script = f'case "$*" in *-benchmark*) for last; do :; done; exec cat /dev/zero >"$last";; esac; {HONEST}'
        (message,) = judged(script, "limits", limiting, limits={"memory": "200MB", "cpus": 1}).messages(
            "transcode.limits"
        )
        assert message.startswith("the encode wrote without end: ")

    def test_memory_that_is_not_enough(self, judged, limiting):
        eat = "head -c 100000000 /dev/zero | tail -n 1 >/dev/null; exit $?"
        script = f'case "$*" in *-benchmark*) {eat};; esac; {HONEST}'
        outcome = judged(script, "limits", limiting, limits={"memory": "32MB", "cpus": 1})
        assert outcome.code == 1
        assert outcome.messages("transcode.limits") == [
            "the encode was killed out of memory within 32 MB of memory and 1 CPU"
        ]

    def test_an_exit_code_of_137_alone_is_not_out_of_memory(self, judged, limiting):
        script = f'case "$*" in *-benchmark*) echo gone >&2; exit 137;; esac; {HONEST}'
        (message,) = judged(script, "limits", limiting).messages("transcode.limits")
        assert "ended with exit code 137" in message and "gone" in message


@busybox
def test_limits_skip_where_none_can_be_set(judged, monkeypatch):
    def none(*_: object) -> None:
        raise NoControlGroup("no control groups can be seen here", remedy="Mount them.")

    monkeypatch.setattr("pytest_mediaimage.runtime.cgroups.find_hierarchies", none)
    result = judged(HONEST, "limits", "--media-runtime=sandbox").result("transcode.limits")
    assert result["status"] == "skipped"
    assert result["reason"] == "memory can't be limited here: no control groups can be seen here. Mount them."


@busybox
def test_hardened_and_well(judged, engine):
    outcome = judged(f"echo note >/tmp/log; {HONEST}", "hardened", engine)
    assert outcome.code == 0, outcome.text
    assert outcome.result("transcode.hardened")["measured"] == "125 frames"


@busybox
@pytest.mark.parametrize("place", ["/opt/log", "/log"])
def test_hardened_what_writes_elsewhere(judged, place, engine):
    script = f'case "$*" in *libx264*) echo note >{place} || exit 3;; esac; {HONEST}'
    outcome = judged(script, "hardened", engine)
    assert outcome.code == 1
    (message,) = outcome.messages("transcode.hardened")
    assert message.startswith("in a hardened container:") and "exit code 3" in message


def runner(*rates: float) -> Runner:
    made = Runner(None, "/usr/bin/ffmpeg", None, None, Path(), Path())  # type: ignore[arg-type]
    made.rates, made.cpu_seconds, made.peak = list(rates), [2.0] * len(rates), 10**8
    return made


class Asked:
    """The part of a context that the comparison uses."""

    class policy:
        transcode_speed = 10.0

    def __init__(self) -> None:
        self.measured: tuple[object, object] = (None, None)

    def measure(self, value: object, *, budget: object = None) -> None:
        self.measured = (value, budget)


@pytest.mark.parametrize(
    ("new", "severities"),
    [
        ((100, 101, 99, 100, 100), []),
        ((91, 92, 93, 91, 90.5), []),
        ((150, 149, 151, 150, 150), []),
        ((50, 50, 50, 50, 50), [None]),
        ((89, 88, 89, 87, 89), [None]),
        ((80, 80, 80, 80, 95), [Severity.NOTE]),
        ((80, 80, 80, 200, 200), [Severity.NOTE]),
        ((80, 80, 200, 200, 200), []),
    ],
)
def test_only_a_certain_regression_fails(new, severities):
    asked = Asked()
    found = list(_compare(asked, runner(*new), runner(100, 100, 100, 100, 100)))  # type: ignore[arg-type]
    assert [finding.severity for finding in found] == severities
    assert "of the baseline's speed" in str(asked.measured[0])
    assert asked.measured[1] == "at most 10 % slower than the baseline"


@busybox
def test_a_slower_release_is_told(judged, write_layout):
    slow = 'case "$*" in *libx264*) i=0; while [ $i -lt 600000 ]; do i=$((i+1)); done;; esac; '
    before = write_layout([tools(), wrapper(HONEST)], user="10001", Env=["PATH=/usr/bin:/bin"])
    outcome = judged(slow + HONEST, "speed", f"--media-baseline=oci:{before}")
    assert outcome.code == 1, outcome.text
    (message,) = outcome.messages("transcode.speed")
    assert "slower than the baseline (in 5 pairs" in message


@busybox
def test_a_baseline_that_cannot_transcode_is_a_note(judged, write_layout):
    broken = 'case "$*" in *-i*) exit 9;; esac; ' + HONEST
    before = write_layout([tools(), wrapper(broken)], user="10001", Env=["PATH=/usr/bin:/bin"])
    outcome = judged(HONEST, "speed", f"--media-baseline=oci:{before}")
    assert outcome.code == 0, outcome.text
    assert "not compared: the baseline's transcode fails" in outcome.messages("transcode.speed")[0]


@busybox
@pytest.mark.parametrize(
    ("made", "words"),
    [
        ('echo garbage >"$last"; exit 0', "the baseline's transcode fails: "),
        (
            'exec /opt/ffmpeg -v error -y -i "$in" -vn "$last"',
            "the baseline's transcode fails: the output has no frame",
        ),
        ('[ -e /tmp/once ] && exit 9; : >/tmp/once; exec /opt/ffmpeg "$@"', "the baseline's transcode fails: "),
    ],
    ids=["garbage", "no video", "a timed run fails"],
)
def test_a_baseline_whose_output_gives_no_speed_is_a_note(judged, write_layout, made, words):
    script = f'for last; do [ "$before" = -i ] && in=$last; before=$last; done; case "$*" in *libx264*) {made};; esac; '
    before = write_layout([tools(), wrapper(script + HONEST)], user="10001", Env=["PATH=/usr/bin:/bin"])
    outcome = judged(HONEST, "speed", f"--media-baseline=oci:{before}")
    assert outcome.code == 0, outcome.text
    (message,) = outcome.messages("transcode.speed")
    assert message.startswith(f"not compared: {words}")
    assert "frames/s" in outcome.result("transcode.speed")["measured"]


OTHER_QUALITY = """set -- "$@" --end--
while [ "$1" != --end-- ]; do
  if [ "$1" = -crf ]; then set -- "$@" -crf 22; shift 2; else set -- "$@" "$1"; shift; fi
done
shift; exec /opt/ffmpeg "$@"
"""


@busybox
def test_hardened_compares_with_no_golden_values_while_they_are_written(judged):
    outcome = judged(OTHER_QUALITY, "hardened", "--media-runtime=sandbox")
    (finding,) = outcome.result("transcode.hardened")["findings"]
    assert "--media-update-golden" in finding["fix"]
    assert finding["fix"].startswith("/usr/bin/ffmpeg is a script: look at what it changes.")
    outcome = judged(OTHER_QUALITY, "hardened", "--media-runtime=sandbox", "--media-update-golden")
    assert (outcome.code, outcome.messages("transcode.hardened")) == (0, []), outcome.text
