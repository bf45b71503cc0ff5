"""Go's regular expressions, in which structure tests are written, as Python's.

Go's regexp/syntax is RE2's: an ASCII `\\d`, `\\w` and `\\b`, a `$` that is the end of the text and nothing else,
classes of POSIX and Unicode, flags that hold from where they stand. What Python can say exactly is translated; what it
can't is refused by name. Only whether something matches is asked here, so groups and greediness don't matter.
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

Ranges = list[tuple[int, int]]
"""Code points, first and last of each range."""

_LAST = sys.maxunicode
_MOST_REPEATS = 1000  # Go's limit
_DEEPEST = 100
_DIGITS: Ranges = [(0x30, 0x39)]
_UPPER: Ranges = [(0x41, 0x5A)]
_LOWER: Ranges = [(0x61, 0x7A)]
_PERL = {"d": _DIGITS, "s": [(9, 10), (12, 13), (32, 32)], "w": [*_DIGITS, *_UPPER, (0x5F, 0x5F), *_LOWER]}
_POSIX: dict[str, Ranges] = {
    "alnum": [*_DIGITS, *_UPPER, *_LOWER],
    "alpha": [*_UPPER, *_LOWER],
    "ascii": [(0, 0x7F)],
    "blank": [(9, 9), (32, 32)],
    "cntrl": [(0, 0x1F), (0x7F, 0x7F)],
    "digit": _DIGITS,
    "graph": [(0x21, 0x7E)],
    "lower": _LOWER,
    "print": [(0x20, 0x7E)],
    "punct": [(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)],
    "space": [(9, 13), (32, 32)],
    "upper": _UPPER,
    "word": _PERL["w"],
    "xdigit": [*_DIGITS, (0x41, 0x46), (0x61, 0x66)],
}
_CATEGORIES = re.compile("C[cfos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?")
"""Unicode's general categories; without the second letter all that begin with the first."""
_CONTROLS = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_REPEAT = re.compile(r"\{(\d+)(,(\d*))?\}", re.ASCII)
_GROUP_NAME = re.compile(r"\(\?P?<[A-Za-z0-9_]+>")
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")


class Untranslatable(ValueError):
    """The expression isn't one of Go's, or says what Python's `re` can't; the message names the part."""


def compile_go(expression: str) -> re.Pattern[str]:
    """A pattern whose `search` finds something exactly where Go's MatchString would. Raises Untranslatable."""
    translated = _Parser(expression).whole()
    try:
        return re.compile(translated)
    except (re.error, OverflowError, RecursionError) as error:
        raise Untranslatable(f"{expression!r} can't be compiled: {error}") from error


def _invalid_byte(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "\ufffd", error.start + 1


def go_text(data: bytes) -> str:
    """Bytes as Go's regexp sees them: UTF-8, and U+FFFD for each byte that isn't."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        import codecs

        codecs.register_error("pytest_mediaimage.go", _invalid_byte)
        return data.decode(errors="pytest_mediaimage.go")


@dataclass(frozen=True, slots=True)
class _Flags:
    fold: bool = False
    lines: bool = False
    dot_all: bool = False


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def _fail(self, what: str) -> Untranslatable:
        return Untranslatable(f"{what} in the regular expression {self._text!r}")

    def _rest(self, length: int = 1) -> str:
        return self._text[self._at : self._at + length]

    def whole(self) -> str:
        result = self._alternation(_Flags())
        if self._at < len(self._text):
            raise self._fail("')' without '('")
        return result

    def _alternation(self, flags: _Flags) -> str:
        """Up to the end or a closing bracket. A flag that is set holds in the branches that follow, too."""
        branches: list[str] = []
        pieces: list[tuple[str, bool]] = []
        while self._at < len(self._text) and self._rest() != ")":
            if self._rest() == "|":
                self._at += 1
                branches.append(self._join(pieces))
                pieces = []
                continue
            flags = self._piece(flags, pieces)
        branches.append(self._join(pieces))
        return "|".join(branches)

    def _join(self, pieces: list[tuple[str, bool]]) -> str:
        """A branch. On the outside what may be empty at its ends is left out: the answer is the same, and a leading
        `.*` would make a search quadratic."""
        first, last = 0, len(pieces)
        if self._depth == 0:
            while first < last and pieces[first][1]:
                first += 1
            while last > first and pieces[last - 1][1]:
                last -= 1
        return "".join(text for text, _ in pieces[first:last])

    def _piece(self, flags: _Flags, pieces: list[tuple[str, bool]]) -> _Flags:
        """Read an atom with its repetition, or a change of flags."""
        start = self._at
        if self._rest(2) == "(?" and (match := _FLAGS.match(self._text, self._at)):
            if match[0] in ("(?)", "(?-)"):
                raise self._fail(f"{match[0]!r}, which sets no flag,")
            changed = _changed(flags, match[1], match[2] or "")
            self._at = match.end()
            if match[3] == ")":
                return changed
            atom = self._group(changed)
        elif self._rest() == "(":
            atom = self._group_start(flags)
        elif self._rest(2) == "\\Q":
            end = self._text.find("\\E", self._at)
            quoted = self._text[self._at + 2 : end if end >= 0 else None]
            self._at = end + 2 if end >= 0 else len(self._text)
            if not quoted:
                return flags
            pieces += [(_char(ord(char), flags), False) for char in quoted[:-1]]
            atom = _char(ord(quoted[-1]), flags)
        elif self._repetition() is not None:
            raise self._fail(f"{self._text[start : self._at]!r}, which repeats nothing,")
        else:
            atom = self._atom(flags)
        repetition = self._repetition()
        if repetition is None:
            pieces.append((atom, False))
            return flags
        low, high = repetition
        start = self._at
        if self._repetition() is not None:
            raise self._fail(f"the doubled repetition {self._text[start - 1 : self._at]!r}")
        count = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((low, high))
        if count is None:
            count = f"{{{low},{'' if high is None else high}}}"
        pieces.append((f"(?:{atom}){count}", low == 0))
        return flags

    def _repetition(self) -> tuple[int, int | None] | None:
        """The repetition that stands here, lazy or not; None where there is none."""
        char = self._rest()
        if char in ("*", "+", "?") and char:
            self._at += 1
            found: tuple[int, int | None] = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        elif char == "{" and (match := _REPEAT.match(self._text, self._at)):
            low = int(match[1][:9])
            high = low if match[2] is None else int(match[3][:9]) if match[3] else None
            if low > _MOST_REPEATS or (high or 0) > _MOST_REPEATS or (high is not None and high < low):
                raise self._fail(f"the repetition {match[0]!r}, which Go refuses,")
            self._at = match.end()
            found = low, high
        else:
            return None
        if self._rest() == "?":
            self._at += 1
        return found

    def _group_start(self, flags: _Flags) -> str:
        if self._rest(2) == "(?":
            match = _GROUP_NAME.match(self._text, self._at)
            if match is None:
                raise self._fail(f"{self._rest(3)!r}, which Go doesn't know,")
            self._at = match.end()
        else:
            self._at += 1
        return self._group(flags)

    def _group(self, flags: _Flags) -> str:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._fail(f"more than {_DEEPEST} brackets in each other")
        inner = self._alternation(flags)
        self._depth -= 1
        if self._rest() != ")":
            raise self._fail("'(' without ')'")
        self._at += 1
        return f"(?:{inner})"

    def _atom(self, flags: _Flags) -> str:
        char = self._rest()
        self._at += 1
        if char == ".":
            return "(?s:.)" if flags.dot_all else "[^\\n]"
        if char == "^":
            return "(?m:^)" if flags.lines else "\\A"
        if char == "$":
            return "(?m:$)" if flags.lines else "\\Z"
        if char == "[":
            return self._class(flags)
        if char != "\\":
            return _char(ord(char), flags)
        letter = self._rest()
        if letter == "A":
            self._at += 1
            return "\\A"
        if letter == "z":
            self._at += 1
            return "\\Z"
        if letter == "b":
            self._at += 1
            return "(?a:\\b)"
        if letter == "B":  # Python's own \B doesn't match the empty text before 3.14
            self._at += 1
            return "(?!(?a:\\b))"
        if (group := self._escaped_class(flags)) is not None:
            return _set(*group, flags)
        return _char(self._escape(), flags)

    def _class(self, flags: _Flags) -> str:
        """What follows `[`."""
        negated = self._rest() == "^"
        self._at += negated
        ranges: Ranges = []
        first = True
        while first or self._rest() != "]":
            if self._at >= len(self._text):
                raise self._fail("'[' without ']'")
            first = False
            if self._rest(2) == "[:":
                end = self._text.find(":]", self._at)
                if end >= 0:
                    name = self._text[self._at + 2 : end]
                    known = _POSIX.get(name.removeprefix("^"))
                    if known is None:
                        raise self._fail(f"the class {self._text[self._at : end + 2]!r}")
                    ranges += _of(known, name.startswith("^"), flags)
                    self._at = end + 2
                    continue
            if self._rest() == "\\":
                self._at += 1
                group = self._escaped_class(flags)
                if group is not None:
                    ranges += _of(*group, flags)
                    continue
                self._at -= 1
            low = high = self._class_char()
            if self._rest() == "-" and self._rest(2) not in ("-", "-]"):
                self._at += 1
                high = self._class_char()
                if high < low:
                    raise self._fail("a range that ends before it begins")
            ranges.append((low, high))
        self._at += 1
        return _set(ranges, negated, flags)

    def _class_char(self) -> int:
        char = self._rest()
        if not char:
            raise self._fail("'[' without ']'")
        self._at += 1
        return self._escape() if char == "\\" else ord(char)

    def _escaped_class(self, flags: _Flags) -> tuple[Ranges, bool] | None:
        r"""The class that `\d`, `\pL` and the like stand for, and whether it's negated; the backslash is read."""
        letter = self._rest()
        if letter and letter in "dswDSW":
            self._at += 1
            return _PERL[letter.lower()], letter.isupper()
        if letter not in ("p", "P") or not letter:
            return None
        self._at += 1
        if self._rest() == "{":
            end = self._text.find("}", self._at)
            name = self._text[self._at + 1 : end] if end >= 0 else ""
            self._at = end + 1 if end >= 0 else len(self._text)
        else:
            name = self._rest()
            self._at += 1
        negated = (letter == "P") != name.startswith("^")
        name = name.removeprefix("^")
        if name == "Any":
            return [(0, _LAST)], negated
        if not _CATEGORIES.fullmatch(name):
            raise self._fail(f"the Unicode class \\p{{{name}}} (only general categories such as \\pL are known)")
        if flags.fold:
            raise self._fail(f"the Unicode class \\p{{{name}}} under the flag i")
        return list(_category(name)), negated

    def _escape(self) -> int:
        """The character that an escape stands for; the backslash is read."""
        char = self._rest()
        self._at += 1
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "0" or (char in tuple("1234567") and self._rest() in tuple("01234567")):
            digits = re.compile("[0-7]{1,3}").match(self._text, self._at - 1)
            assert digits
            self._at = digits.end()
            return int(digits[0], 8)
        if char in tuple("123456789"):
            raise self._fail(f"the reference \\{char} to a group, which Go doesn't know,")
        if char == "x":
            match = re.compile(r"\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2})").match(self._text, self._at)
            if match is None or int(match[1] or match[2], 16) > _LAST:
                raise self._fail(f"the escape '\\x{self._rest(3)}'")
            self._at = match.end()
            return int(match[1] or match[2], 16)
        if char and char.isascii() and not char.isalnum():
            return ord(char)
        raise self._fail(f"the escape '\\{char}', which Go doesn't know,")


def _changed(flags: _Flags, on: str, off: str) -> _Flags:
    names = {"i": "fold", "m": "lines", "s": "dot_all"}  # U only swaps greedy and lazy
    for letters, value in ((on, True), (off, False)):
        for letter in letters:
            if letter in names:
                flags = replace(flags, **{names[letter]: value})
    return flags


def _char(code: int, flags: _Flags) -> str:
    text = _shown(code)
    return f"(?i:{text})" if flags.fold else text


def _shown(code: int) -> str:
    char = chr(code)
    return char if char.isascii() and char.isalnum() else f"\\U{code:08x}"


def _set(ranges: Iterable[tuple[int, int]], negated: bool, flags: _Flags) -> str:
    text = "".join(_shown(low) if low == high else f"{_shown(low)}-{_shown(high)}" for low, high in ranges)
    if not text:
        return "(?s:.)" if negated else "(?!)"
    return f"(?i:[{'^' * negated}{text}])" if flags.fold else f"[{'^' * negated}{text}]"


def _of(ranges: Ranges, negated: bool, flags: _Flags) -> Ranges:
    """A class within a class. Under the flag i Go folds it before it negates it."""
    if not negated:
        return ranges
    if flags.fold:
        ranges = list(ranges)
        for low, high in tuple(ranges):
            for code in range(low, min(high, 0x7F) + 1):
                other = ord(chr(code).swapcase())
                ranges.append((other, other))
                # The two letters beyond ASCII that fold to one of it: the long s and the Kelvin sign.
                ranges += [(sign, sign) for sign in (0x17F, 0x212A) if chr(sign).casefold() == chr(code).casefold()]
    return _negated(ranges)


def _negated(ranges: Ranges) -> Ranges:
    result, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            result.append((start, low - 1))
        start = max(start, high + 1)
    if start <= _LAST:
        result.append((start, _LAST))
    return result


@functools.cache
def _category(name: str) -> tuple[tuple[int, int], ...]:
    """The code points of a general category, or of all whose first letter it is. By this Python's Unicode version."""
    category: Callable[[str], str] = unicodedata.category
    found: Ranges = []
    start = None
    for code in range(_LAST + 1):
        if category(chr(code)).startswith(name) and not (name == "C" and category(chr(code)) == "Cn"):
            start = code if start is None else start
        elif start is not None:
            found.append((start, code - 1))
            start = None
    if start is not None:
        found.append((start, _LAST))
    return tuple(found)
