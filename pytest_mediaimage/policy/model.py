"""Policy: the merged result of a policy file and the presets that it extends."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..result import Severity
from .acceptance import PatentCover
from .licenses import AllowIf

BASE_CASE = "h264-aac"
"""The transcode that every build should do."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings of `check` that are accepted, below `path` (a glob, empty for all), for a reason, until a day.

    `evidence` is a glob of the findings' evidence, empty for all: what a file's path doesn't tell apart.
    `file` and `line` say where the entry stands.
    """

    check: str
    reason: str
    path: str = ""
    until: datetime.date | None = None
    evidence: str = ""
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    def covers(self, check: str, file: str | None, evidence: str = "") -> bool:
        if not fnmatch.fnmatchcase(check, self.check):
            return False
        if self.evidence and not fnmatch.fnmatchcase(evidence, self.evidence):
            return False
        return not self.path or fnmatch.fnmatchcase(file or "", self.path)

    def expired(self, today: datetime.date) -> bool:
        return self.until is not None and today > self.until


@dataclass(frozen=True, slots=True)
class OwnPath:
    """A hardware path that a team declares: a glob of its device nodes, FFmpeg's arguments, and a regular expression
    that what FFmpeg prints must match where the device was used."""

    devices: str
    arguments: tuple[str, ...]
    proof: str


@dataclass(frozen=True)
class Limits:
    """What a transcode must do with: bytes of memory, and cores. The defaults are a small worker's."""

    memory: int = 10**9
    cpus: float = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings by their dotted name in the file, with `_` for the dot. None or empty means: nothing is asked.

    Sizes are in bytes, `size_growth`, `layers_waste`, `layers_reuse` and `transcode_speed` in percent,
    `container_grace` in seconds, `directory` is where the policy's golden values lie. `own` are the keys that a file
    sets and not only a preset. `vulnerabilities_severity` is the least that is judged.
    """

    source: str = ""
    directory: Path = Path()
    image_pinned: bool = True
    image_platforms: tuple[str, ...] = ()
    image_compression: str | None = None
    image_labels: tuple[str, ...] = ()
    image_attestations: tuple[str, ...] = ()
    fleet_docker: str | None = None
    fleet_containerd: str | None = None
    fleet_podman: str | None = None
    fleet_cpu: str | None = None
    fleet_nvidia_driver: str | None = None
    size_compressed: int | None = None
    size_unpacked: int | None = None
    size_layer: int | None = None
    size_paths: Mapping[str, int] = field(default_factory=dict)
    size_files: int | None = None
    size_growth: float | None = None
    layers_count: int | None = None
    layers_waste: float | None = None
    layers_reuse: float | None = None
    contents_allow: tuple[str, ...] = ()
    compat_structure: tuple[str, ...] = ()
    compat_dive: str = ""
    ffmpeg_encoders: tuple[str, ...] = ()
    ffmpeg_decoders: tuple[str, ...] = ()
    ffmpeg_filters: tuple[str, ...] = ()
    ffmpeg_protocols: tuple[str, ...] = ()
    sbom_attached: bool | None = None
    sbom_formats: tuple[str, ...] = ()
    license_max: str | None = None
    license_nonfree: str = "deny"
    license_allow: tuple[str, ...] = ()
    license_deny: tuple[str, ...] = ()
    license_allow_if: tuple[AllowIf, ...] = ()
    license_unknown: str | None = None
    license_label: str | None = None
    patents_data: str = ""
    patents_require: tuple[str, ...] = ()
    patents_on: tuple[str, ...] = ("encode", "decode")
    patents_agreements: tuple[PatentCover, ...] = ()
    patents_accepted: tuple[PatentCover, ...] = ()
    vulnerabilities_severity: str = "high"
    vulnerabilities_fix_available: bool = True
    vulnerabilities_scanner: str = "auto"
    transcode_cases: tuple[str, ...] = ()
    transcode_paths: Mapping[str, str | OwnPath] = field(default_factory=dict)
    transcode_limits: Limits = Limits()
    transcode_speed: float = 10.0
    container_command: tuple[str, ...] = ()
    container_grace: int = 10
    fallback_command: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = field(default_factory=dict)
    ignore: tuple[Ignore, ...] = ()
    own: frozenset[str] = field(default=frozenset(), compare=False)

    def ignores(self, check: str, file: str | None, today: datetime.date, evidence: str = "") -> bool:
        """Whether a finding is accepted by an entry of `ignore` that hasn't expired."""
        return any(entry.covers(check, file, evidence) and not entry.expired(today) for entry in self.ignore)

    def requires(self, check: str, hardware_path: str | None = None) -> bool:
        """Whether a skip of this check isn't accepted.

        On a path that is `required` that holds for the cases that the policy names, and for BASE_CASE: an ffmpeg
        needn't be able to do all that `all` stands for.
        """
        if any(fnmatch.fnmatchcase(check, pattern) for pattern in self.required):
            return True
        if hardware_path is None or self.transcode_paths.get(hardware_path) != "required":
            return False
        family, _, case = check.partition(".")
        return family != "transcode" or case == BASE_CASE or case in self.transcode_cases
