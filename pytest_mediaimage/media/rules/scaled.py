"""A rendition of another size than the source: each frame against the source's, which the judge scales itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..case import Problem, Threshold
from ..made import Made
from ..pictures.identity import named
from ..pictures.resizing import Resized
from .pictures import PICTURE_METRICS, Pictures
from .streams import absent

SCALED_METRICS = (*PICTURE_METRICS, *(f"ssim_{plane}_{kind}" for plane in "yuv" for kind in ("mean", "min")))
"""What `Scaled` holds to limits."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """Every frame of the source comes out once, in order and in time, as `width` x `height` pixels.

    `thresholds`: those of `Pictures`, and lower limits for `ssim_y_mean`, `ssim_y_min`, `ssim_u_mean`, ... (0-1).
    """

    METRICS: ClassVar[Mapping[str, tuple[str, ...]]] = {"thresholds": SCALED_METRICS}

    width: int
    height: int
    thresholds: Mapping[str, Threshold]
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label = made.label(self.output)
        if made.info(self.output).video is None:
            yield absent(label, "video")
            return
        view = Resized(self.width, self.height)
        wants_ssim = any(name.startswith("ssim") for name in self.thresholds)
        comparison = made.comparison(self.output, view, ssim=wants_ssim)
        yield from Pictures(self.thresholds, output=self.output, view=view).judge(made)
        metrics = comparison.metrics()
        if self.output == made.main:
            made.metrics |= {"frames": comparison.output_frames, **metrics}
        fix = "Scale in one step from the source, with the filter and the range that are asked for."
        for index, plane in enumerate("yuv"):
            mean, low = (self.thresholds.get(f"ssim_{plane}_{kind}") for kind in ("mean", "min"))
            value = metrics.get(f"ssim_{plane}_mean")
            if mean and value is not None and value < mean.limit:
                yield Problem(
                    f"{label}mean SSIM-{plane.upper()} is {value:.4f} against the scaled source, below {mean.limit:g}",
                    f"{label}ssim_{plane}_mean",
                    fix,
                )
            bad = [s for s in comparison.scores if low and index < len(s.ssim) and s.ssim[index] < low.limit]
            if low and bad:
                worst = min(bad, key=lambda score: score.ssim[index])
                yield Problem(
                    f"{label}{named([score.number for score in bad])}: SSIM-{plane.upper()} "
                    f"down to {worst.ssim[index]:.4f}, below {low.limit:g}",
                    f"{label}ssim_{plane}_min",
                    fix,
                )
