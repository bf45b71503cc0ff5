"""`binaries.loadable`: every library that a program needs is there, and new enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ...image.analysers import elf
from ...image.loader import Binary, Link, Missing, Process, Undefined
from ...result import Finding, Severity
from .. import packages
from ..context import Context
from ..host_libraries import is_host_library
from ..many import each
from ..reach import Orphan
from ..registry import check
from ..transcode.cards import HARDWARE
from . import called_tools


@dataclass(slots=True)
class _Fault:
    """One thing that is wrong, with all programs that it keeps from starting."""

    chain: tuple[Binary, ...]
    finding: Mapping[str, object]
    text: str
    started: bool
    programs: list[str] = field(default_factory=list)


@check(
    "binaries.loadable",
    fails="a program of the entry point, the command or FFmpeg that lacks its loader, a library or a symbol version",
    why="It ends before its first line with `error while loading shared libraries`, on every node at once.",
)
def loadable(context: Context) -> Iterator[Finding]:
    reach = context.subject.reach
    promised = not context.policy.transcode_paths.keys().isdisjoint(HARDWARE)
    faults: dict[tuple[str, str], _Fault] = {}
    loaded = set()
    others = [(one, called_tools.is_meant(context.subject, one)) for one in reach.others]
    for binary, started in [(one.binary, True) for one in reach.started] + others:
        process = reach.process(binary)
        loaded |= {one.content for one in process.binaries}
        for key, fault in _faults(context, process, started=started, promised=promised):
            faults.setdefault(key, fault).programs.append(binary.path)
    context.measure(len(loaded), unit="files")
    if not reach.started and not reach.others and not reach.orphans:
        context.skip("neither entry point nor command names a program, and no FFmpeg is in the image")
    for orphan in reach.orphans:
        yield _without_interpreter(context, orphan)
    ordered = sorted(faults.values(), key=lambda fault: not fault.started)
    yield from each(ordered, lambda fault: _told(context, fault), "programs and libraries that lack something")


def _told(context: Context, fault: _Fault) -> Finding:
    more = len(fault.programs) - 1
    also = f"; {more} more {'program needs' if more == 1 else 'programs need'} it too" if more else ""
    return context.finding(f"{_arrows(fault.chain)}{fault.text}{also}", layer=fault.chain[-1].layer, **fault.finding)


def _faults(
    context: Context, process: Process, *, started: bool, promised: bool
) -> Iterator[tuple[tuple[str, str], _Fault]]:
    severity = None if started else Severity.WARNING
    program = process.program
    if process.libc is None:
        name = program.facts["interpreter"]
        yield (program.path, name), _without_loader(context, program, severity, started)
    for missing in process.missing:
        host = is_host_library(missing.library)
        if not (host and promised):
            fault = _missing(context, process, missing, Severity.NOTE if host else severity, started and not host)
            yield (missing.needed_by.binary.path, missing.library), fault
    for undefined in process.undefined:
        yield (undefined.needed_by.binary.path, undefined.library.path), _undefined(undefined, severity, started)
    if process.libc == "musl":
        for link in process.links[1:]:
            if _made_for_glibc(link.binary):
                yield (link.binary.path, "glibc"), _mixed(link, started)


def _missing(context: Context, process: Process, missing: Missing, severity: Severity | None, started: bool) -> _Fault:
    library, asked = missing.library, missing.needed_by.binary
    if is_host_library(library):
        text = f" -> {library}, which the host's NVIDIA driver brings where the container is given a GPU"
        fix = "Name the hardware path under transcode.paths, or build without it where no GPU is used."
    elif missing.foreign is not None:
        text = f" -> {library}, which {missing.foreign.path} holds for {missing.foreign.machine} only"
        fix = f"Take {library} for {process.program.machine}: {packages.install(context.image.tree, library)}."
    else:
        elsewhere = _elsewhere(context, process, library)
        text = f" -> {library}, which the loader doesn't find" + (f" (it lies in {elsewhere})" if elsewhere else "")
        fix = f"To start it, {packages.install(context.image.tree, library)}, or build without {library}."
        if elsewhere:
            fix = f"Name {elsewhere} in /etc/ld.so.conf.d and run ldconfig, or link with -Wl,-rpath,{elsewhere}."
            if process.libc == "musl":
                fix = f"Set ENV LD_LIBRARY_PATH={elsewhere}, or link with -Wl,-rpath,{elsewhere}."
    fields = {"severity": severity, "file": asked.path, "evidence": f"needs {library}", "fix": fix}
    return _Fault(missing.needed_by.chain, fields, text, started)


def _elsewhere(context: Context, process: Process, library: str) -> str | None:
    """A directory of the image that has the library, but that the loader doesn't know."""
    for layer, facts in enumerate(context.image.layer_facts):
        for ordinal, fact in facts.found.get(elf.NAME, {}).items():
            path = facts.entries.path(ordinal)
            named = path.endswith(f"/{library}") or fact.get("soname") == library
            if named and fact.get("e_machine") == process.program.facts["e_machine"]:
                if context.image.tree.hidden_by(layer, ordinal) is not None:
                    continue
                folder = path.rpartition("/")[0]
                binary = context.subject.reach.loader.binary(f"/{folder}/{library}")
                if binary is not None and binary.fits(process.program):
                    return f"/{folder}"
    return None


def _undefined(undefined: Undefined, severity: Severity | None, started: bool) -> _Fault:
    versions = ", ".join(undefined.versions)
    asked, library = undefined.needed_by.binary, undefined.library
    fields = {
        "severity": severity,
        "file": asked.path,
        "evidence": f"{library.path.rpartition('/')[2]} lacks {versions}",
        "fix": f"Build {asked.path} on the release of the distribution that this image is based on, or take a base "
        f"image whose {library.path.rpartition('/')[2]} has {undefined.versions[-1]}.",
    }
    chain = undefined.needed_by.chain
    return _Fault(chain, fields, f" needs {versions}, which {library.path} doesn't have", started)


def _without_loader(context: Context, program: Binary, severity: Severity | None, started: bool) -> _Fault:
    name = program.facts["interpreter"]
    fix = f"Copy a program that was built for this image's C library, or bring {name}."
    if context.subject.reach.loader.binary(f"/lib/{_musl_loader(program)}") is not None:
        fix = "Use a musl or static build, or install glibc's stand-in (apk add gcompat)."
    elif name.rpartition("/")[2].startswith("ld-musl"):
        fix = "Use a glibc or static build, or install musl (apt-get install musl)."
    elif context.image.tree.resolve("/lib") is None and context.image.tree.resolve("/usr/lib") is None:
        fix = "Use a static build, or a base image with a C library (distroless/cc, debian-slim)."
    fields = {"severity": severity, "file": program.path, "evidence": f"loader {name}", "fix": fix}
    return _Fault((program,), fields, f" needs the loader {name}, which isn't in the image", started)


def _musl_loader(program: Binary) -> str:
    machine = {"amd64": "x86_64", "arm64": "aarch64", "386": "i386", "arm": "armhf"}.get(program.machine)
    return f"ld-musl-{machine or program.machine}.so.1"


def _made_for_glibc(binary: Binary) -> bool:
    needed = binary.facts.get("needed_versions", {})
    return any(version.startswith("GLIBC_") for versions in needed.values() for version in versions)


def _mixed(link: Link, started: bool) -> _Fault:
    """Simple functions work, since musl ignores the versions; many don't exist there."""
    fields = {
        "severity": Severity.WARNING,
        "file": link.binary.path,
        "evidence": "glibc library in a musl program",
        "fix": f"Build {link.binary.path} on the base image itself, or take a base image with glibc.",
    }
    return _Fault(link.chain, fields, " was built for glibc, and the program runs on musl", started)


def _without_interpreter(context: Context, orphan: Orphan) -> Finding:
    return context.finding(
        f"{orphan.path} ({orphan.why}) is a script for {orphan.interpreter}, which isn't in the image",
        layer=orphan.layer,
        file=orphan.path,
        evidence=f"script for {orphan.interpreter}",
        fix=f"Install {orphan.interpreter}, write the script for a shell that is there, or start the program directly.",
    )


def _arrows(chain: tuple[Binary, ...]) -> str:
    return " -> ".join([chain[0].path, *(binary.path.rpartition("/")[2] for binary in chain[1:])])
