"""SPDX licence expressions: parsed, compared, judged. The specification: SPDX 2.3, annex D."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import UsageError

LONGEST = 20_000
"""Characters of an expression that is parsed; Debian's longest, of Chromium, has some 3000."""

_REF = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")
# What the parser recurses into: nobody writes it, and it must not end in a traceback.
_DEEPEST = 50


class InvalidExpression(UsageError):
    """A text that is no SPDX expression, or that names a licence or an exception that SPDX doesn't list."""


@dataclass(frozen=True)
class Expression:
    """A valid expression. `text` is its normal form: SPDX's spelling of each id, deprecated ones replaced
    (``GPL-2.0+`` is ``GPL-2.0-or-later``)."""

    text: str
    _tree: Any

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Raises InvalidExpression, which names what is wrong."""
        return _parsed(text)

    @property
    def ids(self) -> tuple[str, ...]:
        """Each licence that it names, with its exception where it has one, in order, each once."""
        return tuple(dict.fromkeys(str(symbol) for symbol in self._tree.get_symbols()))

    def holds(self, accepted: Callable[[str], bool]) -> bool:
        """Whether its terms can be met with licences that are `accepted`: all of an AND, one of an OR."""
        return _holds(self._tree, accepted)

    def says_same(self, other: Expression) -> bool:
        """Whether both mean the same, whatever the order: ``A AND (A OR B)`` is ``A``."""
        return bool(_licensing().is_equivalent(self._tree, other._tree))

    def __str__(self) -> str:
        return self.text


@functools.cache
def _library() -> Any:
    """Kept, so that its errors are the same classes wherever it is asked, also where a test has it imported anew."""
    import license_expression

    return license_expression


@functools.cache
def _licensing() -> Any:
    return _library().get_spdx_licensing()


@functools.cache
def _ids() -> dict[str, str]:
    """SPDX's licence ids by their small letters, and the names that the parser takes for them."""
    found = {}
    for symbol in _licensing().known_symbols.values():
        if not symbol.is_exception:
            found.update({name.lower(): symbol.key for name in (symbol.key, *symbol.aliases)})
    return found


def spdx_id(name: str) -> str | None:
    """SPDX's spelling of an id, deprecated ones replaced; None for what SPDX doesn't list."""
    return _ids().get(name.lower())


@functools.lru_cache(maxsize=4096)
def _parsed(text: str) -> Expression:
    if not text.strip():
        raise InvalidExpression("an empty text is no SPDX expression", remedy=_REMEDY)
    if len(text) > LONGEST or _depth(text) > _DEEPEST:
        raise InvalidExpression(f"{text[:40]!r}... is too long or too deep for an SPDX expression", remedy=_REMEDY)
    try:
        tree = _licensing().parse(text)
    except (_library().ExpressionError, _library().ExpressionParseError) as error:
        raise InvalidExpression(f"{_shown(text)} is no SPDX expression: {error}", remedy=_REMEDY) from error
    except (AssertionError, AttributeError, LookupError, TypeError, RecursionError) as error:  # as of "(AND x"
        raise InvalidExpression(f"{_shown(text)} is no SPDX expression", remedy=_REMEDY) from error
    for key in _licensing().unknown_license_keys(tree):
        if not _REF.fullmatch(key):
            near = spdx_id(_guess(key))
            if near is None and len(key) > 5:  # a short word is near to everything
                near = next(iter(difflib.get_close_matches(key.lower(), _ids(), n=1, cutoff=0.75)), None)
            hint = f"Write {_ids().get(near.lower(), near)}, if that is meant, or " if near else "Write "
            raise InvalidExpression(
                f"{_shown(key)} in {_shown(text)} is no licence that SPDX lists",
                remedy=f"{hint}an id of https://spdx.org/licenses/, or LicenseRef-NAME for a licence without one.",
            )
    return Expression(str(tree), tree)


_REMEDY = "Write ids of https://spdx.org/licenses/ joined by AND, OR and WITH, as in GPL-3.0-or-later AND MIT."


def _guess(key: str) -> str:
    """GPLv3+ as it should be written."""
    match = re.fullmatch(r"([AL]?GPL)[ -]?v?(\d)(?:\.(\d))?(\+?)", key.strip(), re.IGNORECASE)
    if match is None:
        return key.strip().replace(" ", "-")
    return f"{match[1].upper()}-{match[2]}.{match[3] or 0}{'-or-later' if match[4] else '-only'}"


def _holds(tree: Any, accepted: Callable[[str], bool]) -> bool:
    licensing = _licensing()
    if isinstance(tree, licensing.OR):
        return any(_holds(one, accepted) for one in tree.args)
    if isinstance(tree, licensing.AND):
        return all(_holds(one, accepted) for one in tree.args)
    return accepted(str(tree))


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
