"""What an FFmpeg build is, read from its files: nothing is run."""

from .build import Build, combine_builds, read_build
from .components import Component, Demand
from .evidence import Evidence
from .identity import FFmpegIdentity, IdentityScanner, combine, read_identity
from .license import ORDER, Conflict, License, enabled_options, exceeds, read_license, release, strictest

__all__ = [
    "ORDER",
    "Build",
    "Component",
    "Conflict",
    "Demand",
    "Evidence",
    "FFmpegIdentity",
    "IdentityScanner",
    "License",
    "combine",
    "combine_builds",
    "enabled_options",
    "exceeds",
    "read_build",
    "read_identity",
    "read_license",
    "release",
    "strictest",
]
