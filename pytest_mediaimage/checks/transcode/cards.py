"""What hardware this machine has for a path, and how it is handed to a container."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from ...policy import OwnPath
from ...policy.schema import HARDWARE
from ...runtime.base import Devices, DevicesRefused, Resources
from ..context import Context
from ..subject import FFmpegFailed

if TYPE_CHECKING:
    from ...media.hardware.devices import Node
    from ...media.hardware.origin import Origin
    from ...media.hardware.proof import Outcome
    from ...runtime.base import Container
    from .running import Transcoded, TranscodeFailed

__all__ = [
    "ENCODING",
    "HARDWARE",
    "MOST_DEVICES",
    "Absent",
    "absent",
    "backend_of",
    "codec_of",
    "container_with",
    "failed_on",
    "nodes_of",
    "origin_of",
]

ENCODING = ("nvenc", "vaapi", "qsv", "vulkan")
"""The packaged paths that encode."""

MOST_DEVICES = 4
NVIDIA = ("compute", "utility", "video")
"""What `--gpus` is asked for: without `video` the libraries of NVENC and NVDEC aren't mounted."""

_CODEC = re.compile(r"(?:^|_)(h264|hevc|h265|av1)(?:_|$)")


class Absent(Exception):
    """There is nothing to judge: the hardware isn't here, or can't be handed to a container. The text says why."""


def absent(reason: str) -> NoReturn:
    raise Absent(reason)


def nodes_of(name: str, context: Context) -> tuple[tuple[Node, ...], str]:
    """The device nodes to try on a path, and its backend. Raises Absent."""
    from ...media.hardware import devices
    from ...media.hardware.paths import PATHS

    own = context.policy.transcode_paths.get(name)
    if isinstance(own, OwnPath):
        found = devices.matching(own.devices)
        return found or absent(f"no device node on this machine matches {own.devices}"), name
    path = PATHS[name]
    nodes = path.nodes(devices.discover())
    return nodes or absent(f"there is no {path.why_absent} on this machine"), path.backend


def container_with(node: Node, backend: str, context: Context) -> Container:
    """A container of the caller's own that is given a device. Raises Absent, EnvironmentFault."""
    from ...media.hardware import devices

    if node.vendor == devices.NVIDIA and "nvidia" in node.path:
        given = Devices(nvidia=(*NVIDIA, "graphics") if backend == "vulkan" else NVIDIA)
    else:
        given = Devices(nodes=(node.path,), groups=devices.groups_of([node]))
    try:
        return context.subject.new_container(Resources(given))
    except DevicesRefused as refused:
        absent(str(refused))


def failed_on(node: Node, backend: str, error: TranscodeFailed, codec: str) -> Outcome:
    """What a command that failed on a device means, by FFmpeg's words. Raises Absent where the device can't do it."""
    from ...media.hardware.diagnosis import Verdict
    from ...media.hardware.proof import Attempt, of_failure, words_of

    ran = error.command
    outcome = of_failure(backend, Attempt(ran.exit_code, words_of(f"{ran.stderr}\n{ran.stdout}"), None))
    # Every card that encodes or decodes at all does H.264.
    if outcome.verdict is Verdict.ABSENT or (outcome.of_codec and codec != "h264"):
        absent(f"{node.path} can't do it: {outcome.reason}")
    return outcome


def backend_of(path: str) -> str:
    """The word that diagnosis and counters go by; a path of a team's own is its own."""
    from ...media.hardware.paths import PATHS

    return PATHS[path].backend if path in PATHS else path


def origin_of(path: str, context: Context, result: Transcoded) -> Origin:
    """What the pictures of an encode on a hardware path depend on, by what was printed and what this machine tells."""
    from ...media.hardware.origin import origin_of as told

    try:
        version = context.subject.listings().version
    except FFmpegFailed:
        version = None
    return told(backend_of(path), result.made.log, result.device, version)


def codec_of(arguments: Sequence[str]) -> str:
    """What a team's own path encodes, by its encoder's name: `h264`, `hevc`, `av1`; empty where that tells nothing."""
    words = list(arguments)
    for option in ("-c:v", "-codec:v", "-vcodec", "-c:v:0"):
        if option in words[:-1]:
            found = _CODEC.search(words[words.index(option) + 1])
            return found[1].replace("h265", "hevc") if found else ""
    return ""
