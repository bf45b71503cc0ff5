"""Inputs in several files, cut off, damaged, or live: what production gets."""

from __future__ import annotations

from collections.abc import Sequence

from ..case import Case, Needs, Threshold
from ..clips.broken import DAMAGED_FRAMES
from ..recipe import Recipe, recipe_of
from ..rules.audio import AudioTracks
from ..rules.damage import Survived
from ..rules.joined import Joined
from ..rules.pace import Pace
from ..rules.pictures import Pictures
from ..rules.refusal import Refused, Reported
from ..rules.streams import Streams
from ..rules.timing import Timing
from .audio import sound_limits
from .software import X264, quality

_MEASURED = "own: some 3 dB below FFmpeg 5.1.9, 8.1 and 9.0"
_NEEDS = Needs(
    muxers=("mp4",),
    encoders=("libx264", "aac"),
    decoders=("h264", "aac"),
    filters=("null", "anull", "format", "aformat"),
)


def _recipe(source: Sequence[str], *more: str) -> Recipe:
    return recipe_of(
        (
            *("-nostdin", "-hide_banner", "-nostats", "-v", "verbose", "-threads", "1", "-bitexact", *source),
            *("-map", "0:v:0", "-map", "0:a:0", "-map_metadata", "-1", *X264, "-flags:v", "+bitexact+cgop", *more),
            *("-c:a", "aac", "-b:a", "128k", "-flags:a", "+bitexact", "-fflags", "+bitexact", "-f", "mp4"),
            *("-y", "{output}"),
        )
    )


# AAC's priming makes the pictures begin between two frames, which a time base of frames would round.
EXACT = ("-fps_mode", "passthrough", "-enc_time_base:v", "1:90000")
_STREAMS = Streams(
    format="mp4",
    video_codec="h264",
    pix_fmt="yuv420p",
    audio_codec="aac",
    fps=0.0,
    channels=2,
    sample_rate=48000,
)

CASES = (
    Case(
        name="concat",
        sample="part-1-256x144",
        recipe=_recipe(("-f", "concat", "-safe", "0", "-i", "{extra:list.txt}"), *EXACT),
        rules=(
            _STREAMS,
            Joined(("second",), {**sound_limits(0.95), "psnr_y_min": Threshold(37.5, _MEASURED)}),
        ),
        needs=_NEEDS,
        extras={"second": "part-2-256x144"},
        texts={"list.txt": "ffconcat version 1.0\nfile '{input}'\nfile '{extra:second}'\n"},
        golden=False,
    ),
    Case(
        name="truncated-input",
        sample="truncated-256x144",
        recipe=_recipe(("-xerror", "-i", "{input}")),
        rules=(Refused("partial file|truncat|corrupt|invalid data|end of file"),),
        needs=_NEEDS,
        golden=False,
        fails=True,
    ),
    Case(
        name="damaged-input",
        sample="damaged-256x144",
        recipe=_recipe(("-i", "{input}")),
        rules=(
            _STREAMS,
            Reported("error while decoding|concealing|corrupt|invalid data|decode_slice_header error"),
            Survived("tracks-256x144", DAMAGED_FRAMES, ((22, 49),), {"psnr_y_min": Threshold(37.5, _MEASURED)}),
        ),
        needs=_NEEDS,
        golden=False,
    ),
    Case(
        name="live-wrap",
        sample="live-256x144",
        recipe=_recipe(("-i", "{input}"), *EXACT, "-af", "aresample=async=1"),
        rules=(
            _STREAMS,
            Timing(0.05),
            Pictures(quality(_MEASURED, y=(40.5, 37.5), u=(46.5, 41.0), v=(46.5, 44.0))),
            Pace(0.001),
            AudioTracks(sound_limits(0.95)),
        ),
        needs=Needs(
            muxers=("mp4",),
            encoders=("libx264", "aac"),
            decoders=("h264", "aac"),
            filters=("null", "format", "aformat", "aresample"),
        ),
        golden=False,
    ),
)
