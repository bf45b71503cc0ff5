"""A first policy, written from what an image is today: it holds what is good, and teaches what can be asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

HEADROOM_PERCENT = 5
"""What a budget leaves above what was measured: a rebuild with newer packages stays within it."""

# What media workloads choose an image for; of these, what the image has is asked for from now on.
INTEREST: Mapping[str, tuple[str, ...]] = {
    "encoders": (
        *("libx264", "libx265", "libsvtav1", "libaom-av1", "libvpx-vp9", "aac", "libfdk_aac", "libopus", "libmp3lame"),
        *("h264_nvenc", "hevc_nvenc", "av1_nvenc", "h264_vaapi", "hevc_vaapi", "h264_qsv", "hevc_qsv"),
    ),
    "decoders": ("h264", "hevc", "vp9", "libdav1d", "aac", "opus"),
    "filters": ("scale", "overlay", "loudnorm", "zscale", "tonemap", "libvmaf"),
    "protocols": ("https", "srt"),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What the images are: the largest values of all, in bytes and percent, and what all of them have.

    `compressed_size` is None where a source keeps no compressed layers, `compression` where layers differ.
    `abilities` has the keys of INTEREST, or is empty where no ffmpeg could be asked. `user` tells that none runs as
    root.
    """

    images: Sequence[str]
    platforms: Sequence[str]
    compressed_size: int | None
    unpacked_size: int
    largest_layer: int
    layers: int
    waste: float
    compression: str | None = None
    abilities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    user: bool = False


def first_policy(measured: Measured, keys: Iterable[str]) -> str:
    """The policy's text. Only settings among `keys` are written."""
    known = frozenset(keys)
    lines = [
        f"# What {', '.join(measured.images)} is today, as a policy: the next build may not be worse.",
        f"# Budgets are what was measured and {HEADROOM_PERCENT} %; lower them as the image shrinks.",
        "version: 1",
        "",
        "# `default` fails on what is wrong in any image. Once it passes, try `strict`, or `edge` for small machines.",
        "extends: default",
        *_image(measured, known),
        *_sizes(measured),
        "",
        "layers:",
        "  # More layers are more requests in each pull; Docker stops at 125.",
        f"  count: {count_budget(measured.layers)}",
        "  # Bytes that a later layer replaces or deletes: pulled by everybody, seen by nobody.",
        f"  waste: {waste_budget(measured.waste):g}%",
        *_abilities(measured),
        "",
        "# The strictest licence that FFmpeg may have. A nonfree build fails in any case.",
        "# license: {max: GPL-3.0-or-later}",
        "",
        "# Hardware paths: `required` fails where the path can't be tested, `if-present` skips.",
        "# transcode: {paths: {cpu: required, nvenc: if-present}}",
        "",
        *_user(measured),
        "# What is accepted, by check and path, with a reason and a last day:",
        "# ignore:",
        '# - {check: contents.media, path: "/usr/share/app/*.wav", reason: "alert sounds", until: 2030-06-30}',
    ]
    return "\n".join(lines) + "\n"


def _user(measured: Measured) -> list[str]:
    if measured.user:
        return ["severity:", "  # It runs as another user than root: that it stays so.", "  config.user: error", ""]
    return [
        "# It runs as root. Once the Dockerfile says USER, make sure that it stays so:",
        "# severity: {config.user: error}",
        "",
    ]


def with_failures(text: str, failures: Sequence[tuple[str, str]]) -> str:
    """The policy, and below it what fails today: check and message."""
    if not failures:
        return text
    lines = [
        "",
        "# Fails today. Mend it, or begin with what is there, so that only what is new fails:",
        "# `--media-update-known` writes it to mediaimage-known.yaml, where it gets an owner, a reason and a last day.",
        *(f"#   {check}: {message}" for check, message in failures),
    ]
    return text + "\n".join(lines) + "\n"


def size_budget(size: int) -> str:
    """The size and its headroom, rounded up to three digits: `151MB`, `1.27MB`."""
    needed = max(1, math.ceil(size * (100 + HEADROOM_PERCENT) / 100))
    step = 10 ** max(0, len(str(needed)) - 3)
    rounded = math.ceil(needed / step) * step
    unit, name = next(((unit, name) for unit, name in ((10**6, "MB"), (10**3, "kB")) if rounded >= unit), (1, "B"))
    return f"{rounded / unit:.6g}{name}"


def count_budget(layers: int) -> int:
    """One more at least; never more than the preset allows."""
    return max(layers, min(125, max(layers + 1, math.ceil(layers * (100 + HEADROOM_PERCENT) / 100))))


def waste_budget(percent: float) -> float:
    """Rounded up to half a percent; 1 at least: a file replaced on purpose is no waste to speak of."""
    return min(100.0, max(1.0, math.ceil(percent * (100 + HEADROOM_PERCENT) / 100 * 2) / 2))


def _image(measured: Measured, known: frozenset[str]) -> list[str]:
    lines = []
    if "image.platforms" in known and measured.platforms:
        lines += ["  # The platforms that it must have.", f"  platforms: [{', '.join(measured.platforms)}]"]
    if "image.compression" in known and measured.compression:
        lines += [
            "  # How its layers are compressed; zstd unpacks several times as fast as gzip."
            if measured.compression != "zstd"
            else "  # How its layers are compressed.",
            f"  compression: {measured.compression}",
        ]
    return ["", "image:", *lines] if lines else []


def _sizes(measured: Measured) -> list[str]:
    lines = ["", "# 1 MB is 10^6 bytes, 1 MiB 2^20.", "size:"]
    if measured.compressed_size is None:
        lines.append(
            "  # compressed: what a pull transfers; this source keeps no compressed layers. See `oci-archive:`."
        )
    else:
        lines += ["  # What every node pulls.", f"  compressed: {size_budget(measured.compressed_size)}"]
    lines += ["  # What every node stores.", f"  unpacked: {size_budget(measured.unpacked_size)}"]
    lines += ["  # The largest layer sets the time of a pull.", f"  layer: {size_budget(measured.largest_layer)}"]
    return lines


def _abilities(measured: Measured) -> list[str]:
    if not any(measured.abilities.values()):
        return [
            "",
            "# What its ffmpeg must be able to do (it couldn't be asked now):",
            "# ffmpeg: {encoders: [libx264, aac], decoders: [h264], filters: [scale], protocols: [https]}",
        ]
    lines = ["", "# What its ffmpeg must be able to do. Take out what your jobs don't use.", "ffmpeg:"]
    return lines + [f"  {kind}: [{', '.join(names)}]" for kind, names in measured.abilities.items() if names]
