"""`config.env`: variables that hide hardware from FFmpeg, or lead programs where nothing is."""

from __future__ import annotations

from collections.abc import Iterator

from ...image.entries import DIRECTORY
from ...result import Finding, Severity
from ...runtime.base import DEFAULT_PATH
from ..context import Context
from ..registry import check
from .document import document
from .hardware import nvidia, va_api

# NVIDIA's images name these; the container toolkit, WSL and the kernel bring them when a container starts.
_MADE_AT_START = ("/usr/local/nvidia", "/usr/local/cuda/compat", "/usr/lib/wsl", "/proc", "/run")
_STANDARD = frozenset(DEFAULT_PATH.split(":"))
_WORLD_WRITABLE = 0o002


@check(
    "config.env",
    fails="an `NVIDIA_DRIVER_CAPABILITIES` with which a promised nvenc or nvdec can't work, or that holds no word of "
    "NVIDIA's; a VA-API driver that isn't there where vaapi or qsv is promised. Other variables that lead nowhere warn",
    why="A variable that is slightly wrong makes encoders fall back to software, or loads other code than was meant.",
)
def env(context: Context) -> Iterator[Finding]:
    variables = document(context.image.config).env
    context.measure(len(variables), unit="variables")
    yield from nvidia(context)
    yield from va_api(context)
    for name in ("PATH", "LD_LIBRARY_PATH"):
        yield from _search_path(context, name)
    yield from _preloaded(context)
    yield from _doubled(variables)


def _search_path(context: Context, name: str) -> Iterator[Finding]:
    value = context.image.config.env.get(name, "")
    if not value:
        return
    parts = value.split(":")
    if any(not part.startswith(("/", "$")) for part in parts):
        yield Finding(
            f"{name} is {value!r}: an empty or relative part means the working directory, where input may lie",
            severity=Severity.WARNING,
            evidence=f"{name} relative",
            fix=f"Write absolute folders only, without a colon at either end (`${{{name}:+:${name}}}` adds one).",
        )
    for folder in dict.fromkeys(parts):
        if not folder.startswith("/") or folder in _STANDARD or folder.startswith(_MADE_AT_START):
            yield from _writable(context, name, folder)
            continue
        node = context.image.tree.resolve(folder)
        if node is None or node.type != DIRECTORY:
            yield Finding(
                f"{name} holds {folder}, {'which is no directory' if node else 'which the image lacks'}",
                # A path that an empty place was left in is untidy; a library that isn't found is likely a fault.
                severity=Severity.NOTE if name == "PATH" else Severity.WARNING,
                file=folder,
                evidence=f"{name} {folder}",
                fix=f"Leave it out of {name}, or install what should lie there.",
            )
        else:
            yield from _writable(context, name, folder)


def _writable(context: Context, name: str, folder: str) -> Iterator[Finding]:
    node = context.image.tree.resolve(folder) if folder.startswith("/") else None
    if node is not None and node.type == DIRECTORY and node.entry.mode & _WORLD_WRITABLE:
        yield context.finding(
            f"{name} holds {folder}, where every user may write (mode {node.entry.mode & 0o7777:04o})",
            severity=Severity.WARNING,
            layer=node.layer,
            file=folder,
            evidence=f"{name} {folder} writable",
            fix=f"Run `chmod o-w {folder}` in the step that makes it.",
        )


def _preloaded(context: Context) -> Iterator[Finding]:
    """ld.so(8): names between spaces or colons; `$ORIGIN`, `$LIB` and `$PLATFORM` are the loader's."""
    for name in context.image.config.env.get("LD_PRELOAD", "").replace(":", " ").split():
        if "$" in name or name.startswith(_MADE_AT_START):
            continue
        tree = context.image.tree
        there = tree.resolve(name) if "/" in name else any(node.path.endswith(f"/{name}") for node in tree)
        if not there:
            yield Finding(
                f"LD_PRELOAD names {name}, which the image lacks: every program complains of it, or silently "
                "runs without it",
                severity=Severity.WARNING,
                file=name,
                evidence=f"LD_PRELOAD {name}",
                fix="Install the library (its path differs between architectures), or leave the variable out.",
            )


def _doubled(variables: tuple[tuple[str, str], ...]) -> Iterator[Finding]:
    values: dict[str, set[str]] = {}
    for name, value in variables:
        values.setdefault(name, set()).add(value)
    for name, different in values.items():
        if len(different) > 1:
            yield Finding(
                f"{name} is set to {len(different)} different values: which one counts depends on who reads it",
                severity=Severity.WARNING,
                evidence=f"{name} doubled",
                fix=f"Set {name} once.",
            )
