"""Which of syft's packages holds a shared library, or an FFmpeg: so that nothing is listed twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_DISTRO = re.compile(r"pkg:(deb|apk|rpm|alpm)/")
_PROVIDES = re.compile(r"syft:metadata:provides:\d+")

# Where Debian's name doesn't follow from the soname; the first that is there.
_DEBIAN = {
    "libz.so.1": ("zlib1g",),
    "libcrypto.so.3": ("libssl3", "libssl3t64"),
    "libcrypto.so.1.1": ("libssl1.1",),
    "libOpenCL.so.1": ("ocl-icd-libopencl1",),
    "librsvg-2.so.2": ("librsvg2-2",),
    "libjack.so.0": ("libjack-jackd2-0", "libjack0"),
}


def debian_name(soname: str) -> str:
    """The name of the package of a soname by Debian Policy, 8.1: ``libx264-164``, ``libmp3lame0``."""
    library, _, version = soname.partition(".so.")
    library = library.removesuffix(".so").lower().replace("_", "-")
    return f"{library}-{version}" if library[-1:].isdigit() and version else f"{library}{version}"


class Packages:
    """A BOM's components that are a distribution's packages, found by the sonames that they hold."""

    def __init__(self, components: Iterable[Mapping[str, Any]]) -> None:
        self._by_name: dict[str, Mapping[str, Any]] = {}
        self._by_soname: dict[str, Mapping[str, Any]] = {}
        for component in components:
            match = _DISTRO.match(str(component.get("purl", "")))
            if match is None or "bom-ref" not in component:
                continue
            if match[1] == "deb":
                self._by_name.setdefault(str(component.get("name", "")), component)
            for soname in _provided(component):
                self._by_soname.setdefault(soname, component)

    def holder(self, soname: str, upstream: str = "") -> Mapping[str, Any] | None:
        """The package that holds a library (``libx264.so.164``); `upstream` is what its authors call it.

        apk and RPM list what their packages provide. Debian's are found by their names, which follow from the
        soname (Debian Policy, 8.1): ``libx264-164``, ``libmp3lame0``, ``libssl3t64``.
        """
        if soname in self._by_soname:
            return self._by_soname[soname]
        exact = debian_name(soname)
        for name in (exact, exact + "t64", *_DEBIAN.get(soname, ())):
            if name in self._by_name:
                return self._by_name[name]
        # libtheoraenc.so.1 is in libtheora0, libxml2.so.2 in libxml2, libsnappy.so.1 in libsnappy1v5.
        library = debian_name(soname.partition(".so.")[0])
        stems = [re.escape(stem) for stem in (library, upstream.lower(), f"lib{upstream.lower()}") if len(stem) > 3]
        pattern = re.compile(rf"(?:{'|'.join(stems)})-?[\d.]*(?:v5|t64|-gnutls)?") if stems else re.compile(r"(?!)")
        found = sorted(name for name in self._by_name if pattern.fullmatch(name) and name.startswith("lib"))
        return self._by_name[found[0]] if len(found) == 1 else None


def upstream_version(component: Mapping[str, Any]) -> str | None:
    """The version as its authors write it, without a distribution's epoch and revision."""
    version = str(component.get("version", "")).partition(":")[2] or str(component.get("version", ""))
    match = _DISTRO.match(str(component.get("purl", "")))
    if match and match[1] == "apk":
        return re.sub(r"-r\d+$", "", version) or None
    version = version.rpartition("-")[0] or version
    return re.sub(r"[+.~](?:dfsg|ds|repack|really)[\w.~+]*$", "", version) or None


def _provided(component: Mapping[str, Any]) -> Iterator[str]:
    """`so:libx264.so.164=164` of apk, `libx264.so.164()(64bit)` of RPM."""
    properties = component.get("properties")
    for item in properties if isinstance(properties, list) else ():
        if isinstance(item, Mapping) and _PROVIDES.fullmatch(str(item.get("name"))):
            match = re.match(r"(?:so:)?(lib[\w.+-]+?\.so[\w.]*)(?:=|\(\)|$)", str(item.get("value")))
            if match:
                yield match[1]
