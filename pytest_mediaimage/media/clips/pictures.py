"""Clips that are unlike the usual: variable frame rate, odd size, rotated, interlaced."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import barcode
from .writing import Encoding, planes_of, write

FRAMES = 50
_X264 = "mbtree=0:threads=1:lookahead-threads=1:sliced-threads=0:open-gop=0:keyint=50:min-keyint=25"


def _x264(crf: int, more: str = "") -> dict[str, str]:
    return {"preset": "medium", "crf": str(crf), "x264-params": _X264 + more}


def vfr_times() -> list[int]:
    """When the frames of the clip with a variable frame rate begin, in 1/600 s: as a phone in changing light films."""
    steps = [*islice(cycle((10, 10, 20, 25, 60, 10, 20, 40)), FRAMES - 2), 20]
    return [0, *accumulate(steps)]


def _vfr(path: Path) -> None:
    encoding = Encoding("libx264", _x264(16), time_base=Fraction(1, 600))
    write(path, (planes_of(number, 256, 144, seed=11) for number in range(FRAMES)), vfr_times(), encoding)


def _odd(path: Path) -> None:
    """VP9, as browsers record a window of any size; H.264 and HEVC have no odd sizes in 4:2:0."""
    options = {"deadline": "good", "cpu-used": "4", "crf": "16", "b": "0", "g": "50", "row-mt": "0"}
    encoding = Encoding("libvpx-vp9", options, format="webm")
    write(path, (planes_of(number, 321, 181, seed=12) for number in range(FRAMES)), range(FRAMES), encoding)


def _rotated(path: Path) -> None:
    """Filmed with the phone upright: the sensor's lines lie on their side, and the file says so."""

    def lying(number: int) -> list[NDArray[Any]]:
        return [np.rot90(plane, 1) for plane in planes_of(number, 256, 384, seed=13)]

    encoding = Encoding("libx264", _x264(17), rotation=-90)
    write(path, map(lying, range(FRAMES)), range(FRAMES), encoding)


def _interlaced(path: Path) -> None:
    """The lower field of each frame shows what is half a frame later: all but the number has moved on."""

    def woven() -> Iterator[list[NDArray[Any]]]:
        for number in range(FRAMES):
            frame, later = (planes_of(time, 384, 216, seed=14) for time in (8 * number, 8 * number + 4))
            for plane, moved in zip(frame, later, strict=True):
                plane[1::2] = moved[1::2]
            barcode.draw(frame[0], number, 0)
            yield frame

    encoding = Encoding(
        "libx264", {**_x264(17, ":tff=1"), "flags": "+bitexact+cgop+ildct+ilme"}, filters="setfield=tff"
    )
    write(path, woven(), range(FRAMES), encoding)


CLIPS = {
    "vfr-256x144.mp4": _vfr,
    "odd-321x181.webm": _odd,
    "rotated-256x384.mp4": _rotated,
    "interlaced-384x216.mp4": _interlaced,
}
