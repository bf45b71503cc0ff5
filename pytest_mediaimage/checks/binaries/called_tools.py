"""Which of FFmpeg's tools off the PATH are meant to run: such as the one that a script in ffmpeg's place calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...image.analysers import shell_scripts
from ...image.loader import Binary
from ..host_libraries import is_host_library

if TYPE_CHECKING:
    from ..subject import Subject

_NAMES = ("ffprobe", "ffplay", "ffmpeg")
_TRIALS = frozenset({"test", "tests", "testing", "testdata", "fixture", "fixtures", "examples", "samples"})


def is_meant(subject: Subject, binary: Binary) -> bool:
    """Whether a program is a tool of FFmpeg that a script names, or the only one of its name that may start at all.

    Never one for another processor, among tests, or below a root of its own: nobody starts those as they lie.
    """
    tools = {found.content for found in subject.ffmpeg_files if found.visible and found.identity.kind == "tool"}
    if binary.content not in tools or binary.machine != subject.image.platform.architecture:
        return False
    if not _TRIALS.isdisjoint(binary.path.split("/")) or _has_own_root(subject, binary):
        return False
    return binary.content in _called(subject) or not any(_starts(subject, other) for other in _alike(subject, binary))


def _has_own_root(subject: Subject, binary: Binary) -> bool:
    """Whether its loader lies where it would, were a folder above the program the root."""
    loader, folders = str(binary.facts.get("interpreter", "")), binary.path.split("/")[1:-1]
    roots = ("/" + "/".join(folders[:depth]) for depth in range(1, len(folders) + 1))
    return any(subject.image.tree.resolve(root + loader) is not None for root in roots)


def _called(subject: Subject) -> set[tuple[int, int]]:
    """The files that scripts of the image name."""
    image = subject.image
    called = set()
    for layer, facts in enumerate(image.layer_facts):
        for ordinal, fact in facts.found.get(shell_scripts.NAME, {}).items():
            paths = fact.split()[1:]
            if paths and image.tree.hidden_by(layer, ordinal) is None:
                nodes = (image.tree.resolve(path) for path in paths)
                called |= {node.content for node in nodes if node is not None and node.type == "file"}
    return called


def _alike(subject: Subject, binary: Binary) -> Iterator[Binary]:
    """The other tools of its name."""
    for found in subject.ffmpeg_files:
        if found.visible and found.identity.kind == "tool" and found.content != binary.content:
            other = subject.reach.loader.binary(found.path)
            if other is not None and _name(other.path) == _name(binary.path):
                yield other


def _name(path: str) -> str:
    file = path.rpartition("/")[2]
    return next((name for name in _NAMES if file.startswith(name)), file)


def _starts(subject: Subject, binary: Binary) -> bool:
    process = subject.reach.process(binary)
    missing = [one for one in process.missing if not is_host_library(one.library)]
    return (
        process.libc is not None
        and not missing
        and not process.undefined
        and binary.machine == subject.image.platform.architecture
    )
