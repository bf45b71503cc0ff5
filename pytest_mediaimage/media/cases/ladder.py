"""`h264-ladder`: three renditions for adaptive streaming in one run."""

from __future__ import annotations

from dataclasses import dataclass

from ..case import Case, Needs, Rule, Threshold
from ..recipe import Recipe
from ..rules.audio import AudioTracks
from ..rules.ladder import Ladder, Rung
from ..rules.scaled import Scaled
from ..rules.sizes import VideoBytes
from ..rules.streams import Streams
from .audio import sound_limits
from .software import BLOCK, SWSCALE

X264 = (
    *("-c:v", "libx264", "-preset", "medium", "-pix_fmt", "yuv420p", "-threads:v", "2"),
    *("-flags:v", "+bitexact+cgop", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0"),
)
"""A key frame every two seconds, whatever the pictures show: rungs of any size then have them at the same times."""


@dataclass(frozen=True, slots=True)
class _Size:
    name: str
    width: int
    height: int
    kilobits: int
    psnr: tuple[float, float, float]
    ssim: float
    usual_bytes: int


# The barcode is read down to 64x48. Under rate control x264 gives other pictures from run to run with AVX-512, at these
# widths too: there are no golden values, and PSNR moves by less than 0.1 dB.
_SIZES = (
    _Size("high.mp4", 384, 216, 600, (45.0, 51.0, 50.5), 0.97, 338_500),
    _Size("medium.mp4", 256, 144, 360, (40.0, 46.0, 46.5), 0.97, 211_000),
    _Size("low.mp4", 128, 72, 160, (38.5, 45.0, 45.5), 0.97, 93_900),
)


def _recipe() -> Recipe:
    scaled = ";".join(
        f"[{size.name}]scale={size.width}:{size.height}:flags={SWSCALE}[{size.name}-out]".replace(".mp4", "")
        for size in _SIZES[1:]
    )
    graph = f"[0:v:0]split=3[high][medium][low];{scaled}"
    words = ["{ffmpeg}", "-nostdin", "-hide_banner", "-nostats", "-v", "verbose", "-y"]
    words += ["-threads", "1", "-bitexact", "-i", "{input}", "-filter_complex", graph]
    for size, pad in zip(_SIZES, ("high", "medium-out", "low-out"), strict=True):
        words += ["-map", f"[{pad}]", "-map", "0:a:0", "-map_metadata", "-1", *X264, "-b:v", f"{size.kilobits}k"]
        words += ["-maxrate", f"{size.kilobits * 11 // 10}k", "-bufsize", f"{size.kilobits}k"]
        words += ["-c:a", "aac", "-b:a", "128k", "-flags:a", "+bitexact"]
        words += ["-fflags", "+bitexact", "-f", "mp4", f"{{folder}}/{size.name}"]
    return Recipe(tuple(words))


_MEASURED = "own: some 3 dB below FFmpeg 5.1, 8.1 and 9.0"
_BYTES = "own: FFmpeg 5.1, 8.1 and 9.0 are within 1 % of it with 2 and 4 threads"
_FITS = "vaapi-fits, test/.../vpp.py: scaled pictures have an SSIM of 0.97 and more"


def _rules(size: _Size) -> tuple[Rule, ...]:
    limits = {f"psnr_{plane}_mean": Threshold(limit, _MEASURED) for plane, limit in zip("yuv", size.psnr, strict=True)}
    limits |= {f"ssim_{plane}_mean": Threshold(size.ssim, _FITS) for plane in "yuv"}
    limits |= {"bias": Threshold(0.5, "own: scaling and x264 stay within 0.1"), "block_y_min": BLOCK}
    return (
        Streams(
            format="mp4",
            video_codec="h264",
            pix_fmt="yuv420p",
            max_gop=2.0,
            audio_codec="aac",
            channels=2,
            sample_rate=48000,
            width=size.width,
            height=size.height,
            fps=25.0,
            output=size.name,
        ),
        Scaled(size.width, size.height, limits, output=size.name),
        AudioTracks(sound_limits(0.95), output=size.name),
        VideoBytes(size.usual_bytes, _BYTES, tolerance=0.05, output=size.name),
    )


CASES = (
    Case(
        name="h264-ladder",
        sample="bars-384x216",
        recipe=_recipe(),
        outputs=tuple(size.name for size in _SIZES),
        rules=(
            Ladder(tuple(Rung(size.name, size.kilobits * 1000) for size in _SIZES)),
            *(rule for size in _SIZES for rule in _rules(size)),
        ),
        needs=Needs(
            muxers=("mp4",),
            encoders=("libx264", "aac"),
            decoders=("h264", "aac"),
            filters=("split", "scale", "format", "null", "anull", "aformat"),
        ),
        golden=False,
    ),
)
