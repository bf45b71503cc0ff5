"""Each fault is a real presentation, made wrong; each must be named, and a good one must be clean."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from delivery_helpers import Change, before, made_in, messages, replaced, run, within

from pytest_mediaimage.media import clip, samples
from pytest_mediaimage.media.case import Case, Threshold
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.rules.hls import Hls
from pytest_mediaimage.media.verdict import judge_case


@pytest.fixture(scope="module")
def hls() -> Case:
    return CASES["hls-fmp4"]


@pytest.fixture(scope="module")
def good(hls: Case, static_ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hls")
    run(hls.recipe, static_ffmpeg, folder, "master.m3u8", source=samples.sample(hls.sample))
    return folder


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "copy"))


def test_a_good_presentation(hls: Case, any_ffmpeg: str, tmp_path: Path) -> None:
    run(hls.recipe, any_ffmpeg, tmp_path, "master.m3u8", source=samples.sample(hls.sample))
    made = made_in(tmp_path, hls.outputs)
    assert len(made.outputs) == 16
    judgement = judge_case(hls, made)
    assert judgement.problems == []
    assert judgement.metrics["frames"] == 125
    assert float(judgement.metrics["track-1.m3u8: ssim_y_mean"]) > 0.97
    assert abs(float(judgement.metrics["track-2.m3u8: audio_offset"])) < 0.002
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".joined")]


def _edit(name: str, old: str, new: str, count: int = -1) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, count))

    return edit


def _drop_tail(folder: Path) -> None:
    for track in ("0", "1"):
        _edit(f"track-{track}.m3u8", f"#EXTINF:1.000000,\nsegment-{track}-2.m4s\n", "")(folder)


def _repeat(folder: Path) -> None:
    shutil.copy(folder / "segment-0-0.m4s", folder / "segment-0-1.m4s")


def _shift(folder: Path) -> None:
    """The second segment's decode time is a frame later: `tfdt` of version 1, ISO/IEC 14496-12, 8.8.12."""
    path = folder / "segment-0-1.m4s"
    data = bytearray(path.read_bytes())
    at = data.index(b"tfdt") + 8
    data[at : at + 8] = (int.from_bytes(data[at : at + 8], "big") + 512).to_bytes(8, "big")
    path.write_bytes(data)


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing segment": (
        lambda folder: (folder / "segment-0-1.m4s").unlink(),
        "track-0.m3u8 names segment-0-1.m4s, which the transcode didn't leave",
    ),
    "missing init": (lambda folder: (folder / "init-1.mp4").unlink(), "track-1.m3u8 names init-1.mp4, which"),
    "missing playlist": (lambda folder: (folder / "track-2.m3u8").unlink(), "master.m3u8 names track-2.m3u8, which"),
    "EXTINF": (
        _edit("track-0.m3u8", "EXTINF:2.000000", "EXTINF:1.900000", 1),
        "track-0.m3u8: segment-0-0.m4s lasts 2.000 s, 1.900 s are declared",
    ),
    "EXTINF of sound": (_edit("track-2.m3u8", "EXTINF:2.005333", "EXTINF:1.900000", 1), "lasts 2.005 s, 1.900 s are"),
    "target too short": (
        _edit("track-0.m3u8", "TARGETDURATION:2", "TARGETDURATION:1"),
        "track-0.m3u8 has a target duration of 1 s, and segments of up to 2 s",
    ),
    "target too long": (_edit("track-1.m3u8", "TARGETDURATION:2", "TARGETDURATION:10"), "10 s, 2 s were asked for"),
    "no target": (_edit("track-1.m3u8", "#EXT-X-TARGETDURATION:2\n", ""), "has no EXT-X-TARGETDURATION"),
    "no end": (_edit("track-2.m3u8", "#EXT-X-ENDLIST", ""), "track-2.m3u8 has no EXT-X-ENDLIST"),
    "not independent": (_edit("track-0.m3u8", "#EXT-X-INDEPENDENT-SEGMENTS\n", ""), "has no EXT-X-INDEPENDENT"),
    "version": (_edit("track-0.m3u8", "VERSION:7", "VERSION:3"), "says version 3; EXT-X-MAP takes version 6"),
    "begun late": (_edit("track-0.m3u8", "SEQUENCE:0", "SEQUENCE:4"), "track-0.m3u8 begins with segment 4"),
    "no tail": (_drop_tail, "2 segments are declared to last 4.000 s, the source lasts 5.000 s"),
    "no tail's frames": (_drop_tail, "track-1.m3u8: frames 100-124 missing"),
    "no head": (
        _edit("track-0.m3u8", "#EXTINF:2.000000,\nsegment-0-0.m4s\n", ""),
        "track-1.m3u8: its segments aren't cut where those of track-0.m3u8 are",
    ),
    "segment twice": (_repeat, "track-0.m3u8: an overlap of 2000.0 ms in decode times"),
    "decode time": (_shift, "track-0.m3u8: a gap of 40.0 ms in decode times at 2.040 s, where segment-0-1.m4s begins"),
    "codecs": (_edit("master.m3u8", "avc1.64000d", "avc1.42c01e"), "its codec is avc1.64000d, avc1.42c01e, mp4a.40.2"),
    "codec of sound": (_edit("master.m3u8", "mp4a.40.2", "mp4a.40.5"), "track-2.m3u8: its codec is mp4a.40.2"),
    "resolution": (_edit("master.m3u8", "256x144", "384x216"), "its pictures are 256x144, 384x216 is declared"),
    "renditions exchanged": (
        lambda folder: _edit("master.m3u8", "track-1.m3u8", "track-0.m3u8")(folder),
        "there is no track of 256x144",
    ),
    "no audio group": (_edit("master.m3u8", 'GROUP-ID="group_sound"', 'GROUP-ID="other"'), "names the audio group"),
    "cut segment": (
        lambda folder: (folder / "segment-1-1.m4s").write_bytes((folder / "segment-1-1.m4s").read_bytes()[:9000]),
        "track-1.m3u8",
    ),
    "no media": (lambda folder: (folder / "segment-1-1.m4s").write_bytes(b"junk"), "track-1.m3u8"),
    "no playlist": (lambda folder: (folder / "master.m3u8").write_bytes(b"junk"), "is neither an HLS playlist nor"),
    "own files": (
        _edit("track-0.m3u8", "segment-0-1.m4s", "/etc/passwd"),
        "track-0.m3u8: it names '/etc/passwd', which isn't relative to it",
    ),
    "address": (_edit("track-0.m3u8", "init-0.mp4", "http://example.com/a.mp4"), "it names 'http://example.com/a.mp4'"),
    "outside": (_edit("master.m3u8", "track-1.m3u8", "../../track-1.m3u8"), "leads out of its own directory"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_package_is_named(hls: Case, copy: Path, fault: str) -> None:
    change, message = FAULTS[fault]
    change(copy)
    assert message in messages(hls, made_in(copy, hls.outputs))


_STREAMS = "v:0,agroup:sound v:1,agroup:sound a:0,agroup:sound,default:yes"


def _sound(argv: list[str]) -> tuple[int, int]:
    at = argv.index("0:a:0")
    return at - 1, at


OPTIONS: dict[str, tuple[Change, str]] = {
    "cut by time": (
        lambda argv: within("independent_segments", "independent_segments+split_by_time")(replaced(("50", "60"))(argv)),
        "segment-0-1.m4s, segment-0-2.m4s doesn't begin with an IDR frame",
    ),
    "open GOP": (
        before("track-%v.m3u8", "-flags:v", "+bitexact", "-x264-params", "open-gop=1:bframes=3"),
        "doesn't begin with an IDR frame",
    ),
    "other key frames": (before("track-%v.m3u8", "-g:v:1", "40", "-keyint_min:v:1", "40"), "aren't cut where those"),
    "long segments": (before("track-%v.m3u8", "-hls_time", "4"), "segment-0-0.m4s lasts 4.000 s, 2 s were asked for"),
    "late sound": (before("track-%v.m3u8", "-af", "adelay=30:all=1"), "track-2.m3u8: sound is +29."),
    "mono": (before("track-%v.m3u8", "-ac", "1"), "track-2.m3u8: its sound has 1 channels at 48000 Hz"),
    "silence": (before("track-%v.m3u8", "-af", "volume=0"), "track-2.m3u8: audio channel 0 isn't the source's"),
    "no sound": (
        lambda argv: replaced((_STREAMS, "v:0 v:1"))([w for at, w in enumerate(argv) if at not in _sound(argv)]),
        "there is no track of sound",
    ),
    "dropped frame": (within("0]split", "0]select='not(eq(n\\,60))',split"), "track-1.m3u8: frame 60 missing"),
    "wrong range": (within("144:flags", "144:in_range=tv:out_range=pc:flags"), "track-1.m3u8: mean PSNR-Y"),
}


@pytest.mark.parametrize("fault", OPTIONS)
def test_a_fault_of_the_command_is_named(hls: Case, static_ffmpeg: str, tmp_path: Path, fault: str) -> None:
    change, message = OPTIONS[fault]
    run(hls.recipe, static_ffmpeg, tmp_path, "master.m3u8", source=samples.sample(hls.sample), change=change)
    assert message in messages(hls, made_in(tmp_path, hls.outputs))


def test_a_stale_segment_of_another_clip(hls: Case, static_ffmpeg: str, copy: Path, tmp_path: Path) -> None:
    fresh, other = tmp_path / "fresh.mp4", tmp_path / "other"
    nonce = clip.fresh_clip(fresh, frames=125)
    run(hls.recipe, static_ffmpeg, other, "master.m3u8", source=fresh)
    assert messages(hls, made_in(other, hls.outputs, source=fresh, nonce=nonce)) == ""
    shutil.copy(other / "segment-0-1.m4s", copy / "segment-0-1.m4s")
    text = messages(hls, made_in(copy, hls.outputs))
    assert f"track-0.m3u8: 50 frames of another clip: nonce {nonce} instead of 0" in text


def test_sound_cut_elsewhere(hls: Case, good: Path) -> None:
    rule = hls.rules[0]
    assert isinstance(rule, Hls)
    strict = dataclasses.replace(rule.limits, alignment=Threshold(0.001, "here"))
    case = dataclasses.replace(hls, rules=(Hls(strict),))
    assert "track-2.m3u8: sound is cut at" in messages(case, made_in(good, hls.outputs))


def test_a_playlist_of_sound_alone(hls: Case, copy: Path) -> None:
    rule = next(rule for rule in hls.rules if isinstance(rule, Hls))
    sound = dataclasses.replace(rule, limits=dataclasses.replace(rule.limits, video={}), output="track-2.m3u8")
    playlist = copy / "track-2.m3u8"
    playlist.write_text(playlist.read_text().replace("#EXT-X-INDEPENDENT-SEGMENTS\n", ""))
    assert messages(dataclasses.replace(hls, rules=(sound,)), made_in(copy, hls.outputs)) == ""


def test_byte_ranges_of_one_file(hls: Case, static_ffmpeg: str, tmp_path: Path) -> None:
    def single(argv: list[str]) -> list[str]:
        argv = within("independent_segments", "independent_segments+single_file")(argv)
        return within("segment-%v-%d.m4s", "all-%v.m4s")(argv)

    run(hls.recipe, static_ffmpeg, tmp_path, "master.m3u8", source=samples.sample(hls.sample), change=single)
    made = made_in(tmp_path, hls.outputs)
    assert "BYTERANGE" in (tmp_path / "track-0.m3u8").read_text()
    assert messages(hls, made) == ""
    whole = made.outputs["all-0.m4s"]
    whole.write_bytes(whole.read_bytes()[:-100])
    assert "which has" in messages(hls, made_in(tmp_path, hls.outputs))


def test_playlists_in_folders(hls: Case, system_ffmpeg: str, tmp_path: Path) -> None:
    def change(argv: list[str]) -> list[str]:
        for old, new in (("segment-%v-%d", "%v/segment-%d"), ("track-%v", "%v/index"), ("init-%v", "init-%v")):
            argv = within(old, new)(argv)
        return argv

    run(hls.recipe, system_ffmpeg, tmp_path, "master.m3u8", source=samples.sample(hls.sample), change=change)
    made = made_in(tmp_path, hls.outputs)
    assert "1/segment-2.m4s" in made.outputs
    assert messages(hls, made) == ""


def _transport_stream(hls: Case, program: str, folder: Path) -> Case:
    """One rendition of the picture alone, in MPEG-TS."""

    def change(argv: list[str]) -> list[str]:
        at = argv.index("-filter_complex")
        begin, end = argv[:at], argv[argv.index("-c:v") : argv.index("-b:v:1")]
        tail = ["-an", "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_flags", "independent_segments"]
        return [*begin, "-map", "0:v:0", *end, *tail, "index.m3u8"]

    run(hls.recipe, program, folder, "index.m3u8", source=samples.sample(hls.sample), change=change)
    rule = hls.rules[0]
    assert isinstance(rule, Hls)
    limits = dataclasses.replace(rule.limits, video={(384, 216): rule.limits.video[384, 216]})
    return dataclasses.replace(hls, outputs=("index.m3u8",), rules=(Hls(limits),))


def test_transport_streams(hls: Case, system_ffmpeg: str, tmp_path: Path) -> None:
    case = _transport_stream(hls, system_ffmpeg, tmp_path)
    # Without a master playlist no codecs are declared, and this one has no sound.
    told = messages(case, made_in(tmp_path, case.outputs)).splitlines()
    assert told == ["there is no track of sound"]


def test_a_segment_that_needs_the_one_before(hls: Case, static_ffmpeg: str, tmp_path: Path) -> None:
    case = _transport_stream(hls, static_ffmpeg, tmp_path)
    path = tmp_path / "index1.ts"
    data = path.read_bytes()
    # Parameter sets become filler: what was in the segment before still does for a player that comes from there.
    for kind in (0x67, 0x68):
        assert b"\0\0\1" + bytes([kind]) in data
        data = data.replace(b"\0\0\1" + bytes([kind]), b"\0\0\1\x0c")
    path.write_bytes(data)
    assert "index1.ts can't be decoded without the segment before" in messages(case, made_in(tmp_path, case.outputs))
