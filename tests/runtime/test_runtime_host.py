"""A testinfra host on images with and without a shell."""

from __future__ import annotations

import os

import pytest
from tiny_images import Directory, File, TinyImage, shell_image

from pytest_mediaimage.result import Skip
from pytest_mediaimage.runtime import host
from pytest_mediaimage.runtime.elf import init_program

PASSWD = File(b"root:x:0:0:root:/root:/bin/sh\nencoder:x:10001:10001::/home/encoder:/bin/sh\n")


def bare_image(user: str) -> TinyImage:
    program = File(init_program(os.uname().machine), 0o755)
    tree = {"app": program, "etc": Directory(), "etc/passwd": PASSWD}
    return TinyImage(tree, type(shell_image().config)(user=user))


@pytest.mark.parametrize("user", ["root", "encoder"])
@pytest.mark.parametrize("shell", [True, False])
def test_host(start, user, shell):
    image = shell_image({"etc/passwd": PASSWD}, user=user) if shell else bare_image(user)
    if not shell and host.static_busybox() is None:
        pytest.skip("no static busybox on this machine")
    machine = host.testinfra_host(start(image))
    assert machine.file("/etc/passwd").exists
    assert not machine.file("/nope").exists
    assert machine.file("/etc").is_directory
    assert machine.file("/etc/passwd").content_string == PASSWD.content.decode()
    assert machine.file("/etc/passwd").mode == 0o644
    result = machine.run("echo %s; echo é >&2; exit 3", "a b'c")
    assert (result.rc, result.stdout, result.stderr) == (3, "a b'c\n", "é\n")
    assert machine.user().name == user
    assert machine.exists("sh") or machine.exists("cat")
    assert not machine.exists("nonesuch")


def test_programs_of_a_bare_image(start):
    if host.static_busybox() is None:
        pytest.skip("no static busybox on this machine")
    program = File(init_program(os.uname().machine), 0o755)
    image = TinyImage({**bare_image("").tree, "bin": Directory(), "bin/encode": program})
    machine = host.testinfra_host(start(image))
    assert machine.find_command("encode") == "/bin/encode"
    assert machine.run("encode n").rc == 0
    assert machine.run("cat /etc/passwd").stdout == PASSWD.content.decode()


def test_without_busybox_it_skips(start, monkeypatch, tmp_path):
    container = start(bare_image(""))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Skip, match="install busybox-static"):
        host.testinfra_host(container)


def test_a_dynamic_busybox_does_not_count(monkeypatch, tmp_path):
    import shutil

    dynamic = shutil.which("env")
    assert dynamic
    shutil.copy(dynamic, tmp_path / "busybox")
    (tmp_path / "busybox.static").write_text("#!/bin/sh\n")
    (tmp_path / "busybox.static").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host.static_busybox() is None
    (tmp_path / "busybox-static").write_bytes(init_program(os.uname().machine))
    (tmp_path / "busybox-static").chmod(0o755)
    assert host.static_busybox() == tmp_path / "busybox-static"


def test_a_busybox_that_does_not_run(start, monkeypatch, tmp_path):
    container = start(bare_image(""))
    foreign = {"x86_64": "aarch64", "aarch64": "x86_64"}[os.uname().machine]
    (tmp_path / "busybox").write_bytes(init_program(foreign))
    (tmp_path / "busybox").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Skip, match="doesn't run in its container"):
        host.testinfra_host(container)
