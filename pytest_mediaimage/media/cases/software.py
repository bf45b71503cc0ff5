"""Words that the packaged recipes share."""

from __future__ import annotations

from collections.abc import Sequence

from ..case import Threshold
from ..recipe import Recipe, recipe_of

SWSCALE = "bicubic+accurate_rnd+bitexact"
"""swscale's pictures are the same on every processor with these flags only."""


def video_recipe(
    encoder: Sequence[str], *, form: str = "mp4", filters: str = "", output: str = "{output}", flags: str = ""
) -> Recipe:
    """Encode the first video stream; pinned so that the pictures depend on nothing but the encoder's version.

    `flags` are further ones of the encoder, such as `+ildct`.
    """
    return recipe_of(
        (
            *("-nostdin", "-hide_banner", "-nostats", "-v", "verbose", "-threads", "1", "-bitexact", "-i", "{input}"),
            *("-map", "0:v:0", "-map_metadata", "-1"),
            *(("-vf", filters) if filters else ()),
            *encoder,
            *("-flags:v", f"+bitexact+cgop{flags}", "-fflags", "+bitexact", "-sws_flags", SWSCALE),
            *("-f", form, "-y", output),
        )
    )


X264 = (*("-c:v", "libx264", "-preset", "medium", "-crf", "20", "-g", "50", "-pix_fmt", "yuv420p", "-threads:v", "2"),)


BLOCK = Threshold(18.0, "own: x264 and x265 give 23 dB and more in any 8x8 pixels, noise in their place gives 8 to 12")


def quality(
    source: str, bias: float = 0.5, block: Threshold = BLOCK, **limits: tuple[float, float]
) -> dict[str, Threshold]:
    """Thresholds of PSNR from pairs (mean, least of all frames) in dB by plane, of the worst 8x8 pixels, and of bias in
    8-bit steps.
    """
    found = {"bias": Threshold(bias, "own: encoders stay within 0.32; a step of one is a colour fault")}
    found["block_y_min"] = block
    for plane, (mean, least) in limits.items():
        found[f"psnr_{plane}_mean"] = Threshold(mean, source)
        found[f"psnr_{plane}_min"] = Threshold(least, source)
    return found
