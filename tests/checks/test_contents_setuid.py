"""`contents.setuid`: what base distributions ship is accepted, the rest warns, and what gives root away fails."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from config_images import Judge, findings, judge

from pytest_mediaimage.checks.contents.capabilities import file_capabilities
from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.result import Status

__all__ = ["judge"]

NET_RAW = bytes.fromhex("0100000200200000000000000000000000000000")


def program(path: str, mode: int = 0o4755, **owner: int) -> Item:
    return Item(path, b"\x7fELF program", mode=mode, **owner)


def with_capability(path: str, value: bytes = NET_RAW) -> BuiltLayer:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo(path)
        info.mode, info.size = 0o755, 1
        info.pax_headers = {"SCHILY.xattr.security.capability": value.decode("utf-8", "surrogateescape")}
        archive.addfile(info, io.BytesIO(b"x"))
    return layer(out.getvalue(), "RUN setcap")


DISTRIBUTIONS = {
    "Debian 12": [
        program("usr/bin/su"), program("usr/bin/mount"), program("usr/bin/umount"), program("usr/bin/passwd"),
        program("usr/bin/chsh"), program("usr/bin/chfn"), program("usr/bin/gpasswd"), program("usr/bin/newgrp"),
        program("usr/bin/chage", 0o2755, gid=42), program("usr/bin/expiry", 0o2755, gid=42),
        program("usr/sbin/unix_chkpwd", 0o2755, gid=42),
    ],
    "directories apart": [program("bin/su"), program("bin/mount"), program("sbin/unix_chkpwd", 0o2755, gid=42)],
    "with git": [program("usr/bin/ssh-agent", 0o2755, gid=101), program("usr/lib/openssh/ssh-keysign")],
    "Fedora": [
        program("usr/sbin/pam_timestamp_check"), program("usr/sbin/grub2-set-bootflag"),
        program("usr/libexec/utempter/utempter", 0o2711, gid=22), program("usr/bin/unix_chkpwd"),
    ],
    "Debian's libutempter": [program("usr/lib/x86_64-linux-gnu/utempter/utempter", 0o2755, gid=43)],
}  # fmt: skip


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_what_distributions_ship_is_accepted(judge: Judge, name: str) -> None:
    result = judge("contents.setuid", DISTRIBUTIONS[name])
    assert findings(result) == [] and result.measured == 0


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (program("usr/bin/sudo"), "/usr/bin/sudo runs as root whoever starts it (mode 4755)"),
        (program("opt/encode", 0o6755, uid=7, gid=8), "/opt/encode runs as user 7 and group 8 whoever starts it"),
        (program("usr/bin/su", uid=1000), "/usr/bin/su runs as user 1000"),
        (program("app/bin/passwd"), "/app/bin/passwd runs as root"),
        (Item("usr/bin/bash", b"#!/bin/sh\n", mode=0o4755), "Linux passes over that for scripts"),
    ],
)
def test_others_warn(judge: Judge, item: Item, words: str) -> None:
    result = judge("contents.setuid", [item])
    ((severity, message),) = findings(result)
    assert severity == "warning" and words in message and result.status is Status.PASSED
    assert result.findings[0].created_by == "COPY rootfs /"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (program("bin/bash"), "runs any command that it is given"),
        (program("usr/bin/python3.11"), "runs any command that it is given"),
        (program("opt/find", 0o2755), "runs any command that it is given"),
        (program("usr/bin/su", 0o4777), "everybody may write to it"),
        (program("opt/tool", 0o4757), "everybody may write to it"),
    ],
)
def test_what_gives_root_away_fails(judge: Judge, item: Item, words: str) -> None:
    ((severity, message),) = findings(judge("contents.setuid", [item]))
    assert severity == "error" and words in message


def test_what_only_looks_like_it(judge: Judge) -> None:
    """Directories, links, files that can't be executed, and a BusyBox, which drops the rights itself."""
    items = [
        Item.directory("var/mail", 0o2775),
        Item.directory("tmp", 0o1777),
        Item("var/log/x", b"x", mode=0o2640, gid=4),
        Item("usr/bin/plain", b"x", mode=0o755),
    ]
    assert findings(judge("contents.setuid", items)) == []
    assert findings(judge("contents.setuid", [program("bin/busybox")]))[0][0] == "warning"


def test_the_last_mode_counts(judge: Judge) -> None:
    layers = [
        layer([program("usr/bin/sudo"), program("usr/bin/gone"), program("usr/bin/at")], "RUN apt-get install sudo"),
        layer([program("usr/bin/sudo", 0o755), Item("usr/bin/.wh.gone")], "RUN chmod a-s /usr/bin/sudo; rm gone"),
    ]
    result = judge("contents.setuid", layers)
    assert [finding.file for finding in result.findings] == ["/usr/bin/at"]


def test_a_file_behind_a_linked_directory_is_said_once(judge: Judge) -> None:
    layers = [
        layer([Item.directory("usr/bin"), Item.symlink("bin", "usr/bin")]),
        layer([program("bin/sudo")]),
    ]
    assert [finding.file for finding in judge("contents.setuid", layers).findings] == ["/usr/bin/sudo"]


def test_capabilities_of_files(judge: Judge) -> None:
    ((severity, message),) = findings(judge("contents.setuid", [with_capability("app/capture")]))
    assert (severity, message) == ("warning", "/app/capture has the capabilities cap_net_raw")
    for known in ("usr/bin/ping", "bin/ping"):
        assert findings(judge("contents.setuid", [with_capability(known)])) == []
    replaced = [with_capability("app/capture"), layer([program("app/capture", 0o755)])]
    assert findings(judge("contents.setuid", replaced)) == []


def test_capabilities_that_setcap_wrote(tmp_path: Path) -> None:
    setcap = shutil.which("setcap", path="/usr/sbin:/sbin:/usr/bin")
    if setcap is None:
        pytest.skip("needs setcap")
    file = tmp_path / "program"
    file.write_bytes(b"x")
    if subprocess.run([setcap, "cap_sys_nice,cap_checkpoint_restore+ep", file], capture_output=True).returncode:
        pytest.skip("capabilities can't be set here")
    value = os.getxattr(file, "security.capability").hex()
    assert file_capabilities(value) == "the capabilities cap_sys_nice, cap_checkpoint_restore"


@pytest.mark.parametrize("value", ["", "zz", "0100"])
def test_capabilities_that_are_none(value: str) -> None:
    assert file_capabilities(value) == "file capabilities that can't be read"
