"""What a media file says of itself, and what its packets show: nothing is decoded (see `judge`)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import JudgeError
from .colors import color_of, plain_format
from .judge import open_media, seconds

_FIELD_ORDERS = {1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}  # AVFieldOrder

# The user data SEI that x264 and x265 write begins with one of these UUIDs.
_X264_UUID = bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef")
_X265_UUID = bytes.fromhex("2ca2de09b51747dbbb55a4fe7fc2fc4e")


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream. What doesn't apply to its type, or isn't said by the file, is None (colour tags: "unknown").

    `fps` in frames per second; `sample_rate` in Hz; `bit_rate` in bits per second; `duration` in seconds, and so is
    `max_gop`, the longest way from a key frame to the next or to the end. yuvj420p is given as yuv420p, range pc.
    `sample_aspect` is a pixel's width by its height, `field_order` is `progressive`, `tt`, `bb`, `tb` or `bt`.
    `frames` is what the container's header promises (0: it doesn't say), `packets` what is there. `open_gops` counts
    the key frames after which a packet with an earlier time follows. `encoder` is the encoder's own name for
    itself, such as `x264 core 164`, `x265 build 209` or `Lavc61.3.100 h264_nvenc`.
    """

    index: int
    type: str
    codec: str
    profile: str | None = None
    width: int | None = None
    height: int | None = None
    pix_fmt: str | None = None
    fps: float | None = None
    sample_aspect: Fraction = Fraction(1)
    field_order: str | None = None
    color_primaries: str | None = None
    color_transfer: str | None = None
    color_matrix: str | None = None
    color_range: str | None = None
    sample_rate: int | None = None
    channels: int | None = None
    layout: str | None = None
    language: str | None = None
    bit_rate: int | None = None
    duration: float | None = None
    frames: int = 0
    packets: int = 0
    bytes: int = 0
    key_frames: int = 0
    max_gop: float | None = None
    open_gops: int = 0
    encoder: str = ""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A file: container `format` (libavformat's names), `duration` in seconds, size in bytes, streams by index."""

    path: Path
    format: str
    duration: float | None
    bytes: int
    streams: tuple[StreamInfo, ...]

    def first(self, kind: str) -> StreamInfo | None:
        """The first stream of type `kind` ("video", "audio", "subtitle", "data"), or None."""
        return next((stream for stream in self.streams if stream.type == kind), None)

    @property
    def video(self) -> StreamInfo | None:
        return self.first("video")

    @property
    def audio(self) -> StreamInfo | None:
        return self.first("audio")


def probe(path: Path) -> MediaInfo:
    """What the file says of itself, and what its packets show. Reads all packets, decodes none.

    Raises JudgeError where it can't be read, or holds fewer packets than its header promises.
    """
    with open_media(path) as container:
        tallies = {stream.index: _Tally() for stream in container.streams}
        for packet in container.demux():
            if packet.size:
                tallies[packet.stream.index].add(packet)
        infos = []
        for stream in container.streams:
            info = tallies[stream.index].complete(_describe(stream))
            # Text tracks count samples between cues that aren't handed out.
            if info.packets < info.frames and info.type in ("video", "audio") and "mp4" in container.format.name:
                raise JudgeError(
                    f"{path} is truncated: its header promises {info.frames} packets of {info.type}, "
                    f"{info.packets} are there"
                )
            infos.append(info)
        duration = None if container.duration is None else container.duration / 1_000_000
        return MediaInfo(path, container.format.name, duration, path.stat().st_size, tuple(infos))


def encoder_of(data: bytes) -> str:
    """The encoder that signed an H.264 or HEVC stream, from the SEI in `data`: `x264 core 164`, or ""."""
    for uuid, pattern, name in (
        (_X264_UUID, rb"x264 - core (\d+)", "x264 core"),
        (_X265_UUID, rb"x265 \(build (\d+)\)", "x265 build"),
    ):
        at = data.find(uuid)
        if at >= 0 and (match := re.match(pattern, data[at + 16 : at + 80])):
            return f"{name} {match[1].decode()}"
    return ""


class _Tally:
    """What the packets of one stream show, in constant memory."""

    def __init__(self) -> None:
        self.packets = self.bytes = self.key_frames = self.open_gops = 0
        self.max_gop: float | None = None
        self.encoder = ""
        self._key_time: float | None = None
        self._end = 0.0
        self._key_open = False

    def add(self, packet: Any) -> None:
        self.packets += 1
        self.bytes += packet.size
        if packet.stream.type != "video":
            return
        if self.packets <= 4 and not self.encoder:
            self.encoder = encoder_of(bytes(packet))
        if packet.pts is None or packet.time_base is None:
            return
        time = seconds(packet.pts, packet.time_base)
        self._end = max(self._end, time + seconds(packet.duration or 0, packet.time_base))
        if packet.is_keyframe:
            self.key_frames += 1
            self._close(time)
            self._key_time, self._key_open = time, False
        elif self._key_time is not None and time < self._key_time and not self._key_open:
            self._key_open = True
            self.open_gops += 1

    def _close(self, time: float) -> None:
        if self._key_time is not None:
            self.max_gop = max(self.max_gop or 0.0, time - self._key_time)

    def complete(self, info: StreamInfo) -> StreamInfo:
        self._close(self._end)
        return replace(
            info,
            packets=self.packets,
            bytes=self.bytes,
            key_frames=self.key_frames,
            max_gop=self.max_gop,
            open_gops=self.open_gops,
            encoder=self.encoder or info.encoder,
        )


def _describe(stream: Any) -> StreamInfo:
    context = stream.codec_context
    info = StreamInfo(
        index=stream.index,
        type=stream.type or "unknown",
        codec=context.name if context is not None else "none",
        profile=stream.profile,
        language=stream.language,
        frames=stream.frames,
        duration=None if stream.duration is None else float(stream.duration * stream.time_base),
        encoder=next((value for key, value in stream.metadata.items() if key.lower() == "encoder"), ""),
    )
    if context is None:  # a codec that the libraries don't know
        return info
    if info.type == "video":
        primaries, transfer, matrix, value_range = color_of(context, context.pix_fmt or "")
        return replace(
            info,
            codec=context.codec.canonical_name,
            width=context.width,
            height=context.height,
            pix_fmt=plain_format(context.pix_fmt),
            fps=float(stream.average_rate) if stream.average_rate else None,
            sample_aspect=Fraction(stream.sample_aspect_ratio or 1),
            field_order=_FIELD_ORDERS.get(context.field_order),
            color_primaries=primaries,
            color_transfer=transfer,
            color_matrix=matrix,
            color_range=value_range,
            bit_rate=context.bit_rate,
            encoder=encoder_of(context.extradata or b"") or info.encoder,
        )
    if info.type == "audio":
        return replace(
            info,
            codec=context.codec.canonical_name,
            sample_rate=context.sample_rate,
            channels=context.layout.nb_channels,
            layout=context.layout.name,
            bit_rate=context.bit_rate,
        )
    return info
