"""`contents.toolchain`: what is needed to build, and not to run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...image.analysers import kind
from ...image.entries import FILE
from ...result import Finding, Severity, format_bytes
from ..context import Context
from ..registry import check
from .found import accepts, found, hidden_by

# What a cross compiler's tools begin with: x86_64-linux-gnu-, x86_64-alpine-linux-musl-, x86_64-redhat-linux-.
_TARGET = r"(?:[\w.-]+-(?:gnu|musl|linux|gnueabi|gnueabihf|musleabihf|elf)-)?"
# Programs that nothing but a build needs, each with its own names and places. A group `home` is a folder that is the
# toolchain's alone. Not among them: libLLVM (Mesa's), ptxas (Triton and TensorFlow compile for the GPU they find),
# Python's and Node's headers, perl, make.
_TOOLCHAINS = {
    "GCC": (
        r"(?P<home_gcc>.*/(?:libexec|lib|lib64)/gcc(?:-cross)?/[^/]+/[^/]+)/(?:cc1|cc1plus|cc1obj|lto1|f951|gnat1|d21)"
        rf"|.*/bin/{_TARGET}(?:gcc|g\+\+|c\+\+|cpp|gfortran)(?:-\d[\d.]*)?"
    ),
    "GNU binutils": rf".*/bin/{_TARGET}(?:as|ld|gold|ld\.bfd|ld\.gold)",
    "LLVM": r"(?P<home_llvm>.*/llvm-?[\d.]+/bin)/(?:clang(?:-\d+)?|lld|llc|opt)|.*/bin/(?:clang(?:-\d+)?|lld|mold)",
    "Rust": r"(?P<home_rust>.*/toolchains/[^/]+)/bin/rustc|.*/bin/rustc|.*/librustc_driver-[^/]+\.so",
    "Go": r"(?P<home_go>.+)/pkg/tool/[^/]+/(?:compile|link)",
    "CUDA's compiler": r".*/bin/nvcc|.*/nvvm/bin/cicc",
    "an assembler": r".*/bin/(?:nasm|yasm)",
    "CMake or Ninja": r".*/bin/(?:cmake|ctest|cpack|ninja)",
}
_PROGRAM = re.compile("|".join(f"(?P<is_{n}>{pattern})" for n, pattern in enumerate(_TOOLCHAINS.values())), re.DOTALL)
_NAMES = tuple(_TOOLCHAINS)
_HEADERS = ("usr/include/", "usr/local/include/")
_OWN_HEADERS = re.compile(r"usr/(?:local/)?include/(?:python\d|node/)")
# Headers of the C library and the kernel weigh 8 MB, those of build-essential 20 MB (Debian 12).
_FEW_BYTES = 10 * 10**6
_FIX = (
    "Build in a stage of its own and copy only the result (COPY --from=build /usr/local /usr/local), "
    "or purge the build packages in the same RUN that installs them."
)


@dataclass(slots=True)
class _Part:
    """A toolchain, or files for one: what it weighs in each layer, and its heaviest file."""

    name: str
    weights: Counter[int] = field(default_factory=Counter)
    largest: tuple[int, str] = (0, "")
    homes: set[str] = field(default_factory=set)
    files: int = 0

    def add(self, layer: int, path: str, length: int) -> None:
        self.weights[layer] += length
        self.files += 1
        self.largest = max(self.largest, (length, path))

    @property
    def total(self) -> int:
        return self.weights.total()


@check(
    "contents.toolchain",
    fails="compilers, assemblers and linkers, and static libraries and headers of more than 10 MB",
    why="What builds the tools isn't needed to run them: every node pulls it, and an intruder finds it useful.",
)
def toolchain(context: Context) -> Iterator[Finding]:
    chains, deleted = _programs(context)
    libraries = _static_libraries(context, chains)
    headers = _whole(context, chains)
    parts = [*chains.values(), *(part for part in (libraries, headers) if part.total > _FEW_BYTES)]
    context.measure(sum(part.total for part in parts), budget=0, unit="bytes")
    for part in sorted(parts, key=lambda part: -part.total):
        layer = part.weights.most_common(1)[0][0]
        _, path = part.largest
        others = len(part.weights) - 1
        elsewhere = f", in {others} more layer{'s' if others > 1 else ''} too" if others else ""
        yield context.finding(
            f"{part.name}: {format_bytes(part.total)} in {part.files} file{'s' if part.files > 1 else ''}{elsewhere}, "
            f"the largest {path}",
            layer=layer,
            file=path,
            bytes=part.total,
            evidence=part.name,
            fix=_FIX,
        )
    if deleted:
        yield context.finding(
            f"{format_bytes(deleted)} of compilers are deleted by a later layer but still pulled (see layers.waste)",
            severity=Severity.NOTE,
            bytes=deleted,
            evidence="deleted",
            fix=_FIX,
        )


def _programs(context: Context) -> tuple[dict[str, _Part], int]:
    """The toolchains whose programs a container sees, by name; and the bytes of those that it doesn't see any more."""
    chains: dict[str, _Part] = {}
    deleted = 0
    for item in found(context, kind.NAME, lambda fact: fact == "elf"):
        if (match := _PROGRAM.fullmatch(item.path)) is None:
            continue
        if hidden_by(context, item.layer, item.ordinal) is not None:
            deleted += item.length
            continue
        groups = match.groupdict()
        name = next(name for number, name in enumerate(_NAMES) if groups[f"is_{number}"] is not None)
        part = chains.setdefault(name, _Part(name))
        home = next((value for key, value in groups.items() if key.startswith("home_") and value), None)
        if home is None:
            part.add(item.layer, item.path, item.length)
        else:
            part.homes.add(home[1:] + "/")
    return chains, deleted


def _static_libraries(context: Context, chains: dict[str, _Part]) -> _Part:
    """Static libraries outside of the toolchains' own folders."""
    part = _Part("static libraries")
    homes = tuple("/" + home for chain in chains.values() for home in chain.homes)
    for item in found(context, kind.NAME, lambda fact: fact == "ar"):
        if not item.path.endswith(".a") or item.path.startswith(homes):
            continue
        if hidden_by(context, item.layer, item.ordinal) is None:
            part.add(item.layer, item.path, item.length)
    return part


def _whole(context: Context, chains: dict[str, _Part]) -> _Part:
    """Weigh the toolchains' folders; returns the headers outside of them. One pass over all paths."""
    headers = _Part("headers")
    allowed = accepts(context.policy)
    owners = {home: chain for chain in chains.values() for home in chain.homes}
    wanted = (*owners, *_HEADERS)
    for layer, facts in enumerate(context.image.layer_facts):
        entries = facts.entries
        for ordinal in entries.of_type(FILE):
            path = entries.path(ordinal)
            if not path.startswith(wanted) or _OWN_HEADERS.match(path) or allowed("/" + path):
                continue
            if hidden_by(context, layer, ordinal) is None:
                owner = next((chain for home, chain in owners.items() if path.startswith(home)), headers)
                owner.add(layer, "/" + path, entries.length(ordinal))
    return headers
