"""What the entry point and the tools of an image reach: the programs that are started, and what they load."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..image.analysers import elf, kind
from ..image.loader import Binary, Loader, Process
from ..image.tree import Node
from ..runtime.base import DEFAULT_PATH

if TYPE_CHECKING:
    from .subject import Subject

TOOLS = ("ffmpeg", "ffprobe")


@dataclass(frozen=True, slots=True)
class Started:
    """A program, and why it is taken for one that is started."""

    binary: Binary
    why: str


@dataclass(frozen=True, slots=True)
class Orphan:
    """A script that is started, and the interpreter that its first line names and the image lacks."""

    path: str
    layer: int
    interpreter: str
    why: str


class Reach:
    """`started` are the programs of entry point, command and FFmpeg, `orphans` the scripts among them that can't run;
    `others` is what else stands on the PATH.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._image = subject.image
        config = self._image.config
        self.loader = Loader(self._image.tree, self._image.layer_facts, config.env, config.working_dir)
        self._processes: dict[tuple[int, int], Process] = {}

    @cached_property
    def _found(self) -> tuple[Started | Orphan, ...]:
        return tuple(one for node, why in self._roots() for one in self._programs(node, why))

    @cached_property
    def started(self) -> tuple[Started, ...]:
        found: dict[tuple[int, int], Started] = {}
        for one in self._found:
            if isinstance(one, Started):
                found.setdefault(one.binary.content, one)
        return tuple(found.values())

    @property
    def orphans(self) -> tuple[Orphan, ...]:
        return tuple(dict.fromkeys(one for one in self._found if isinstance(one, Orphan)))

    @cached_property
    def others(self) -> tuple[Binary, ...]:
        """Dynamic programs on the PATH, and FFmpeg's tools elsewhere, that aren't among those started."""
        known = {one.binary.content for one in self.started}
        tools = {found.path for found in self._subject.ffmpeg_files if found.visible and found.identity.kind == "tool"}
        homes: dict[str, str] = {}
        binaries = []
        for layer, facts in enumerate(self._image.layer_facts):
            for ordinal, fact in facts.found.get(elf.NAME, {}).items():
                if "interpreter" not in fact or (layer, ordinal) in known:
                    continue
                folder, _, name = facts.entries.path(ordinal).rpartition("/")
                if folder not in homes:
                    node = self._image.tree.resolve(folder)
                    homes[folder] = f"/{node.path}" if node else ""
                path = f"{homes[folder].rstrip('/')}/{name}"
                if homes[folder] in self._homes or path in tools:
                    binary = self.loader.binary(path)
                    if binary is not None and binary.content == (layer, ordinal):
                        binaries.append(binary)
        return tuple(binaries)

    def process(self, binary: Binary) -> Process:
        if binary.content not in self._processes:
            self._processes[binary.content] = self.loader.load(binary)
        return self._processes[binary.content]

    @cached_property
    def _homes(self) -> frozenset[str]:
        """The directories of the PATH, links followed."""
        folders = self._image.config.env.get("PATH", DEFAULT_PATH).split(":")
        nodes = (self._image.tree.resolve(folder) for folder in folders if folder)
        return frozenset(f"/{node.path}" for node in nodes if node is not None)

    def _roots(self) -> Iterator[tuple[Node, str]]:
        config = self._image.config
        for part, words in (("the entry point", config.entrypoint), ("the command", config.cmd)):
            for word in _words(words):
                node = self._find(word)
                if node is not None:
                    yield node, part
        for name in TOOLS:
            if (node := self._subject.find_program(name)) is not None:
                yield node, f"{name} on the PATH"
        homes = self._homes
        chosen = self._subject.ffmpeg_program()
        for tool in self._subject.ffmpeg_files:
            near = tool.path.rpartition("/")[0] in homes or tool.path == chosen
            if tool.visible and tool.identity.kind == "tool" and near:
                node = self._image.tree.resolve(tool.path)
                if node is not None:
                    yield node, "a tool of FFmpeg"

    def _find(self, word: str) -> Node | None:
        """The executable that a word of a command names."""
        if not word or word.startswith("-"):
            return None
        if "/" not in word:
            return self._subject.find_program(word)
        path = word if word.startswith("/") else f"{self._image.config.working_dir}/{word}"
        node = self._image.tree.resolve(path)
        return node if node is not None and node.type == "file" and node.entry.mode & 0o111 else None

    def _programs(self, node: Node, why: str) -> Iterator[Started | Orphan]:
        """The program itself, or what a script is run by."""
        binary = self.loader.binary(f"/{node.path}")
        if binary is not None:
            yield Started(binary, why)
            return
        layer, ordinal = node.content
        what = self._image.layer_facts[layer].found.get(kind.NAME, {}).get(ordinal, "")
        words = what.split()[1:] if what.startswith("script ") else []
        if not words:
            return
        interpreter = self._find(words[0])
        if interpreter is None:
            yield Orphan(f"/{node.path}", layer, words[0], why)
            return
        if interpreter.content != node.content:
            yield from self._programs(interpreter, f"what runs /{node.path}")
        if words[0].endswith("/env"):
            name = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), "")
            named = self._find(name)
            if named is None and name:
                yield Orphan(f"/{node.path}", layer, name, why)
            elif named is not None and named.content != node.content:
                yield from self._programs(named, f"what runs /{node.path}")


def _words(command: Iterable[str]) -> Iterator[str]:
    """The words of a command, and those of a text that is handed to a shell."""
    last = ""
    for word in command:
        if last == "-c":
            try:
                yield from shlex.split(word, comments=False)
            except ValueError:
                yield from word.split()
        else:
            yield word
        last = word
