"""`sprites`: the sheets of small pictures that a player's seek bar shows."""

from __future__ import annotations

from ..case import Case, Needs, Threshold
from ..recipe import recipe_of
from ..rules.sprites import Sprites
from .software import SWSCALE

_FILTERS = f"fps=4,scale=128:72:flags={SWSCALE},tile=4x3"
_RECIPE = recipe_of(
    (
        *("-nostdin", "-hide_banner", "-nostats", "-v", "verbose", "-threads", "1", "-bitexact", "-i", "{input}"),
        *("-map", "0:v:0", "-vf", _FILTERS, "-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p"),
        *("-flags:v", "+bitexact", "-fflags", "+bitexact", "-f", "image2", "-y", "{folder}/sprites-%d.jpg"),
    )
)
# What the filter `fps` takes of 25 frames a second: the last one before the middle of each quarter.
_FRAMES = (3, 9, 15, 21, 28, 34, 40, 46, 53, 59, 65, 71, 78, 84, 90, 96, 103, 109, 115, 121)

CASES = (
    Case(
        name="sprites",
        sample="bars-384x216",
        recipe=_RECIPE,
        rules=(
            Sprites(
                columns=4,
                rows=3,
                width=128,
                height=72,
                frames=_FRAMES,
                thresholds={
                    "tile_ssim": Threshold(0.95, "vaapi-fits asks 0.97 of a scaler alone; here JPEG comes on top"),
                    "tile_bias": Threshold(1.0, "own"),
                },
            ),
        ),
        needs=Needs(muxers=("image2",), encoders=("mjpeg",), decoders=("h264",), filters=("fps", "scale", "tile")),
        outputs=("sprites-1.jpg", "sprites-2.jpg"),
        golden=False,
    ),
)
