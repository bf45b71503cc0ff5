"""Clips for decoders, made for one run: pictures that nobody has seen, coded as H.264 or HEVC."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from ..clip import make_clip, picture, texture_of

_FRAMES, _FPS, _WIDTH, _HEIGHT = 25, 25, 384, 216
_X265 = "pools=none:frame-threads=1:keyint=50:open-gop=0:log-level=none"


def coded_clip(path: Path, codec: str, bits: int, nonce: int) -> None:
    """Write an MP4 of 25 frames to `path`. `codec` is h264 (with 8 `bits`) or hevc (8 or 10); `nonce` has 24 bits."""
    if codec == "h264":
        make_clip(path, frames=_FRAMES, nonce=nonce, seed=nonce)
        return
    wide = bits > 8
    with av.open(str(path), "w", format="mp4") as out:
        video: Any = out.add_stream("libx265", rate=_FPS)
        video.width, video.height, video.pix_fmt = _WIDTH, _HEIGHT, "yuv420p10le" if wide else "yuv420p"
        video.time_base, video.codec_context.codec_tag = Fraction(1, _FPS), "hvc1"
        video.options = {"preset": "superfast", "crf": "18", "x265-params": _X265}
        texture = texture_of(_WIDTH, _HEIGHT, nonce)
        for number in range(_FRAMES):
            planes = picture(number, nonce, _WIDTH, _HEIGHT, _FPS, texture)
            if wide:
                # The last two bits are used too: a decoder that drops them must not pass.
                planes = (planes.astype(np.uint16) << 2) | (np.arange(_WIDTH, dtype=np.uint16) + number) % 4
            frame = av.VideoFrame.from_ndarray(planes, format=video.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, _FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
