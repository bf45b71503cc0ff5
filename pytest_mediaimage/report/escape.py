"""Texts from an image, made harmless for Markdown: a file may be called anything."""

from __future__ import annotations

import re

# The only punctuation that means nothing to Markdown, HTML, GitHub or GitLab inside a line.
_PLAIN = frozenset(" ,;()'\"/=+?.-")
# Mentions, references to issues and merge requests, labels, milestones and bare links are looked for in the text that
# is shown: an entity doesn't stop them, but a space without width does.
_SIGIL = re.compile(r"(?<=[@~%])(?=[\w\"])|(?<=[#!$&])(?=\d)|(?<=GH)(?=-\d)|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_ZERO_WIDTH = "\u200b"
_SPACES = re.compile(r"\s+")


def visible(text: str) -> str:
    """The text with everything that doesn't show, or that turns the direction of writing, as an escape."""
    return "".join(ch if ch.isprintable() else ascii(ch)[1:-1] for ch in text)


def short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def prose(text: str, *, longest: int = 500, lines: int = 8) -> str:
    """Text as it is, in one line of Markdown: line breaks become `<br>`, and nothing in it means anything."""
    kept = [line.strip() for line in short(text, longest).splitlines() if line.strip()]
    if len(kept) > lines:
        kept = [*kept[:lines], f"… and {len(kept) - lines} more lines"]
    return "<br>".join(_harmless(visible(line)) for line in kept)


def _harmless(line: str) -> str:
    broken = _SIGIL.sub(_ZERO_WIDTH, line)
    return "".join(ch if ch in _PLAIN or ch == _ZERO_WIDTH or ch.isalnum() else f"&#{ord(ch)};" for ch in broken)


def code(text: str, *, longest: int = 200) -> str:
    """Text as a code span in one line, whatever backticks it holds. Not for table cells: a bar would end the cell."""
    line = visible(short(_SPACES.sub(" ", text).strip(), longest))
    if not line:
        return "` `"
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"
