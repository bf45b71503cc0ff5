"""Transcode cases: what is run in the image, on which sample, and what must come out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import ffmpeg

from ..errors import UsageError

_PLACEHOLDER = re.compile(r"\{(ffmpeg|input|output)\}")


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit and where it comes from."""

    limit: float
    source: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """A command with the placeholders `{ffmpeg}`, `{input}` and `{output}`."""

    argv: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Hex; over the command as JSON, placeholders and all."""
        return hashlib.sha256(json.dumps(self.argv).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Needs:
    """Names that the image's FFmpeg must list (`-encoders`, `-decoders`, `-filters`) for the recipe to run."""

    encoders: tuple[str, ...] = ()
    decoders: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectations:
    """What the output must be; None: as in the source. `max_gop` is in seconds, `sample_rate` in Hz."""

    format: str
    video_codec: str
    pix_fmt: str
    max_gop: float
    audio_codec: str
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    fps: float | None = None
    channels: int | None = None
    sample_rate: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """`sample` names a bundled clip, `path` the hardware path, `suffix` the output's; `timeout` is in seconds.

    `thresholds` by metric: lower limits for `psnr_*` (dB) and `audio_correlation`, upper limits of the magnitude for
    `bias` (8-bit steps), `audio_offset` (seconds) and `audio_level` (dB).
    """

    name: str
    sample: str
    recipe: Recipe
    expect: Expectations
    needs: Needs
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    path: str = "cpu"
    suffix: str = ".mp4"
    timeout: float = 60.0


def argv_of(recipe: Any, ffmpeg_path: str, input_path: str | PurePath, output_path: str | PurePath) -> list[str]:
    """The command to run, from a Recipe, a list of strings, or an ffmpeg-python output stream.

    Placeholders are filled in once: what a path holds is never taken for one. A list may begin with `ffmpeg`, which
    becomes `ffmpeg_path`, or with an option, before which `ffmpeg_path` is put; any other first word is kept, as the
    image's own program. Raises UsageError where `{input}` or `{output}` is missing, or it is something else.
    """
    argv = _template(recipe)
    text = "\0".join(argv)
    for name in ("{input}", "{output}"):
        if name not in text:
            raise UsageError(
                f"the recipe {' '.join(argv)!r} has no {name}",
                remedy="Put {input} where the sample's path belongs, and {output} where the result's does.",
            )
    values = {"ffmpeg": ffmpeg_path, "input": str(input_path), "output": str(output_path)}
    return [_PLACEHOLDER.sub(lambda match: values[match[1]], word) for word in argv]


def recipe_of(recipe: Any) -> Recipe:
    """Any of the forms that `argv_of` takes as a Recipe, whose sha256 keys golden values.

    Equal commands have equal hashes, however they were written. Raises UsageError where it is none of these forms.
    """
    return Recipe(tuple(_template(recipe)))


def _template(recipe: Any) -> list[str]:
    if isinstance(recipe, Recipe):
        return list(recipe.argv)
    if isinstance(recipe, ffmpeg.nodes.Stream):
        if not isinstance(recipe, ffmpeg.nodes.OutputStream):
            raise UsageError("this ffmpeg-python stream has no output", remedy='End it with `.output("{output}")`.')
        return [str(word) for word in ffmpeg.compile(recipe, cmd="{ffmpeg}")]
    if isinstance(recipe, Sequence) and not isinstance(recipe, str | bytes) and recipe:
        if not all(isinstance(word, str) for word in recipe):
            raise UsageError("a recipe's words must all be strings", remedy="Write numbers as text: '23', not 23.")
        words = list(recipe)
        if words[0] == "ffmpeg":
            return ["{ffmpeg}", *words[1:]]
        return ["{ffmpeg}", *words] if words[0].startswith("-") else words
    raise UsageError(
        f"a recipe can't be a {type(recipe).__name__}",
        remedy="Give a list of strings, or what ffmpeg-python's `.output()` returns.",
    )


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
    output = output.global_args("-nostdin", "-hide_banner", "-nostats", "-v", "verbose").overwrite_output()
    return recipe_of(output)


_MEASURED = "own: some 3 dB below the least of 21 clips, each made with x264 cores 164 and 165"

DEFAULT_SAMPLE = "bars-384x216"
"""The bundled clip that a transcode takes where none is named."""

CASES: dict[str, Case] = {
    "h264-aac": Case(
        name="h264-aac",
        sample=DEFAULT_SAMPLE,
        recipe=_h264_aac(),
        expect=Expectations(
            format="mp4",
            video_codec="h264",
            pix_fmt="yuv420p",
            max_gop=2.0,
            audio_codec="aac",
            fps=25.0,
            channels=2,
            sample_rate=48000,
        ),
        needs=Needs(
            encoders=("libx264", "aac"), decoders=("h264", "aac"), filters=("null", "anull", "format", "aformat")
        ),
        thresholds={
            "psnr_y_mean": Threshold(36.0, _MEASURED),
            "psnr_y_min": Threshold(34.0, _MEASURED),
            "psnr_u_mean": Threshold(43.5, _MEASURED),
            "psnr_u_min": Threshold(40.0, _MEASURED),
            "psnr_v_mean": Threshold(45.0, _MEASURED),
            "psnr_v_min": Threshold(42.0, _MEASURED),
            "bias": Threshold(1.0, "own: x264 stays within 0.1; one step over the whole picture is a colour fault"),
            "audio_correlation": Threshold(0.98, "own: AAC at 128 kb/s gives 0.997 and more"),
            "audio_offset": Threshold(0.005, "own: 0.4 ms can be measured; EBU R37 allows -40/+60 ms in all"),
            "audio_level": Threshold(0.5, "own: the transcode changes no level"),
        },
    ),
}
