"""What a text should and shouldn't hold, and how it's told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .structure import Expression, StructureFile

SHOWN = 200
"""Characters of a text in a message."""


def unmatched(where: str, text: str, expected: Sequence[Expression], excluded: Sequence[Expression]) -> Iterator[str]:
    """What a text should hold and doesn't, and what it holds and shouldn't."""
    for expression in expected:
        if not expression.found_in(text):
            yield f"{expression.text!r} was not found {where}{_excerpt(text)}"
    for expression in excluded:
        if match := expression.pattern.search(text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{expression.text!r}, which is excluded, was found {where}, line {line}: {match[0][:SHOWN]!r}"


def _excerpt(text: str) -> str:
    if not text:
        return ", which is empty"
    return f": {text!r}" if len(text) <= SHOWN else f", which begins with {text[:SHOWN]!r}"


def mend(tests: StructureFile, line: int) -> str:
    return f"Mend the image, or what {tests.name}, line {line}, expects of it."
