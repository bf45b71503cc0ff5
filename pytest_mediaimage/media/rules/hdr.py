"""HDR10 is kept whole, or is gone from what is made for ordinary screens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..case import Problem
from ..made import Made
from ..pictures.light import Light, Mastering, light_of
from ..pictures.references import references, shown
from .streams import wrong

_PROBES = 10
_LEAST_SAMPLES = 2000
_MOST = 8  # ten-bit steps: more than cut off bits and an encoder make of a sample, so it shows another picture
_MAX_SPREAD = 0.5  # own: x265 at CRF 20 gives 0.2, with the last bits cut off 1.6, rounded 0.8


@dataclass(frozen=True, slots=True)
class Hdr10:
    """Mastering display and content light are the source's, in each value, and ten bits are really used.

    Whether they are used is seen where the source rises in steps of one: an encoder that had but eight bits gives
    sources of four values the same one, so its error depends on the source's last two bits. Eight bits that were
    dithered keep the steps on average and pass. ITU-R BT.2100 asks for ten bits.
    """

    profile: str = "Main 10"
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        info, label = made.info(self.output), made.label(self.output)
        if info.video is None:
            return
        if info.video.profile != self.profile:
            fix = "Use an encoder built for 10 bits, and give it 10-bit pictures (-pix_fmt yuv420p10le)."
            yield wrong(f"{label}video profile", info.video.profile, self.profile, fix)
        yield from _light(light_of(made.source), light_of(info.path), label)
        if made.original.video and info.video.pix_fmt == made.original.video.pix_fmt:
            yield from self._steps(made, label)

    def _steps(self, made: Made, label: str) -> Iterator[Problem]:
        spread = _spread(made, self.output)
        if spread is None:
            return
        made.metrics[f"{label}last_bits"] = round(spread, 2)
        if spread > _MAX_SPREAD:
            yield Problem(
                f"{label}ten bits are written, but eight were used: fine steps of the source's brightness are lost",
                f"{label}eight bits in ten",
                "Look for a filter or an upload to the device in an 8-bit format (yuv420p, nv12) before the encoder.",
            )


@dataclass(frozen=True, slots=True)
class Sdr:
    """Nothing in the output says that it was mastered for HDR."""

    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        light = light_of(made.path(self.output))
        if light != Light():
            yield Problem(
                f"{made.label(self.output)}the SDR output still carries the HDR source's mastering display "
                "or content light",
                f"{made.label(self.output)}HDR metadata left",
                "End the filters with sidedata=mode=delete.",
            )


def _light(source: Light, output: Light, label: str) -> Iterator[Problem]:
    fix = "Give the encoder master-display and max-cll (x265: -x265-params); FFmpeg before 7.1 doesn't pass them on."
    if source.mastering and output.mastering is None:
        yield Problem(f"{label}the mastering display's data is gone", f"{label}no mastering display", fix)
    elif source.mastering and output.mastering:
        for field in fields(Mastering):
            found, wanted = getattr(output.mastering, field.name), getattr(source.mastering, field.name)
            if not np.allclose(found, wanted, rtol=0.001, atol=0.0001):
                yield wrong(f"{label}mastering display {field.name}", found, wanted, fix)
    for name, text in (("max_cll", "MaxCLL"), ("max_fall", "MaxFALL")):
        found, wanted = getattr(output, name), getattr(source, name)
        if wanted is not None and found is None:
            yield Problem(f"{label}{text} is gone, {wanted} was expected", f"{label}no {text}", fix)
        elif wanted is not None and found != wanted:
            yield wrong(f"{label}{text}", found, wanted, fix)


def _spread(made: Made, output: str) -> float | None:
    """How far the mean error differs between source values by their last two bits; None where there are no fine steps.

    In steps of ten bits. Only frames that show the same are looked at: others are for other rules to tell.
    """
    counts = np.zeros(4, np.int64)
    sums = np.zeros(4)
    pairs = zip(references(made.source), shown(made.path(output)), strict=False)
    for source, frame in islice(pairs, 0, _PROBES * 5, 5):
        if source.mark != frame.mark:
            continue
        a, b = source.raw.samples(0).astype(np.int32), frame.raw.samples(0).astype(np.int32)
        if a.shape != b.shape:
            return None
        flat = _flat(a) & (np.abs(b - a) <= _MOST)
        for last in range(4):
            at = flat & (a % 4 == last)
            counts[last] += int(at.sum())
            sums[last] += float((b - a)[at].sum())
    if counts.min() < _LEAST_SAMPLES:
        return None
    means = sums / counts
    return float(means.max() - means.min())


def _flat(luma: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Where a sample and its neighbours differ by one at most."""
    across = np.abs(np.diff(luma, axis=1)) <= 1
    down = np.abs(np.diff(luma, axis=0)) <= 1
    flat = np.zeros(luma.shape, bool)
    flat[1:-1, 1:-1] = across[1:-1, 1:] & across[1:-1, :-1] & down[1:, 1:-1] & down[:-1, 1:-1]
    return flat
