"""Each fault is a real presentation, made wrong; each must be named, and a good one must be clean."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from delivery_helpers import before, made_in, messages, replaced, run

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.case import Case, Threshold
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.rules.dash import Dash
from pytest_mediaimage.media.verdict import judge_case


@pytest.fixture(scope="module")
def dash() -> Case:
    return CASES["dash"]


@pytest.fixture(scope="module")
def good(dash: Case, static_ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dash")
    run(dash.recipe, static_ffmpeg, folder, "manifest.mpd", source=samples.sample(dash.sample))
    return folder


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "copy"))


def test_a_good_presentation(dash: Case, any_ffmpeg: str, tmp_path: Path) -> None:
    run(dash.recipe, any_ffmpeg, tmp_path, "manifest.mpd", source=samples.sample(dash.sample))
    made = made_in(tmp_path, dash.outputs)
    assert len(made.outputs) == 13
    judgement = judge_case(dash, made)
    assert judgement.problems == []
    assert judgement.metrics["frames"] == 125
    assert judgement.metrics["manifest.mpd, representation 2: audio_offset"] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("-use_timeline", "0"),
        ("-use_timeline", "0", "-use_template", "0"),
        ("-single_file", "1"),
    ],
    ids=["numbers", "list", "one file"],
)
def test_other_ways_to_name_segments(dash: Case, static_ffmpeg: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    change = before("manifest.mpd", *words)
    run(dash.recipe, static_ffmpeg, tmp_path, "manifest.mpd", source=samples.sample(dash.sample), change=change)
    assert messages(dash, made_in(tmp_path, dash.outputs)) == ""


def test_segments_named_by_their_time(dash: Case, static_ffmpeg: str, tmp_path: Path) -> None:
    change = before("manifest.mpd", "-media_seg_name", "seg-$RepresentationID$-$Time$.m4s")
    run(dash.recipe, static_ffmpeg, tmp_path, "manifest.mpd", source=samples.sample(dash.sample), change=change)
    text = messages(dash, made_in(tmp_path, dash.outputs))
    # FFmpeg begins sound before 0, by the encoder's priming, calls the file so, and writes 0 into the manifest.
    assert (tmp_path / "seg-2--1024.m4s").is_file()
    assert "representation 2 names seg-2-0.m4s, which the transcode didn't leave" in text
    assert "representation 0" not in text
    assert "representation 1" not in text


def _edit(old: str, new: str, count: int = -1) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        text = (folder / "manifest.mpd").read_text()
        assert old in text
        (folder / "manifest.mpd").write_text(text.replace(old, new, count))

    return edit


_MEDIA = 'media="chunk-stream$RepresentationID$-$Number%05d$.m4s"'

FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing segment": (
        lambda folder: (folder / "chunk-stream1-00002.m4s").unlink(),
        "manifest.mpd, representation 1 names chunk-stream1-00002.m4s, which the transcode didn't leave",
    ),
    "no tail": (_edit('<S d="12800" />', ""), "2 segments are declared to last 4.000 s, the source lasts 5.000 s"),
    "tail too much": (_edit('<S d="12800" />', '<S d="12800" r="1" />'), "00004.m4s, which the transcode didn't leave"),
    "duration": (
        _edit('<S d="12800" />', '<S d="13312" />', 1),
        "representation 0: chunk-stream0-00003.m4s lasts 1.000 s, 1.040 s are declared",
    ),
    "start": (
        _edit('<S t="0" d="25600" r="1" />', '<S t="512" d="25600" r="1" />', 1),
        "representation 0: chunk-stream0-00001.m4s begins at 0.000 s, 0.040 s is declared",
    ),
    "whole duration": (_edit('Duration="PT5.0S"', 'Duration="PT9.0S"'), "is declared to last 9.000 s, the source"),
    "live": (_edit('type="static"', 'type="dynamic"'), "manifest.mpd is dynamic"),
    "numbers": (_edit('startNumber="1"', 'startNumber="2"', 1), "names chunk-stream0-00004.m4s"),
    "codec": (_edit("avc1.64000c", "hvc1.1.6.L93"), "its codec is avc1.64000c, hvc1.1.6.L93 is declared"),
    "size": (_edit('width="256" height="144"', 'width="640" height="360"'), "256x144, 640x360 is declared"),
    "bandwidth": (_edit('bandwidth="600000"', 'bandwidth="300000"'), "kb/s, 300 kb/s are declared"),
    "kind": (_edit('mimeType="audio/mp4"', 'mimeType="video/mp4"'), "representation 2: declared as video, and isn't"),
    "own files": (_edit(_MEDIA, 'media="/etc/passwd"', 1), "manifest.mpd: it names '/etc/passwd'"),
    "address": (_edit("<Period ", "<BaseURL>http://example.com/</BaseURL><Period "), "it names 'http://example.com'"),
    "document type": (_edit("<MPD", '<!DOCTYPE x [<!ENTITY a "b">]><MPD', 1), "a manifest has no document type"),
    "not a manifest": (lambda folder: (folder / "manifest.mpd").write_text("#EXTM3U\n"), "is no DASH manifest"),
    "segments exchanged": (
        lambda folder: _edit(_MEDIA, _MEDIA.replace("$RepresentationID$", "0"))(folder),
        "representation 1",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(dash: Case, copy: Path, fault: str) -> None:
    change, message = FAULTS[fault]
    change(copy)
    assert message in messages(dash, made_in(copy, dash.outputs))


def test_key_frames_that_do_not_fit(dash: Case, static_ffmpeg: str, tmp_path: Path) -> None:
    change = replaced(("50", "60"))
    run(dash.recipe, static_ffmpeg, tmp_path, "manifest.mpd", source=samples.sample(dash.sample), change=change)
    assert "lasts 2.400 s, 2 s were asked for" in messages(dash, made_in(tmp_path, dash.outputs))


def test_sound_cut_elsewhere(dash: Case, good: Path) -> None:
    rule = dash.rules[0]
    assert isinstance(rule, Dash)
    strict = dataclasses.replace(rule.limits, alignment=Threshold(0.05, "here"))
    case = dataclasses.replace(dash, rules=(Dash(strict),))
    assert "representation 2: sound is cut at 1.920 s, the picture at 2.000 s" in messages(
        case, made_in(good, dash.outputs)
    )
