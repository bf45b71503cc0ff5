"""What an attached SBOM lacks of what we found, and where the two disagree on versions.

Names are compared with tolerance: tools write one package as a purl with more or fewer qualifiers, in other letters, or
under the name that its distribution gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

from ..ffmpeg.components.rows import ROWS
from .bom import Sbom
from .builds import COMPONENT, PREFIX, release_number
from .coverage import is_ffmpeg_name
from .document import Document, Package
from .reading import read_document

DISTRIBUTIONS = ("deb", "apk", "rpm", "alpm")
_UNCERTAIN = "configured"
_NO_PACKAGES = ("file", "operating-system", "container")
_UNTOLD = (None, "", "UNKNOWN", "unknown", "(devel)", "NOASSERTION")
_PURL = re.compile(r"pkg:/*([A-Za-z][\w.+-]*)/([^@?#]+)(?:@([^?#]*))?")
# What a distribution makes of a library's name: `libsvtav1enc1d1` is SVT-AV1, `x264-libs` x264.
_REST = re.compile(r"(?:enc|dec|core|libs?|dev|tools?|common)*(?:\d.*)?")


@dataclass(frozen=True, slots=True)
class Ours:
    """Something that we found in the image. `kind` is `ffmpeg`, `library` or the purl's type (`deb`, `npm`, ...).

    `id` is the row's of a library, `place` a file that it is in.
    """

    kind: str
    package: Package
    id: str = ""
    place: str = ""


def ours(sbom: Sbom) -> Iterator[Ours]:
    """FFmpeg builds, the libraries in them, and the packages of our own BOM.

    Not those of which only FFmpeg's configuration tells, or that it loads while running: only their headers are in it.
    Nor files and operating systems.
    """
    components = sbom.json.get("components", ())
    told = read_document(sbom.json).packages
    by_key = {(package.name, package.version, package.purl): package for package in told}
    for component in components:
        package = by_key.get((component.get("name"), component.get("version"), component.get("purl")))
        if package is None or package.type in _NO_PACKAGES:
            continue
        facts = {item.get("name"): item.get("value") for item in component.get("properties", ())}
        place = next(iter(package.locations), "")
        purl = Purl.of(package.purl)
        if any(str(name).startswith(PREFIX) for name in facts):
            yield Ours("ffmpeg", package, place=place)
        elif purl is not None and purl.type in DISTRIBUTIONS:
            yield Ours(purl.type, package)
        elif f"{COMPONENT}linkage" in facts:
            id = str(facts.get(f"{COMPONENT}id", ""))
            if facts[f"{COMPONENT}linkage"] != _UNCERTAIN and not (id in ROWS and ROWS[id].opened):
                yield Ours("library", package, id, place)
        elif purl is not None:
            yield Ours(purl.type, package)


@dataclass(frozen=True, slots=True)
class Purl:
    """The type, the name and the version of a package URL; for a distribution's package the name without its vendor.

    https://github.com/package-url/purl-spec
    """

    type: str
    name: str
    version: str | None

    @classmethod
    def of(cls, text: str | None) -> Purl | None:
        match = _PURL.match(text or "")
        if match is None:
            return None
        kind, name = match[1].lower(), unquote(match[2]).strip("/").lower()
        if kind in DISTRIBUTIONS:
            name = name.rpartition("/")[2]
        elif kind == "pypi":
            name = re.sub(r"[-_.]+", "-", name)
        return cls(kind, name, unquote(match[3]) if match[3] else None)


@dataclass(frozen=True)
class Theirs:
    """The packages of attached SBOMs, to be looked up."""

    packages: Sequence[Package]

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Theirs:
        return cls([package for document in documents for package in document.packages])

    def names(self, one: Ours) -> bool:
        if one.kind == "ffmpeg":
            return self._names_ffmpeg(one.package.version)
        if one.kind == "library":
            return self._names_library(one)
        purl = Purl.of(one.package.purl)
        return (purl is not None and (purl.type, purl.name) in self._purls) or _plain(one.package.name) in self._plain

    def versions(self, purl: Purl) -> frozenset[str]:
        """Those that they have of a package; none where they don't tell."""
        return self._purls.get((purl.type, purl.name), frozenset())

    def _names_ffmpeg(self, version: str | None) -> bool:
        number = release_number(version)
        for package in self.packages:
            purl = Purl.of(package.purl)
            # ffmpeg-python and its like call FFmpeg, and hold none.
            if is_ffmpeg_name(package.name) and (purl is None or purl.type in (*DISTRIBUTIONS, "generic", "github")):
                other = release_number(package.version)
                if number is None or other is None or number == other:
                    return True
        return False

    def _names_library(self, one: Ours) -> bool:
        stems = {stem for stem in (_stem(one.package.name), _stem(one.id)) if len(stem) > 1}
        return any(
            name == stem or (name.startswith(stem) and _REST.fullmatch(name[len(stem) :]))
            for stem in stems
            for name in self._stems
        )

    @cached_property
    def _purls(self) -> dict[tuple[str, str], frozenset[str]]:
        found: dict[tuple[str, str], set[str]] = {}
        for package in self.packages:
            purl = Purl.of(package.purl)
            if purl is not None:
                known = found.setdefault((purl.type, purl.name), set())
                known.update(version for version in (package.version, purl.version) if version not in _UNTOLD)
        return {key: frozenset(versions) for key, versions in found.items()}

    @cached_property
    def _plain(self) -> frozenset[str]:
        return frozenset(_plain(package.name) for package in self.packages)

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(_stem(package.name) for package in self.packages)


@dataclass(frozen=True, slots=True)
class Differing:
    """A package of which the two have no version in common."""

    kind: str
    name: str
    ours: str
    theirs: str


def differing(found: Iterable[Ours], theirs: Theirs) -> Iterator[Differing]:
    """A package may be there in several versions: one in common is enough. Libraries and FFmpeg are left out, whose
    versions each tool writes in its own way."""
    held: dict[tuple[str, str], list[Ours]] = {}
    for one in found:
        purl = Purl.of(one.package.purl)
        if purl is not None and one.kind not in ("ffmpeg", "library") and one.package.version not in _UNTOLD:
            held.setdefault((purl.type, purl.name), []).append(one)
    for (kind, name), several in held.items():
        known = [str(one.package.version) for one in several]
        others = theirs.versions(Purl(kind, name, None))
        if others and not any(same_version(a, b) for a in known for b in others):
            yield Differing(kind, several[0].package.name, min(known), min(others))


def same_version(one: str, other: str) -> bool:
    """Whether two versions may be one: with or without epoch, `v` in front, and a distribution's revision."""
    a, b = sorted((_bare(one), _bare(other)), key=len)
    return a == b or (bool(a) and b.startswith(a) and b[len(a)] in "-+_")


def _bare(version: str) -> str:
    return re.sub(r"^\d+:", "", version.strip()).removeprefix("v")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.lower())


def _stem(name: str) -> str:
    """A library's name without what one writes and another leaves out: `x264` for libx264, `svtav1` for SVT-AV1."""
    return re.sub(r"[^a-z0-9]", "", name.lower().rpartition("/")[2].removeprefix("lib"))
