from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mediaimage.errors import JudgeError
from pytest_mediaimage.media import judge
from pytest_mediaimage.media.barcode import Mark
from pytest_mediaimage.media.pictures import compare
from pytest_mediaimage.media.pictures.identity import identify, ranges
from pytest_mediaimage.media.pictures.planes import PSNR_CAP


def _stats(program: str, name: str, output: Path, source: Path, folder: Path) -> list[dict[str, float]]:
    """Per-frame values of FFmpeg's own `psnr` or `ssim` filter."""
    log = folder / "stats.log"
    graph = f"[0:v][1:v]{name}=stats_file={log}"
    argv: list[str | Path] = [
        program,
        "-nostdin",
        "-v",
        "error",
        "-i",
        output,
        "-i",
        source,
        "-lavfi",
        graph,
        "-f",
        "null",
        "-",
    ]
    subprocess.run(argv, check=True, timeout=60)
    pairs = (re.findall(r"(\w+):([\d.]+|inf)", line) for line in log.read_text().splitlines())
    return [{key: float(value) for key, value in row} for row in pairs]


def test_psnr_and_ssim_equal_ffmpegs(transcode: Any, source: Path, system_ffmpeg: str, tmp_path: Path) -> None:
    output = transcode("-crf", "30")
    scores = compare.compare(source, output).scores
    psnr = _stats(system_ffmpeg, "psnr", output, source, tmp_path)
    ssim = _stats(system_ffmpeg, "ssim", output, source, tmp_path)
    assert len(scores) == len(psnr) == len(ssim) == 125
    for score, p, s in zip(scores, psnr, ssim, strict=True):
        assert score.psnr == pytest.approx((p["psnr_y"], p["psnr_u"], p["psnr_v"]), abs=0.01)
        assert score.ssim == pytest.approx((s["Y"], s["U"], s["V"]), abs=1e-5)


def test_ten_bit_psnr_equals_ffmpegs(tmp_path: Path, system_ffmpeg: str) -> None:
    files = []
    for name, noise in (("a", 0), ("b", 12)):
        path = tmp_path / f"{name}.mkv"
        graph = f"testsrc2=s=160x90:d=0.4,format=yuv420p10le,noise=alls={noise}:all_seed=1"
        subprocess.run([system_ffmpeg, "-v", "error", "-f", "lavfi", "-i", graph, "-c:v", "ffv1", path], check=True)
        files.append(path)
    result = compare.compare(files[0], files[1])
    assert result.identity is None  # no numbers in these pictures: compared in their order
    rows = _stats(system_ffmpeg, "psnr", files[1], files[0], tmp_path)
    for score, row in zip(result.scores, rows, strict=True):
        assert score.psnr == pytest.approx((row["psnr_y"], row["psnr_u"], row["psnr_v"]), abs=0.01)
        assert all(0 < value < 1 for value in score.ssim)


def test_a_file_equals_itself(source: Path) -> None:
    result = compare.compare(source, source)
    assert result.identity is not None
    assert result.identity.intact
    assert result.metrics()["psnr_y_min"] == PSNR_CAP
    assert result.metrics()["ssim_v_min"] == 1.0
    assert result.hashes == judge.frame_hashes(source)
    assert result.bias() == (0.0, 0.0, 0.0)


def test_an_unreadable_source_is_an_error_an_unreadable_output_a_result(tmp_path: Path, source: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(source.read_bytes()[:200_000])
    with pytest.raises(JudgeError, match=r"broken\.mp4"):
        compare.compare(broken, source)
    result = compare.compare(source, broken)
    assert "broken.mp4" in result.broken
    assert 0 < len(result.scores) < 125


def test_distant_disorder_is_named_within_bounded_memory(reencode: Any, source: Path) -> None:
    result = compare.compare(source, reencode(lambda pictures: [*pictures[100:], *pictures[:100]]))
    assert result.identity is not None
    assert result.identity.messages() == ["frame 0 follows frame 124"]
    assert len(result.scores) >= 25


def _identify(numbers: list[int | None], count: int, nonce: int = 5) -> list[str]:
    marks = [None if number is None else Mark(number, 5) for number in numbers]
    return identify(marks, range(count), nonce).messages()


def test_messages_name_the_frames() -> None:
    assert _identify([*range(10)], 10) == []
    assert _identify([*range(5), *range(6, 10)], 10) == ["frame 5 missing"]
    assert _identify([0, 1, 6, 7, 8], 10) == ["frames 2-5, 9 missing"]
    assert _identify([0, 2, 1, 3], 4) == ["frames 1 and 2 swapped"]
    assert _identify([0, 3, 2, 1, 4], 5) == ["frames 1 and 3 swapped"]
    assert _identify([0, 1, 1, 2], 3) == ["frame 1 shown more than once"]
    assert _identify([0, 2, 3, 1], 4) == ["frame 1 follows frame 3"]
    assert _identify([0, 1, 2], 2) == ["frame 2 beyond the end of the source"]
    assert _identify([0, None, None, 3], 4)[0] == "frames 1-2 of the output carry no readable number"
    assert _identify([0, None, 2], 3) == ["frame 1 of the output carries no readable number", "frame 1 missing"]


def test_another_clips_nonce() -> None:
    (message,) = _identify([0, 1, 2], 3, nonce=9)
    assert "nonce 5 instead of 9" in message
    assert "not made from this input" in message


@given(st.lists(st.integers(0, 30), max_size=40))
def test_only_the_right_sequence_is_intact(numbers: list[int]) -> None:
    messages = _identify(list(numbers), 20)
    assert (messages == []) == (numbers == list(range(20)))


@given(st.permutations(list(range(12))))
def test_a_permutation_is_named(numbers: list[int]) -> None:
    messages = _identify(list(numbers), 12)
    assert bool(messages) == (list(numbers) != list(range(12)))
    assert all("swapped" in text or "follows" in text or "out of order" in text for text in messages)


def test_ranges() -> None:
    assert ranges([5, 3, 4, 9]) == "3-5, 9"
    assert ranges([0, 2, 4, 6], most=2) == "0, 2 and 2 more"
