"""Names of licences as distributions write them, and their SPDX expressions.

Debian's: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/, "License specification".
"""

from __future__ import annotations

import re

from .expression import spdx_id

_KNOWN = {
    "expat": "MIT",
    "mit/x11": "MIT",
    "mit/expat": "MIT",
    "x11": "X11",
    "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "bsd-4": "BSD-4-Clause",
    "bsd2": "BSD-2-Clause",
    "bsd3": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "bsd-2-clauses": "BSD-2-Clause",
    "bsd-3-clauses": "BSD-3-Clause",
    "bsd-4-clauses": "BSD-4-Clause",
    "bsd-3-clause-like": "BSD-3-Clause",
    "apache-2": "Apache-2.0",
    "apache": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache-2-llvm-exceptions": "Apache-2.0 WITH LLVM-exception",
    "artistic": "Artistic-1.0-Perl",
    "artistic-1": "Artistic-1.0",
    "artistic-2": "Artistic-2.0",
    "perl": "Artistic-1.0-Perl OR GPL-1.0-or-later",
    "cc0": "CC0-1.0",
    "bsl": "BSL-1.0",
    "boost-1.0": "BSL-1.0",
    "mpl-1": "MPL-1.0",
    "mpl-2": "MPL-2.0",
    "mpl": "MPL-2.0",
    "psf": "PSF-2.0",
    "psf-2": "PSF-2.0",
    "python": "PSF-2.0",
    "python-2.0": "PSF-2.0",
    "zpl": "ZPL-2.1",
    "unicode": "Unicode-DFS-2016",
    "libtiff": "libtiff",
    "libpng": "Libpng",
    "openssl": "OpenSSL",
    "openldap-2.8": "OLDAP-2.8",
    "ftl": "FTL",
    "freetype": "FTL",
    "ijg": "IJG",
    "jpeg": "IJG",
    "bzip2": "bzip2-1.0.6",
    "vim": "Vim",
    "wtfpl-2": "WTFPL",
    "qpl-1": "QPL-1.0",
    "epl-1": "EPL-1.0",
    "epl-2": "EPL-2.0",
    "lppl-1": "LPPL-1.0",
    "ofl-1": "OFL-1.0",
    "ofl": "OFL-1.1",
    "sil-1.1": "OFL-1.1",
    "public-domain": "LicenseRef-public-domain",
    "public domain": "LicenseRef-public-domain",
    "pd": "LicenseRef-public-domain",
}
"""By small letters. `BSD` alone is the text of /usr/share/common-licenses/BSD, with three clauses."""

_EXCEPTIONS = {
    "autoconf": "Autoconf-exception-generic",
    "autoconf-data": "Autoconf-exception-generic",
    "bison": "Bison-exception-2.2",
    "classpath": "Classpath-exception-2.0",
    "font": "Font-exception-2.0",
    "gcc": "GCC-exception-3.1",
    "gcc-runtime": "GCC-exception-3.1",
    "gcc runtime library": "GCC-exception-3.1",
    "libtool": "Libtool-exception",
    "linux-syscall-note": "Linux-syscall-note",
    "llvm": "LLVM-exception",
    "llvm-exceptions": "LLVM-exception",
    "u-boot": "u-boot-exception-2.0",
    "wxwindows": "WxWindows-exception-3.1",
}

_GNU = re.compile(
    r"(a|l|lesser |library )?gpl(?:[ -]?v?(\d)(?:\.(\d+))?)?(\.0)?(\+| or later|-or-later|-only)?", re.IGNORECASE
)
_GFDL = re.compile(r"gfdl(-niv)?(?:-v?(\d)(?:\.(\d+))?)?(\+|-or-later|-only)?(-no-invariants?)?", re.IGNORECASE)
# "exception" once, and not the name of a whole licence
_WITH = re.compile(r"(.+?)\s*(?:[ -]with[ -]|~)(.+?)(?:[ -]exceptions?)?", re.IGNORECASE)
LONGEST = 200
"""Characters of a text that may be a licence's name; what is longer is the licence itself."""


def spdx_of(name: str) -> str:
    """The SPDX expression of one licence; ``LicenseRef-NAME`` for what SPDX doesn't list.

    An exception that SPDX doesn't list is left out: it only permits more.
    """
    name = " ".join(name.split())[:LONGEST].strip(" .,;")
    if known := _plain(name):
        return known
    if match := _WITH.fullmatch(name):
        license, exception = _plain(match[1]), _EXCEPTIONS.get(match[2].lower())
        if license and " " not in license:
            return f"{license} WITH {exception}" if exception else license
    # Some write the exception behind a hyphen, as part of the name: GPL-3+-autoconf
    return _reference(name)


def _plain(name: str) -> str | None:
    lower = name.lower()
    if lower in _KNOWN:
        return _KNOWN[lower]
    if (match := _GNU.fullmatch(name)) is not None:
        return _gnu(match)
    if (match := _GFDL.fullmatch(name)) is not None:
        version = f"{match[2] or 1}.{match[3] or (0 if match[2] in ('2', '3') else 1)}"
        middle = "-no-invariants" if match[1] or match[5] else ""
        later = match[4] in ("+", "-or-later") or match[2] is None
        return spdx_id(f"GFDL-{version}{middle}-{'or-later' if later else 'only'}")
    listed = spdx_id(lower) if " " not in lower else None
    if listed is None and lower.endswith("+"):
        listed = spdx_id(lower[:-1])  # AFL-2.1+: any later one contains this one
    return listed


def _gnu(match: re.Match[str]) -> str | None:
    kind = {"a": "AGPL", "": "GPL"}.get((match[1] or "").lower(), "LGPL")
    least = {"AGPL": "3.0", "LGPL": "2.0", "GPL": "1.0"}[kind]
    version = f"{match[2]}.{match[3] or 0}" if match[2] else least
    # Without a version any may be chosen (GPL-2, section 9).
    later = match[2] is None or match[5] not in (None, "-only")
    return spdx_id(f"{kind}-{version}-{'or-later' if later else 'only'}")


def _reference(name: str) -> str:
    return "LicenseRef-" + (re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:64] or "unnamed")
