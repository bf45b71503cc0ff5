"""`hardware.reachable`: what a promised hardware path needs in the image is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...ffmpeg import FFmpegIdentity, combine, enabled_options
from ...image.analysers import elf
from ...image.loader import Binary, Process
from ...result import Finding, Severity
from .. import packages
from ..context import Context
from ..registry import check
from ..transcode.cards import HARDWARE

# Where libva looks by the distributions' builds of it (libva, meson.build: driverdir), and `dri` beside it elsewhere.
_VA_FOLDERS = ("/usr/lib/{triplet}/dri", "/usr/lib/dri", "/usr/lib64/dri", "/usr/local/lib/dri", "/usr/local/lib64/dri",
               "/usr/local/lib/{triplet}/dri", "/usr/lib64/dri-nonfree", "/opt/intel/mediasdk/lib64",
               "/opt/intel/media/lib64", "/usr/lib/jellyfin-ffmpeg/lib/dri")  # fmt: skip
# The names that libva knows (libva, va/drm/va_drm_utils.c and va/va.c), and those of what passes for a driver.
_VA_DRIVERS = ("iHD", "i965", "radeonsi", "r600", "nouveau", "virtio_gpu", "d3d12", "nvidia", "vdpau", "hantro", "v4l2")
_TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "386": "i386-linux-gnu"}
# The runtimes that the dispatchers load: oneVPL's for Gen12 and newer, Media SDK's before (libvpl, README).
_QSV_RUNTIMES = ("libmfx-gen.so.1.2", "libmfxhw64.so.1")
_INSTALL = {
    "vaapi": {
        "apt": "apt-get install --no-install-recommends mesa-va-drivers (AMD) or intel-media-va-driver (Intel)",
        "apk": "apk add mesa-va-gallium (AMD) or intel-media-driver (Intel)",
        "dnf": "dnf install mesa-va-drivers (AMD) or intel-media-driver (Intel)",
    },
    "qsv": {
        "apt": "apt-get install --no-install-recommends libmfx-gen1.2 intel-media-va-driver",
        "apk": "apk add onevpl-intel-gpu intel-media-driver",
        "dnf": "dnf install intel-vpl-gpu-rt intel-media-driver",
    },
    "vulkan": {
        "apt": "apt-get install --no-install-recommends libvulkan1 mesa-vulkan-drivers",
        "apk": "apk add vulkan-loader and mesa-vulkan-ati or mesa-vulkan-intel",
        "dnf": "dnf install vulkan-loader mesa-vulkan-drivers",
    },
}


@dataclass(frozen=True, slots=True)
class _Build:
    """The image's ffmpeg: its process, and what all of its files say together."""

    process: Process
    identity: FFmpegIdentity

    @property
    def program(self) -> Binary:
        return self.process.program


@check(
    "hardware.reachable",
    fails="a hardware path of `transcode.paths` for which FFmpeg, its libraries or the driver's part in the image miss",
    why="FFmpeg falls back to the processor or fails, and a GPU that is paid for stays idle.",
)
def reachable(context: Context) -> Iterator[Finding]:
    promised = [path for path in HARDWARE if _is_promised(context, path)]
    build = _build(context)
    context.measure(", ".join(build.identity.hardware) or "none" if build else None, budget=", ".join(promised) or None)
    if not promised:
        context.skip("the policy promises no hardware path (transcode.paths)")
    if build is None:
        context.skip("the image has no ffmpeg that can be read")
    for path in promised:
        yield from _judge(context, build, path)


def _is_promised(context: Context, path: str) -> bool:
    """Quick Sync is Intel's: for another platform of the same policy, `if-present` promises nothing."""
    how = context.policy.transcode_paths.get(path)
    foreign = path == "qsv" and context.image.platform.architecture not in ("amd64", "386")
    return how == "required" or (how is not None and not foreign)


def _build(context: Context) -> _Build | None:
    program = context.subject.ffmpeg_program()
    binary = context.subject.reach.loader.binary(program) if program else None
    if binary is None:
        return None
    process = context.subject.reach.process(binary)
    paths = {one.path for one in process.binaries}
    identities = [found.identity for found in context.subject.ffmpeg_files if found.visible and found.path in paths]
    return _Build(process, combine(identities)) if identities else None


def _judge(context: Context, build: _Build, path: str) -> Iterator[Finding]:
    program = build.program
    if path not in build.identity.hardware and _complete(build):
        yield _finding(
            context,
            program,
            f"{program.path} has nothing for {path}{_why_not(build, path)}",
            evidence=f"built without {path}",
            fix=f"Build FFmpeg with {_OPTIONS[path]}, or take a build that has {path}.",
        )
        return
    if build.process.libc == "static":
        yield _finding(
            context,
            program,
            f"{program.path} is linked statically: it can't load the driver that {path} needs",
            evidence=f"static program, {path}",
            fix="Link FFmpeg's dependencies statically where you like, but the C library dynamically (no -static).",
        )
        return
    yield from _CHECKS[path](context, build)


def _complete(build: _Build) -> bool:
    """Whether libavcodec was among what was read: it is linked in, or was found."""
    needed = any(name.startswith("libavcodec.") for name in build.program.facts.get("needed", ()))
    return not needed or any(one.path.rpartition("/")[2].startswith("libavcodec.") for one in build.process.binaries)


_OPTIONS = {
    "nvenc": "--enable-nvenc (and nv-codec-headers at hand)",
    "nvdec": "--enable-nvdec --enable-cuvid (and nv-codec-headers at hand)",
    "vaapi": "--enable-vaapi",
    "qsv": "--enable-libvpl",
    "vulkan": "--enable-vulkan",
}


def _why_not(build: _Build, path: str) -> str:
    options = enabled_options(build.identity.configuration or "")
    names = {"nvenc": ("nvenc", "ffnvcodec"), "nvdec": ("nvdec", "ffnvcodec"), "qsv": ("libvpl", "libmfx")}
    off = [name for name in names.get(path, (path,)) if options.get(name) is False]
    return f": it was configured with --disable-{off[0].replace('_', '-')}" if off else ""


def _nvidia(context: Context, build: _Build) -> Iterator[Finding]:
    """The driver's libraries are the host's, and made for glibc."""
    if build.process.libc == "musl":
        shim = context.image.tree.resolve("/lib/libgcompat.so.0") is not None
        yield _finding(
            context,
            build.program,
            f"{build.program.path} runs on musl; NVIDIA's driver libraries, which the host injects, are made for glibc",
            severity=Severity.WARNING if shim else None,
            evidence="NVIDIA on musl",
            fix="Take a base image with glibc (debian-slim, ubuntu, ubi) for the variant that encodes on NVIDIA.",
        )


def _vaapi(context: Context, build: _Build) -> Iterator[Finding]:
    folders = _va_folders(context)
    drivers = list(_va_drivers(context, folders))
    if not drivers:
        elsewhere = sorted({binary.path.rpartition("/")[0] for binary in _all_va_drivers(context)})
        if elsewhere:
            yield _finding(
                context,
                build.program,
                f"drivers of VA-API lie in {elsewhere[0]} only, where libva mostly doesn't look",
                severity=Severity.WARNING,
                evidence=f"VA-API drivers in {elsewhere[0]}",
                fix=f"Set ENV LIBVA_DRIVERS_PATH={elsewhere[0]}.",
            )
            return
        yield _finding(
            context,
            build.program,
            f"no driver of VA-API (*_drv_video.so) is in {', '.join(folders[:2])} or where else libva looks",
            evidence="no VA-API driver",
            fix=_install(context, "vaapi"),
        )
        return
    yield from _unloadable(context, build, drivers)
    version = _libva(build.process)
    if version is None:
        return
    library, minor = version
    for driver in drivers:
        asked = driver.facts.get("va_driver", "")
        if asked.startswith("1.") and int(asked[2:]) > minor:
            yield _finding(
                context,
                driver,
                f"{driver.path} asks for VA-API {asked}, {library.path} gives 1.{minor}: libva refuses to load it",
                evidence=f"VA-API driver newer than libva {library.path.rpartition('/')[2]}",
                fix="Take libva and its drivers from one release of one distribution.",
            )


def _unloadable(context: Context, build: _Build, drivers: list[Binary]) -> Iterator[Finding]:
    """Drivers that miss a library; where another one is whole, it may be meant for other cards."""
    loader = context.subject.reach.loader
    lacking = {
        driver.path: (driver, missing) for driver in drivers if (missing := loader.missing_for(build.process, driver))
    }
    for driver, missing in lacking.values():
        names = ", ".join(dict.fromkeys(one.library for one in missing))
        yield _finding(
            context,
            driver,
            f"{driver.path} can't be loaded: {names} isn't found",
            severity=None if len(lacking) == len(drivers) else Severity.WARNING,
            evidence=f"driver needs {names}",
            fix=f"To use it, {packages.install(context.image.tree, missing[0].library)}.",
        )


def _va_folders(context: Context) -> list[str]:
    """What LIBVA_DRIVERS_PATH names comes first; whether it is right is for `config.env` to say."""
    listed = context.image.config.env.get("LIBVA_DRIVERS_PATH", "")
    triplet = _TRIPLETS.get(context.image.platform.architecture, "x86_64-linux-gnu")
    standard = (folder.format(triplet=triplet) for folder in _VA_FOLDERS)
    return list(dict.fromkeys([*(folder for folder in listed.split(":") if folder), *standard]))


def _va_drivers(context: Context, folders: list[str]) -> Iterator[Binary]:
    named = context.image.config.env.get("LIBVA_DRIVER_NAME")
    seen = set()
    for folder in folders:
        for name in dict.fromkeys((*((named,) if named else ()), *_VA_DRIVERS)):
            driver = context.subject.reach.loader.binary(f"{folder}/{name}_drv_video.so")
            if driver is not None and driver.content not in seen:
                seen.add(driver.content)
                yield driver


def _all_va_drivers(context: Context) -> Iterator[Binary]:
    for layer, facts in enumerate(context.image.layer_facts):
        for ordinal, fact in facts.found.get(elf.NAME, {}).items():
            if "va_driver" in fact and context.image.tree.hidden_by(layer, ordinal) is None:
                driver = context.subject.reach.loader.binary(f"/{facts.entries.path(ordinal)}")
                if driver is not None:
                    yield driver


def _libva(process: Process) -> tuple[Binary, int] | None:
    """libva, and its minor version: libva.so.2.1700.0 is VA-API 1.17 (libva, configure.ac); None where linked in."""
    library = next((one for one in process.binaries if one.facts.get("soname") == "libva.so.2"), None)
    match = re.search(r"\.so\.2\.(\d+)\.", library.path) if library else None
    return (library, int(match[1]) // 100) if library and match else None


def _qsv(context: Context, build: _Build) -> Iterator[Finding]:
    runtimes = [name for name in _QSV_RUNTIMES if _in_search_path(context, build.process, name)]
    if not runtimes:
        yield _finding(
            context,
            build.program,
            f"the runtime that Quick Sync needs isn't in the image: neither {' nor '.join(_QSV_RUNTIMES)}",
            evidence="no Quick Sync runtime",
            fix=_install(context, "qsv"),
        )
    if not any(driver.path.endswith("/iHD_drv_video.so") for driver in _va_drivers(context, _va_folders(context))):
        yield _finding(
            context,
            build.program,
            "Quick Sync goes through the VA-API driver iHD_drv_video.so, which isn't in the image",
            evidence="no iHD driver",
            fix=_install(context, "qsv"),
        )


def _vulkan(context: Context, build: _Build) -> Iterator[Finding]:
    loader = _in_search_path(context, build.process, "libvulkan.so.1")
    if loader is None:
        yield _finding(
            context,
            build.program,
            "Vulkan's loader, libvulkan.so.1, isn't where FFmpeg looks for it",
            evidence="no Vulkan loader",
            fix=_install(context, "vulkan"),
        )
    env = context.image.config.env
    listed = any(name in env for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"))
    injected = "NVIDIA_VISIBLE_DEVICES" in env or {"nvenc", "nvdec"} & set(context.policy.transcode_paths)
    if not listed and not injected and not _has_icd(context):
        yield _finding(
            context,
            build.program,
            "no driver for Vulkan is in the image: icd.d is empty; only NVIDIA's is injected by the host",
            severity=Severity.WARNING,
            evidence="no Vulkan driver",
            fix=_install(context, "vulkan"),
        )


def _has_icd(context: Context) -> bool:
    """Whether a manifest of a Vulkan driver lies where the loader looks (Vulkan-Loader, LoaderDriverInterface.md)."""
    return any(
        path.endswith(".json") and "vulkan/icd.d/" in path and context.image.tree.resolve(path) is not None
        for facts in context.image.layer_facts
        for path in map(facts.entries.path, range(len(facts.entries)))
    )


def _in_search_path(context: Context, process: Process, library: str) -> Binary | None:
    """What dlopen would find from the program."""
    for folder in context.subject.reach.loader.directories(process):
        found = context.subject.reach.loader.binary(f"{folder}/{library}")
        if found is not None and found.fits(process.program):
            return found
    return None


def _install(context: Context, path: str) -> str:
    by_manager = _INSTALL[path]
    how = by_manager.get(packages.manager(context.image.tree), by_manager["apt"] + ", in a base image that has apt")
    return f"Install it: {how}."


def _finding(context: Context, binary: Binary, message: str, **fields: object) -> Finding:
    return context.finding(message, layer=binary.layer, file=binary.path, **fields)


_CHECKS: dict[str, Callable[[Context, _Build], Iterator[Finding]]] = {
    "nvenc": _nvidia,
    "nvdec": _nvidia,
    "vaapi": _vaapi,
    "qsv": _qsv,
    "vulkan": _vulkan,
}
