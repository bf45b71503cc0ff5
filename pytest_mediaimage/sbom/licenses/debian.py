"""Debian's copyright files: the machine-readable form, else what a text written for people shows.

https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/. Such a file is about the *source* package: it lists
the licence of every file in it, whether or not that file ends up in what was built. So the licence of ``Files: *`` is
told apart from those of single files, and files that only package, build or test are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from .free_text import licenses_in
from .names import LONGEST, spdx_of
from .package import PackageLicense, conjunction

_FORMAT = re.compile(r"\s*(?:Format|Format-Specification)\s*:", re.IGNORECASE)
# Of no part that is built: the packaging, and what autotools and their like bring.
_NOT_BUILT = re.compile(
    r"(?:\./|\*/)?(?:debian|tests?|testsuite|t|m4|build-aux|\.github|ci)(?:/.*|\*)?"
    r"|(?:.*/)?(?:configure(?:\.ac|\.in)?|aclocal\.m4|ltmain\.sh|install-sh|config\.(?:guess|sub)|depcomp|missing|compile"
    r"|mkinstalldirs|ar-lib|test-driver|ylwrap|INSTALL|Makefile\.(?:in|am)|[^/]*\.m4|config\.rpath)",
    re.DOTALL,
)
_ALL = frozenset({"*", "./*", "**", "**/*"})
_WORD = re.compile(r"[\s_]+(and|or)[\s_]+|\s*(,)\s*(?:(and|or)\s+)?|([()])", re.IGNORECASE)
_MOST = 200  # different licences in one file


# Texts of licences are most of such a file, and aren't taken apart line by line.
_COMMENT = re.compile(r"^#.*\n?", re.MULTILINE)
_BETWEEN = re.compile(r"\n\s*\n")
_FIELD = re.compile(r"^([^\s#:][^:\n]*):(.*(?:\n[ \t].*)*)", re.MULTILINE)


def read_copyright(text: str) -> PackageLicense | None:
    """What a copyright file says; None where no licence can be told from it. Never raises."""
    text = text.lstrip("\ufeff")
    if _FORMAT.match(text):
        return _machine_readable(text) or _for_people(text)
    return _for_people(text)


@lru_cache(maxsize=1024)
def license_of_short_name(name: str) -> str | None:
    """The SPDX expression of a ``License:`` line: ``GPL-2+ or Artistic, and Expat``; None for an empty one."""
    words = _words(name)
    expression = _choice(words)
    return expression or None


def _machine_readable(text: str) -> PackageLicense | None:
    main: list[str] = []
    parts: list[str] = []
    for fields in _paragraphs(text):
        license = fields.get("license")
        if license is None:
            continue
        header = "format" in fields or "format-specification" in fields
        patterns = fields.get("files", "").split()
        if not header and not patterns:
            continue  # the text of a licence that others name
        if patterns and all(_NOT_BUILT.fullmatch(pattern) for pattern in patterns):
            continue
        whole = header or bool(_ALL.intersection(patterns))
        for expression in _of_field(license):
            (main if whole else parts).append(expression)
    if not main and len(set(parts)) == 1:
        main, parts = parts[:1], []
    if not main and not parts:
        return None
    others = [one for one in dict.fromkeys(parts) if one not in main]
    return PackageLicense(conjunction(main), tuple(others[:_MOST]))


def _for_people(text: str) -> PackageLicense | None:
    found = licenses_in(text)
    if not found:
        return None
    return PackageLicense(found[0]) if len(found) == 1 else PackageLicense(None, tuple(found[:_MOST]))


def _of_field(value: str) -> Iterator[str]:
    """A field's first line names the licence; some have its text there, or below an empty first line."""
    name, _, body = value.partition("\n")
    name = name.strip()
    is_name = 0 < len(name) <= LONGEST and len(name.split()) <= 12 and not name.endswith((".", ","))
    if is_name and (expression := license_of_short_name(name)):
        yield expression
        return
    yield from licenses_in("\n".join([name, *map(_continued, body.split("\n"))]))


def _continued(line: str) -> str:
    """A continued line without its indent; a dot stands for an empty one."""
    text = line.strip()
    return "" if text == "." else text


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Fields by their small-lettered names, each as it stands there, with its continued lines."""
    if "\n#" in text:
        text = _COMMENT.sub("", text)
    for paragraph in _BETWEEN.split(text):
        fields: dict[str, str] = {}
        for match in _FIELD.finditer(paragraph):
            name = match[1].strip().lower()
            fields[name] = f"{fields[name]}\n{match[2]}" if name in fields else match[2]
        if fields:
            yield fields


def _words(name: str) -> list[str]:
    """Names of licences, and between them ``and``, ``or``, and ``, and`` or ``, or``, which bind least."""
    words: list[str] = []
    end = 0
    for match in _WORD.finditer(name):
        if before := name[end : match.start()].strip():
            words.append(before)
        if match[1]:
            words.append(match[1].lower())
        elif match[2]:
            words.append(f", {(match[3] or 'and').lower()}")
        else:
            words.append(match[4])
        end = match.end()
    if rest := name[end:].strip():
        words.append(rest)
    return words


def _choice(words: list[str]) -> str:
    """Grouped by what binds least first: ``, or``, ``, and``, ``or``, ``and``. Brackets, which Debian has none of,
    are passed over."""
    words = [word for word in words if word not in ("(", ")")]
    for word, joiner in ((", or", "OR"), (", and", "AND"), ("or", "OR"), ("and", "AND")):
        if word in words:
            each = [part for part in map(_choice, _split(words, word)) if part]
            return _joined(dict.fromkeys(each), joiner)
    return spdx_of(" ".join(words)) if words else ""


def _split(words: list[str], at: str) -> Iterator[list[str]]:
    part: list[str] = []
    for word in words:
        if word == at:
            yield part
            part = []
        else:
            part.append(word)
    yield part


def _joined(expressions: Iterable[str], joiner: str) -> str:
    each = list(expressions)
    other = " OR " if joiner == "AND" else " AND "
    if len(each) < 2:
        return each[0] if each else ""
    return f" {joiner} ".join(f"({one})" if other in one else one for one in each)
