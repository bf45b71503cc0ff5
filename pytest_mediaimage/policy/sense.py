"""Settings that are each well written, and together can't be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from .units import shown

# What is pulled beside the content of files: the configuration, tar's headers, and what compressing adds to films.
_NO_CONTENT = 10 * 10**6


class Setting(Protocol):
    """A value with its line; `lines` holds those of its items, where it is a list or mapping."""

    @property
    def value(self) -> Any: ...
    @property
    def line(self) -> int: ...
    @property
    def lines(self) -> tuple[int, ...]: ...


def contradictions(settings: Mapping[str, Setting]) -> Iterator[tuple[int, str, str]]:
    """(line, what is wrong, remedy) among the settings of one file.

    A file is not held against what it extends: a smaller total than what a preset allows a layer is no mistake.
    """
    yield from _budgets(settings)
    cases, paths = settings.get("transcode.cases"), settings.get("transcode.paths")
    if cases and paths and not cases.value and "required" in paths.value.values():
        yield (
            cases.line,
            f"transcode.cases: none is run, and transcode.paths requires a path (line {paths.line})",
            "Name a case, or require no path.",
        )


def _budgets(settings: Mapping[str, Setting]) -> Iterator[tuple[int, str, str]]:
    """A part's budget above that of the whole could never be reached: one of the two is a slip."""
    parts: list[tuple[str, int, int]] = []
    if layer := settings.get("size.layer"):
        parts.append(("size.layer", layer.value, layer.line))
    compressed, whole = settings.get("size.compressed"), settings.get("size.unpacked")
    if compressed and whole and compressed.value > whole.value + _NO_CONTENT:
        parts.append(("size.compressed", compressed.value, compressed.line))
    paths = settings.get("size.paths")
    named = list(zip(paths.value.items(), paths.lines, strict=True)) if paths else []
    parts += [(f"size.paths: {shown(path)}", budget, line) for (path, budget), line in named]
    if whole:
        for name, budget, line in parts:
            if budget > whole.value:
                yield _too_large(name, budget, line, "size.unpacked", whole.value, whole.line)
    for (path, budget), line in named:
        for (outer, limit), outer_line in named:
            if path.startswith(outer.rstrip("/") + "/") and path != outer and budget > limit:
                yield _too_large(f"size.paths: {shown(path)}", budget, line, shown(outer), limit, outer_line)


def _too_large(name: str, budget: int, line: int, whole: str, limit: int, whole_line: int) -> tuple[int, str, str]:
    return (
        line,
        f"{name} allows {budget} bytes, more than the {limit} of {whole} (line {whole_line})",
        "Lower the part's budget, or raise the total.",
    )
