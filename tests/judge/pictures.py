"""Encodes pictures anew with PyAV, changed on the way: what no filter of FFmpeg does by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""yuv420p: (height * 3 / 2, width), the luma first."""


def reencode(source: Path, output: Path, change: Callable[[list[Picture]], Iterable[Picture]]) -> None:
    """Write the source's pictures (8 bits, 4:2:0), changed, as BT.709 H.264 at 25 frames a second; sound is copied."""
    with av.open(str(source)) as container:
        pictures = [frame.to_ndarray() for frame in container.decode(video=0)]
    height, width = pictures[0].shape[0] * 2 // 3, pictures[0].shape[1]
    with av.open(str(source)) as container, av.open(str(output), "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "18", "g": "50", "flags": "+cgop"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        context = video.codec_context
        context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1
        sound: Any = container.streams.audio[0] if container.streams.audio else None
        copied = out.add_stream_from_template(sound) if sound else None
        for number, picture in enumerate(change(pictures)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="yuv420p")
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for packet in container.demux(sound) if sound else ():
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)


def noise(shape: tuple[int, int], seed: int) -> Picture:
    return np.random.default_rng(seed).integers(16, 236, shape, np.uint8)


def packet_at(path: Path, number: int) -> int:
    """Where in the file the coded picture lies that is the `number`-th in order of decoding."""
    with av.open(str(path)) as container:
        return [packet.pos or 0 for packet in container.demux(video=0) if packet.size][number]
