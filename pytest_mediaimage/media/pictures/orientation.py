"""Turns pictures as a player would, by the display matrix that a phone writes for what it films upright.

ISO/IEC 14496-12, 6.2.2 (`matrix` of `tkhd`): a stored pixel (p, q) is shown at (a p + c q, b p + d q), moved to where
there are no negative coordinates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..judge import Frame

#: By name, what was done to an upright picture; the numbers are the display matrix that would do it.
TURNS = {
    "turned by 90 degrees clockwise": (0, 1, -1, 0),
    "upside down": (-1, 0, 0, -1),
    "turned by 90 degrees counterclockwise": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "mirrored top to bottom": (1, 0, 0, -1),
}


def upright(frame: Frame) -> Frame:
    """The frame as it is shown. Angles that aren't right ones are left alone, and so is what has no plane per part."""
    a, b, c, d = frame.matrix
    if (a, b, c, d) == (1, 0, 0, 1) or not (a == d == 0 or b == c == 0):
        return frame
    if not frame.pix_fmt.startswith(("yuv", "gray")):
        return frame
    planes = tuple(_bytes(turn(frame.samples(index), (a, b, c, d))) for index in range(len(frame.planes)))
    size = (frame.height, frame.width) if a == 0 else (frame.width, frame.height)
    return replace(frame, width=size[0], height=size[1], planes=planes, matrix=(1, 0, 0, 1))


def turn(plane: NDArray[Any], matrix: tuple[int, int, int, int]) -> NDArray[Any]:
    """An array (rows, columns) turned by a display matrix of right angles."""
    a, b, c, d = matrix
    right, down = (c, b) if a == 0 else (a, d)
    turned = plane.T if a == 0 else plane
    return turned[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1]


def _bytes(samples: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(samples).view(np.uint8)
