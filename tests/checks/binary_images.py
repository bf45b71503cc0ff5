"""Images of small ELF files made in code, and one check on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from layer_images import write
from support.elf_writer import ElfWriter

from pytest_mediaimage.checks.context import Context
from pytest_mediaimage.checks.planning import ALL
from pytest_mediaimage.checks.registry import run_check
from pytest_mediaimage.checks.subject import Subject
from pytest_mediaimage.checks.workbench import Workbench
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.policy import Policy, load_preset
from pytest_mediaimage.result import Result

GLIBC, MUSL = b"/lib64/ld-linux-x86-64.so.2", b"/lib/ld-musl-x86_64.so.1"
LIB = "usr/lib/x86_64-linux-gnu"
AMD64, I386, ARM64 = 62, 3, 183
VERSIONS = (b"GLIBC_2.2.5", b"GLIBC_2.36")


def program(*needed: bytes, interpreter: bytes = GLIBC, **more: Any) -> bytes:
    return ElfWriter(interpreter=interpreter, needed=needed, flags_1=0x08000000, **more).write()


def library(soname: bytes, *needed: bytes, **more: Any) -> bytes:
    return ElfWriter(soname=soname, needed=needed, **more).write()


def glibc() -> list[Item]:
    """What a Debian has of it."""
    return [
        Item(f"{LIB}/ld-linux-x86-64.so.2", library(b"ld-linux-x86-64.so.2", defines=VERSIONS), mode=0o755),
        Item(f"{LIB}/libc.so.6", library(b"libc.so.6", b"ld-linux-x86-64.so.2", defines=VERSIONS)),
        Item.symlink("lib64", "usr/lib/x86_64-linux-gnu"),
        Item.symlink("lib", "usr/lib"),
        Item("var/lib/dpkg/status", b"Package: libc6\n"),
    ]


def musl() -> list[Item]:
    """What an Alpine has of it."""
    return [
        Item("lib/ld-musl-x86_64.so.1", library(b"libc.musl-x86_64.so.1"), mode=0o755),
        Item.symlink("lib/libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1"),
        Item("lib/apk/db/installed", b"P:musl\n"),
    ]


def tool(
    elf: bytes, *hardware: bytes, driver: bytes = b"", configuration: bytes = b"--enable-gpl", length: int = 70_000
) -> bytes:
    """An ELF file with the texts of a static ffmpeg."""
    texts = [b"", b"%sbuilt with %s\n", b"%s version n8.1.2", b"%sconfiguration: " + configuration + b"\n"]
    texts += [b"n8.1.2", b"libavcodec license: GPL version 2 or later", *hardware]
    if driver:
        texts += [driver, b"The minimum required Nvidia driver for nvenc is %s or newer\n"]
    return (elf + b"\0".join([*texts, b""])).ljust(length, b"\0")


def judge(
    folder: Path,
    check: str,
    items: Sequence[Item],
    *,
    platform: str = "linux/amd64",
    config: Mapping[str, Any] | None = None,
    **policy: Any,
) -> Result:
    """The result of a check on an image of one layer, by the preset but for the policy's fields given here."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"Entrypoint": ["/app/main"], **(config or {})}
    root = write(
        folder / f"image{len(list(folder.iterdir()))}", [layer(items, "COPY . /")], platform=platform, config=settings
    )
    bench = Workbench(cache=folder / "cache", runtime_name="auto", static=True, golden_folder=folder / "golden")
    subject = Subject(bench, Reference.parse(f"oci:{root}"), Platform(platform))
    preset = load_preset("default", directory=folder)
    values = {name: getattr(preset, name) for name in Policy.__dataclass_fields__}
    found = next(item for item in ALL if item.id == check)
    return run_check(found, Context(subject, Policy(**{**values, **policy})))


def told(result: Result) -> list[tuple[str, str]]:
    """Severity and message of each finding."""
    return [(str(finding.severity), finding.message) for finding in result.findings]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "images"
