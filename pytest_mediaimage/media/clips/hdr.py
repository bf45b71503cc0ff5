"""An HDR10 clip: HEVC Main 10, BT.2020, PQ, with what HDR10 says of the mastering display and of the light."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .writing import Encoding, planes_of, write

FRAMES = 50
_WIDTH, _HEIGHT = 384, 216
_BT2020_PQ = (9, 16, 9, 1)
# Display P3 primaries and D65 in steps of 0.00002, 1000 and 0.005 cd/m2 in steps of 0.0001: SMPTE ST 2086.
MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
LIGHT = "1000,400"
_X265 = (
    "log-level=none:pools=none:frame-threads=1:wpp=0:open-gop=0:keyint=25:min-keyint=25:hdr10=1:repeat-headers=1"
    f":info=0:master-display={MASTERING}:max-cll={LIGHT}"
)


def planes10_of(number: int) -> list[NDArray[np.uint16]]:
    """Frame `number` in 10 bits: white is 1000 cd/m2 in PQ, and a quarter of the picture is a ramp of single steps.

    Eight bits have no room for the ramp's steps.
    """
    luma, u, v = planes_of(number, _WIDTH, _HEIGHT, seed=21)
    wide = 64 + (luma.astype(np.int32) - 16) * 3
    ramp = 300 + (np.arange(_WIDTH) // 6 + np.arange(_HEIGHT)[:, None] // 18 + number // 5) % 64
    top, bottom = _HEIGHT * 4 // 12, _HEIGHT * 7 // 12
    wide[top:bottom] = ramp[top:bottom]
    return [wide.astype(np.uint16), *((512 + plane.astype(np.int32) - 128).astype(np.uint16) for plane in (u, v))]


def _hdr10(path: Path) -> None:
    def pictures() -> Iterator[list[NDArray[Any]]]:
        return (list(planes10_of(number)) for number in range(FRAMES))

    options = {"preset": "medium", "crf": "16", "x265-params": _X265}
    encoding = Encoding("libx265", options, pix_fmt="yuv420p10le", color=_BT2020_PQ, muxer={"movflags": "+faststart"})
    write(path, pictures(), range(FRAMES), encoding)


CLIPS = {"hdr10-384x216.mp4": _hdr10}
