"""The licence field of Alpine's packages: SPDX since 2019, words of all kinds before and still in some.

https://wiki.alpinelinux.org/wiki/APKBUILD_Reference#license
"""

from __future__ import annotations

import re

from .expression import Expression, InvalidExpression
from .names import spdx_of
from .package import PackageLicense, conjunction

LONGEST = 2000
_WORDS = re.compile(r"[\s,;()]+")


def alpine_license(field: str) -> PackageLicense | None:
    """What an ``L:`` line says; None where it is empty. A list of words is read as all of them."""
    text = field.strip()[:LONGEST]
    if not text:
        return None
    try:
        return PackageLicense(Expression.parse(text).text)
    except InvalidExpression:
        words = [word for word in _WORDS.split(text) if word]
    joined = re.sub(r"\s+(?:and|AND|&)\s+|[,;]", "\0", text)
    if "\0" not in joined and " or " in text.lower():
        choices = [spdx_of(part) for part in re.split(r"\s+or\s+", text, flags=re.IGNORECASE)]
        return PackageLicense(" OR ".join(dict.fromkeys(choices)))
    if "\0" in joined and "(" not in text and " or " not in text.lower():
        words = [part for part in joined.split("\0") if part.strip()]
    names = [spdx_of(word) for word in words if word.lower() not in ("and", "or", "with", "&", "|")]
    return PackageLicense(conjunction(names)) if names else None
