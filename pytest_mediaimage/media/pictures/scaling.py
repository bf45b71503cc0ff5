"""The judge's own scaling, by PyAV's libswscale."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ..judge import Frame


def frame_of(planes: list[NDArray[Any]], pix_fmt: str) -> av.VideoFrame:
    """A frame with these planes: arrays (rows, columns) of uint8, or uint16 where the format has more bits."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane, data in zip(frame.planes, planes, strict=True):
        rows = np.ascontiguousarray(data).view(np.uint8)
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[:, : rows.shape[1]] = rows
        plane.update(padded.tobytes())
    return frame


def scaled(frame: Frame, width: int, height: int, *, full_range: bool = False) -> Frame:
    """A frame of 8 bits and limited range in another size, bicubic; `full_range` spreads it over 0 to 255."""
    planes = [frame.samples(index) for index in range(len(frame.planes))]
    picture = frame_of(planes, frame.pix_fmt).reformat(
        width,
        height,
        interpolation="BICUBIC",
        src_color_range="MPEG",
        dst_color_range="JPEG" if full_range else "MPEG",
    )
    found = []
    for plane in picture.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        found.append(rows[: plane.height, : plane.width].copy())
    return replace(frame, width=width, height=height, planes=tuple(found))
