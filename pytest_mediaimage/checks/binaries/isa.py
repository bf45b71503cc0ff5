"""`binaries.isa`: no program says that it needs a newer processor than the fleet's oldest."""

from __future__ import annotations

from collections.abc import Iterator

from ...image.loader import Binary
from ...policy.schema import CPU_LEVELS
from ...result import Finding
from ..context import Context
from ..registry import check


@check(
    "binaries.isa",
    fails="a program, or a library it loads, that says it needs a newer processor than `fleet.cpu`",
    why="glibc refuses to load it (`CPU ISA level is lower than required`), but only on the oldest nodes.",
)
def isa(context: Context) -> Iterator[Finding]:
    floor = context.policy.fleet_cpu
    found = {one.content: (one, program) for program, one in _loaded(context) if "isa" in one.facts}
    highest = max((one.facts["isa"] for one, _ in found.values()), key=CPU_LEVELS.index, default=None)
    context.measure(highest or "no file says", budget=floor)
    if context.image.platform.architecture != "amd64":
        context.skip(f"levels of instruction sets are x86-64's; the image is for {context.image.platform.architecture}")
    if floor is None:
        context.skip("the policy names no fleet.cpu")
    for binary, program in found.values():
        if CPU_LEVELS.index(binary.facts["isa"]) > CPU_LEVELS.index(floor):
            what = "" if binary.path == program.path else f", which {program.path} loads,"
            yield context.finding(
                f"{binary.path}{what} needs {binary.facts['isa']}, the fleet's oldest processor has {floor}",
                layer=binary.layer,
                file=binary.path,
                evidence=f"needs {binary.facts['isa']}",
                fix=f"Build it with -march={floor}, take a base image for {floor}, or put the faster build beside it "
                f"in glibc-hwcaps/{binary.facts['isa']}.",
            )


def _loaded(context: Context) -> Iterator[tuple[Binary, Binary]]:
    reach = context.subject.reach
    for started in reach.started:
        for binary in reach.process(started.binary).binaries:
            yield started.binary, binary
