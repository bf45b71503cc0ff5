"""Golden values of hardware encoders: what must be equal, and what is held to a tolerance, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_mediaimage.media import judge
from pytest_mediaimage.media.golden import Golden, GoldenEntry, GoldenValues
from pytest_mediaimage.media.hardware.goldens import hold_on_card
from pytest_mediaimage.media.hardware.origin import Origin
from pytest_mediaimage.media.verdict import Judgement

ADA = Origin("nvidia ada", "550.54.14", "8.1")
FRAMES = [f"{number:064x}"[::-1] for number in range(10)]
OTHER = [*FRAMES[:6], "f" * 64, *FRAMES[7:]]


def judgement(hashes: list[str], **metrics: float) -> Judgement:
    kept: dict[str, float | int | str] = {"encoder": "Lavc h264_nvenc", "stream_hash": judge.stream_hash(hashes)}
    return Judgement(metrics={**kept, "bytes": 1000, "psnr_y_mean": 40.0, "psnr_y_min": 38.0, **metrics}, hashes=hashes)


def kept_from(*origins: Origin) -> GoldenEntry:
    golden = Golden("h264-aac")
    for origin in origins:
        found = judgement(FRAMES)
        golden = golden.with_values(
            sample="s", recipe="r", path="nvenc", encoder=origin.encoder("Lavc h264_nvenc"), machine=origin.machine,
            values=GoldenValues.of(found.hashes, found.metrics),
        )  # fmt: skip
    (entry,) = golden.entries
    return entry


def test_the_same_pictures_are_exact_whatever_the_driver() -> None:
    for origin in (ADA, replace(ADA, driver="560.28.03"), replace(ADA, ffmpeg="9.0"), replace(ADA, driver="unknown")):
        found = judgement(FRAMES)
        hold_on_card(kept_from(ADA), origin, found)
        assert (found.golden.status, found.problems) == ("exact", []), origin


def test_other_pictures_of_the_same_key_are_a_problem() -> None:
    found = judgement(OTHER)
    hold_on_card(kept_from(ADA), ADA, found)
    assert found.golden.status == "differs" and found.golden.first_frame == 6
    (problem,) = found.problems
    assert "frame 6 is the first that isn't what h264_nvenc FFmpeg 8.1 gave before on nvidia ada/550.54.14" in (
        problem.message
    )


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        (replace(ADA, driver="560.28.03"), "no golden values for h264_nvenc FFmpeg 8.1 on nvidia ada/560.28.03; held"),
        (replace(ADA, ffmpeg="9.0"), "no golden values for h264_nvenc FFmpeg 9.0 on nvidia ada/550.54.14; held"),
        (replace(ADA, driver="unknown"), "driver or FFmpeg of nvidia ada/unknown isn't known; held against"),
    ],
)
def test_a_changed_key_is_held_to_a_tolerance_and_says_why(origin: Origin, why: str) -> None:
    found = judgement(OTHER, psnr_y_mean=39.85)
    hold_on_card(kept_from(ADA), origin, found)
    assert (found.golden.status, found.problems) == ("tolerance", [])
    assert why in found.golden.reason and "h264_nvenc FFmpeg 8.1 on nvidia ada/550.54.14" in found.golden.reason


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"psnr_y_mean": 39.75}, "psnr_y_mean fell from 40.00 to 39.75 dB (tolerance 0.2 dB)"),
        ({"psnr_y_min": 37.0}, "psnr_y_min fell from 38.00 to 37.00 dB"),
        ({"bytes": 1101}, "the file grew from 1000 to 1101 bytes (tolerance 10%)"),
    ],
)
def test_a_driver_that_makes_it_worse_is_a_problem(metrics: dict[str, float], words: str) -> None:
    found = judgement(OTHER, **metrics)
    hold_on_card(kept_from(ADA), replace(ADA, driver="560.28.03"), found)
    assert found.golden.status == "differs"
    assert words in found.problems[0].message and "on nvidia ada/550.54.14" in found.problems[0].message


def test_the_nearest_driver_is_held_against() -> None:
    entry = kept_from(*(replace(ADA, driver=driver) for driver in ("470.57.02", "550.40.07", "575.51.03")))
    found = judgement(OTHER)
    hold_on_card(entry, ADA, found)
    assert "held against h264_nvenc FFmpeg 8.1 on nvidia ada/550.40.07" in found.golden.reason


def test_another_family_s_values_say_nothing() -> None:
    found = judgement(OTHER, psnr_y_mean=20.0)
    hold_on_card(kept_from(ADA), replace(ADA, family="nvidia turing"), found)
    assert (found.golden.status, found.problems) == ("missing", [])
    assert found.golden.reason == "golden values are of nvidia ada/550.54.14, this is nvidia turing/550.54.14"


def test_a_family_that_isn_t_known_is_held_against_nobody() -> None:
    found = judgement(OTHER, psnr_y_mean=20.0)
    hold_on_card(kept_from(Origin(ffmpeg="8.1")), Origin(ffmpeg="8.1"), found)
    assert (found.golden.status, found.problems) == ("missing", [])


def test_another_encoder_s_values_say_nothing() -> None:
    found = judgement(OTHER)
    found.metrics["encoder"] = "Lavc hevc_nvenc"
    hold_on_card(kept_from(ADA), ADA, found)
    assert found.golden.status == "missing"
