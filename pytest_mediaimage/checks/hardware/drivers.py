"""`hardware.driver-floor`: the NVIDIA driver that the image asks for is one that the fleet has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from ..subject import FoundFFmpeg

_CUDA_DRIVERS = {
    (9, 2): "396.26", (10, 0): "410.48", (10, 1): "418.39", (10, 2): "440.33", (11, 0): "450.36.06",
    (11, 1): "455.23", (11, 2): "460.27.03", (11, 3): "465.19.01", (11, 4): "470.42.01", (11, 5): "495.29.05",
    (11, 6): "510.39.01", (11, 7): "515.43.04", (11, 8): "520.61.05", (12, 0): "525.60.13", (12, 1): "530.30.02",
    (12, 2): "535.54.03", (12, 3): "545.23.06", (12, 4): "550.54.14", (12, 5): "555.42.02", (12, 6): "560.28.03",
    (12, 8): "570.26", (12, 9): "575.51.03", (13, 0): "580.65.06", (13, 1): "590.44.01",
}  # fmt: skip
"""The driver on Linux that came with a CUDA (CUDA Toolkit release notes, table of corresponding driver versions)."""
_CONDITION = re.compile(r"(?P<what>[a-z]+)(?P<how>>=|<=|!=|>|<|=)(?P<value>[A-Za-z0-9.]+)")


@check(
    "hardware.driver-floor",
    fails="an NVENC or a CUDA that asks for a newer NVIDIA driver than `fleet.nvidia-driver`",
    why="The container doesn't start, or `Driver does not support the required nvenc API version` ends every encode.",
)
def driver_floor(context: Context) -> Iterator[Finding]:
    builds = [found for found in context.subject.ffmpeg_files if found.visible and found.identity.nvidia_driver]
    required = _requirement(context)
    floor = context.policy.fleet_nvidia_driver
    asked = [found.identity.nvidia_driver or "" for found in builds]
    highest = max(asked, key=_numbers, default=None)
    context.measure(highest or required or None, budget=floor)
    if not builds and not required:
        context.skip("no FFmpeg here names an NVIDIA driver, and NVIDIA_REQUIRE_CUDA isn't set")
    if floor is None:
        context.skip(f"the policy names no fleet.nvidia-driver; the image asks for {highest or required}")
    for found in builds:
        if _numbers(found.identity.nvidia_driver or "") > _numbers(floor):
            yield _nvenc(context, found, floor)
    if required:
        yield from _cuda(context, required, floor)


def _nvenc(context: Context, found: FoundFFmpeg, floor: str) -> Finding:
    asked = found.identity.nvidia_driver
    promised = {"nvenc", "nvdec"} & set(context.policy.transcode_paths)
    return context.finding(
        f"NVENC in {found.path} asks for the NVIDIA driver {asked} or newer, the fleet has {floor}",
        severity=None if promised else Severity.WARNING,
        layer=found.layer,
        file=found.path,
        evidence=f"NVENC asks for {asked}",
        fix=f"Build FFmpeg with the nv-codec-headers of a release for driver {floor} or older, or update the fleet.",
    )


def _requirement(context: Context) -> str:
    """NVIDIA_REQUIRE_CUDA, empty where it is switched off (container toolkit, "Driver constraints")."""
    env = context.image.config.env
    if env.get("NVIDIA_DISABLE_REQUIRE", "").lower() in ("1", "true", "t"):
        return ""
    return env.get("NVIDIA_REQUIRE_CUDA", "").strip()


def _cuda(context: Context, required: str, floor: str) -> Iterator[Finding]:
    """A space stands for "or", a comma for "and"."""
    met = [alternative for alternative in required.split() if _is_met(alternative, floor)]
    # What holds for some cards only can't be told from the driver's version.
    if any("brand" not in alternative and "arch" not in alternative for alternative in met):
        return
    yield context.finding(
        f"NVIDIA_REQUIRE_CUDA asks for {required.split()[0]}, the fleet's driver {floor} doesn't meet it"
        + (" but on some brands of cards" if met else ""),
        severity=Severity.WARNING if met else None,
        evidence=f"NVIDIA_REQUIRE_CUDA={required.split()[0]}",
        fix="Take a base image with an older CUDA, or update the fleet's driver; NVIDIA_DISABLE_REQUIRE=1 is for "
        "images that only use NVENC and NVDEC.",
    )


def _is_met(alternative: str, driver: str) -> bool:
    """Whether a driver can meet all conditions; those on what isn't its version count as met."""
    for part in alternative.split(","):
        match = _CONDITION.fullmatch(part)
        if match is None:
            continue
        if match["what"] == "driver":
            wanted = _numbers(match["value"])
            have = _numbers(driver)[: len(wanted)]
        elif match["what"] == "cuda":
            wanted, have = _numbers(match["value"])[:2], _cuda_of(driver)
            if have == max(_CUDA_DRIVERS) and wanted > have:
                continue  # newer than this table: it can't be told
        else:
            continue
        if not _COMPARE[match["how"]](have, wanted):
            return False
    return True


_COMPARE = {
    ">=": lambda have, wanted: have >= wanted,
    "<=": lambda have, wanted: have <= wanted,
    ">": lambda have, wanted: have > wanted,
    "<": lambda have, wanted: have < wanted,
    "=": lambda have, wanted: have == wanted,
    "!=": lambda have, wanted: have != wanted,
}


def _cuda_of(driver: str) -> tuple[int, ...]:
    """The newest CUDA that a driver supports."""
    return max((cuda for cuda, least in _CUDA_DRIVERS.items() if _numbers(driver) >= _numbers(least)), default=(0, 0))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
