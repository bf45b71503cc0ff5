"""`aac`, `opus` and `loudnorm`: what is heard."""

from __future__ import annotations

from ..case import Case, Needs, Threshold
from ..recipe import Recipe, recipe_of
from ..rules.audio import AudioTracks
from ..rules.loudness import Loudness
from ..rules.streams import Streams

_PRINT = ("-nostdin", "-hide_banner", "-nostats", "-v", "verbose")


def sound_limits(correlation: float, level: float = 0.3) -> dict[str, Threshold]:
    """Limits of `AudioTracks` for codecs that change nothing but the last decimals."""
    return {
        "audio_correlation": Threshold(
            correlation, "own: of each stretch of 240 ms; AAC gives 0.980 and more, Opus 0.996"
        ),
        "audio_offset": Threshold(0.005, "own: 0.4 ms can be measured; EBU R37 allows -40/+60 ms in all"),
        "audio_drift": Threshold(0.001, "own: codecs move nothing; 1 ms in 3 s is a second in an hour"),
        "audio_level": Threshold(level, "own: the transcode changes no level"),
    }


def _recipe(*encoder: str, form: str) -> Recipe:
    """The picture is copied: it is the clock that the sound is held against."""
    return recipe_of(
        (
            *(
                *_PRINT,
                "-threads",
                "1",
                "-bitexact",
                "-i",
                "{input}",
                "-map",
                "0:v:0",
                "-map",
                "0:a:0",
                "-map",
                "0:a:1",
            ),
            *("-map_metadata", "-1", "-map_chapters", "-1", "-c:v", "copy", *encoder),
            *("-flags:a", "+bitexact", "-fflags", "+bitexact", "-f", form, "-y", "{output}"),
        )
    )


CASES = (
    Case(
        name="aac",
        sample="tracks-256x144",
        recipe=_recipe("-c:a", "aac", "-b:a:0", "320k", "-b:a:1", "128k", form="mp4"),
        rules=(
            Streams(format="mp4", video_codec="h264", audio_codec="aac", channels=6, sample_rate=48000),
            AudioTracks(sound_limits(0.95), tracks=((0, 0), (1, 1))),
        ),
        needs=Needs(muxers=("mp4",), encoders=("aac",), decoders=("aac",), filters=("anull", "aformat")),
        golden=False,
    ),
    Case(
        name="opus",
        sample="tracks-256x144",
        recipe=_recipe("-c:a", "libopus", "-b:a:0", "320k", "-b:a:1", "128k", form="mp4"),
        rules=(
            Streams(format="mp4", video_codec="h264", audio_codec="opus", channels=6, sample_rate=48000),
            AudioTracks(sound_limits(0.98), tracks=((0, 0), (1, 1))),
        ),
        needs=Needs(muxers=("mp4",), encoders=("libopus",), decoders=("aac",), filters=("anull", "aformat")),
        golden=False,
    ),
    Case(
        name="loudnorm",
        sample="bars-384x216",
        recipe=recipe_of(
            (
                *(*_PRINT, "-threads", "1", "-bitexact", "-i", "{input}", "-map", "0:a:0", "-map_metadata", "-1"),
                *("-af", "loudnorm=I=-16:TP=-1.5:LRA=11", "-ar", "48000", "-c:a", "aac", "-b:a", "192k"),
                *("-flags:a", "+bitexact", "-fflags", "+bitexact", "-f", "mp4", "-y", "{output}"),
            )
        ),
        rules=(
            Streams(format="mp4", audio_codec="aac", channels=2, sample_rate=48000),
            Loudness(-16.0, 0.5, "own: in one pass FFmpeg 5.1.9, 8.1 and 9.0 give -16.03 to -15.92", usual=-15.98),
        ),
        needs=Needs(muxers=("mp4",), encoders=("aac",), decoders=("aac",), filters=("loudnorm", "aformat")),
        golden=False,
    ),
)
