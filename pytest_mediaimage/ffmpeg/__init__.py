"""What an FFmpeg build is, read from its files: nothing is run."""

from .identity import FFmpegIdentity, IdentityScanner, combine, read_identity
from .libraries import LIBRARIES, Demand, Library
from .license import ORDER, Conflict, License, enabled_options, exceeds, read_license, release, strictest

__all__ = [
    "LIBRARIES",
    "ORDER",
    "Conflict",
    "Demand",
    "FFmpegIdentity",
    "IdentityScanner",
    "Library",
    "License",
    "combine",
    "enabled_options",
    "exceeds",
    "read_identity",
    "read_license",
    "release",
    "strictest",
]
