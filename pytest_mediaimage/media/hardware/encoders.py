"""How each path encodes each codec, and how a case's software command becomes the path's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..recipe import Recipe

# Quantisers near the cases' own CRF: what is judged is quality beside software at the size that comes out. AV1's go up
# to 255.
_QUANTISER = {"h264": "23", "hevc": "23", "av1": "100"}

PROOFS = {
    "nvenc": re.compile("Loaded Nvenc version"),
    "vaapi": re.compile("Using VAAPI entrypoint"),
    "qsv": re.compile("Initialize MFX session"),
    "vulkan": re.compile("Encoder capabilities for"),
}
"""What FFmpeg prints at `-v debug` once an encoder of the path is at work."""

VIDEO = ("-c:v", "-codec:v", "-vcodec", "-c:v:0")
# What a software encoder is told that a device's isn't, or is told otherwise.
_SOFTWARE = (
    *(*VIDEO, "-preset", "-tune", "-crf", "-qp", "-profile:v", "-level:v", "-pix_fmt", "-threads:v"),
    *("-x264-params", "-x265-params", "-svtav1-params"),
)
# What a team's own arguments say that the case's command says already.
_OF_THE_JOB = ("-map", "-f", "-c:a", "-b:a")


@dataclass(frozen=True, slots=True)
class Encoder:
    """`before` are options before the input, `filters` bring pictures onto the device, `options` follow `-c:v NAME`.

    `proof` must match in what FFmpeg prints at `-v debug`. `listed` is whether `-encoders` must name it, and the
    output's encoder tag.
    """

    name: str
    options: tuple[str, ...]
    proof: re.Pattern[str]
    before: tuple[str, ...] = ()
    filters: str = ""
    listed: bool = True


def encoder_of(path: str, codec: str, device: str, *, ten_bits: bool = False, by_quality: bool = True) -> Encoder:
    """The packaged `path`'s encoder of `codec` (h264, hevc, av1) on the node `device`.

    Without `by_quality` it is told no quantiser: the command says how many bits there may be.
    """
    name, quantiser = f"{codec}_{path}", _QUANTISER[codec]
    profile = ("-profile:v", "main10") if ten_bits and codec == "hevc" else ()
    form = "p010" if ten_bits else "nv12"
    upload = f"format={form},hwupload"
    quality: tuple[str, ...] = ()
    if path == "nvenc":
        form = "p010le" if ten_bits else "yuv420p"
        if by_quality:
            quality = ("-rc", "constqp", "-qp", quantiser)
        return Encoder(name, ("-preset", "p4", *quality, "-pix_fmt", form, *profile), PROOFS[path])
    if path == "vaapi":
        # The same words for each codec: av1_vaapi has no -qp.
        if by_quality:
            quality = ("-rc_mode", "CQP", "-global_quality", quantiser)
        before = ("-init_hw_device", f"vaapi=v:{device}", "-filter_hw_device", "v")
        return Encoder(name, (*quality, *profile), PROOFS[path], before, upload)
    if path == "qsv":
        if by_quality:
            quality = ("-global_quality", "23")
        forced = ("-forced_idr", "1") if codec != "av1" else ()
        init = ("-init_hw_device", f"vaapi=va:{device}", "-init_hw_device", "qsv=q@va", "-filter_hw_device", "q")
        return Encoder(name, (*quality, *forced, *profile), PROOFS[path], init, f"{upload}=extra_hw_frames=64")
    before = ("-init_hw_device", "vulkan=vk:0", "-filter_hw_device", "vk")
    return Encoder(name, ("-qp", quantiser) if by_quality else (), PROOFS[path], before, upload)


def own_encoder(arguments: Sequence[str], proof: str, device: str) -> Encoder | None:
    """A team's own path as an encoder; None where its arguments can't be put into another command.

    That is so where they hold `{input}` or `{output}` inside of a word, filter graphs of several inputs, or no `-c:v`.
    """
    words = [word.replace("{device}", device) for word in arguments]
    before: list[str] = []
    if "-i" in words and words[words.index("-i") + 1 : words.index("-i") + 2] == ["{input}"]:
        at = words.index("-i")
        before, words = words[:at], words[at + 2 :]
    if words[-1:] == ["{output}"]:
        words.pop()
    words = _without(words, _OF_THE_JOB, flags=("-an", "-sn", "-dn", "-y"))
    name, filters = _value(words, VIDEO), _value(words, ("-vf", "-filter:v"))
    if not name or "-filter_complex" in words or any(mark in " ".join(words) for mark in ("{input}", "{output}")):
        return None
    options = tuple(_without(words, (*VIDEO, "-vf", "-filter:v")))
    return Encoder(name, options, re.compile(proof), tuple(before), filters, listed=False)


def on_device(recipe: Recipe, encoder: Encoder, *, gop: bool = True) -> Recipe:
    """The recipe with its software encoder's words replaced by the device's, and all told that proves the device.

    `gop` says that a key frame must come every two seconds, where the recipe doesn't say when.
    """
    words = _without(recipe.argv, ("-v", "-loglevel"))
    filters = ",".join(filter(None, (_value(words, ("-vf", "-filter:v")), encoder.filters)))
    at = next(index for index, word in enumerate(words) if word in VIDEO)
    placed = ["-c:v", encoder.name, *encoder.options, *(("-g", "50") if gop and "-g" not in words else ())]
    placed += ["-vf", filters] if filters else []
    head, tail = (_without(part, (*_SOFTWARE, "-vf", "-filter:v")) for part in (words[:at], words[at:]))
    given = head.index("-i")
    return Recipe((*head[:given], "-v", "debug", *encoder.before, *head[given:], *placed, *tail))


def takes_ten_bits(recipe: Recipe) -> bool:
    """Whether the recipe asks for ten bits."""
    return "10" in _value(recipe.argv, ("-pix_fmt",))


def software_of(recipe: Recipe) -> str:
    """The name of the recipe's own encoder."""
    return _value(recipe.argv, VIDEO)


def video_options(recipe: Recipe) -> list[str]:
    """The options by which it names encoders of video."""
    return [word for word in recipe.argv if re.match(r"-(?:c|codec):v(?::|$)|-vcodec$", word)]


def _value(words: Sequence[str], options: Sequence[str]) -> str:
    """What follows the first of these options, or nothing."""
    pairs = pairwise(words)
    return next((value for option, value in pairs if option in options), "")


def _without(words: Sequence[str], options: Sequence[str], *, flags: Sequence[str] = ()) -> list[str]:
    """The words without these options and their values, and without these flags, which have none."""
    kept, skip = [], False
    for word in words:
        if skip or word in options:
            skip = not skip
        elif word not in flags:
            kept.append(word)
    return kept
