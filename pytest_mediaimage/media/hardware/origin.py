"""What the pictures of a hardware encoder depend on: the family of the card, its driver, and FFmpeg.

The family and VA-API's driver are told by FFmpeg itself at `-v debug`, from inside the container, whose driver counts;
NVIDIA's driver is the host's.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

UNKNOWN = "unknown"

# CUDA's documentation, table of compute capabilities.
_ARCHITECTURES = {
    "5": "maxwell", "6": "pascal", "7": "volta", "7.5": "turing", "8": "ampere", "8.9": "ada", "9": "hopper",
    "10": "blackwell", "12": "blackwell",
}  # fmt: skip
_LONGEST = 60
_SMI_SECONDS = 10.0
_SMI_QUERY = ("--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader")

# libavcodec/nvenc.c, nvenc_check_device: of several cards that it looks at, it takes the last.
_CUDA = re.compile(r"GPU #\d+ - < (?P<name>[^>\n]+) > has Compute SM (?P<sm>\d+\.\d+)")
# libavutil/hwcontext_vaapi.c: what vaQueryVendorString gives.
_VA = re.compile(r"VAAPI driver: (?P<driver>[^\n]+?)\.?$", re.MULTILINE)
_IHD = re.compile(r"Intel iHD driver\b[^\n]*? - (?P<version>[\d.]+)")
_I965 = re.compile(r"Intel i965 driver for Intel\(R\) (?P<name>[^\n]+?) - (?P<version>[\d.]+)")
_MESA = re.compile(r"Mesa Gallium driver (?P<version>[\w.-]+) for (?P<name>[^\n(]+)(?:\((?P<parts>[^\n)]*)\))?")
# libavutil/hwcontext_vulkan.c.
_VULKAN = re.compile(r"Device \d+ selected: (?P<name>[^\n]+?) \((?:discrete|integrated|virtual|other)\)")
_VULKAN_NEWER = re.compile(r"Using device: (?P<name>[^\n]+)")
# "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb ..."
_NVRM = re.compile(r"Module\b[^\n]*?\s(?P<version>\d{3,}\.\d+(?:\.\d+)?)\s")


@dataclass(frozen=True, slots=True)
class Origin:
    """`family` such as `nvidia ada` or `amd navi23`, `driver` such as `550.54.14` or `Mesa 23.1.3`, `ffmpeg` such as
    `5.1`; each `unknown` where nothing tells it."""

    family: str = UNKNOWN
    driver: str = UNKNOWN
    ffmpeg: str = UNKNOWN

    @property
    def machine(self) -> str:
        """In the place of a class of processor, in a golden file."""
        return f"{self.family}/{self.driver}"

    @property
    def known(self) -> bool:
        """Whether all of it is known: only then must the same give the same."""
        return UNKNOWN not in (self.family, self.driver, self.ffmpeg)

    def encoder(self, signed: str) -> str:
        """In the place of an encoder's version; `signed` is the output's encoder tag, such as `Lavc h264_nvenc`."""
        return f"{(signed.split() or [UNKNOWN])[-1]} FFmpeg {self.ffmpeg}"


def origin_of(backend: str, log: str, device: str, ffmpeg: str | None, *, root: Path = Path("/")) -> Origin:
    """What `log` (of FFmpeg, at `-v debug`) and this machine tell of an encode by `backend` on the node `device`."""
    found = re.search(r"\d+\.\d+", ffmpeg or "")
    version = found[0] if found else UNKNOWN
    if backend == "cuda":
        family, driver = _nvidia(log, root)
    elif backend in ("vaapi", "qsv"):
        family, driver = _va(log, device, root)
    elif backend == "vulkan":
        family, driver = _vulkan(log, device, root)
    else:  # a path of a team's own: whoever declares it has one kind of card for it
        family, driver = backend, UNKNOWN
    return Origin(_plain(family), _plain(driver), version)


def _nvidia(log: str, root: Path) -> tuple[str, str]:
    told = list(_CUDA.finditer(log))
    driver = _nvidia_driver(root)
    if told and driver != UNKNOWN:
        return _architecture(told[-1]["name"], told[-1]["sm"]), driver
    asked = _ask_smi() if root == Path("/") else []
    named = {_architecture(name, sm) for name, sm, _ in asked}
    family = _architecture(told[-1]["name"], told[-1]["sm"]) if told else UNKNOWN
    if family == UNKNOWN and len(named) == 1:  # of several kinds of card it can't be told which one it was
        family = named.pop()
    if family == UNKNOWN:
        models = _models(root)
        family = f"nvidia {models.pop()}" if len(models) == 1 else UNKNOWN
    return family, driver if driver != UNKNOWN else next((version for _, _, version in asked), UNKNOWN)


def _architecture(name: str, sm: str) -> str:
    known = _ARCHITECTURES.get(sm) or _ARCHITECTURES.get(sm.partition(".")[0])
    return f"nvidia {known}" if known else f"nvidia {name.removeprefix('NVIDIA ').lower()}"


def _nvidia_driver(root: Path) -> str:
    match = _NVRM.search(_read(root / "proc/driver/nvidia/version"))
    return match["version"] if match else UNKNOWN


def _models(root: Path) -> set[str]:
    found = set()
    for file in sorted((root / "proc/driver/nvidia/gpus").glob("*/information"))[:64]:
        if match := re.search(r"^Model:\s*(?:NVIDIA )?(.+)$", _read(file), re.MULTILINE):
            found.add(match[1].strip().lower())
    return found


def _ask_smi() -> list[tuple[str, str, str]]:
    """Name, compute capability and driver of each card; nothing where nvidia-smi isn't here, or doesn't know."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run([program, *_SMI_QUERY], capture_output=True, text=True, timeout=_SMI_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    rows = [[word.strip() for word in line.split(",")] for line in done.stdout.splitlines()]
    return [(row[0], row[1], row[2]) for row in rows if len(row) == 3 and re.fullmatch(r"\d+\.\d+", row[1])]


def _va(log: str, device: str, root: Path) -> tuple[str, str]:
    told = _VA.search(log)
    words = told["driver"] if told else ""
    if match := _MESA.search(words):
        return _mesa_family(match["name"], match["parts"] or ""), f"Mesa {match['version']}"
    if match := _I965.search(words):
        return f"intel {match['name'].lower()}", f"i965 {match['version']}"
    if match := _IHD.search(words):  # which says nothing of the card
        return f"intel {_pci_id(device, root)}", f"iHD {match['version']}"
    return UNKNOWN, UNKNOWN


def _mesa_family(name: str, parts: str) -> str:
    """The chip among `radeonsi, navi23, LLVM 15.0.7, DRM 3.52, 6.1.0`, in whatever order; else the card's name."""
    for part in parts.split(", "):
        if re.fullmatch(r"[A-Za-z]\w+", part) and part.lower() not in ("radeonsi", "drm", "llvm"):
            return f"amd {part.lower()}"
    return name.strip().lower() or UNKNOWN


def _vulkan(log: str, device: str, root: Path) -> tuple[str, str]:
    """FFmpeg tells no version of a Vulkan driver; NVIDIA's is the host's."""
    match = _VULKAN.search(log) or _VULKAN_NEWER.search(log)
    if match is None:
        return UNKNOWN, UNKNOWN
    inner = re.search(r"\((RADV \w+)[^)]*\)", match["name"])
    name = inner[1].lower() if inner else match["name"].strip().lower()
    return name, _nvidia_driver(root) if "nvidia" in name or "nvidia" in device else UNKNOWN


def _pci_id(device: str, root: Path) -> str:
    folder = root / "sys/class/drm" / Path(device).name / "device"
    found = _read(folder / "device").strip().removeprefix("0x")
    return found if re.fullmatch(r"[0-9a-f]{4}", found) else UNKNOWN


def _plain(text: str) -> str:
    """What can stand in a golden file's key."""
    words = re.sub(r"[^\w. +-]", "", text).strip()[:_LONGEST]
    return UNKNOWN if not words or words.endswith(UNKNOWN) else words


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(1 << 16).decode("utf-8", "replace")
    except OSError:
        return ""
