"""Licences in a text written for people, by the sentences that every copy of them has.

The wording is that of the licences' own texts and notices (https://spdx.org/licenses/). What isn't recognised isn't
guessed.
"""

from __future__ import annotations

import re

LONGEST = 300_000
"""Characters that are looked at."""

_GNU = r"gnu (?P<kind>affero |lesser |library )?general public licen[sc]e"
# The notice: the name, and within it the version and whether a later one may be taken.
_NOTICE = re.compile(
    _GNU
    + r"(?: \(?[al]?gpl\)?)?,?(?: as published by the free software foundation[,;:]?| \(?as published by fsf\)?[,;]?)?"
    r"(?:,? either| under)?(?:,? \(?(?:the terms of )?(?:version|v\.?) ?(?P<version>\d(?:\.\d)?))"
    r"(?: of the licen[sc]e)?,?(?P<later>.{0,40}?any later| or later| or newer)?"
)
_COMMON = re.compile(
    r"/usr/share/common-licenses/(?P<name>[al]?gpl|artistic|apache|mpl|cc0|gfdl|bsd)(?:-(?P<version>\d(?:\.\d)?))?"
)
_BSD = "redistribution and use in source and binary forms, with or without modification"
_SENTENCES = (
    ("MIT", "permission is hereby granted, free of charge, to any person obtaining a copy of this software"),
    (
        "ISC",
        "permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby",
    ),
    ("ISC", "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is"),
    ("HPND", "permission to use, copy, modify, and distribute this software and its documentation for any purpose"),
    (
        "HPND-sell-variant",
        "permission to use, copy, modify, distribute, and sell this software and its documentation for",
    ),
    ("Zlib", "altered source versions must be plainly marked as such, and must not be misrepresented"),
    ("Apache-2.0", "apache license, version 2.0"),
    ("Apache-2.0", "apache license version 2.0"),
    ("MPL-2.0", "mozilla public license, v. 2.0"),
    ("MPL-1.1", "mozilla public license version 1.1"),
    ("BSL-1.0", "boost software license - version 1.0"),
    ("Artistic-1.0-Perl", "artistic license"),
    ("PSF-2.0", "python software foundation license version 2"),
    ("OFL-1.1", "sil open font license, version 1.1"),
    ("FTL", "freetype project license"),
    ("LicenseRef-public-domain", "in the public domain"),
)
"""With their first words, as they stand in a text with single blanks and small letters."""
_COMMON_NAMES = {
    "artistic": "Artistic-1.0-Perl",
    "apache": "Apache-2.0",
    "mpl": "MPL",
    "cc0": "CC0-1.0",
    "bsd": "BSD-3-Clause",
}
_FURNITURE = re.compile(r"(?:^|\n)[ \t>|]*(?:[*#;]|//|/\*|\.\\\")*[ \t]*")


def licenses_in(text: str) -> list[str]:
    """SPDX ids in the order in which the text comes to them, each once. Never raises."""
    plain = " ".join(_FURNITURE.sub(" ", text[:LONGEST].lower()).split())
    found: list[tuple[int, str]] = []
    for id, sentence in _SENTENCES:
        if (at := plain.find(sentence)) >= 0:
            found.append((at, id))
    at = plain.find(_BSD)
    while at >= 0:
        end = plain.find(_BSD, at + 1)
        found.append((at, _bsd(plain[at : min(end if end >= 0 else len(plain), at + 2500)])))
        at = end
    found += _gnu(plain)
    return list(dict.fromkeys(id for _, id in sorted(found)))


def _bsd(text: str) -> str:
    if "all advertising materials mentioning" in text:
        return "BSD-4-Clause"
    named = "neither the name" in text or "endorse or promote" in text or "may not be used to endorse" in text
    return "BSD-3-Clause" if named else "BSD-2-Clause"


def _gnu(plain: str) -> list[tuple[int, str]]:
    """Notices that grant; where there is none of a family, the licence text that is pointed at."""
    granted: dict[str, int] = {}
    pointed: dict[str, int] = {}
    for match in _NOTICE.finditer(plain):
        kind = {"affero ": "AGPL", "lesser ": "LGPL", "library ": "LGPL"}.get(match["kind"] or "", "GPL")
        version = match["version"] if "." in match["version"] else f"{match['version']}.0"
        if match["later"]:
            granted.setdefault(f"{kind}-{version}-or-later", match.start())
        elif "common-licenses" not in plain[match.start() : match.end() + 80]:
            pointed.setdefault(f"{kind}-{version}-only", match.start())
    for match in _COMMON.finditer(plain):
        name = match["name"]
        if not name.endswith("gpl"):
            if name in ("artistic", "apache", "cc0", "bsd"):
                granted.setdefault(_COMMON_NAMES[name], match.start())
            elif name == "mpl" and match["version"]:
                granted.setdefault(f"MPL-{match['version']}", match.start())
            continue
        version = match["version"]
        if version is None:
            id = {"gpl": "GPL-1.0-or-later", "lgpl": "LGPL-2.0-or-later", "agpl": "AGPL-3.0-or-later"}[name]
        else:
            id = f"{name.upper()}-{version if '.' in version else version + '.0'}-only"
        pointed.setdefault(id, match.start())
    families = {id.partition("-")[0] for id in granted if id.endswith("-or-later")}
    real = {"GPL-1.0", "GPL-2.0", "GPL-3.0", "LGPL-2.0", "LGPL-2.1", "LGPL-3.0", "AGPL-3.0"}
    found = [
        (at, id) for id, at in granted.items() if not id.endswith("-or-later") or id.removesuffix("-or-later") in real
    ]
    for id, at in pointed.items():
        family, _, _ = id.partition("-")
        stem = re.sub(r"-(?:only|or-later)$", "", id)
        if stem in real and family not in families:
            found.append((at, id))
    return found
