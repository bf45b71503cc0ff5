"""`h264-aac`: the job that every build should do."""

from __future__ import annotations

import ffmpeg

from ..case import Case, Needs, Threshold
from ..recipe import Recipe, recipe_of
from ..rules.geometry import Upright
from ..rules.pictures import Pictures
from ..rules.sound import Sound
from ..rules.streams import Streams
from .software import BLOCK


def _h264_aac() -> Recipe:
    """Pinned so that x264's pictures depend on nothing but its version: threads, GOP and bitexact routines."""
    source = ffmpeg.input("{input}", threads=1, bitexact=None)
    options = {
        "map_metadata": "-1",
        "c:v": "libx264",
        "preset": "medium",
        "crf": "23",
        "g": "50",
        "pix_fmt": "yuv420p",
        "threads:v": "2",
        "flags:v": "+bitexact+cgop",
        "sws_flags": "bicubic+accurate_rnd+bitexact",
        "c:a": "aac",
        "b:a": "128k",
        "flags:a": "+bitexact",
        "fflags": "+bitexact",
        "f": "mp4",
    }
    output = ffmpeg.output(source["v:0"], source["a:0"], "{output}", **options)
    # ffmpeg-python puts options without a file last, where a wrapper takes the last word for the output as people do.
    program, *words = recipe_of(output).argv
    return Recipe((program, "-nostdin", "-hide_banner", "-nostats", "-v", "verbose", "-y", *words))


_MEASURED = "own: some 3 dB below the least of 21 clips, each made with x264 cores 164 and 165"

CASES = (
    Case(
        name="h264-aac",
        sample="bars-384x216",
        recipe=_h264_aac(),
        rules=(
            Streams(
                format="mp4",
                video_codec="h264",
                pix_fmt="yuv420p",
                max_gop=2.0,
                audio_codec="aac",
                fps=25.0,
                channels=2,
                sample_rate=48000,
            ),
            Upright(),
            Pictures(
                {
                    "psnr_y_mean": Threshold(36.0, _MEASURED),
                    "psnr_y_min": Threshold(34.0, _MEASURED),
                    "psnr_u_mean": Threshold(43.5, _MEASURED),
                    "psnr_u_min": Threshold(40.0, _MEASURED),
                    "psnr_v_mean": Threshold(45.0, _MEASURED),
                    "psnr_v_min": Threshold(42.0, _MEASURED),
                    "block_y_min": BLOCK,
                    "bias": Threshold(
                        0.5, "own: x264 stays within 0.1; one step over the whole picture is a colour fault"
                    ),
                }
            ),
            Sound(
                {
                    "audio_correlation": Threshold(0.98, "own: AAC at 128 kb/s gives 0.993 and more"),
                    "audio_stretch": Threshold(0.95, "own: AAC at 128 kb/s gives 0.989 and more in any 240 ms"),
                    "audio_drift": Threshold(0.001, "own: codecs move nothing; 1 ms in 5 s is a second in 80 minutes"),
                    "audio_offset": Threshold(0.005, "own: 0.4 ms can be measured; EBU R37 allows -40/+60 ms in all"),
                    "audio_level": Threshold(0.3, "own: AAC changes it by up to 0.17 in a clip of a second"),
                }
            ),
        ),
        needs=Needs(
            muxers=("mp4",),
            encoders=("libx264", "aac"),
            decoders=("h264", "aac"),
            filters=("null", "anull", "format", "aformat"),
        ),
        fresh=True,
    ),
)
