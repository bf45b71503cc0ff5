"""Timed metadata: what is right passes, and each fault is made for real and named."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_runs import problems, run

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.clips.sound import FPS
from pytest_mediaimage.media.clips.timed import TAGGED, tag_of
from pytest_mediaimage.media.pictures.compare import compare
from pytest_mediaimage.media.timed import timed_metadata

CASE = CASES["timed-id3"]


def test_the_sample_has_a_tag_with_each_of_its_frames() -> None:
    source = samples.sample(CASE.sample)
    assert [packet.data for packet in timed_metadata(source)] == [tag_of(number) for number in TAGGED]
    first = timed_metadata(source)[0].time - TAGGED[0] / FPS
    assert [round((packet.time - first) * FPS, 3) for packet in timed_metadata(source)] == list(TAGGED)
    assert compare(source, source).delay() == 0
    assert timed_metadata(samples.sample("bars-384x216")) == []


@pytest.mark.parametrize("build", ["static", "newest"])
def test_carried(build: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    program = request.getfixturevalue(f"{build}_ffmpeg")
    assert problems(CASE, run(CASE, program, tmp_path)) == ""


def test_ffmpeg_5_1_loses_the_head_of_each_tag(system_ffmpeg: str, tmp_path: Path) -> None:
    told = problems(CASE, run(CASE, system_ffmpeg, tmp_path))
    if not told:
        pytest.skip("the system's ffmpeg is newer")
    assert told.startswith("timed metadata at 0.20 s of the source lost its first 5 bytes (5 of 5 packets are wrong)")


FAULTS = {
    "not mapped": (["-dn"], "the timed metadata is gone: there is no data track"),
    "one lost": (["-bsf:d", "noise=drop=eq(n\\,2)"], "4 packets of timed metadata, 5 were expected"),
    "other bytes": (["-bsf:d", "noise=amount=2"], "of the source has other bytes ("),
    "late": (
        ["-bsf:d", "setts=pts=PTS+9000:dts=DTS+9000"],
        "timed metadata at 0.20 s of the source is shown 100 ms late against the picture (5 of 5 packets)",
    ),
    "one early": (
        ["-bsf:d", "setts=pts=PTS-450*eq(N\\,3):dts=DTS-450*eq(N\\,3)"],
        "timed metadata at 1.40 s of the source is shown 5 ms early against the picture (1 of 5 packets)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(fault: str, static_ffmpeg: str, tmp_path: Path) -> None:
    options, message = FAULTS[fault]
    assert message in problems(CASE, run(CASE, static_ffmpeg, tmp_path, *options))
