"""What a device made: provably its work, and no worse than software at the same size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..case import Problem, Threshold
from ..hardware.paths import Probe
from ..hardware.proof import MOST_LOSS, of_signature, of_words, words_of
from ..hardware.software import software_at
from ..made import Made
from .pictures import Pictures

_LOSSES = {
    "psnr_y_mean": Threshold(MOST_LOSS, "own; vaapi-fits accepts 5 dB"),
    "psnr_u_mean": Threshold(3.0, "own: how an encoder shares bits between luma and chroma is its own affair"),
    "psnr_v_mean": Threshold(3.0, "own, as for U"),
    "ssim_y_mean": Threshold(0.02, "own: what 1 dB of PSNR makes on our clips with x264 and x265"),
}
# Looser than the cases' own: quantisers here are coarser than a card's maker would choose.
_FOR_ANY = {
    "bias": Threshold(1.5, "own: x264's fast presets move chroma by 0.6 at the quantiser 25; faults of colour by 5"),
    "block_y_min": Threshold(15.0, "own: encoders give 19 dB and more in any 8x8 pixels, noise in their place 8 to 12"),
}
_LEAST_FRAME = Threshold(8.0, "own: frames of one encode lie 5 dB apart at most; one that is damaged falls by 15 dB")


@dataclass(frozen=True, slots=True)
class OnDevice:
    """The words that were printed show the device at work, and no software encoder signed the output."""

    probe: Probe

    def judge(self, made: Made) -> Iterator[Problem]:
        outcome = of_words(self.probe, words_of(made.log)) or of_signature(self.probe, made.info())
        if outcome is not None:
            yield Problem(f"{outcome.verdict}: {outcome.reason}", outcome.evidence, outcome.fix)


@dataclass(frozen=True, slots=True)
class BesideSoftware:
    """Each frame comes out once, in order and in time, and all of them no worse than software makes them at this size.

    `codec` is h264, hevc or av1.
    """

    codec: str

    def judge(self, made: Made) -> Iterator[Problem]:
        video = made.info().video
        if video is None:
            return
        software = software_at(made.source, self.codec, video.bytes)
        made.metrics |= {f"software_{name}": round(value, 3) for name, value in software.items()}
        least = {name: replace(loss, limit=software[name] - loss.limit) for name, loss in _LOSSES.items()}
        frame = replace(_LEAST_FRAME, limit=software["psnr_y_mean"] - _LEAST_FRAME.limit)
        beside = f"; software gives {{:.2f}} dB at these {video.bytes} bytes"
        comparison = made.comparison(ssim=True)
        for problem in Pictures({**_FOR_ANY, **least, "psnr_y_min": frame}).judge(made):
            name = problem.evidence
            told = beside.format(software[name]) if name in software else ""
            yield replace(problem, message=problem.message + told)
        ssim, limit = comparison.metrics().get("ssim_y_mean"), least["ssim_y_mean"].limit
        if ssim is not None and ssim < limit:
            yield Problem(
                f"mean SSIM-Y is {ssim:.4f}, software gives {software['ssim_y_mean']:.4f} at these {video.bytes} bytes",
                "ssim_y_mean",
                "Compare the encoder's options and driver with those of the last good image.",
            )
