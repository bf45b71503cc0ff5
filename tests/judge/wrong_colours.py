"""Encoders that get colours, sizes, depth or quality wrong, and encoders that save."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from encoders import Trial, packaged_golden, replaced, right, wrong
from pictures import Picture, reencode

from pytest_mediaimage.media.golden import GoldenEntry, GoldenValues
from pytest_mediaimage.media.verdict import judge_case

_SCALE = "flags=bicubic+accurate_rnd+bitexact"


@wrong("h264-aac")
def chroma_swapped(trial: Trial) -> str:
    trial.encode("-vf", "shuffleplanes=0:2:1")
    return "the chroma planes U and V are swapped"


@wrong("h264-aac")
def greyscale(trial: Trial) -> tuple[str, str, str]:
    trial.encode("-vf", "lutyuv=u=128:v=128")
    return "it has no colour", "mean PSNR-U is", "mean PSNR-V is"


@wrong("h264-aac")
def shifted_by_a_pixel(trial: Trial) -> str:
    axis = 1 if (way := trial.choose("right", "down")) == "right" else 0

    def shifted(picture: Picture) -> Picture:
        return np.concatenate((np.roll(picture[:216], 1, axis), picture[216:]))

    reencode(trial.source, trial.output(), lambda pictures: map(shifted, pictures))
    return f"it is shifted by 1 pixel {'to the right' if way == 'right' else way}"


@wrong("h264-aac")
def chroma_shifted_by_a_pixel(trial: Trial) -> str:
    def shifted(picture: Picture) -> Picture:
        chroma = picture[216:].reshape(2, 108, 192)
        return np.concatenate((picture[:216], np.roll(chroma, 1, 2).reshape(108, 384)))

    reencode(trial.source, trial.output(), lambda pictures: map(shifted, pictures))
    return "U is shifted by 1 pixel to the right"


@wrong("h264-aac")
def range_converted(trial: Trial) -> str:
    trial.encode("-vf", f"scale=in_range=tv:out_range=pc:{_SCALE},setparams=range=tv")
    return "limited range was stretched to full range"


@wrong("h264-aac")
def range_tag(trial: Trial) -> str:
    trial.encode("-bsf:v", "h264_metadata=video_full_range_flag=1")
    return "video color_range is pc, tv was expected"


@wrong("h264-aac")
def matrix_tag(trial: Trial) -> str:
    trial.encode("-bsf:v", "h264_metadata=matrix_coefficients=6")
    return "video color_matrix is bt709 in the container, and smpte170m in the pictures"


@wrong("h264-aac")
def tags_of_standard_definition(trial: Trial) -> tuple[str, str]:
    tags = ("-color_primaries", "smpte170m", "-colorspace", "smpte170m")
    trial.encode("-vf", "setparams=color_primaries=smpte170m:colorspace=smpte170m", *tags)
    return "video color_primaries is smpte170m, bt709 was expected", "video color_matrix is smpte170m, bt709 was"


@wrong("h264-aac")
def tags_lost(trial: Trial) -> str:
    none = "setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown"
    trial.encode("-vf", none, "-color_primaries", "2", "-color_trc", "2", "-colorspace", "2")
    return "video color_primaries is unknown, bt709 was expected"


@right("h264-aac")
def tags_in_the_container_alone(trial: Trial) -> None:
    trial.encode("-bsf:v", "h264_metadata=colour_primaries=2:transfer_characteristics=2:matrix_coefficients=2")


@wrong("h264-aac")
def matrix_converted(trial: Trial) -> str:
    trial.encode("-vf", "colormatrix=bt709:bt601,setparams=colorspace=bt709")
    return "its colours were converted from BT.709's matrix to BT.601's"


@wrong("h264-aac")
def brighter_by_one(trial: Trial) -> str:
    trial.encode("-vf", "lutyuv=y=val+1")
    return "plane Y is shifted by +"


@right("h264-aac")
def brighter_by_a_third(trial: Trial) -> None:
    third = np.add.outer(np.arange(216), np.arange(384)) % 3 == 0

    def brighter(picture: Picture) -> Picture:
        return np.concatenate((picture[:216] + third.astype(np.uint8), picture[216:]))

    reencode(trial.source, trial.output(), lambda pictures: map(brighter, pictures))


@wrong("h264-aac")
def tinted_by_one(trial: Trial) -> str:
    plane = trial.choose("u", "v")
    trial.encode("-vf", f"lutyuv={plane}=val-1")
    return f"plane {plane.upper()} is shifted by -"


@wrong("h264-aac")
def blurred(trial: Trial) -> str:
    trial.encode("-vf", "gblur=sigma=0.7:planes=1")
    return "mean PSNR-Y is"


@right("h264-aac")
def blurred_hardly(trial: Trial) -> None:
    trial.encode("-vf", "gblur=sigma=0.2:planes=1")


@right("h264-aac")
def little_grain_added(trial: Trial) -> None:
    trial.encode("-vf", "noise=c0s=2:c0f=t:all_seed=7")


@wrong("h264-aac")
def grain_added(trial: Trial) -> str:
    trial.encode("-vf", "noise=c0s=12:c0f=t:all_seed=7")
    return "mean PSNR-Y is"


@wrong("h264-aac")
def cropped(trial: Trial) -> str:
    trial.encode("-vf", "crop=iw-16:ih-8")
    return "video width is 368, 384 was expected"


@wrong("h264-aac")
def cropped_and_stretched(trial: Trial) -> str:
    trial.encode("-vf", "crop=iw-4:ih-4,scale=384:216")
    return "mean PSNR-Y is"


@wrong("h264-aac")
def wrong_aspect(trial: Trial) -> str:
    trial.encode("-vf", "setsar=4/3")
    return "video sample_aspect is 4/3, 1 was expected"


@wrong("odd-size")
def cut_on_the_other_side(trial: Trial) -> str:
    trial.encode(change=replaced(("trunc(ih/2)*2:0:0", "trunc(ih/2)*2:1:1:exact=1")))
    return "mean PSNR-Y is"


@wrong("h264-aac")
def other_subsampling(trial: Trial) -> str:
    trial.encode("-pix_fmt", "yuv444p")
    return "video pix_fmt is yuv444p, yuv420p was expected"


@wrong("h264-aac")
def other_codec(trial: Trial) -> str:
    trial.encode("-c:v", "libx265")
    return "video codec is hevc, h264 was expected"


@wrong("h264-aac")
def other_container(trial: Trial) -> str:
    trial.encode("-f", "matroska")
    return "container format is matroska,webm, mp4 was expected"


def beside_older_golden_values(trial: Trial) -> None:
    """Golden values of the right encoder, kept under another version's name: tolerances count, not exact frames."""
    trial.encode()
    judged = judge_case(trial.case, trial.made())
    values = GoldenValues.of(judged.hashes, judged.metrics)
    trial.golden = GoldenEntry("", "", "cpu", {("x264 core 1", "amd64/ssse3"): values})


@wrong("h264-aac")
def quality_three_steps_lower(trial: Trial) -> str:
    beside_older_golden_values(trial)
    trial.encode("-crf", "26")
    return "worse than the golden values: psnr_y_mean fell from"


@wrong("h264-aac")
def quality_half_a_step_lower(trial: Trial) -> str:
    beside_older_golden_values(trial)
    trial.encode("-crf", "23.5")
    return "worse than the golden values: psnr_y_mean fell from"


@right("h264-aac")
def quality_a_tenth_of_a_step_lower(trial: Trial) -> None:
    beside_older_golden_values(trial)
    trial.encode("-crf", "23.1")


@wrong("h264-aac")
def four_percent_larger(trial: Trial) -> str:
    beside_older_golden_values(trial)
    trial.encode("-crf", "22.3")
    return "worse than the golden values: the file grew from"


@wrong("h264-aac")
def low_quality(trial: Trial) -> str:
    """Without golden values there is the case's own limit alone."""
    trial.encode("-crf", "33")
    return "mean PSNR-Y is"


@wrong("h264-aac")
def golden_frames(trial: Trial) -> str:
    """The least that can be changed: one level of one pixel of one frame, and its golden values are this encoder's."""
    trial.encode()
    made = trial.made()
    judged = judge_case(trial.case, made)
    entry = packaged_golden(trial.case)
    known = entry and entry.matching(str(judged.metrics["encoder"]), str(judged.metrics["stream_hash"]))
    if entry is None or known is None:
        raise RuntimeError("the packaged golden values don't know this encoder here")
    number = trial.pick(0, 124)
    values = entry.values[str(judged.metrics["encoder"]), known]
    frames = (*values.frames[:number], "0" * len(values.frames[0]), *values.frames[number + 1 :])
    changed = replace(values, stream_hash="0" * 64, frames=frames)
    trial.golden = replace(entry, values=dict.fromkeys(entry.values, changed))
    return f"not the golden pictures: frame {number} is the first"


@wrong("av1-svt")
def bits_saved_by_av1(trial: Trial) -> str:
    trial.encode("-crf", "45")
    return "the video has"


@right("av1-svt")
def av1_a_step_lower(trial: Trial) -> None:
    trial.encode("-crf", "36")


@wrong("vp9")
def bits_saved_by_vp9(trial: Trial) -> str:
    trial.encode("-crf", "38")
    return "% of the usual 204000"


@right("vp9")
def vp9_a_step_lower(trial: Trial) -> None:
    trial.encode("-crf", "33")


@right("odd-size")
def odd_size_a_step_lower(trial: Trial) -> None:
    trial.encode("-crf", "21")
