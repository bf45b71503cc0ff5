"""Measures the judge's limits: each fault at several strengths and places, and from which strength it is always named.

`python limits.py [SEED] [NAME]` prints the table of docs/detection-limits.md; LIMIT_RUNS says how often each strength
is tried, each time with a build and at a place drawn by lot.
"""

# ruff: noqa: T201
from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import wrong_colours
import wrong_delivery
import wrong_hdr
import wrong_pictures
import wrong_times
import wrong_tracks
from encoders import Trial, builds, option, replaced
from pictures import Picture, reencode

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.verdict import judge_case


@dataclass(frozen=True)
class Fault:
    """What is done by `act` with one of `strengths`, weakest first, of `unit`, to the case's output."""

    name: str
    case: str
    unit: str
    strengths: tuple[float, ...]
    act: Callable[[Trial, float], object]


def _brighter(trial: Trial, steps: float) -> None:
    """The luma of so large a share of the pixels is one step higher."""
    order = np.random.default_rng(trial.random.randrange(10**6)).permutation(216 * 384).reshape(216, 384)
    more = (order < steps * order.size).astype(np.uint8)
    reencode(trial.source, trial.output(), lambda all: (np.concatenate((p[:216] + more, p[216:])) for p in all))


def _shifted(trial: Trial, pixels: float) -> None:
    """Between two pixels it is interpolated."""

    def change(picture: Picture) -> Picture:
        luma = picture[:216].astype(float)
        moved = luma * (1 - pixels) + np.roll(luma, 1, 1) * pixels
        return np.concatenate((np.rint(moved).astype(np.uint8), picture[216:]))

    reencode(trial.source, trial.output(), lambda all: map(change, all))


def _quality(trial: Trial, steps: float) -> None:
    wrong_colours.beside_older_golden_values(trial)
    trial.encode("-crf", str(23 + steps))


def _filtered(trial: Trial, text: str) -> None:
    trial.encode("-vf", text)


def _late_sound(trial: Trial, milliseconds: float) -> None:
    trial.encode("-af", f"adelay={round(48 * milliseconds)}S:all=1")


def _late_track(trial: Trial, milliseconds: float) -> None:
    trial.encode("-filter:a:1", f"adelay={round(48 * milliseconds)}S:all=1")


def _louder(trial: Trial, decibel: float) -> None:
    trial.encode("-af", f"volume={trial.choose('', '-')}{decibel}dB")


def _louder_track(trial: Trial, decibel: float) -> None:
    trial.encode("-filter:a:1", f"volume={trial.choose('', '-')}{decibel}dB")


def _hole(trial: Trial, milliseconds: float) -> None:
    begin = trial.pick(100, 4600) / 1000
    silent = f"gte(t,{begin})*lt(t,{begin + milliseconds / 1000})"
    trial.encode("-af", f"aeval='val(0)*(1-{silent})|val(1)*(1-{silent})':c=same")


def _drift(trial: Trial, percent: float) -> None:
    trial.encode("-af", f"asetrate={round(48000 * (1 + percent / 100))},aresample=48000")


def _loudness(trial: Trial, lu: float) -> None:
    trial.encode(change=option("-af", f"loudnorm=I=-16:TP=-1.5:LRA=11,volume={trial.choose('', '-')}{lu}dB"))


def _white(trial: Trial, percent: float) -> None:
    trial.encode(change=replaced(("npl=100", f"npl={100 + percent:g}")))


def _peak(trial: Trial, percent: float) -> None:
    trial.encode(change=replaced(("peak=10", f"peak={10 - percent / 10:g}")))


def _pale(trial: Trial, percent: float) -> None:
    wrong_hdr.paler(trial, "val", f"128+(val-128)*{1 - percent / 100}")


FAULTS = (
    Fault("noise in a square of one frame", "h264-aac", "pixels wide", (2, 4, 6, 8, 10, 12),
          wrong_pictures.square_of_noise),
    Fault("all brighter", "h264-aac", "of 255", (0.3, 0.4, 0.6, 0.7, 1), _brighter),
    Fault("luma moved to the right", "h264-aac", "pixels", (0.05, 0.1, 0.2, 0.3, 0.5), _shifted),
    Fault("luma blurred", "h264-aac", "pixels (sigma)", (0.2, 0.3, 0.4, 0.5, 0.6),
          lambda trial, sigma: _filtered(trial, f"gblur=sigma={sigma}:planes=1")),
    Fault("noise added", "h264-aac", "of 255 (strength)", (2, 4, 6, 8, 10),
          lambda trial, strength: _filtered(trial, f"noise=c0s={strength:g}:c0f=t:all_seed=7")),
    Fault("quality, beside golden values", "h264-aac", "steps of CRF", (0.1, 0.2, 0.3, 0.4, 0.5), _quality),
    Fault("quality, without", "h264-aac", "steps of CRF", (2, 4, 6, 8, 10),
          lambda trial, steps: trial.encode("-crf", str(23 + steps))),
    Fault("quality of VP9", "vp9", "steps of CRF", (1, 2, 3, 4, 6),
          lambda trial, steps: trial.encode("-crf", str(round(32 + steps)))),
    Fault("quality of AV1", "av1-svt", "steps of CRF", (1, 2, 4, 6, 8),
          lambda trial, steps: trial.encode("-crf", str(round(35 + steps)))),
    Fault("a rung's bits missing", "h264-ladder", "%", (2, 4, 6, 8, 10),
          lambda trial, percent: wrong_delivery.fewer_bits(trial, 1 - percent / 100)),
    Fault("white level too high", "hdr-to-sdr", "%", (1, 2, 3, 4, 5), _white),
    Fault("peak too low", "hdr-to-sdr", "%", (2, 5, 7.5, 10), _peak),
    Fault("colour lost", "hdr-to-sdr", "%", (2, 4, 6, 8), _pale),
    Fault("one frame late", "h264-aac", "ms", (10, 15, 25, 30), wrong_times.one_frame_late),
    Fault("one frame late", "vfr", "ms", (0.5, 0.8, 1.2, 1.5, 2), wrong_times.one_vfr_frame_late),
    Fault("too slow", "h264-aac", "%", (0.01, 0.03, 0.06, 0.1),
          lambda trial, percent: wrong_times.slower(trial, 1 + percent / 100)),
    Fault("sound late", "h264-aac", "ms", (3, 4, 4.8, 5.2, 6), _late_sound),
    Fault("one track of sound late", "aac", "ms", (3, 4, 4.8, 5.2, 6), _late_track),
    Fault("sound louder or softer", "h264-aac", "dB", (0.1, 0.2, 0.25, 0.35, 0.4, 0.5), _louder),
    Fault("one track louder or softer", "aac", "dB", (0.1, 0.2, 0.25, 0.35, 0.4, 0.5), _louder_track),
    Fault("loudness off", "loudnorm", "LU", (0.03, 0.05, 0.15, 0.2), _loudness),
    Fault("sound too fast", "h264-aac", "%", (0.002, 0.004, 0.01, 0.02), _drift),
    Fault("a hole in the sound", "h264-aac", "ms", (5, 10, 20, 30, 40), _hole),
    Fault("subtitles late", "multi-track", "ms", (10, 15, 25, 40), wrong_tracks.text_late),
    Fault("a chapter late", "multi-track", "ms", (10, 15, 25, 40),
          lambda trial, ms: wrong_tracks.second_chapter_at(trial, 1280 + round(ms))),
)  # fmt: skip


def tried(work: tuple[int, float, int], seed: int) -> tuple[int, float, bool] | str:
    """Whether anything is said of one fault, (its index, strength, number of the try)."""
    index, strength, number = work
    fault = FAULTS[index]
    chance = random.Random(f"{seed} {fault.name} {fault.case} {strength} {number}")
    case = CASES[fault.case]
    able = [build for build in builds() if not build.lacks(case)]
    try:
        with tempfile.TemporaryDirectory(prefix="judge-") as folder:
            trial = Trial(case, chance.choice(able), Path(folder), chance, samples.sample(case.sample))
            fault.act(trial, strength)
            return index, strength, bool(judge_case(case, trial.made(), golden=trial.golden).problems)
    except Exception as error:  # the others go on
        return f"{fault.name}, {strength}: {type(error).__name__}: {error}"


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] else random.SystemRandom().randrange(10**6)
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    runs = int(os.environ.get("LIMIT_RUNS") or 4)
    work = [
        (index, strength, number)
        for index, fault in enumerate(FAULTS)
        if only in fault.name
        for strength in fault.strengths
        for number in range(runs)
    ]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(partial(tried, seed=seed), work))
    print(f"seed {seed}, {runs} runs of each strength\n")
    print("| fault | in | always named from | never up to |\n|---|---|---|---|")
    for index, fault in enumerate(FAULTS):
        found = {strength: [r[2] for r in results if not isinstance(r, str) and r[:2] == (index, strength)]
                 for strength in fault.strengths}  # fmt: skip
        if any(found.values()):
            print(
                f"| {fault.name} | `{fault.case}` | {named_from(found)} {fault.unit} "
                f"| {silent_upto(found)} {fault.unit} |"
            )
    broke = [result for result in results if isinstance(result, str)]
    print("\n".join(f"BROKE {text}" for text in broke))
    return 1 if broke else 0


def named_from(found: dict[float, list[bool]]) -> str:
    """The least strength from which on it was named each time."""
    least = ""
    for strength, named in reversed(found.items()):
        if not named or not all(named):
            break
        least = f"{strength:g}"
    return least or f"more than {max(found):g}"


def silent_upto(found: dict[float, list[bool]]) -> str:
    """The greatest strength up to which nothing was said."""
    most = ""
    for strength, named in found.items():
        if not named or any(named):
            break
        most = f"{strength:g}"
    return most or f"less than {min(found):g}"


if __name__ == "__main__":
    sys.exit(main())
