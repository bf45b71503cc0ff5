"""Commands to be run in an image: lists of words, or ffmpeg-python streams, with placeholders for paths."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from typing import Any

import ffmpeg

from ..errors import UsageError

PLACEHOLDERS = ("ffmpeg", "input", "output", "folder")
"""What any recipe may name; and `extra:NAME`."""
_PLACEHOLDER = re.compile(rf"\{{({'|'.join(PLACEHOLDERS)}|extra:[\w.-]+)\}}")
_LOOKS_LIKE_ONE = re.compile(r"(?<![%$\\])\{([a-z_]+|[a-z]+:[\w.-]+)\}")  # drawtext has %{pts}, a shell ${HOME}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A command with the placeholders `{ffmpeg}`, `{input}`, `{output}`, `{folder}` and `{extra:NAME}`."""

    argv: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Hex; over the command as JSON, placeholders and all."""
        return hashlib.sha256(json.dumps(self.argv).encode()).hexdigest()


def argv_of(
    recipe: Any,
    ffmpeg_path: str,
    input_path: str | PurePath,
    output_path: str | PurePath,
    extras: Mapping[str, str] | None = None,
) -> list[str]:
    """The command to run, from a Recipe, a list of strings, or an ffmpeg-python output stream.

    Placeholders are filled in once: what a path holds is never taken for one. `{folder}` is the output's directory,
    `{extra:NAME}` a path of `extras`. A list may begin with `ffmpeg`, which becomes `ffmpeg_path`, or with an option,
    before which `ffmpeg_path` is put; any other first word is kept, as the image's own program. Raises UsageError
    where `{input}` (an extra may be a list that names it), or `{output}` and `{folder}` both, are missing, an extra is
    unknown, or it is something else.
    """
    argv = _template(recipe)
    text = "\0".join(argv)
    has_input = "{input}" in text or "{extra:" in text
    if not has_input or not ("{output}" in text or "{folder}" in text):
        raise UsageError(
            f"the recipe {' '.join(argv)!r} has no {'{output}' if has_input else '{input}'}",
            remedy="Put {input} where the sample's path belongs, and {output} where the result's does.",
        )
    values = values_of(ffmpeg_path, input_path, output_path, extras)
    return [fill(word, values) for word in argv]


def values_of(
    ffmpeg_path: str, input_path: str | PurePath, output_path: str | PurePath, extras: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What stands for each placeholder."""
    values = {
        "ffmpeg": ffmpeg_path,
        "input": str(input_path),
        "output": str(output_path),
        "folder": str(PurePosixPath(output_path).parent),
    }
    return values | {f"extra:{name}": path for name, path in (extras or {}).items()}


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in, once. Raises UsageError for an extra that isn't among the values."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise UsageError(f"there is no {match[0]}", remedy="Name it under `extras` or `texts`.")
        return values[match[1]]

    return _PLACEHOLDER.sub(value, text)


def unknown_placeholders(words: Sequence[str], extras: Sequence[str]) -> list[str]:
    """What stands in braces in a command as a placeholder does, and is none; `extras` are the names that there are."""
    known = {*PLACEHOLDERS, *(f"extra:{name}" for name in extras)}
    return [name for word in words for name in _LOOKS_LIKE_ONE.findall(word) if name not in known]


def recipe_of(recipe: Any) -> Recipe:
    """Any of the forms that `argv_of` takes as a Recipe, whose sha256 keys golden values.

    Equal commands have equal hashes, however they were written. Raises UsageError where it is none of these forms.
    """
    return Recipe(tuple(_template(recipe)))


def _template(recipe: Any) -> list[str]:
    if isinstance(recipe, Recipe):
        return list(recipe.argv)
    if isinstance(recipe, ffmpeg.nodes.Stream):
        if not isinstance(recipe, ffmpeg.nodes.OutputStream):
            raise UsageError("this ffmpeg-python stream has no output", remedy='End it with `.output("{output}")`.')
        return [str(word) for word in ffmpeg.compile(recipe, cmd="{ffmpeg}")]
    if isinstance(recipe, Sequence) and not isinstance(recipe, str | bytes) and recipe:
        if not all(isinstance(word, str) for word in recipe):
            raise UsageError("a recipe's words must all be strings", remedy="Write numbers as text: '23', not 23.")
        words = list(recipe)
        if words[0] == "ffmpeg":
            return ["{ffmpeg}", *words[1:]]
        return ["{ffmpeg}", *words] if words[0].startswith("-") else words
    raise UsageError(
        f"a recipe can't be a {type(recipe).__name__}",
        remedy="Give a list of strings, or what ffmpeg-python's `.output()` returns.",
    )
