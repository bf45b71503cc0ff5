"""Where builds leave things behind: causes of leftovers, each with its places and its remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass

MB = 10**6


@dataclass(frozen=True, slots=True)
class Cause:
    """Why files are left over. Below `worth` bytes they aren't mentioned, below `warn` they are a note."""

    name: str
    fix: str
    worth: int = 100_000
    warn: int | None = MB


APT_LISTS = Cause(
    "package lists of apt",
    "End the RUN that says apt-get update with rm -rf /var/lib/apt/lists/*, or mount a cache there "
    "(RUN --mount=type=cache,target=/var/lib/apt/lists).",
)
APT_CACHE = Cause(
    "apt's cache", "Say apt-get clean in the RUN that installs, or RUN --mount=type=cache,target=/var/cache/apt."
)
APK = Cause("apk's cache", "Install with apk add --no-cache.")
DNF = Cause("dnf's, yum's or zypper's cache", "End the RUN with dnf clean all (yum clean all, zypper clean --all).")
PACMAN = Cause("pacman's cache", "End the RUN with pacman -Scc --noconfirm.")
PIP = Cause("the cache of a Python installer", "Install with pip --no-cache-dir, or RUN --mount=type=cache.")
NPM = Cause("the cache of npm or yarn", "End the RUN with npm cache clean --force, or RUN --mount=type=cache.")
CONDA = Cause("conda's package cache", "End the RUN with conda clean -afy.")
BUILD_CACHE = Cause("a build tool's cache", "Build in a stage of its own, or RUN --mount=type=cache at this folder.")
VCS = Cause(
    "the history of a repository",
    "Add .git to .dockerignore, or clone in a stage of its own and copy what is needed.",
    worth=1,
    warn=1,
)
TEMPORARY = Cause("temporary files", "Remove them in the RUN that makes them, or RUN --mount=type=tmpfs,target=/tmp.")
LOGS = Cause("logs", "Remove /var/log/* in the RUN that writes them; a container logs to stdout.", worth=MB)
DOCUMENTATION = Cause(
    "documentation and translations",
    "Exclude them when packages are installed (dpkg: path-exclude=/usr/share/doc/* with path-include of copyright "
    "files; dnf: --setopt=tsflags=nodocs), and keep the licences.",
    worth=10 * MB,
    warn=None,
)
PACKAGES = Cause(
    "packages that were installed from", "Remove them in the RUN that installs them, or RUN --mount=type=bind them."
)
OBJECTS = Cause("object files of a build", "Build in a stage of its own and copy only the result.")
CORE = Cause("a memory dump of a crashed process", "Remove it, and see what crashed in the build.", worth=1, warn=1)
DROPPINGS = Cause(
    "files of editors and of macOS", "Name them in .dockerignore (**/.DS_Store, **/._*, **/*.swp).", worth=1
)
ORPHANS = Cause("bytecode without its source, which Python never loads", "Remove it with the modules that it was of.")

# Folders that have one place, told by paths without the leading slash.
_FIXED: tuple[tuple[Cause, str], ...] = (
    (APT_LISTS, r"var/lib/apt/lists"),
    (APT_CACHE, r"var/cache/apt"),
    (APK, r"var/cache/apk|etc/apk/cache"),
    (DNF, r"var/cache/(?:dnf|yum|libdnf5|zypp)"),
    (PACMAN, r"var/cache/pacman/pkg"),
    (TEMPORARY, r"(?:var/)?tmp"),
    (LOGS, r"var/log"),
    (DOCUMENTATION, r"usr/(?:local/)?share/(?:doc|man|locale|info|gtk-doc|help)"),
)
# Folders that lie in any user's home or project.
_ANYWHERE: tuple[tuple[Cause, str], ...] = (
    (PIP, r"\.cache/(?:pip|uv|pypoetry|pipenv)"),
    (NPM, r"\.npm/_cacache|\.cache/(?:yarn|npm|node-gyp)"),
    (BUILD_CACHE, r"\.?cargo/(?:registry|git)|go/pkg/mod|\.ccache|\.gradle/caches|\.m2/repository|\.nuget/packages"),
    (BUILD_CACHE, r"\.cache/(?:go-build|ccache|sccache|bazel|meson|composer)"),
    (CONDA, r"(?:conda|miniconda3?|anaconda3|miniforge3?|mambaforge)/pkgs"),
    (VCS, r"\.git/(?:objects|modules|lfs)|\.hg/store|\.svn/pristine"),
)


def _joined(places: tuple[tuple[Cause, str], ...], begin: str) -> re.Pattern[str]:
    folders = "|".join(f"(?P<p{number}>{pattern})" for number, (_, pattern) in enumerate(places))
    return re.compile(f"{begin}(?:{folders})(?=/)")


_FIXED_FOLDER, _ANY_FOLDER = _joined(_FIXED, "^"), _joined(_ANYWHERE, "(?:^|(?<=/))")
# Nearly every path is in none of these; there may be a million of them.
_BEGINNINGS = ("var/", "tmp/", "usr/share/", "usr/local/share/", "etc/apk/")
_HINTS = re.compile(r"\.(?:cache|npm|cargo|ccache|gradle|m2|nuget|git|hg|svn)/|/pkgs/|cargo/|go/pkg/")


def place_of(path: str) -> tuple[Cause, str] | None:
    """The cause of a file of this path, without a leading slash, and the folder that it is left over in."""
    if path.startswith(_BEGINNINGS) and (match := _FIXED_FOLDER.match(path)):
        return _named(_FIXED, match), match[0]
    if _HINTS.search(path):
        match = _ANY_FOLDER.search(path)
        return (_named(_ANYWHERE, match), path[: match.end()]) if match else None
    return None


def _named(places: tuple[tuple[Cause, str], ...], match: re.Match[str]) -> Cause:
    assert match.lastgroup is not None
    return places[int(match.lastgroup[1:])][0]
