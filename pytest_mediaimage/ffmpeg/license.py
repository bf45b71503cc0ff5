"""The licence of an FFmpeg build: what it states, what its configuration says, and what follows.

The rules are those of `configure` (FFmpeg 9.0.2, lines 4822 to 4849; the same since 4.1). Facts about files,
no legal advice: the owners of some GPL libraries also sell other licences, and a licence id alone doesn't
show that its terms are met.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import UsageError
from .identity import LICENSE_TEXTS, FFmpegIdentity
from .libraries import LIBRARIES, Demand, Library

ORDER = (
    "LGPL-2.1-or-later",
    "LGPL-3.0-or-later",
    "GPL-2.0-or-later",
    "GPL-3.0-or-later",
    "LicenseRef-FFmpeg-nonfree",
)
"""From the least strict to the strictest, as `license.max` of a policy compares them."""


class Conflict(NamedTuple):
    """Something that doesn't fit together. `code` is stable; `message` is one sentence.

    Codes: `nonfree-flag`, `nonfree-flag-unneeded`, `texts-differ`, `text-and-configuration-disagree`,
    `gpl-library-without-gpl`, `version3-library-without-version3`, `nonfree-library-without-nonfree`,
    `gpl-with-incompatible-library`, `gpl-with-openssl`, `library-stricter-than-stated`.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class License:
    """The licence of one build, as SPDX ids out of `ORDER`; None where the file doesn't say.

    `stated` is the strictest of the licence texts in the files, `flags` what the configuration gives,
    `concluded` the strictest of both and of what the configured `libraries` demand.
    """

    stated: str | None
    flags: str | None
    concluded: str | None
    libraries: tuple[Library, ...]
    conflicts: tuple[Conflict, ...]


def exceeds(license: str, maximum: str) -> bool:
    """Whether `license` is stricter than `maximum`. Raises UsageError for an id that isn't in `ORDER`."""
    return _rank(license) > _rank(maximum)


def strictest(licenses: Iterable[str | None]) -> str | None:
    """The strictest of those that are known; None where none is. Raises UsageError like `exceeds`."""
    return max((one for one in licenses if one), key=_rank, default=None)


def enabled_options(configuration: str) -> Mapping[str, bool]:
    """`--enable-X` and `--disable-X` of a configure line by X, with `_` for `-`, as configure does.

    The last one wins. Options with a value (``--disable-encoder=...``) name parts, not libraries, and are
    left out.
    """
    options: dict[str, bool] = {}
    for word in _split(configuration):
        action, _, name = word.removeprefix("--").partition("-")
        if word.startswith("--") and action in ("enable", "disable") and name and "=" not in name:
            options[name.replace("-", "_")] = action == "enable"
    return options


def license_of_flags(options: Mapping[str, bool]) -> str:
    """The SPDX id that configure gives for these options."""
    if options.get("nonfree"):
        return "LicenseRef-FFmpeg-nonfree"
    return _of(gpl=options.get("gpl", False), version3=options.get("version3", False))


def read_license(identity: FFmpegIdentity) -> License:
    """The licence of a build, from one file's identity or from `combine`d ones."""
    texts = [LICENSE_TEXTS[text] for text in identity.licenses.values()]
    stated = strictest(texts)
    conflicts = []
    if len(set(texts)) > 1:
        said = ", ".join(f"{library}: {text}" for library, text in sorted(identity.licenses.items()))
        conflicts.append(Conflict("texts-differ", f"the libraries state different licences ({said})"))
    if identity.configuration is None:
        if stated == "LicenseRef-FFmpeg-nonfree":
            conflicts.append(_NONFREE)
        return License(stated, None, stated, (), tuple(conflicts))

    options = enabled_options(identity.configuration)
    flags = license_of_flags(options)
    if stated and stated != flags:
        message = f"the files state {stated}, the configuration gives {flags}"
        conflicts.append(Conflict("text-and-configuration-disagree", message))
    libraries = _libraries(options, release(identity))
    base = strictest((stated, flags))
    assert base is not None
    concluded, found = _conclude(base, options, libraries)
    return License(stated, flags, concluded, libraries, (*conflicts, *found))


def release(identity: FFmpegIdentity) -> tuple[int, int | None] | None:
    """FFmpeg's release as (major, minor), from its version, else (major, None) from libavcodec's, else None."""
    if match := re.match(r"[nv]?(\d{1,2})\.(\d+)", identity.version or ""):
        return int(match[1]), int(match[2])
    # libavcodec 58 came with FFmpeg 4, and both majors have grown by one at a time since.
    major = int(identity.libraries.get("libavcodec", "0").split(".")[0])
    return (major - 54, None) if major >= 58 else None


_NONFREE = Conflict("nonfree-flag", "FFmpeg was built with --enable-nonfree and calls itself unredistributable")


def _conclude(base: str, options: Mapping[str, bool], libraries: tuple[Library, ...]) -> tuple[str, list[Conflict]]:
    gpl_flag, version3_flag, nonfree_flag = (bool(options.get(name)) for name in ("gpl", "version3", "nonfree"))
    conflicts: list[Conflict] = []
    needs_gpl = [row for row in libraries if row.demand in (Demand.GPL, Demand.GPLV3)]
    needs_version3 = [row for row in libraries if row.demand in (Demand.VERSION3, Demand.GPLV3)]
    not_gpl = [row for row in libraries if row.demand is Demand.NOT_GPL]
    nonfree = [row for row in libraries if row.demand is Demand.NONFREE]
    openssl = bool(options.get("openssl"))

    if needs_gpl and not gpl_flag:
        sold = ", ".join(row.option for row in needs_gpl if row.sold)
        message = f"{_names(needs_gpl)} without --enable-gpl, which an unchanged configure refuses"
        message += f" (other licences are sold for {sold})" if sold else ""
        conflicts.append(Conflict("gpl-library-without-gpl", message))
    if needs_version3 and not version3_flag:
        message = f"{_names(needs_version3)} without --enable-version3, which an unchanged configure refuses"
        conflicts.append(Conflict("version3-library-without-version3", message))
    gpl = bool(needs_gpl) or gpl_flag or base.startswith("GPL")
    version3 = bool(needs_version3) or version3_flag or "-3.0-" in base
    least = strictest([_of(gpl=gpl, version3=version3), *(row.alone for row in libraries)])

    if gpl and openssl and not version3 and not nonfree_flag:
        message = "OpenSSL beside GPL parts: from 3.0 on it needs --enable-version3, before that --enable-nonfree"
        conflicts.append(Conflict("gpl-with-openssl", message))
        least = strictest((least, "GPL-3.0-or-later"))
    if gpl and not_gpl:
        message = f"{_names(not_gpl)} beside GPL parts: FFmpeg holds their licences for incompatible"
        conflicts.append(Conflict("gpl-with-incompatible-library", message))
        least = "LicenseRef-FFmpeg-nonfree"
    if nonfree and not nonfree_flag:
        message = f"{_names(nonfree)} without --enable-nonfree, which an unchanged configure refuses"
        conflicts.append(Conflict("nonfree-library-without-nonfree", message))
    if nonfree:
        least = "LicenseRef-FFmpeg-nonfree"
    if base == "LicenseRef-FFmpeg-nonfree":
        conflicts.append(_NONFREE)
        if not nonfree and not not_gpl and not (openssl and gpl):
            message = "no configured library needs --enable-nonfree; without it the build could be redistributed"
            conflicts.append(Conflict("nonfree-flag-unneeded", message))

    concluded = strictest((base, least))
    assert concluded is not None
    above = [row for row in libraries if row.alone and exceeds(row.alone, base)]
    if above and not exceeds(concluded, "GPL-3.0-or-later"):
        message = f"{_names(above)} makes the whole {concluded}, FFmpeg states {base}"
        conflicts.append(Conflict("library-stricter-than-stated", message))
    return concluded, conflicts


def _libraries(options: Mapping[str, bool], built: tuple[int, int | None] | None) -> tuple[Library, ...]:
    """The rows that are enabled and whose demand this release makes; an unknown release makes all."""

    def applies(row: Library) -> bool:
        if row.last is None or built is None:
            return True
        major, minor = built
        return major < row.last[0] or (major == row.last[0] and (minor is None or minor <= row.last[1]))

    return tuple(row for name, row in LIBRARIES.items() if options.get(name) and applies(row))


def _of(*, gpl: bool, version3: bool) -> str:
    if gpl:
        return "GPL-3.0-or-later" if version3 else "GPL-2.0-or-later"
    return "LGPL-3.0-or-later" if version3 else "LGPL-2.1-or-later"


def _names(rows: list[Library]) -> str:
    return ", ".join(f"{row.option} ({row.license})" for row in rows)


def _rank(license: str) -> int:
    if license not in ORDER:
        raise UsageError(f"{license!r} is no licence of FFmpeg", remedy=f"Use one of {', '.join(ORDER)}.")
    return ORDER.index(license)


def _split(configuration: str) -> list[str]:
    try:
        return shlex.split(configuration)
    except ValueError:  # a line that isn't closed: what can be read still counts
        return configuration.split()
