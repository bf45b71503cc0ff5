"""Whether a BOM names the FFmpeg that an image holds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ..result import encodable
from .builds import release_number

if TYPE_CHECKING:
    from .bom import Sbom

_LIBRARY = r"lib(?:avutil|avcodec|avformat|avfilter|avdevice|swscale|swresample|postproc)"
_NAME = re.compile(rf"(?:[\w.+-]*-)?ffmpeg(?:[\d.-].*)?|{_LIBRARY}(?:[\d-].*)?")
_FILE = re.compile(rf"({_LIBRARY})(?:-[0-9a-f]+)?\.so(?:\.(\d+))?")
_PACKAGE_FOLDERS = re.compile(r"/(?:usr/)?(?:s?bin|lib(?:32|64|x32|exec)?)/")
_DISTRO = re.compile(r"pkg:(deb|apk|rpm|alpm)/")
_LOCATION = re.compile(r"syft:location:\d+:path")


def names_ffmpeg(
    sbom: Sbom | Mapping[str, Any],
    path: str,
    *,
    owners: Collection[str] | None = None,
    version: str | None = None,
) -> bool:
    """Whether a BOM names the FFmpeg in the file at `path` (absolute in the image).

    `owners`: the packages that own the file by the image's package database: empty where none does, None
    where it wasn't looked up. `version`: what the file says; a component of another release names another
    FFmpeg. A component counts when one of these holds:

    1. It is called ffmpeg or as one of FFmpeg's libraries, and points at this file: by
       `evidence.occurrences`, or by the location that syft gives for a file it recognised. This is how a
       static build is named.
    2. It is a distribution's package that owns the file, and it is FFmpeg: by its name, or by its source
       package (Debian's libavcodec59 comes from the source ffmpeg).
    3. Where the owners aren't known: it is the package that by its distribution's custom holds a file of
       this name (``ffmpeg`` has the tools, ``libavcodec59`` has ``libavcodec.so.59``), and the file lies
       where packages put files. A BOM doesn't list a package's files, so a file that was copied over a
       package's, of the same release, can't be told apart without the owners.

    A package called ffmpeg doesn't name a build in ``/usr/local/bin``, and no package names a build that it
    doesn't hold.
    """
    document: Mapping[str, Any] = sbom if isinstance(sbom, Mapping) else sbom.json
    wanted = release_number(version)
    for component in _components(document):
        name = str(component.get("name", ""))
        held = release_number(str(component.get("version", "")))
        if wanted and held and wanted != held:
            continue
        is_ffmpeg = _NAME.fullmatch(name) is not None
        if is_ffmpeg and encodable(path) in _locations(component):
            return True
        distro = _DISTRO.match(str(component.get("purl", "")))
        if distro is None or not (is_ffmpeg or _comes_from_ffmpeg(component)):
            continue
        if name in owners if owners is not None else _holds_by_custom(distro[1], name, path):
            return True
    return False


def is_ffmpeg_name(name: str) -> bool:
    """Whether a package of this name is FFmpeg, or one of its libraries."""
    return _NAME.fullmatch(name) is not None


def holds_ffmpeg(package: Mapping[str, Any], paths: Collection[str], version: str | None) -> bool:
    """Whether a distribution's package holds one of an FFmpeg's files, by that distribution's custom."""
    name = str(package.get("name", ""))
    distro = _DISTRO.match(str(package.get("purl", "")))
    if distro is None or not (_NAME.fullmatch(name) or _comes_from_ffmpeg(package)):
        return False
    held, wanted = release_number(str(package.get("version", ""))), release_number(version)
    if held and wanted and held != wanted:
        return False
    return any(_holds_by_custom(distro[1], name, path) for path in paths)


def _components(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    stack = _objects(document, "components")
    while stack:
        component = stack.pop()
        stack.extend(_objects(component, "components"))
        yield component


def _objects(parent: Any, key: str) -> list[Mapping[str, Any]]:
    """The objects in the array `parent[key]`. An attached BOM may be anything: what isn't right is no evidence."""
    items = parent.get(key) if isinstance(parent, Mapping) else None
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _locations(component: Mapping[str, Any]) -> set[str]:
    found = [occurrence.get("location") for occurrence in _objects(component.get("evidence"), "occurrences")]
    for item in _objects(component, "properties"):
        if _LOCATION.fullmatch(str(item.get("name"))):
            found.append(item.get("value"))
    return {location for location in found if isinstance(location, str)}


def _comes_from_ffmpeg(component: Mapping[str, Any]) -> bool:
    if re.search(r"[?&]upstream=ffmpeg(?:[-@&]|$)", str(component.get("purl", ""))):
        return True
    sources = ("syft:metadata:source", "syft:metadata:originPackage", "syft:metadata:sourceRpm")
    return any(
        item.get("name") in sources and re.match(r"ffmpeg(?:-\d|$)", str(item.get("value", "")))
        for item in _objects(component, "properties")
    )


def _holds_by_custom(distro: str, package: str, path: str) -> bool:
    if not _PACKAGE_FOLDERS.match(path) or path.startswith("/usr/local/"):
        return False
    file = PurePosixPath(path).name
    tool = re.fullmatch(r"(?:[\w.+-]*-)?ffmpeg(?:-?\d[\d.]*)?(?:-free)?", package) is not None
    match = _FILE.match(file)
    if match is None:
        return tool
    library, number = match[1], match[2] or ""
    if re.fullmatch(rf"{library}(?:-extra|-free|-freeworld|-ffmpeg)?-?(?:{number})?(?:t64)?", package):
        return True
    # Only Debian splits every library off; elsewhere one package holds the tools and the libraries, or all of these.
    return distro != "deb" and (tool or package in ("ffmpeg-libs", f"ffmpeg-{library}"))
