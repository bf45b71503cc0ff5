"""The independent judge: reads a media file with PyAV's own FFmpeg libraries, never with the image's.

Files come from the image under test and are not trusted: only formats that hold everything in one file are opened,
only through the `file` protocol (a playlist could otherwise name the judge's own files or an address), pictures are
limited in size and frames are handed out one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, overload

import av
import av.container
import numpy as np
from numpy.typing import NDArray

from ..errors import JudgeError
from .colors import color_of, plain_format

# Demuxer names as libavformat gives them; each keeps all its data in the one file.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,avi,ivf,h264,hevc,obu,av1,nut,flv,ogg,wav,aac,mp3,"
    "flac,ac3,mxf,yuv4mpegpipe,gif,image2,png_pipe,jpeg_pipe,webp_pipe"
)
_MAX_PIXELS = 8192 * 8192
_SMALL = 640 * 480
"""Pixels of pictures that one thread decodes: several take a third more of the CPU, and are hardly sooner done."""
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "file", "max_pixels": str(_MAX_PIXELS)}


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
                str(plain_format(picture.format.name)),
                depth,
                planes,
                bool(picture.interlaced_frame),
                _matrix(picture),
                color_of(picture, picture.format.name),
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


def luma(picture: av.VideoFrame) -> NDArray[np.uint8]:
    """The first plane, (rows, row bytes), as it lies in the picture's memory, without padding."""
    plane = picture.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : picture.width * -(-picture.format.components[0].bits // 8)]


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
