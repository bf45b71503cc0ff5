"""`contents.host-libraries`: what the host's NVIDIA driver brings when a container starts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...image.analysers import elf
from ...image.entries import FILE
from ...result import Finding, Severity
from ..context import Context
from ..host_libraries import is_host_library
from ..registry import check
from .found import accepts, found, hidden_by

# Made to lie in an image: the CUDA toolkit's stubs for the linker, and its forward compatibility packages.
_MEANT_FOR_IMAGES = re.compile(r".*/stubs/.*|.*/(?:cuda[^/]*/compat|cuda-compat[^/]*)/.*", re.DOTALL)
_VERSIONED = re.compile(r".+\.so\.[\d.]+", re.DOTALL)
_FIX = (
    "Leave out the driver's packages (apt-get purge 'libnvidia-*' in the same RUN, or install the CUDA runtime "
    "without 'cuda' and 'cuda-drivers'), and set NVIDIA_DRIVER_CAPABILITIES=compute,utility,video instead."
)


@check(
    "contents.host-libraries",
    fails="libraries of the NVIDIA driver, which the container toolkit mounts from the host",
    why="They hide those of the host's driver, which must fit its kernel module: the container doesn't start "
    "('file exists'), or finds no GPU.",
)
def host_libraries(context: Context) -> Iterator[Finding]:
    findings = [*_libraries(context), *_empty(context)]
    context.measure(len(findings), budget=0, unit="files")
    yield from findings


def _libraries(context: Context) -> Iterator[Finding]:
    """Libraries that say themselves that they are the driver's."""
    for item in found(context, elf.NAME, lambda fact: is_host_library(fact.get("soname", ""))):
        soname = item.fact["soname"]
        if not _is_injected(item.path):
            continue
        if hidden_by(context, item.layer, item.ordinal) is not None:
            continue  # hidden ones don't meet the host's; that they travel is `layers.waste`
        yield context.finding(
            f"{item.path} is {soname} of the NVIDIA driver, which the host brings",
            layer=item.layer,
            file=item.path,
            bytes=item.length,
            evidence=soname,
            fix=_FIX,
        )


def _empty(context: Context) -> Iterator[Finding]:
    """Empty files of these names: places where the toolkit mounted them in a container that was made an image."""
    allowed = accepts(context.policy)
    for layer, facts in enumerate(context.image.layer_facts):
        entries = facts.entries
        for ordinal in entries.of_type(FILE):
            if entries.length(ordinal):
                continue
            path = "/" + entries.path(ordinal)
            if not (is_host_library(path) and _is_injected(path)) or allowed(path):
                continue
            if hidden_by(context, layer, ordinal) is None:
                yield context.finding(
                    f"{path} is empty: a library of the NVIDIA driver was mounted there when the image was made",
                    severity=Severity.WARNING,
                    layer=layer,
                    file=path,
                    bytes=0,
                    evidence="empty",
                    fix="Build the image with a runtime other than nvidia, and not by committing a container.",
                )


def _is_injected(path: str) -> bool:
    """Whether a library of this path would meet the host's: those for the linker alone have no version."""
    return _VERSIONED.fullmatch(path) is not None and not _MEANT_FOR_IMAGES.fullmatch(path)
