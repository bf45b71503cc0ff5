"""`multi-track`, `captions`, `timed-id3` and `subtitle-burn-in`: what goes with the picture."""

from __future__ import annotations

from dataclasses import replace

from ..case import Case, Needs
from ..recipe import recipe_of
from ..rules.audio import AudioTracks
from ..rules.captions import Captions
from ..rules.pictures import Pictures
from ..rules.streams import Streams
from ..rules.subtitles import Burnt
from ..rules.timed import TimedMetadata
from ..rules.tracks import Tracks
from .audio import sound_limits
from .software import X264, quality, video_recipe

_MEASURED = "own: some 3 dB below FFmpeg 5.1.9, 8.1 and 9.0"
_X264_NEEDS = Needs(muxers=("mp4",), encoders=("libx264",), decoders=("h264",), filters=("null", "format"))

_ALL = recipe_of(
    (
        *("-nostdin", "-hide_banner", "-nostats", "-v", "verbose", "-threads", "1", "-bitexact", "-i", "{input}"),
        *("-map", "0:v:0", "-map", "0:a", "-map", "0:s", *X264, "-flags:v", "+bitexact+cgop"),
        *("-c:a", "aac", "-b:a:0", "320k", "-b:a:1", "128k", "-b:a:2", "64k", "-c:s", "mov_text"),
        *("-flags:a", "+bitexact", "-fflags", "+bitexact", "-f", "mp4", "-y", "{output}"),
    )
)

_TAGS = recipe_of(
    (
        *("-nostdin", "-hide_banner", "-nostats", "-v", "verbose", "-threads", "1", "-bitexact", "-i", "{input}"),
        *("-map", "0:v:0", "-map", "0:d:0", *X264, "-flags:v", "+bitexact+cgop", "-c:d", "copy"),
        *("-fflags", "+bitexact", "-f", "mpegts", "-y", "{output}"),
    )
)

_LINES = ((0.5, 1.02), (1.22, 1.7))
_SRT = """1
00:00:00,500 --> 00:00:01,020
WWWWWWWWWW

2
00:00:01,220 --> 00:00:01,700
iiiiiiiiii
"""
_STYLE = "FontSize=36,PrimaryColour=&Hffffff&,OutlineColour=&H000000&,BorderStyle=1,Outline=2,Shadow=0,MarginV=16"

CASES = (
    Case(
        name="multi-track",
        sample="tracks-256x144",
        recipe=_ALL,
        rules=(
            Streams(
                format="mp4", video_codec="h264", pix_fmt="yuv420p", max_gop=2.0, audio_codec="aac", sample_rate=48000
            ),
            Tracks(),
            AudioTracks(sound_limits(0.95), tracks=((0, 0), (1, 1), (2, 2))),
            Pictures(quality(_MEASURED, y=(40.5, 37.5), u=(46.5, 41.0), v=(46.5, 44.0))),
        ),
        needs=Needs(
            muxers=("mp4",),
            encoders=("libx264", "aac", "mov_text"),
            decoders=("h264", "aac", "mov_text"),
            filters=("null", "anull", "format", "aformat"),
        ),
    ),
    Case(
        name="captions",
        sample="captions-256x144",
        recipe=video_recipe(X264),
        rules=(
            Streams(format="mp4", video_codec="h264", pix_fmt="yuv420p", max_gop=2.0),
            Captions(),
            Pictures(quality(_MEASURED, y=(40.5, 37.5), u=(46.5, 41.0), v=(46.5, 44.0))),
        ),
        needs=_X264_NEEDS,
    ),
    Case(
        name="timed-id3",
        sample="id3-256x144",
        recipe=_TAGS,
        rules=(
            Streams(format="mpegts", video_codec="h264", pix_fmt="yuv420p", max_gop=2.0),
            TimedMetadata(0.001, "own: MPEG-TS counts in 1/90 ms, and copies move nothing"),
            Pictures(quality(_MEASURED, y=(40.5, 37.5), u=(46.5, 41.0), v=(46.5, 44.0))),
        ),
        needs=replace(_X264_NEEDS, muxers=("mpegts",)),
        outputs=("output.ts",),
        golden=False,
    ),
    Case(
        name="subtitle-burn-in",
        sample="part-1-256x144",
        recipe=video_recipe(X264, filters=f"subtitles=filename={{extra:lines.srt}}:force_style='{_STYLE}'"),
        rules=(Streams(format="mp4", video_codec="h264", pix_fmt="yuv420p", max_gop=2.0), Burnt(_LINES)),
        needs=Needs(
            muxers=("mp4",), encoders=("libx264",), decoders=("h264", "subrip"), filters=("subtitles", "format")
        ),
        texts={"lines.srt": _SRT},
        # The letters are the image's fonts'.
        golden=False,
    ),
)
