"""Test clips: moving pictures with a number in each frame, tones by channel and nonce, and a beep with a flash.

The content is integer arithmetic and raw PCG64 output, whose stream numpy promises to keep, and is thus the
same everywhere. The encode is single-threaded, bitexact and without macroblock tree: the same arguments give the same
bytes with the same PyAV wheel on the same kind of processor (x264 and the AAC encoder choose their routines by it).

The default width was chosen by measurement. With AVX-512, macroblock tree and B frames, x264 (cores 164 and 165) gives
pictures at 320x180 that change with what memory held before (glibc's MALLOC_PERTURB_ shows it), and at 640x360 others
than with AVX2. At 256x144, 384x216 and 512x288 they were the same with both.
"""

from __future__ import annotations

import secrets
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from . import barcode, soundmark

SAMPLE_RATE = soundmark.RATE
_X264 = "mbtree=0:threads=1:lookahead-threads=1:sliced-threads=0:open-gop=0:keyint=50:min-keyint=25"


def make_clip(
    path: Path,
    *,
    frames: int,
    nonce: int,
    width: int = 384,
    height: int = 216,
    fps: int = 25,
    seed: int = 0,
    crf: int = 14,
) -> None:
    """Write an MP4 of H.264 (yuv420p, BT.709, closed GOP) and stereo AAC to `path`.

    `frames` is 1-4096 and `nonce` 24 bits, both drawn into each frame (see `barcode`), the latter played too (see
    `soundmark`); `width` and `height` in pixels, even, at least 64x48; `seed` chooses the texture. Raises UsageError
    for other values.
    """
    if not 1 <= frames <= 1 << barcode.NUMBER_BITS or not 0 <= nonce < 1 << barcode.NONCE_BITS:
        raise UsageError(f"a clip of {frames} frames with nonce {nonce} can't be numbered", remedy="Use 1-4096 frames.")
    if width < 64 or height < 48 or width % 2 or height % 2 or not 1 <= fps <= 240:
        raise UsageError(f"a clip can't be {width}x{height} at {fps} frames per second")
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as out:
        video = out.add_stream("libx264", rate=fps)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.time_base = Fraction(1, fps)
        video.options = {"preset": "medium", "crf": str(crf), "x264-params": _X264, "flags": "+bitexact+cgop"}
        context = video.codec_context
        context.thread_count = 1
        context.color_primaries = context.color_trc = context.colorspace = 1  # BT.709
        context.color_range = 1  # limited
        audio = out.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        audio.bit_rate = 128_000
        audio.options = {"flags": "+bitexact"}
        texture = texture_of(width, height, seed)
        total = SAMPLE_RATE * frames // fps
        written = 0
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number, nonce, width, height, fps, texture), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(video.encode(frame))
            upto = min(total, SAMPLE_RATE * (number + 1) // fps)
            while written + 1024 <= upto or (number == frames - 1 and written < total):
                size = min(1024, total - written)
                chunk = av.AudioFrame.from_ndarray(
                    soundmark.sound(written, size, fps, nonce), format="s16", layout="stereo"
                )
                chunk.sample_rate, chunk.pts, chunk.time_base = SAMPLE_RATE, written, Fraction(1, SAMPLE_RATE)
                out.mux(audio.encode(chunk))
                written += size
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


def fresh_clip(path: Path, *, frames: int = 25) -> int:
    """Write a clip that nobody can have seen before, and return its nonce (never 0, the bundled samples' own).

    The nonce comes from the system's randomness; pictures and sound that carry it were made from this input.
    """
    nonce = fresh_nonce()
    make_clip(path, frames=frames, nonce=nonce, seed=nonce)
    return nonce


def fresh_nonce() -> int:
    """24 bits of the system's randomness, never 0."""
    return 1 + secrets.randbelow((1 << barcode.NONCE_BITS) - 1)


def picture(number: int, nonce: int, width: int, height: int, fps: int, texture: NDArray[np.uint8]) -> NDArray[Any]:
    """Frame `number` as yuv420p: an array (height * 3 / 2, width) of uint8.

    `texture` is (height, width). The two chroma planes differ (columns moving sideways, rows moving down), so that
    swapped or shifted planes show.
    """
    x, y = np.arange(width, dtype=np.int32), np.arange(height, dtype=np.int32)
    gradient = 48 + (x[None, :] + y[:, None] + 2 * number) % 256 // 2
    luma = (gradient + np.roll(texture, number, axis=1) % 32).astype(np.uint8)
    side = height // 5
    left, top = number * 5 % (width - side), height // 2 + number * 3 % (height // 2 - side)
    luma[top : top + side, left : left + side] = 200 - texture[:side, :side] % 64
    if number % fps // soundmark.FLASH_FRAMES == fps // 2 // soundmark.FLASH_FRAMES:
        luma[height - side :, width - side * 2 :] = 235
    barcode.draw(luma, number, nonce)
    u = np.broadcast_to(64 + (x[: width // 2] * 8 // max(width // 2, 1) * 16 + number) % 128, (height // 2, width // 2))
    v = np.broadcast_to((80 + (y[: height // 2] + number) % 96)[:, None], (height // 2, width // 2))
    planes = (luma.ravel(), u.astype(np.uint8).ravel(), v.astype(np.uint8).ravel())
    return np.concatenate(planes).reshape(height * 3 // 2, width)


def texture_of(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """Noise, (height, width) of uint8, in cells of 4x4 pixels."""
    rows, columns = height // 4 + 1, width // 4 + 1
    raw = np.random.PCG64(seed).random_raw(rows * columns)
    cells = (np.asarray(raw, dtype=np.uint64) >> np.uint64(40)).astype(np.uint8).reshape(rows, columns)
    return np.repeat(np.repeat(cells, 4, axis=0), 4, axis=1)[:height, :width]
