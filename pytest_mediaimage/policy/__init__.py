"""The policy: what a team asks of its images, read from `mediaimage.yaml` and the packaged presets."""

from .known import KNOWN_NAME, image_name
from .load import load_policy, load_preset, parse_policy
from .model import Ignore, OwnPath, Policy
from .ratchet import ImageRun, KnownOfImage, Ratchet
from .schema import override
from .upkeep import ignore_notes

__all__ = [
    "KNOWN_NAME",
    "Ignore",
    "ImageRun",
    "KnownOfImage",
    "OwnPath",
    "Policy",
    "Ratchet",
    "ignore_notes",
    "image_name",
    "load_policy",
    "load_preset",
    "override",
    "parse_policy",
]
