"""Captions that ride in the pictures themselves: CEA-608 and CEA-708 in ATSC A/53 user data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from ..errors import JudgeError
from . import barcode, judge

_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Captioned:
    """What a frame carries: `data` are cc_data's triplets (empty: none), `number` the frame's own (None: unreadable).

    Triplets with cc_valid 0 are padding, which encoders may drop, and are left out.
    """

    number: int | None
    data: bytes


def captions_of(path: Path) -> list[Captioned]:
    """Of the frames of the first video stream, in order of presentation. Raises JudgeError."""
    found: list[Captioned] = []
    with judge.open_media(path) as container:
        if not container.streams.video:
            raise JudgeError(f"{path} has no video stream")
        try:
            for frame in container.decode(video=0):
                if len(found) >= _LIMIT:
                    raise JudgeError(f"{path} has more than {_LIMIT} frames")
                side: Any = frame.side_data.get("A53_CC")
                found.append(Captioned(_number(frame), b"" if side is None else _valid(bytes(side))))
        except av.FFmpegError as error:
            raise JudgeError(f"{path}: can't decode video after frame {len(found) - 1}: {error.strerror}") from error
    return found


def _number(frame: av.VideoFrame) -> int | None:
    if not frame.format.name.startswith(("yuv4", "yuvj4", "nv12")) or frame.format.components[0].bits != 8:
        return None
    mark = barcode.read(judge.luma(frame))
    return None if mark is None else mark.number


def _valid(data: bytes) -> bytes:
    triplets = (data[at : at + 3] for at in range(0, len(data) - 2, 3))
    return b"".join(triplet for triplet in triplets if triplet[0] & 4)
