"""`contents.leftovers`: what installing and building left, by cause and by bytes, and what stays for a reason."""

from __future__ import annotations

import pytest
from layer_images import MB, Judge, judge, messages
from support.elf_writer import ElfWriter

from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge"]

DEB = b"!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n"
WHEEL = b"PK\x03\x04" + bytes(22) + b"\x04\0\0\0a.py"
PYC = b"\xcb\r\r\n" + bytes(12) + b"\xe3"
CORE, RELOCATABLE = 4, 1


def run(*items: Item, created_by: str = "RUN apt-get update") -> BuiltLayer:
    return layer(items, created_by)


def elf(kind: int, length: int = 2 * MB, machine: int = 62) -> bytes:
    return ElfWriter(kind=kind, machine=machine).write().ljust(length, b"\0")


PLACES = {
    "var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_main_Packages": (
        "/var/lib/apt/lists",
        "package lists of apt",
    ),
    "var/cache/apt/pkgcache.bin": ("/var/cache/apt", "apt's cache"),
    "var/cache/apk/APKINDEX.1.tar.gz": ("/var/cache/apk", "apk's cache"),
    "var/cache/dnf/fedora.solv": ("/var/cache/dnf", "dnf's, yum's or zypper's cache"),
    "root/.cache/pip/http/a/b": ("/root/.cache/pip", "the cache of a Python installer"),
    "root/.npm/_cacache/content-v2/x": ("/root/.npm/_cacache", "the cache of npm or yarn"),
    "usr/local/cargo/registry/src/x": ("/usr/local/cargo/registry", "a build tool's cache"),
    "opt/conda/pkgs/x.conda": ("/opt/conda/pkgs", "conda's package cache"),
    "app/.git/objects/pack/pack-1.pack": ("/app/.git/objects", "the history of a repository"),
    "tmp/build.tar": ("/tmp", "temporary files"),
    "var/log/build.log": ("/var/log", "logs"),
}


@pytest.mark.parametrize("path", PLACES)
def test_places(judge: Judge, path: str) -> None:
    folder, cause = PLACES[path]
    result = judge("contents.leftovers", [run(Item(path, b"x" * 2 * MB))])
    (finding,) = result.findings
    assert (result.status, result.measured, finding.severity) == (Status.PASSED, 2 * MB, Severity.WARNING)
    assert finding.message == f"{folder}: {cause}, 2 MB in 1 file"
    assert (finding.file, finding.bytes, finding.evidence) == (folder, 2 * MB, cause)
    assert finding.created_by == "RUN apt-get update" and finding.fix


CONTENTS = {
    "opt/ffmpeg.bin": (DEB, "/opt: packages that were installed from"),
    "opt/app.rpm": (b"\xed\xab\xee\xdb\x03\x00", "/opt: packages that were installed from"),
    "wheels/app.whl": (WHEEL, "/wheels: packages that were installed from"),
    "src/x264/common/a.o": (elf(RELOCATABLE), "/src/x264: object files of a build"),
    "app/dump.1234": (elf(CORE), "/app/dump.1234: a memory dump of a crashed process"),
    "app/__pycache__/gone.cpython-311.pyc": (PYC, "/app/__pycache__: bytecode without its source"),
}


@pytest.mark.parametrize("path", CONTENTS)
def test_told_by_content(judge: Judge, path: str) -> None:
    data, words = CONTENTS[path]
    result = judge("contents.leftovers", [run(Item(path, data.ljust(2 * MB, b"\0")))], severity={})
    assert result.status is Status.FAILED
    assert messages(result).startswith(words)


def test_causes_biggest_first_and_files_counted(judge: Judge) -> None:
    items = [Item(f"var/lib/apt/lists/{n}", b"x" * MB) for n in range(3)] + [Item("tmp/a", b"x" * 2 * MB)]
    result = judge("contents.leftovers", [run(*items)])
    assert result.measured == 5 * MB
    assert messages(result).splitlines() == [
        "/var/lib/apt/lists: package lists of apt, 3 MB in 3 files",
        "/tmp: temporary files, 2 MB in 1 file",
    ]


def test_little_is_a_note_and_next_to_nothing_isnt_said(judge: Judge) -> None:
    result = judge("contents.leftovers", [run(Item("tmp/a", b"x" * 200_000), Item("root/.cache/pip/b", b"x" * 99))])
    (finding,) = result.findings
    assert (finding.severity, finding.file, result.measured) == (Severity.NOTE, "/tmp", 200_099)


def test_documentation_is_a_note_and_isnt_measured(judge: Judge) -> None:
    result = judge("contents.leftovers", [run(Item("usr/share/man/man1/ffmpeg.1", b"x" * 11 * MB))], severity={})
    assert [finding.severity for finding in result.findings] == [Severity.NOTE]
    assert (result.status, result.measured) == (Status.PASSED, 0)


def test_a_cache_deleted_too_late_still_travels_but_isnt_counted_twice(judge: Judge) -> None:
    clean = layer([Item("var/lib/apt/.wh.lists")], "RUN rm -rf /var/lib/apt/lists")
    result = judge("contents.leftovers", [run(Item("var/lib/apt/lists/a", b"x" * 2 * MB)), clean])
    (finding,) = result.findings
    assert (result.measured, finding.severity) == (0, Severity.NOTE)
    assert "2 MB of leftovers are removed in a later layer but still pulled" in finding.message
    assert finding.created_by == "RUN apt-get update"


def test_droppings(judge: Judge) -> None:
    items = [Item("app/.DS_Store", b"\0\0\0\1Bud1" + bytes(6000)), Item("app/.main.py.swp", b"b0VIM 9.0" + bytes(4000))]
    (finding,) = judge("contents.leftovers", [run(*items)]).findings
    assert finding.severity is Severity.NOTE and "files of editors and of macOS" in finding.message


def test_what_stays_for_a_reason_passes(judge: Judge) -> None:
    items = [
        Item("usr/local/lib/python3.12/ensurepip/_bundled/pip-24.whl", WHEEL.ljust(2 * MB, b"\0")),
        Item("usr/share/python-wheels/pip.whl", WHEEL.ljust(2 * MB, b"\0")),
        Item("var/lib/dpkg/status", b"x" * 2 * MB),
        Item("var/cache/debconf/templates.dat", b"x" * 2 * MB),
        Item("var/cache/fontconfig/a.cache-7", b"x" * 2 * MB),
        Item("app/.gitignore", b"x\n"),
        Item("app/.github/workflows/x.yml", b"x\n"),
        Item("app/module/.git", b"gitdir: ../.git/modules/module\n"),
        Item("app/pkgs/data.bin", b"x" * 2 * MB),
        Item("app/cargo/manifest.bin", b"x" * 2 * MB),
        Item("root/.cache/ms-playwright/chromium/chrome", b"x" * 2 * MB),
        Item("usr/lib/x86_64-linux-gnu/crt1.o", elf(RELOCATABLE)),
        Item("app/filter.bpf.o", elf(RELOCATABLE, machine=247)),
        Item("app/kernel.o", elf(RELOCATABLE, machine=190)),
        Item("app/main.o", b"an object by name\n" * 200_000),
        Item("app/core", b"a folder's core file\n" * 200_000),
        Item("app/x.py", b"x = 1\n"),
        Item("app/__pycache__/x.cpython-312.pyc", PYC.ljust(2 * MB, b"\0")),
        Item("app/legacy.pyc", PYC.ljust(2 * MB, b"\0")),
        Item("usr/share/fonts/.DS_Store", b"\0\0\0\1Bud1" + bytes(6000)),
        Item("app/temp/tmp/x", b"x" * 2 * MB),
    ]
    result = judge("contents.leftovers", [run(*items)])
    assert (result.status, result.measured, result.findings) == (Status.PASSED, 0, [])


def test_bytecode_whose_source_lies_behind_a_link_has_one(judge: Judge) -> None:
    """Debian's /lib is a link to /usr/lib, and layers may name either."""
    items = [Item("usr/lib/a/x.py", b"x = 1\n"), Item.symlink("lib", "usr/lib")]
    compiled = run(Item("lib/a/__pycache__/x.cpython-312.pyc", PYC.ljust(2 * MB, b"\0")))
    assert judge("contents.leftovers", [run(*items), compiled]).findings == []


def test_a_cache_whose_files_are_in_use_isnt_one(judge: Judge) -> None:
    """conda and uv link what they install to their caches: removing those frees nothing."""
    items = [
        Item("opt/conda/pkgs/ffmpeg/bin/ffmpeg", b"x" * 2 * MB),
        Item.hardlink("opt/conda/bin/ffmpeg", "opt/conda/pkgs/ffmpeg/bin/ffmpeg"),
    ]
    assert judge("contents.leftovers", [run(*items)]).findings == []


def test_what_the_policy_allows_passes(judge: Judge) -> None:
    layers = [run(Item("tmp/seed.db", b"x" * 2 * MB), Item("opt/debs/a.deb", DEB.ljust(2 * MB, b"\0")))]
    assert judge("contents.leftovers", layers, contents_allow=("/tmp/*", "/opt/debs/*")).findings == []
