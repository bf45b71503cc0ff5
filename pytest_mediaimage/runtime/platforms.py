"""Whether a machine can run an image's platform."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError

_MACHINES = {
    # OCI architecture: names that kernels give such a machine
    "amd64": ("x86_64", "amd64"),
    "386": ("i386", "i686"),
    "arm64": ("aarch64", "arm64"),
    "arm": ("armv7l", "armv6l", "armhf"),
    "riscv64": ("riscv64",),
    "ppc64le": ("ppc64le",),
    "s390x": ("s390x",),
}
_ALSO_RUNS = {"x86_64": ("386",), "amd64": ("386",)}
_QEMU = {"amd64": "x86_64", "386": "i386", "arm64": "aarch64"}
BINFMT = Path("/proc/sys/fs/binfmt_misc")


def require_platform(platform: str, machine: str, *, binfmt: Path | None = BINFMT) -> None:
    """Raise UsageError unless a machine, as `os.uname().machine` names it, runs images of `platform`.

    `binfmt` is the kernel's list of emulators, or None where it can't be read (an engine elsewhere).
    """
    system, _, rest = platform.partition("/")
    architecture = rest.partition("/")[0]
    if system != "linux":
        raise UsageError(f"a {platform} image can't be run on Linux", remedy="Use --media-static for it.")
    if machine in _MACHINES.get(architecture, (architecture,)) or architecture in _ALSO_RUNS.get(machine, ()):
        return
    qemu = _QEMU.get(architecture, architecture)
    if binfmt is not None and _enabled(binfmt / f"qemu-{qemu}"):
        return
    raise UsageError(
        f"a {platform} image can't be run on this {machine} machine: no emulator is registered",
        remedy=f"Register one (`apt install qemu-user-static binfmt-support`, or `docker run --privileged "
        f"tonistiigi/binfmt --install {architecture}`), or use --media-static for this platform.",
    )


def _enabled(handler: Path) -> bool:
    try:
        return handler.read_text().startswith("enabled")
    except OSError:
        return False
