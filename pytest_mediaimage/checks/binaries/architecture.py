"""`binaries.architecture`: what the image starts is made for the processor that its platform names."""

from __future__ import annotations

from collections.abc import Iterator

from ...image.loader import Binary
from ...result import Finding
from ..context import Context
from ..registry import check

# Programs that a processor of the platform runs as well, where the image has their loader.
_ALSO_RUN = {"amd64": {"386"}, "arm64": {"arm"}, "ppc64": {"ppc"}, "mips64le": {"mipsle"}, "mips64": {"mips"}}


@check(
    "binaries.architecture",
    fails="a program of the entry point, the command or FFmpeg that is made for another processor than the platform's",
    why="It ends with `exec format error`, or runs twenty times slower where an emulator is installed.",
)
def architecture(context: Context) -> Iterator[Finding]:
    wanted = context.image.platform.architecture
    reach = context.subject.reach
    if not reach.started:
        context.skip("neither entry point nor command names a program, and no FFmpeg is in the image")
    machines = sorted({one.binary.machine for one in reach.started})
    context.measure(", ".join(machines), budget=wanted)
    for started in reach.started:
        binary, interpreter = started.binary, reach.process(started.binary).interpreter
        if not _runs(binary, wanted):
            yield context.finding(
                f"{binary.path} ({started.why}) is made for {binary.machine}, the image is for {wanted}",
                layer=binary.layer,
                file=binary.path,
                evidence=f"{binary.machine} on {wanted}",
                fix=f"Build the stage that brings it with --platform=linux/{wanted}, not with $BUILDPLATFORM, and take "
                f"downloads by $TARGETARCH.",
            )
        elif interpreter is not None and not interpreter.fits(binary):
            yield context.finding(
                f"the loader of {binary.path}, {interpreter.path}, is made for {interpreter.machine}, "
                f"the program for {binary.machine}",
                layer=interpreter.layer,
                file=interpreter.path,
                evidence=f"loader for {interpreter.machine}",
                fix=f"Take the C library for {binary.machine}.",
            )


def _runs(binary: Binary, wanted: str) -> bool:
    return binary.machine == wanted or binary.machine in _ALSO_RUN.get(wanted, ())
