"""What is judged by `license.components`: the FFmpeg builds, their libraries, and the packages of the SBOM."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...ffmpeg.license import read_license, told
from ...image.image import Image
from ...sbom.licenses import InvalidExpression, PackageLicense
from ...sbom.licenses.package import conjunction
from ..package_licenses import alpine_package, debian_package
from ..subject import FoundFFmpeg
from .builds import ImageBuild

# Ours are generic or GitHub's; the rest is what package managers installed.
_PURL = re.compile(r"pkg:(?!generic/|github/)(?P<type>[a-z0-9.+-]+)/")
_FFMPEGS = re.compile(
    r"(?P<stem>lib(?:avcodec|avformat|avfilter|avutil|avdevice|swscale|swresample|postproc))(?:-extra)?(?P<major>\d+)"
)
_NOTHING = frozenset({"NOASSERTION", "NONE", "UNKNOWN", ""})


@dataclass(frozen=True)
class Held:
    """Something with a licence. `license.main` is None where it isn't known for the whole.

    `words` say what it is and how that is known; `name` is stable between releases.
    """

    name: str
    words: str
    license: PackageLicense
    build: ImageBuild | None = None
    found: FoundFFmpeg | None = None


def held_in_builds(builds: Sequence[ImageBuild]) -> Iterator[Held]:
    """Each FFmpeg build with its concluded licence, then each of its libraries."""
    for build in builds:
        concluded = build.license.concluded
        words = f"FFmpeg {build.identity.version or ''}".strip() + f" (concluded: {concluded or 'nothing'})"
        yield Held("FFmpeg", words, PackageLicense(concluded), build, build.files[0])
        for component in build.components:
            found = build.holder([component])
            yield Held(component.name, told(component), PackageLicense(component.license), build, found)


def held_in_packages(image: Image, components: Sequence[Any], builds: Sequence[ImageBuild]) -> Iterator[Held]:
    """The packages among a CycloneDX document's components.

    A distribution's own word on a package (Debian's copyright file, Alpine's database) comes before the SBOM's, and
    for its FFmpeg the build's own configuration before both: libavcodec59 and libavcodec-extra59 have one copyright
    file, and two licences.
    """
    for component in components:
        if isinstance(component, Mapping) and (found := package_license(image, component, builds)):
            license, source = found
            name, version = str(component.get("name", "")), str(component.get("version", ""))
            yield Held(name, f"{_kind(component)} package {name} {version} ({source})", license)


def package_license(
    image: Image, component: Mapping[str, Any], builds: Sequence[ImageBuild]
) -> tuple[PackageLicense, str] | None:
    """A CycloneDX component's licence and what says so; None where it is no package."""
    kind = _kind(component)
    return _of_package(image, kind, str(component.get("name", "")), component, builds) if kind else None


def _kind(component: Mapping[str, Any]) -> str:
    match = _PURL.match(str(component.get("purl", "")))
    return match["type"] if match else ""


def concluded_of_package(name: str, builds: Sequence[ImageBuild]) -> str | None:
    """The concluded licence of what a distribution's FFmpeg package holds; None for other packages.

    What is linked counts where it is linked: libcdio makes Debian's libavdevice59 GPL-3.0-or-later, and not its
    libavcodec59, though the configure line of both names it.
    """
    if match := _FFMPEGS.fullmatch(name):
        wanted = re.compile(rf".*/{match['stem']}\.so\.{match['major']}(?:\..*)?")
    elif name == "ffmpeg":
        wanted = re.compile(r"/usr/bin/ff(?:mpeg|probe)")
    else:
        return None
    for build in builds:
        for found in build.files:
            if found.visible and wanted.fullmatch(found.path):
                linked = [one for one in found.build.components if one.linkage != "configured"]
                return read_license(found.identity, linked).concluded
    return None


def _of_package(
    image: Image, kind: str, name: str, component: Mapping[str, Any], builds: Sequence[ImageBuild]
) -> tuple[PackageLicense, str]:
    if kind in ("deb", "apk", "rpm", "alpm") and (concluded := concluded_of_package(name, builds)):
        return PackageLicense(concluded), "concluded from its own configuration"
    if kind == "deb":
        if own := debian_package(image, name):
            return own, f"/usr/share/doc/{name}/copyright"
        listed = _listed(component)
        return PackageLicense(None, listed), "a flat list in the SBOM"
    if kind == "apk" and (own := alpine_package(image, name)):
        return own, "Alpine's package database"
    return PackageLicense(conjunction(_listed(component))), "its own metadata, by the SBOM"


def _listed(component: Mapping[str, Any]) -> tuple[str, ...]:
    """The licences of a CycloneDX component that are SPDX; a concluded one alone, where there is one."""
    entries = component.get("licenses")
    declared: list[str] = []
    concluded: list[str] = []
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, Mapping):
            continue
        license = entry.get("license")
        inner: Mapping[str, Any] = license if isinstance(license, Mapping) else {}
        text = entry.get("expression") or inner.get("id") or inner.get("name") or ""
        said = entry.get("acknowledgement") or inner.get("acknowledgement")
        (concluded if said == "concluded" else declared).append(str(text))
    return tuple(dict.fromkeys(filter(None, map(_spdx, concluded or declared))))


def _spdx(text: str) -> str | None:
    """A package's own words as an expression; None where they aren't one."""
    from ...sbom.licenses import Expression
    from ...sbom.licenses.names import LONGEST, spdx_of

    if text.strip().upper() in _NOTHING:
        return None
    try:
        return Expression.parse(text).text
    except InvalidExpression:
        named = spdx_of(text) if len(text) <= LONGEST else None
        return None if named is None or named.startswith("LicenseRef-") else named
