"""A team's own recipe on a hardware path: as it is where it names the device's codec, else with the path's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import UsageError
from ..recipe import Recipe
from .decoders import decoder_of, download
from .encoders import PROOFS, VIDEO, Encoder, encoder_of, on_device, software_of, takes_ten_bits, video_options
from .paths import DECODING, Probe

DEVICE = "{device}"
"""Stands in a recipe for the path of the device node."""

_SURFACES = ("cuda", "vaapi", "qsv", "vulkan")
_COUNTERPARTS = {
    "libx264": "h264",
    "libopenh264": "h264",
    "libx265": "hevc",
    "libsvtav1": "av1",
    "libaom-av1": "av1",
    "librav1e": "av1",
}
_BITS = {"yuv420p": 8, "yuv420p10le": 10}


@dataclass(frozen=True, slots=True)
class Source:
    """The clip that is decoded: `codec` as FFmpeg calls it, and its pixel format."""

    codec: str
    pix_fmt: str


def fitted(recipe: Recipe, path: str, device: str, source: Source, own: Encoder | None = None) -> tuple[Recipe, Probe]:
    """The recipe for the node `device`, and what proves that the device did it.

    A recipe that names an encoder of the path, or asks for `-hwaccel`, is run as it is. Else a software encoder
    becomes the path's; and where the path has none for it, or only decodes, the input is decoded on the device. `own`
    is the encoder of a path that a policy declares. Raises UsageError where the recipe can't be put on the path.
    """
    recipe = Recipe(tuple(word.replace(DEVICE, device) for word in recipe.argv))
    named, surface = software_of(recipe), _surface(recipe)
    if own is not None:
        if named != own.name:
            _single(recipe, path, own.filters)
            recipe = on_device(recipe, own, gop=False)
        return _loud(recipe), Probe("own", recipe.argv, "", own.proof)
    if named.endswith(f"_{path}"):
        codec = named.removesuffix(f"_{path}")
        return _loud(recipe), Probe("encode", recipe.argv, "", PROOFS[path], surface, named, codec=codec)
    codec = _COUNTERPARTS.get(named, "")
    if path in PROOFS and codec:
        rated = any(word in recipe.argv for word in ("-b:v", "-b:v:0", "-vb"))
        encoder = encoder_of(path, codec, device, ten_bits=takes_ten_bits(recipe), by_quality=not rated)
        _single(recipe, path, encoder.filters)
        put = on_device(recipe, encoder, gop=False)
        return _loud(put), Probe("encode", put.argv, "", encoder.proof, surface, encoder.name, codec=codec)
    if path not in DECODING:
        raise UsageError(
            f"the recipe's encoder {named or '(none)'} has no counterpart on {path}",
            remedy=f"Name one of {path}'s in the recipe, or a software encoder of H.264, HEVC or AV1.",
        )
    if surface:
        return _loud(recipe), Probe("decode", recipe.argv, "", surface=surface, codec=source.codec)
    return _decoding(recipe, path, device, source)


def _decoding(recipe: Recipe, path: str, device: str, source: Source) -> tuple[Recipe, Probe]:
    """The recipe, its input decoded on the device."""
    bits = _BITS.get(source.pix_fmt)
    if bits is None:
        raise UsageError(
            f"{path} is only tried with 4:2:0 of 8 or 10 bits; the input is {source.pix_fmt}",
            remedy="Write -hwaccel, and the filters that bring pictures back, in the recipe yourself.",
        )
    decoder = decoder_of(path, source.codec, device)
    words = list(recipe.argv)
    if "-filter_complex" in words or "-i" not in words:
        raise UsageError(
            f"{path} can't be put into a recipe with -filter_complex",
            remedy="Write -hwaccel, and the filters that bring pictures back, in the recipe yourself.",
        )
    filters = download(bits)
    at = next((index for index, word in enumerate(words[:-1]) if word in ("-vf", "-filter:v")), None)
    if at is None:
        # Options such as -y may follow the output, those of a filter may not.
        output = max(
            (index for index, word in enumerate(words) if "{output}" in word or "{folder}" in word), default=-1
        )
        words[output:output] = ["-vf", filters]
    else:
        words[at + 1] = f"{filters},{words[at + 1]}"
    given = words.index("-i")
    put = Recipe((*words[:given], *decoder.before, *words[given:]))
    return _loud(put), Probe("decode", put.argv, "", surface=decoder.surface, codec=source.codec)


def _single(recipe: Recipe, path: str, filters: str) -> None:
    """Raises UsageError where one encoder, or a filter before it, can't simply be put in another's place."""
    words = recipe.argv
    if words[0] != "{ffmpeg}" or "-i" not in words:
        raise UsageError(
            f"{path} can't be put into the command of another program than ffmpeg",
            remedy="Let it be told the encoder: then it is run as it is, with {device} filled in.",
        )
    at = next((index for index, word in enumerate(words) if word in VIDEO), 0)
    if "-i" not in words[:at]:
        raise UsageError(
            f"the recipe names no encoder of video, in whose place {path}'s could be put",
            remedy="Write -c:v and an encoder, such as libx264 or the path's own, between the inputs and the output.",
        )
    if len(video_options(recipe)) > 1 or (filters and "-filter_complex" in words):
        what = "several encoders of video" if len(video_options(recipe)) > 1 else "-filter_complex"
        raise UsageError(
            f"{path} can't be put into a recipe with {what}",
            remedy=f"Name {path}'s encoder in the recipe yourself; {DEVICE} stands for the device node.",
        )


def _surface(recipe: Recipe) -> str:
    """What `-hwaccel` asks for; empty where that is none of ours, such as `auto`."""
    words = recipe.argv
    asked = words[words.index("-hwaccel") + 1] if "-hwaccel" in words[:-1] else ""
    return asked if asked in _SURFACES else ""


def _loud(recipe: Recipe) -> Recipe:
    """With all told that proves the device, where it is FFmpeg that is called."""
    if recipe.argv[0] != "{ffmpeg}":
        return recipe
    return Recipe(("{ffmpeg}", "-v", "debug", *_without_level(recipe.argv[1:])))


def _without_level(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in words:
        if skip or word in ("-v", "-loglevel"):
            skip = not skip
        else:
            kept.append(word)
    return kept
