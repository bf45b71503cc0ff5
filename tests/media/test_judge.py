from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mediaimage.errors import JudgeError
from pytest_mediaimage.media import judge, probing


def _run(program: str, *options: str | Path) -> str:
    argv = [program, "-nostdin", "-v", "error", "-y", *map(str, options)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout


def _framehash(program: str, path: Path) -> list[str]:
    options: list[str | Path] = [
        "-noauto_conversion_filters",
        "-threads",
        "1",
        "-i",
        path,
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
    ]
    text = _run(program, *options, "-bitexact", "-f", "framehash", "-hash", "sha256", "-")
    return [line.split(",")[-1].strip() for line in text.splitlines() if not line.startswith("#")]


def test_hashes_equal_ffmpegs_framehash(source: Path, any_ffmpeg: str) -> None:
    hashes = judge.frame_hashes(source)
    assert len(hashes) == 125
    assert hashes == _framehash(any_ffmpeg, source)
    assert judge.stream_hash(hashes) != judge.stream_hash(hashes[::-1])


@pytest.mark.parametrize("size", ["320x180", "321x181", "34x18"])
@pytest.mark.parametrize(
    "form", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p12le", "gray", "gbrp10le", "bgra"]
)
def test_hashes_without_padding_in_any_format(tmp_path: Path, system_ffmpeg: str, form: str, size: str) -> None:
    path = tmp_path / "clip.mkv"
    _run(system_ffmpeg, "-f", "lavfi", "-i", f"testsrc2=s={size}:d=0.2", "-pix_fmt", form, "-c:v", "ffv1", path)
    assert probing.probe(path).streams[0].pix_fmt == form
    assert judge.frame_hashes(path) == _framehash(system_ffmpeg, path)


@pytest.mark.parametrize("form", ["nv12", "yuv420p10be", "rgb24"])
def test_hashes_of_raw_formats(tmp_path: Path, system_ffmpeg: str, form: str) -> None:
    path = tmp_path / "clip.nut"
    _run(system_ffmpeg, "-f", "lavfi", "-i", "testsrc2=s=322x182:d=0.2", "-pix_fmt", form, "-c:v", "rawvideo", path)
    assert judge.frame_hashes(path) == _framehash(system_ffmpeg, path)


def test_formats_it_does_not_know_are_refused(tmp_path: Path, system_ffmpeg: str) -> None:
    path = tmp_path / "clip.nut"
    _run(system_ffmpeg, "-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.1", "-pix_fmt", "rgb565le", "-c:v", "rawvideo", path)
    with pytest.raises(JudgeError, match="rgb565le"):
        judge.frame_hashes(path)


def test_probe_tells_encoders_apart(tmp_path: Path, source: Path, system_ffmpeg: str, static_ffmpeg: str) -> None:
    found = {}
    for name, program, codec in (
        ("old.mp4", system_ffmpeg, "libx264"),
        ("new.mp4", static_ffmpeg, "libx264"),
        ("hevc.mp4", static_ffmpeg, "libx265"),
        ("lavc.mkv", static_ffmpeg, "mpeg4"),
    ):
        _run(program, "-i", source, "-frames:v", "5", "-c:v", codec, "-an", tmp_path / name)
        video = probing.probe(tmp_path / name).video
        assert video is not None
        found[name] = video.encoder
    assert found["old.mp4"].startswith("x264 core 16")
    assert found["new.mp4"] == "x264 core 165"
    assert found["hevc.mp4"].startswith("x265 build ")
    assert found["lavc.mkv"].startswith("Lavc")
    assert found["lavc.mkv"].endswith("mpeg4")


def test_probe_counts_open_gops(tmp_path: Path, source: Path, static_ffmpeg: str) -> None:
    for params, is_open in (("open-gop=1:keyint=25:bframes=3", True), ("open-gop=0:keyint=25:bframes=3", False)):
        _run(static_ffmpeg, "-i", source, "-c:v", "libx264", "-x264-params", params, "-an", tmp_path / "gop.mp4")
        video = probing.probe(tmp_path / "gop.mp4").video
        assert video is not None
        assert (video.open_gops > 0) is is_open
        assert video.max_gop == pytest.approx(1.0, abs=0.2)


def test_languages(tmp_path: Path, source: Path, static_ffmpeg: str) -> None:
    path = tmp_path / "swedish.mkv"
    _run(static_ffmpeg, "-i", source, "-c", "copy", "-metadata:s:a:0", "language=swe", path)
    audio = probing.probe(path).audio
    assert audio is not None
    assert (audio.language, audio.layout, audio.channels) == ("swe", "stereo", 2)


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"not media at all\n" * 100, b"\x1aE\xdf\xa3" + b"\xff" * 60])
def test_garbage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "garbage.mp4"
    path.write_bytes(content)
    for read in (probing.probe, judge.frame_hashes):
        with pytest.raises(JudgeError, match=r"garbage\.mp4"):
            read(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match=r"none\.mp4"):
        probing.probe(tmp_path / "none.mp4")


def test_no_video(tmp_path: Path, source: Path, static_ffmpeg: str) -> None:
    _run(static_ffmpeg, "-i", source, "-vn", "-c", "copy", tmp_path / "sound.mp4")
    with pytest.raises(JudgeError, match="no video"):
        judge.frame_hashes(tmp_path / "sound.mp4")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("moov", ["first", "last"])
def test_truncated(tmp_path: Path, source: Path, static_ffmpeg: str, share: float, moov: str) -> None:
    whole, path = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    _run(static_ffmpeg, "-i", source, "-c", "copy", *(["-movflags", "+faststart"] if moov == "first" else []), whole)
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(JudgeError, match=r"cut\.mp4"):
        probing.probe(path)
    with pytest.raises(JudgeError, match=r"cut\.mp4"):
        judge.frame_hashes(path)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flipped_bytes_give_pictures_or_a_judge_error(tmp_path: Path, source: Path, data: st.DataObject) -> None:
    content = bytearray(source.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20)):
        content[at] ^= 0xFF
    path = tmp_path / "flipped.mp4"
    path.write_bytes(content)
    for read in (probing.probe, judge.frame_hashes):
        try:
            read(path)
        except JudgeError as error:
            assert "flipped.mp4" in str(error)  # success is fine too


def test_damage_inside_a_picture_is_an_error(tmp_path: Path, source: Path, break_frame: Any) -> None:
    path = tmp_path / "damaged.mp4"
    shutil.copy(source, path)
    break_frame(path, 60)
    with pytest.raises(JudgeError, match=r"damaged\.mp4.*frame"):
        judge.frame_hashes(path)


def test_playlists_are_not_followed(tmp_path: Path, source: Path) -> None:
    concat = tmp_path / "list.txt"
    concat.write_text(f"ffconcat version 1.0\nfile '{source}'\n")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{source}\n#EXT-X-ENDLIST\n")
    for path in (concat, playlist):
        with pytest.raises(JudgeError, match="list"):
            probing.probe(path)


def test_frames_stop_at_a_limit(source: Path) -> None:
    with pytest.raises(JudgeError, match="more than 10 frames"):
        list(judge.frames(source, limit=10))


def test_frames_are_lazy(source: Path) -> None:
    frames = judge.frames(source)
    first = next(frames)
    assert (first.index, first.width, first.height, first.bit_depth, first.time) == (0, 384, 216, 8, 0.0)
    assert [plane.shape for plane in first.planes] == [(216, 384), (108, 192), (108, 192)]
