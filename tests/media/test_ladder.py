"""Each fault is made by ffmpeg itself, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery_helpers import Change, before, made_in, messages, run, within

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.verdict import judge_case


@pytest.fixture(scope="module")
def ladder() -> Case:
    return CASES["h264-ladder"]


def test_a_good_ladder(ladder: Case, any_ffmpeg: str, tmp_path: Path) -> None:
    run(ladder.recipe, any_ffmpeg, tmp_path, "high.mp4", source=samples.sample(ladder.sample))
    judgement = judge_case(ladder, made_in(tmp_path, ladder.outputs))
    assert judgement.problems == []
    metrics = judgement.metrics
    assert metrics["frames"] == metrics["low.mp4: frames"] == 125
    assert 120_000 < int(metrics["low.mp4: bit_rate"]) < int(metrics["medium.mp4: bit_rate"]) < 400_000
    assert float(metrics["low.mp4: ssim_y_mean"]) > 0.97


def _low(filters: str) -> Change:
    """Filters after the scaling of the lowest rung."""
    return within("bitexact[low-out]", f"bitexact,{filters}[low-out]")


FAULTS: dict[str, tuple[Change, str]] = {
    "misaligned": (
        before("low.mp4", "-g", "40", "-keyint_min", "40"),
        "low.mp4: IDR frames aren't where high.mp4 has them: none at 2, 4 s and some at 1.6, 3.2, 4.8 s",
    ),
    "long GOP": (before("medium.mp4", "-g", "125", "-keyint_min", "125"), "after the IDR frame at 0.000 s the next"),
    "no IDR": (
        before("low.mp4", "-flags:v", "+bitexact", "-x264-params", "open-gop=1:bframes=3"),
        "low.mp4: IDR frames aren't where high.mp4 has them: none at",
    ),
    "missing frame": (_low("select='not(eq(n\\,50))'"), "low.mp4: frame 50 missing"),
    "late rung": (_low("trim=start_frame=3,setpts=PTS-STARTPTS"), "low.mp4: frames 0-2 missing"),
    "shifted by a pixel": (_low("crop=127:72:1:0:exact=1,pad=128:72"), "low.mp4: mean PSNR-Y is"),
    "full range": (within("256:144:", "256:144:in_range=tv:out_range=pc:"), "medium.mp4: mean PSNR-Y is"),
    "nearest neighbour": (within("128:72:flags=bicubic", "128:72:flags=neighbor"), "low.mp4: mean SSIM-Y is"),
    "scaled twice": (within("scale=256:144", "scale=64:48,scale=256:144"), "medium.mp4: mean SSIM-Y is"),
    "other size": (within("scale=128:72", "scale=128:80"), "low.mp4: video height is 80, 72 was expected"),
    "too many bits": (before("low.mp4", "-b:v", "300k", "-maxrate", "330k"), "% of the 160 kb/s that were asked for"),
    "too few bits": (before("high.mp4", "-b:v", "300k"), "% of the 600 kb/s that were asked for"),
    "rates exchanged": (before("low.mp4", "-b:v", "500k", "-maxrate", "600k"), "no less than medium.mp4"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(ladder: Case, static_ffmpeg: str, tmp_path: Path, fault: str) -> None:
    change, message = FAULTS[fault]
    run(ladder.recipe, static_ffmpeg, tmp_path, "high.mp4", source=samples.sample(ladder.sample), change=change)
    assert message in messages(ladder, made_in(tmp_path, ladder.outputs))


def test_a_rung_that_is_missing_or_broken(ladder: Case, static_ffmpeg: str, tmp_path: Path) -> None:
    run(ladder.recipe, static_ffmpeg, tmp_path, "high.mp4", source=samples.sample(ladder.sample))
    low = tmp_path / "low.mp4"
    low.write_bytes(low.read_bytes()[:20_000])
    assert "low.mp4 can't be read" in messages(ladder, made_in(tmp_path, ladder.outputs))
    low.unlink()
    assert "low.mp4 can't be read: there is no low.mp4" in messages(ladder, made_in(tmp_path, ladder.outputs))
