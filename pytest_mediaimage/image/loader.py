"""What the dynamic loader would load for a program, told from the tree and from what is known of its ELF files.

glibc's rules are those of ld.so(8) and elf/dl-load.c, musl's those of ldso/dynlink.c. Left out is what only a running
process knows: dlopen and LD_PRELOAD.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .analysers import elf, loader_config
from .layer import LayerFacts
from .tree import Tree

_TRIPLETS = {
    "amd64": ("x86_64-linux-gnu",),
    "386": ("i386-linux-gnu",),
    "arm64": ("aarch64-linux-gnu",),
    "arm": ("arm-linux-gnueabihf", "arm-linux-gnueabi"),
    "ppc64le": ("powerpc64le-linux-gnu",),
    "riscv64": ("riscv64-linux-gnu",),
    "s390x": ("s390x-linux-gnu",),
}
"""Debian's multiarch tuples (wiki.debian.org/Multiarch/Tuples) by GOARCH."""
_PLATFORMS = {"amd64": "x86_64", "386": "i686", "arm64": "aarch64", "arm": "v7l"}
_STORES = ("/nix/store/", "/gnu/store/")
# ldso/dynlink.c, load_library: these are musl's libc itself, whatever stands after the dot.
_MUSL_OWN = tuple(f"lib{name}." for name in ("c", "pthread", "rt", "m", "dl", "util", "xnet"))
_MUSL_DEFAULT = ("/lib", "/usr/local/lib", "/usr/lib")
_MOST_OBJECTS = 4096  # that one program loads; a few hundred are many


@dataclass(frozen=True, slots=True)
class Binary:
    """An ELF file. `name` is the absolute path by which it was found, `path` where it lies, `facts` the analyser's."""

    name: str
    path: str
    layer: int
    content: tuple[int, int]
    facts: Mapping[str, Any]

    @property
    def machine(self) -> str:
        return str(self.facts.get("machine", f"machine {self.facts.get('e_machine')}"))

    @property
    def complete(self) -> bool:
        """Whether all of the file that counts here could be read."""
        return "partial" not in self.facts and "damaged" not in self.facts

    def fits(self, other: Binary) -> bool:
        """Whether both can be in one process."""
        return all(self.facts.get(key) == other.facts.get(key) for key in ("class", "order", "e_machine"))


@dataclass(frozen=True, slots=True)
class Link:
    """A binary in a process, and the one that asked for it first; None for the program."""

    binary: Binary
    loader: Link | None = None

    @property
    def chain(self) -> tuple[Binary, ...]:
        """From the program to this one."""
        above = self.loader.chain if self.loader else ()
        return (*above, self.binary)


@dataclass(frozen=True, slots=True)
class Missing:
    """A library that isn't found. `foreign` is a file of its name that is for another machine, where there is one."""

    library: str
    needed_by: Link
    foreign: Binary | None = None


@dataclass(frozen=True, slots=True)
class Undefined:
    """Symbol versions that a library was found to lack."""

    versions: tuple[str, ...]
    library: Binary
    needed_by: Link


@dataclass(slots=True)
class Process:
    """What a program would load, in the loader's order, the program first.

    `libc` is "static", "glibc", "musl", "other" (a loader that is neither), or None where the loader is missing.
    """

    program: Binary
    libc: str | None
    interpreter: Binary | None = None
    links: list[Link] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    undefined: list[Undefined] = field(default_factory=list)

    @property
    def binaries(self) -> list[Binary]:
        own = [self.interpreter] if self.interpreter else []
        return [*(link.binary for link in self.links), *own]


class Loader:
    """Loads programs of one image. `env` is the image's environment, `directory` its working directory."""

    def __init__(self, tree: Tree, layers: Sequence[LayerFacts], env: Mapping[str, str], directory: str = "/") -> None:
        self._tree = tree
        self._layers = layers
        self._directory = directory or "/"
        self._library_path = self._split(env.get("LD_LIBRARY_PATH", ""), None, ":;")
        self._found: dict[str, Binary | None] = {}
        self._system: dict[tuple[str, str], tuple[str, ...]] = {}

    def binary(self, path: str) -> Binary | None:
        """The ELF file at `path`, links followed; None where it is missing or no ELF file."""
        if path not in self._found:
            self._found[path] = self._look(path)
        return self._found[path]

    def _look(self, path: str) -> Binary | None:
        node = self._tree.resolve(path)
        if node is None or node.type != "file":
            return None
        layer, ordinal = node.content
        facts = self._layers[layer].found.get(elf.NAME, {}).get(ordinal)
        if facts is None or "class" not in facts:
            return None
        return Binary(path, f"/{node.path}", layer, node.content, facts)

    def load(self, program: Binary) -> Process:
        """What is loaded when `program` starts."""
        name = program.facts.get("interpreter")
        if not name:
            return Process(program, "static", links=[Link(program)])
        # The kernel looks from the working directory; a program is found by its real path.
        program = Binary(program.path, program.path, program.layer, program.content, program.facts)
        interpreter = self.binary(self._absolute(name))
        libc = _libc(name, interpreter) if interpreter else None
        process = Process(program, libc, interpreter, [Link(program)])
        if interpreter is not None:
            self._load_all(process, interpreter)
        return process

    def missing_for(self, process: Process, plugin: Binary) -> list[Missing]:
        """What the loader wouldn't find where the running program opens `plugin` by dlopen."""
        if process.interpreter is None:
            return []
        grown = Process(process.program, process.libc, process.interpreter, [*process.links, Link(plugin)])
        self._load_all(grown, process.interpreter)
        return [missing for missing in grown.missing if missing.needed_by.chain[0] == plugin]

    def directories(self, process: Process, link: Link | None = None) -> Iterator[str]:
        """Where a library is looked for that `link`, by default the program, asks for."""
        link = link or process.links[0]
        own = link.binary.facts
        if process.libc == "musl":
            yield from self._library_path
            above: Link | None = link
            while above:
                facts = above.binary.facts
                yield from self._split(facts.get("runpath") or facts.get("rpath", ""), above.binary)
                above = above.loader
        else:
            above = link if "runpath" not in own else None
            while above:
                if "runpath" not in above.binary.facts:
                    yield from self._split(above.binary.facts.get("rpath", ""), above.binary)
                above = above.loader
            yield from self._library_path
            yield from self._split(own.get("runpath", ""), link.binary)
        yield from self._system_directories(process)

    def _load_all(self, process: Process, interpreter: Binary) -> None:
        loaded: dict[str, Binary] = {}
        contents = {one.content: one for one in process.binaries}
        for name in (interpreter.facts.get("soname"), process.program.facts["interpreter"].rpartition("/")[2]):
            if name:
                loaded[name] = interpreter
        for link in process.links:  # grows while it is walked, as the loader's own list does
            for name in link.binary.facts.get("needed", ()):
                if name in loaded or len(process.links) >= _MOST_OBJECTS:
                    continue
                if process.libc in ("musl", "other") and name.startswith(_MUSL_OWN):
                    loaded[name] = interpreter
                    continue
                found, foreign = self._find(process, link, name)
                if found is None:
                    process.missing.append(Missing(name, link, foreign))
                    continue
                known = contents.setdefault(found.content, found)
                loaded[name] = known
                if soname := found.facts.get("soname"):
                    loaded.setdefault(soname, known)
                if known is found:
                    process.links.append(Link(found, link))
        if process.libc == "glibc":
            process.undefined += _undefined(process, loaded)

    def _find(self, process: Process, link: Link, name: str) -> tuple[Binary | None, Binary | None]:
        """The library, or one of its name that can't be in this process."""
        foreign = None
        folders = [""] if "/" in name else self.directories(process, link)
        for folder in folders:
            found = self.binary(f"{folder}/{name}" if folder else self._absolute(name))
            if found is not None:
                if found.fits(process.program):
                    return found, None
                foreign = foreign or found
        return None, foreign

    def _system_directories(self, process: Process) -> tuple[str, ...]:
        assert process.interpreter is not None
        key = process.program.facts["interpreter"], process.program.machine
        if key not in self._system:
            folders = self._system_of(process.libc or "", process.interpreter, process.program.machine)
            self._system[key] = tuple(dict.fromkeys(folders))
        return self._system[key]

    def _system_of(self, libc: str, interpreter: Binary, machine: str) -> Iterator[str]:
        own = interpreter.path.rpartition("/")[0]
        if interpreter.path.startswith(_STORES):  # Nix and Guix build their loaders to look nowhere else
            yield own
            return
        if libc in ("musl", "other"):
            name = interpreter.name.rpartition("/")[2].removesuffix(".so.1")
            text = self._configs.get(f"etc/{name}.path")
            yield from _MUSL_DEFAULT if text is None else (line for line in text.replace("\n", ":").split(":") if line)
        if libc != "musl":
            # glibc reads the cache only; who starts a container with a GPU makes it anew from the configuration.
            yield from self._configured("etc/ld.so.conf", set())
            yield from self._configured("etc/ld.so.cache", set())
            for triplet in _TRIPLETS.get(machine, ()):
                yield from (f"/lib/{triplet}", f"/usr/lib/{triplet}")
            yield from ("/lib64", "/usr/lib64", "/lib", "/usr/lib", "/lib32", "/usr/lib32", own)

    @cached_property
    def _configs(self) -> dict[str, str]:
        """The texts of the loader's configuration files that a container sees."""
        found = {}
        for layer, facts in enumerate(self._layers):
            for ordinal, text in facts.found.get(loader_config.NAME, {}).items():
                path = facts.entries.path(ordinal)
                node = self._tree.resolve(path)
                if node is not None and node.content == (layer, ordinal):
                    found[path] = text
        return found

    def _configured(self, file: str, seen: set[str]) -> Iterator[str]:
        """The directories of an ld.so.conf, its includes followed (ldconfig(8))."""
        seen.add(file)
        for line in self._configs.get(file, "").splitlines():
            words = line.partition("#")[0].replace(",", " ").split()
            if words[:1] == ["include"]:
                for pattern in words[1:]:
                    path = pattern.strip("/") if pattern.startswith("/") else f"etc/{pattern}"
                    for included in sorted(self._configs):
                        if included not in seen and _matches(included, path):
                            yield from self._configured(included, seen)
            elif words[:1] != ["hwcap"]:
                for word in words:
                    if word.startswith("/"):
                        yield word.partition("=")[0]

    def _split(self, text: str, binary: Binary | None, separators: str = ":") -> list[str]:
        """The directories of a search path; an empty one is the working directory."""
        if not text:
            return []
        for separator in separators[1:]:
            text = text.replace(separator, separators[0])
        folders = []
        for part in text.split(separators[0]):
            folders += self._expand(part, binary) if "$" in part else [self._absolute(part)]
        return folders

    def _expand(self, part: str, binary: Binary | None) -> list[str]:
        """ld.so(8), "Dynamic string tokens"; distributions differ in what $LIB stands for."""
        if binary is None:
            return []
        machine = binary.machine
        part = _replace(part, "ORIGIN", binary.name.rpartition("/")[0] or "/")
        part = _replace(part, "PLATFORM", _PLATFORMS.get(machine, machine))
        libs = [*(f"lib/{triplet}" for triplet in _TRIPLETS.get(machine, ())), "lib64", "lib"]
        expanded = [_replace(part, "LIB", lib) for lib in libs]
        return list(dict.fromkeys(self._absolute(folder) for folder in expanded if "$" not in folder))

    def _absolute(self, path: str) -> str:
        return path if path.startswith("/") else f"{self._directory.rstrip('/')}/{path}"


def _libc(name: str, interpreter: Binary) -> str:
    """By what the loader gives, since gcompat's passes for glibc's and hands over to musl's."""
    if name.rpartition("/")[2].startswith("ld-musl"):
        return "musl"
    versions = interpreter.facts.get("defined_versions", ())
    return "glibc" if any(version.startswith("GLIBC_") for version in versions) else "other"


def _undefined(process: Process, loaded: Mapping[str, Binary]) -> Iterator[Undefined]:
    """glibc's elf/dl-version.c: a library without any versions gets a warning only, one that lacks some is refused."""
    for link in process.links:
        for name, versions in link.binary.facts.get("needed_versions", {}).items():
            library = loaded.get(name)
            defined = library.facts.get("defined_versions") if library and library.complete else None
            if library and defined:
                lacking = tuple(version for version in versions if version not in defined)
                if lacking:
                    yield Undefined(lacking, library, link)


def _matches(path: str, pattern: str) -> bool:
    """glob(3): a star doesn't pass a slash."""
    import fnmatch

    return path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern)


def _replace(text: str, token: str, value: str) -> str:
    return text.replace(f"${{{token}}}", value).replace(f"${token}", value)
