"""`binaries.duplicates`: code that is in the image, or in one process, more than once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from ...image.entries import FILE
from ...image.loader import Link, Process
from ...result import Finding, Severity, format_bytes
from ..context import Context
from ..many import each
from ..registry import check
from ..subject import FoundFFmpeg

# dive's default floor of 10 MB, which layers.waste uses as well; below it duplicates are told as notes.
_TOLERATED = 10 * 10**6
_SMALLEST = 10**6  # of a file that is worth a line
_STATIC = 4 * 10**6  # a tool with its codecs inside has 10 MB and more, one of a shared build 0.5 MB
_SONAME = re.compile(r"(?P<base>.+?)\.so\.(?P<version>[\d.]+)")


@check(
    "binaries.duplicates",
    fails="two versions of one library in one program, or the same code twice in the image",
    why="Two versions share symbols and state and crash at random; two copies are pulled and stored by every node.",
    severity=Severity.WARNING,
)
def duplicates(context: Context) -> Iterator[Finding]:
    both = list(_two_versions(context))
    tools = list(_static_tools(context))
    copies = list(_identical(context))
    spared = sum(_lengths(context, group)[0] for group in tools) + sum(spare for spare, _, _ in copies)
    context.measure(spared, budget=_TOLERATED, unit="bytes")
    severity = None if spared > _TOLERATED else Severity.NOTE
    yield from both
    for group in tools:
        yield _of_tools(context, group, severity)
    yield from each(
        sorted(copies, reverse=True), lambda copy: _of_copies(context, *copy, severity), "groups of identical files"
    )


def _of_copies(context: Context, spare: int, paths: list[str], layer: int, severity: Severity | None) -> Finding:
    listed = ", ".join(paths[1:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "")
    return context.finding(
        f"{paths[0]} has the same content as {listed}: {format_bytes(spare)} too much",
        severity=severity,
        layer=layer,
        file=paths[0],
        bytes=spare,
        evidence="identical files",
        fix="Keep one file: add it once, with one COPY less, or make the others links to it (ln -s) in the instruction "
        "that adds them.",
    )


def _two_versions(context: Context) -> Iterator[Finding]:
    reach = context.subject.reach
    seen = set()
    for started in reach.started:
        process = reach.process(started.binary)
        for pair in _pairs(process):
            names = tuple(sorted(one.binary.path for one in pair))
            if names in seen:
                continue
            seen.add(names)
            chains = [" -> ".join(part.path.rpartition("/")[2] for part in one.chain) for one in pair]
            yield context.finding(
                f"{process.program.path} loads two versions of one library: {chains[0]}, and {chains[1]}",
                layer=pair[1].binary.layer,
                file=pair[1].binary.path,
                bytes=_length(context, pair[1].binary.content),
                evidence=" and ".join(sorted(_soname(one) for one in pair)),
                fix="Build all of them against one version, and remove the other from the image.",
            )


def _pairs(process: Process) -> Iterator[tuple[Link, Link]]:
    by_base: dict[str, Link] = {}
    for link in process.links:
        match = _SONAME.fullmatch(_soname(link))
        if match is None:
            continue
        first = by_base.setdefault(match["base"], link)
        if _soname(first) != _soname(link):
            yield first, link


def _soname(link: Link) -> str:
    return str(link.binary.facts.get("soname") or link.binary.path.rpartition("/")[2])


def _static_tools(context: Context) -> Iterator[list[FoundFFmpeg]]:
    """Tools of one FFmpeg build, each with its own copy of the codecs; of equal files one."""
    groups: dict[tuple[str | None, str | None], dict[tuple[int, int], FoundFFmpeg]] = defaultdict(dict)
    for found in context.subject.ffmpeg_files:
        binary = context.subject.reach.loader.binary(found.path)
        if not found.visible or found.identity.kind != "tool" or binary is None or not found.identity.configuration:
            continue
        shared = any(name.startswith("libavcodec.") for name in binary.facts.get("needed", ()))
        if not shared and _length(context, binary.content) >= _STATIC:
            key = (found.identity.version, f"{binary.machine} {found.identity.configuration}")
            groups[key].setdefault(_sameness(context, binary.content), found)
    yield from (list(group.values()) for group in groups.values() if len(group) > 1)


def _of_tools(context: Context, group: list[FoundFFmpeg], severity: Severity | None) -> Finding:
    spare, lengths = _lengths(context, group)
    first = max(group, key=lambda found: lengths[found.path])
    listed = ", ".join(f"{found.path} ({format_bytes(lengths[found.path])})" for found in group)
    return context.finding(
        f"each of {listed} holds all codecs of one FFmpeg build: a shared build would save about {format_bytes(spare)}",
        severity=severity,
        layer=group[-1].layer,
        file=first.path,
        bytes=spare,
        evidence=f"static tools: {', '.join(sorted(found.path.rpartition('/')[2] for found in group))}",
        fix="Build FFmpeg with --enable-shared --disable-static, or leave out the tool that nothing starts.",
    )


def _lengths(context: Context, group: list[FoundFFmpeg]) -> tuple[int, dict[str, int]]:
    """The bytes that all but the largest take, and the bytes of each."""
    lengths = {}
    for found in group:
        binary = context.subject.reach.loader.binary(found.path)
        assert binary is not None
        lengths[found.path] = _length(context, binary.content)
    return sum(lengths.values()) - max(lengths.values()), lengths


def _identical(context: Context) -> Iterator[tuple[int, list[str], int]]:
    """(bytes to save, paths, layer of the last) of visible files that are equal."""
    image = context.image
    groups: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for layer, facts in enumerate(image.layer_facts):
        entries = facts.entries
        for ordinal in entries.of_type(FILE):
            if entries.length(ordinal) >= _SMALLEST:
                groups[_sameness(context, (layer, ordinal))].append((layer, ordinal))
    visible = {
        key: [content for content in group if image.tree.hidden_by(*content) is None]
        for key, group in groups.items()
        if len(group) > 1
    }
    wanted = {content for group in visible.values() if len(group) > 1 for content in group}
    paths = image.tree.paths_of(wanted) if wanted else {}
    for (length, _), group in visible.items():
        named = sorted((f"/{paths[content]}", content[0]) for content in group if content in paths)
        if len(named) > 1:
            yield length * (len(named) - 1), [path for path, _ in named], max(layer for _, layer in named)


def _sameness(context: Context, content: tuple[int, int]) -> tuple[int, int]:
    """Length and fingerprint: equal for files with the same content."""
    layer, ordinal = content
    entries = context.image.layer_facts[layer].entries
    return entries.length(ordinal), entries.fingerprint(ordinal)


def _length(context: Context, content: tuple[int, int]) -> int:
    layer, ordinal = content
    return context.image.layer_facts[layer].entries.length(ordinal)
