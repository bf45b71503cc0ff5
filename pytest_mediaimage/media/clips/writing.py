"""Writes clips whose pictures are given plane by plane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.filter
from numpy.typing import NDArray

from .. import clip
from ..pictures.scaling import frame_of

BT709 = (1, 1, 1, 1)
"""Primaries, transfer, matrix and range as H.273 numbers them: BT.709, limited."""

_RATE = 25


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a clip is encoded. `options` are the encoder's; `rotation` is in degrees, counterclockwise.

    `filters` is a filter that each picture passes, such as `setfield=tff`; `time_base` in seconds.
    """

    encoder: str
    options: Mapping[str, str]
    format: str = "mp4"
    pix_fmt: str = "yuv420p"
    color: tuple[int, int, int, int] = BT709
    time_base: Fraction = Fraction(1, 25)
    rotation: int = 0
    filters: str = ""
    muxer: Mapping[str, str] = field(default_factory=dict)


def planes_of(number: int, width: int, height: int, *, seed: int) -> list[NDArray[Any]]:
    """Frame `number` (see `clip.picture`, nonce 0) as planes of 8 bits, 4:2:0; odd sizes are cut from larger ones."""
    even = width + width % 2, height + height % 2
    packed = clip.picture(number, 0, *even, 25, clip.texture_of(*even, seed)).ravel()
    luma, rest = packed[: even[0] * even[1]], packed[even[0] * even[1] :]
    chroma = rest.reshape(2, even[1] // 2, even[0] // 2)
    return [luma.reshape(even[1], even[0])[:height, :width], chroma[0], chroma[1]]


def write(path: Path, pictures: Iterable[list[NDArray[Any]]], times: Iterable[int], encoding: Encoding) -> None:
    """Encode `pictures`, lists of planes, to be shown at `times` (in `encoding.time_base`). No sound."""
    options = {"fflags": "+bitexact", **encoding.muxer}
    with av.open(str(path), "w", format=encoding.format, options=options) as out:
        stream: Any = out.add_stream(encoding.encoder, rate=_RATE)
        graph: Any = None
        context = stream.codec_context
        context.thread_count = 1
        context.time_base = stream.time_base = encoding.time_base
        stream.options = {"flags": "+bitexact+cgop", **encoding.options}
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = encoding.color
        for planes, time in zip(pictures, times, strict=True):
            frame = frame_of(planes, encoding.pix_fmt)
            frame.pts, frame.time_base = time, encoding.time_base
            frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = encoding.color
            if not stream.width or graph is None:
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, encoding.pix_fmt
                if encoding.rotation:
                    stream.set_display_rotation(encoding.rotation)
                graph = _graph(encoding, frame)
            graph.push(frame)
            out.mux(stream.encode(graph.pull()))
        out.mux(stream.encode(None))


def _graph(encoding: Encoding, frame: av.VideoFrame) -> Any:
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=encoding.time_base)
    name, _, arguments = (encoding.filters or "null").partition("=")
    graph.link_nodes(source, graph.add(name, arguments or None), graph.add("buffersink")).configure()
    return graph
