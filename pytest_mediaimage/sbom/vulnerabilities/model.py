"""What a scanner of vulnerabilities found, whichever it was."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass, field


class Level(enum.IntEnum):
    """How grave a vulnerability is, in grype's words; trivy has all of them but `negligible`."""

    UNKNOWN = 0
    NEGLIGIBLE = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @classmethod
    def parse(cls, text: str) -> Level:
        """Of any case; a word that neither scanner has is UNKNOWN, as in grype itself."""
        return cls.__members__.get(text.upper(), cls.UNKNOWN)

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability in one package. Texts are printable and at most 500 characters long.

    `aliases` are other ids of the same (a CVE of a GHSA). `fixed_version` is empty where the report names none. `path`
    is absolute in the image, and `layer` a diffID; both are empty where the report doesn't say. `source` is an address
    that tells more.
    """

    id: str
    severity: Level
    package: str
    version: str
    fixed_version: str = ""
    path: str = ""
    layer: str = ""
    source: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return (self.id, *self.aliases)


@dataclass(frozen=True, slots=True)
class ReportedImage:
    """The image that a report is of: digests of its configuration and manifest, of what it was pulled by, its layers'
    diffIDs, and `os/architecture`; each empty where the report doesn't say."""

    name: str = ""
    config: str = ""
    manifest: str = ""
    pulled: tuple[str, ...] = ()
    diff_ids: tuple[str, ...] = ()
    platform: str = ""

    def __str__(self) -> str:
        digests = [digest for digest in (self.manifest, self.config, *self.pulled) if digest]
        named = f"{self.name or 'an image'} ({', '.join(dict.fromkeys(digests)) or 'no digest'})"
        return f"{named} for {self.platform}" if self.platform else named

    def is_named(self) -> bool:
        """Whether there is anything to tell it by."""
        return bool(self.config or self.manifest or self.pulled or self.diff_ids)

    def is_of(self, digests: Collection[str], diff_ids: tuple[str, ...], platform: str) -> bool:
        """Whether it is the image of these digests (manifest, configuration, index), layers and platform.

        A digest of the index alone tells only together with the platform. An image that another tool packed anew has
        other digests and the same layers.
        """
        if {self.config, self.manifest} & set(digests):
            return True
        if self.diff_ids:
            return self.diff_ids == diff_ids
        if self.config or self.manifest:
            return False
        return bool(set(self.pulled) & set(digests)) and (not self.platform or self.platform == platform)


@dataclass(frozen=True, slots=True)
class Report:
    """A report: what made it and when, the image where it names one, and what it holds, gravest first."""

    scanner: str
    version: str
    made: str
    image: ReportedImage
    vulnerabilities: tuple[Vulnerability, ...] = field(repr=False)

    def __str__(self) -> str:
        version = f" {self.version}" if self.version else ""
        return f"{self.scanner}{version}{f' of {self.made[:10]}' if self.made else ''}"
