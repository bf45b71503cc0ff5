"""What to install for a library that is missing, by the package manager that the image has."""

from __future__ import annotations

from ..image.tree import Tree
from ..sbom.packages import debian_name

# Where Debian's name doesn't follow from the soname.
_DEBIAN = {
    "libc.so.6": "libc6",
    "libm.so.6": "libc6",
    "libz.so.1": "zlib1g",
    "libcrypto.so.3": "libssl3",
    "libcrypto.so.1.1": "libssl1.1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgobject-2.0.so.0": "libglib2.0-0",
    "libgio-2.0.so.0": "libglib2.0-0",
    "libOpenCL.so.1": "ocl-icd-libopencl1",
    "libmfx-gen.so.1.2": "libmfx-gen1.2",
    "libmfxhw64.so.1": "libmfx1",
}


def manager(tree: Tree) -> str:
    """`apt`, `apk`, `dnf`, or empty where the image tells of none."""
    for name, sign in (("apt", "/var/lib/dpkg"), ("apk", "/lib/apk"), ("apk", "/etc/apk"), ("dnf", "/var/lib/rpm")):
        if tree.resolve(sign) is not None:
            return name
    return ""


def install(tree: Tree, library: str) -> str:
    """How to get `library`, as a clause in the imperative."""
    found = manager(tree)
    if found == "apt":
        return f"install it (apt-get install --no-install-recommends {debian_package(library)})"
    if found == "apk":
        return f"install it (apk add so:{library})"  # apk-tools: packages provide the sonames they hold
    if found == "dnf":
        return f"install it (dnf install '{library}()(64bit)')"  # and so do RPM's
    return "copy it from the stage that built the program"


def debian_package(library: str) -> str:
    """Debian's name for the package of a soname (Debian Policy, 8.1), which a few packages don't follow."""
    if library in _DEBIAN:
        return _DEBIAN[library]
    return debian_name(library)
