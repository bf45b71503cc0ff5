"""The independent judge: reads a media file with PyAV's own FFmpeg libraries, never with the image's.

Files come from the image under test and are not trusted: only formats that hold everything in one file are opened,
only through the `file` protocol (a playlist could otherwise name the judge's own files or an address), pictures are
limited in size and frames are handed out one by one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, overload

import av
import av.container
import numpy as np
from numpy.typing import NDArray

from ..errors import JudgeError

# Demuxer names as libavformat gives them; each keeps all its data in the one file.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,avi,ivf,h264,hevc,obu,av1,nut,flv,ogg,wav,aac,mp3,"
    "flac,ac3,mxf,yuv4mpegpipe,gif,image2,png_pipe,jpeg_pipe,webp_pipe"
)
_MAX_PIXELS = 8192 * 8192
_SMALL = 640 * 480
"""Pixels of pictures that one thread decodes: several take a third more of the CPU, and are hardly sooner done."""
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file", "max_pixels": str(_MAX_PIXELS)}

# H.273, tables 2 to 4, with FFmpeg's names.
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 12: "smpte432"}
_TRANSFERS = {**_PRIMARIES, 9: "log100", 13: "iec61966-2-1", 14: "bt2020-10", 16: "smpte2084", 18: "arib-std-b67"}
_MATRICES = {**_PRIMARIES, 0: "gbr", 9: "bt2020nc", 10: "bt2020c", 14: "ictcp"}
_RANGES = {1: "tv", 2: "pc"}
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


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture. `planes` are arrays (rows, row bytes) of uint8 without padding; `time` is in seconds.

    `interlaced` says that the decoder was told of two fields. `matrix` is how a player turns the picture, the first
    four numbers of the display matrix without those for perspective (see `orientation`); here nothing is turned.
    `color` are primaries, transfer, matrix and range as the coded pictures say, whatever the container does.
    """

    index: int
    time: float | None
    width: int
    height: int
    pix_fmt: str
    bit_depth: int
    planes: tuple[NDArray[np.uint8], ...]
    interlaced: bool = False
    matrix: tuple[int, int, int, int] = (1, 0, 0, 1)
    color: tuple[str, str, str, str] = ("unknown", "unknown", "unknown", "unknown")

    def sha256(self) -> str:
        """Hash over the planes one after the other: the value of `ffmpeg -f framehash -hash sha256`."""
        digest = hashlib.sha256()
        for plane in self.planes:
            digest.update(np.ascontiguousarray(plane).data)
        return digest.hexdigest()

    def samples(self, plane: int) -> NDArray[Any]:
        """Plane `plane` as an array (rows, columns) of uint8 or uint16; for formats with a plane per component."""
        data = self.planes[plane]
        if self.bit_depth <= 8:
            return data
        return np.ascontiguousarray(data).view(">u2" if self.pix_fmt.endswith("be") else "<u2")


@contextmanager
def open_media(path: Path) -> Iterator[av.container.InputContainer]:
    """Open `path` for reading. Errors of the libraries inside become JudgeError, naming the file."""
    try:
        with av.open(f"file:{path.absolute()}", options=dict(_OPTIONS)) as container:
            yield container
    except (av.FFmpegError, ValueError, OSError, EOFError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise JudgeError(f"{path} can't be read as media: {reason}") from error


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


def frames(path: Path, *, limit: int | None = None) -> Iterator[Frame]:
    """The decoded pictures of the first video stream, one at a time, in order of presentation.

    Raises JudgeError where there is no video, a picture is damaged or missing data, its format isn't supported,
    or there are more than `limit`.
    """
    with open_media(path) as container:
        if not container.streams.video:
            raise JudgeError(f"{path} has no video stream")
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise JudgeError(f"{path}: the video's codec is unknown")
        stream.thread_type = "AUTO"
        if stream.codec_context.width * stream.codec_context.height <= _SMALL:
            stream.codec_context.thread_count = 1
        # Without this the decoder would paint over damage and call it a picture.
        stream.codec_context.options = {"err_detect": "explode", "max_pixels": str(_MAX_PIXELS)}
        index = 0
        pictures = iter(container.decode(stream))
        while True:
            try:
                picture = next(pictures, None)
            except av.FFmpegError as error:
                raise JudgeError(f"{path}: can't decode video after frame {index - 1}: {error.strerror}") from error
            if picture is None:
                break
            if limit is not None and index >= limit:
                raise JudgeError(f"{path} has more than {limit} frames")
            if picture.is_corrupt:
                raise JudgeError(f"{path}: frame {index} is damaged")
            time = seconds(picture.pts, stream.time_base)
            depth, planes = _planes(picture, path)
            yield Frame(
                index,
                time,
                picture.width,
                picture.height,
                str(_pix_fmt(picture.format.name)),
                depth,
                planes,
                bool(picture.interlaced_frame),
                _matrix(picture),
                _color(picture, picture.format.name),
            )
            index += 1
        if index < stream.frames and "mp4" in container.format.name:
            raise JudgeError(f"{path}: {index} frames could be decoded, the header promises {stream.frames}")


@overload
def seconds(ticks: int, base: Fraction) -> float: ...
@overload
def seconds(ticks: int | None, base: Fraction | None) -> float | None: ...
def seconds(ticks: int | None, base: Fraction | None) -> float | None:
    """A time stamp in seconds, None where it isn't known. As exact as by fractions, which are slow."""
    return None if ticks is None or base is None else ticks * base.numerator / base.denominator


def frame_hashes(path: Path) -> list[str]:
    """sha256 (hex) of each decoded picture of the first video stream. Raises JudgeError as `frames` does."""
    return [frame.sha256() for frame in frames(path)]


def stream_hash(hashes: Iterable[str]) -> str:
    """One sha256 (hex) over frame hashes: of their hex forms, each ended by a newline."""
    return hashlib.sha256("".join(f"{item}\n" for item in hashes).encode()).hexdigest()


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
        primaries, transfer, matrix, value_range = _color(context, context.pix_fmt or "")
        return replace(
            info,
            codec=context.codec.canonical_name,
            width=context.width,
            height=context.height,
            pix_fmt=_pix_fmt(context.pix_fmt),
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


def _color(tagged: Any, pix_fmt: str) -> tuple[str, str, str, str]:
    """Primaries, transfer, matrix and range of a codec context or a picture, "unknown" where it doesn't say."""
    # PyAV 14 doesn't hand out all of a picture's.
    return (
        _PRIMARIES.get(getattr(tagged, "color_primaries", 2), "unknown"),
        _TRANSFERS.get(getattr(tagged, "color_trc", 2), "unknown"),
        _MATRICES.get(tagged.colorspace, "unknown"),
        "pc" if "yuvj" in pix_fmt else _RANGES.get(tagged.color_range, "unknown"),
    )


def _pix_fmt(name: str | None) -> str | None:
    return name.replace("yuvj", "yuv") if name else None


@cache
def _layout(name: str, width: int, height: int) -> tuple[int, tuple[int, ...]] | None:
    """Bit depth and bytes in a row of each plane; None for formats with padding, palettes or packed bits."""
    form = av.VideoFormat(name, width, height)
    whole = av.VideoFormat(name, 64, 64)
    bits = sum(part.width * part.height * -(-part.bits // 8) * 8 for part in whole.components)
    if form.is_bit_stream or form.has_palette or bits != whole.padded_bits_per_pixel * 64 * 64:
        return None
    rows: dict[int, int] = {}
    widths: dict[int, int] = {}
    for part in form.components:
        if widths.setdefault(part.plane, part.width) != part.width:
            return None
        rows[part.plane] = rows.get(part.plane, 0) + part.width * -(-part.bits // 8)
    return max(part.bits for part in form.components), tuple(rows[plane] for plane in sorted(rows))


def _matrix(picture: av.VideoFrame) -> tuple[int, int, int, int]:
    data: Any = picture.side_data.get("DISPLAYMATRIX")
    if data is None or len(raw := bytes(data)) < 36:
        return 1, 0, 0, 1
    a, b, _, c, d = (int(value) for value in np.frombuffer(raw, "<i4")[:5])
    return a, b, c, d


def _planes(picture: av.VideoFrame, path: Path) -> tuple[int, tuple[NDArray[np.uint8], ...]]:
    layout = _layout(picture.format.name, picture.width, picture.height)
    if layout is None:
        raise JudgeError(f"{path}: the judge doesn't know how {picture.format.name} lies in memory")
    depth, row_bytes = layout
    arrays = []
    for plane, used in zip(picture.planes, row_bytes, strict=True):
        if plane.line_size < used:
            raise JudgeError(f"{path}: a plane of {picture.format.name} has rows of {plane.line_size} bytes")
        whole = np.frombuffer(memoryview(plane), np.uint8)
        arrays.append(whole[: plane.height * plane.line_size].reshape(plane.height, plane.line_size)[:, :used])
    return depth, tuple(arrays)
