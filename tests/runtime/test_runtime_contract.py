"""What every runtime does alike."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tiny_images import Directory, File, Link, TinyImage, shell_image

from pytest_mediaimage.errors import CommandTimeout, UsageError
from pytest_mediaimage.runtime import hostfile
from pytest_mediaimage.runtime.base import Container, Runtime
from pytest_mediaimage.runtime.elf import init_program

PASSWD = "root:x:0:0:root:/root:/bin/sh\nencoder:x:10001:10002::/home/encoder:/bin/sh\n"
GROUP = "root:x:0:\nvideo:x:44:encoder\n"
USERS = {"etc/passwd": File(PASSWD.encode()), "etc/group": File(GROUP.encode())}


def sh(container: Container, script: str, **options: object) -> str:
    result = container.run(["sh", "-c", script], **options)  # type: ignore[arg-type]
    assert result.exit_code == 0, result
    return result.stdout


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["sh", "-c", "exit 0"], 0),
        (["sh", "-c", "exit 3"], 3),
        (["sh", "-c", "kill -9 $$"], 137),
        (["sh", "-c", "kill -15 $$"], 143),
        (["nonesuch"], 127),
        (["/nonesuch"], 127),
        (["/bin/orphan"], 127),
        (["/bin/plain"], 126),
        (["/bin/garbage"], 126),
        (["/etc"], 126),
    ],
)
def test_exit_codes(start, argv, code):
    more = {
        "bin/orphan": File(b"#!/no/such/interpreter\n", 0o755),
        "bin/plain": File(b"#!/bin/sh\n"),
        "bin/garbage": File(b"neither ELF nor script\n", 0o755),
    }
    result = start(shell_image(more)).run(argv)
    assert result.exit_code == code
    assert result.argv == tuple(argv)
    assert result.stdout == ""
    assert ("exec" in result.stderr) == (code in (126, 127))


def test_streams_apart_and_utf8(start):
    result = start(shell_image()).run(["sh", "-c", "printf 'out \\303\\251 \\377'; printf err >&2"])
    assert (result.stdout, result.stderr) == ("out é \ufffd", "err")
    assert 0 < result.duration < 30


def test_output_is_bounded(start):
    container = start(shell_image())
    result = container.run(["sh", "-c", "head -c 20000000 /dev/zero; head -c 17000000 /dev/zero >&2"])
    assert result.exit_code == 0
    for text, total in ((result.stdout, 20_000_000), (result.stderr, 17_000_000)):
        assert text.count("\0") == 16 << 20
        assert text.endswith(f"\n[{total - (16 << 20)} bytes more were dropped]\n")


def test_environment_is_the_images_own(start, monkeypatch):
    monkeypatch.setenv("HOST_SECRET", "leaked")
    env = {"A": "from image", "LD_LIBRARY_PATH": "/opt/lib", "LD_PRELOAD": "/opt/none.so", "EMPTY": ""}
    container = start(shell_image(env=env))
    lines = container.run(["env"], env={"B": "given", "A": "given"}).stdout.splitlines()
    seen = dict(line.split("=", 1) for line in lines)
    assert seen.pop("HOSTNAME") == sh(container, "cat /proc/sys/kernel/hostname").strip()
    assert seen == {
        **env,
        "A": "given",
        "B": "given",
        "HOME": "/",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }


@pytest.mark.parametrize(
    ("user", "uid", "gid", "home"),
    [
        ("", 0, 0, "/root"),
        ("encoder", 10001, 10002, "/home/encoder"),
        ("10001", 10001, 10002, "/home/encoder"),
        ("encoder:video", 10001, 44, "/home/encoder"),
        ("20000", 20000, 0, "/"),
        ("20000:30000", 20000, 30000, "/"),
    ],
)
def test_user(start, user, uid, gid, home):
    container = start(shell_image({**USERS, "home": Directory(), "root": Directory(0o700)}, user=user))
    assert sh(container, "id -u; id -g; echo $HOME").split() == [str(uid), str(gid), home]
    assert sh(container, "echo > /tmp/mine && stat -c '%u %g' /tmp/mine").split() == [str(uid), str(gid)]


@pytest.mark.parametrize("user", ["ghost", "encoder:ghosts"])
def test_unknown_user(start, user):
    with pytest.raises(UsageError, match=r"ghost.*isn't in its /etc/(passwd|group)"):
        start(shell_image(USERS, user=user))


def test_working_directory(start):
    container = start(shell_image({"app": Directory(), "srv": Directory()}, working_dir="/app/not there"))
    assert sh(container, "pwd") == "/app/not there\n"
    assert sh(container, "pwd", working_dir="/srv") == "/srv\n"
    missing = container.run(["sh", "-c", "pwd"], working_dir="/nope")
    assert missing.exit_code == 126
    assert "/nope" in missing.stderr


def test_working_directory_that_is_none(start):
    with pytest.raises(UsageError, match=r"/etc/file isn't one.*WORKDIR"):
        start(shell_image({"etc/file": File()}, working_dir="/etc/file"))


def test_timeout_kills_what_hides(start):
    container = start(shell_image())
    script = "echo begun >&2; setsid sleep 1001 & (sleep 1002 &) ; (setsid sh -c 'sleep 1003 &' &); sleep 1004"
    began = time.monotonic()
    with pytest.raises(CommandTimeout, match=r"did not end within 1 s.*begun"):
        container.run(["sh", "-c", script], timeout=1)
    assert time.monotonic() - began < 15
    left = sh(container, "cat /proc/[0-9]*/cmdline 2>/dev/null | head -c 10000; :")
    assert "sleep" not in left.replace(script, "")
    assert sh(container, "echo usable") == "usable\n"


def test_timeout_keeps_files(start):
    container = start(shell_image())
    with pytest.raises(CommandTimeout):
        container.run(["sh", "-c", "echo kept > /tmp/kept; sleep 1000"], timeout=0.7)
    assert sh(container, "cat /tmp/kept") == "kept\n"


def test_kill_of_all_spares_the_container(start):
    container = start(shell_image())
    container.run(["sh", "-c", "kill -9 -1"])
    assert sh(container, "echo alive") == "alive\n"


def test_a_daemon_that_keeps_the_pipe(start):
    began = time.monotonic()
    result = start(shell_image()).run(["sh", "-c", "sleep 60 & echo done"], timeout=30)
    assert (result.exit_code, result.stdout) == (0, "done\n")
    assert time.monotonic() - began < 10


def test_no_network(start):
    routes = sh(start(shell_image()), "cat /proc/net/route; cat /proc/net/dev")
    devices = [line.split(":")[0].strip() for line in routes.splitlines() if ":" in line]
    assert set(devices) == {"lo"}


def test_copy_in_and_out(start, tmp_path):
    container = start(shell_image(user="10001"))
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3_000_001))
    source.chmod(0o750)
    container.copy_in(source, "/new/dir/file")
    assert sh(container, "stat -c %a /new/dir/file; head -c 1 /new/dir/file >/dev/null && echo > /new/dir/beside")
    assert sh(container, "stat -c %a /new/dir/file").strip() == "750"
    container.copy_out("/new/dir/file", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    source.write_text("second")
    container.copy_in(source, "/new/dir/file")
    assert sh(container, "cat /new/dir/file") == "second"


def test_copy_in_private_file(start, tmp_path):
    source = tmp_path / "source"
    source.write_text("private")
    source.chmod(0o600)
    container = start(shell_image(user="10001"))
    container.copy_in(source, "/in/file")
    assert sh(container, "cat /in/file") == "private"


def test_copy_out_of_what_a_command_wrote(start, tmp_path):
    container = start(shell_image(user="10001"))
    sh(container, "mkdir /tmp/d && echo result > /tmp/d/out")
    container.copy_out("/tmp/d/out", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "result\n"


def test_copy_out_ends_where_a_file_is_too_large(start, tmp_path, monkeypatch):
    monkeypatch.setattr(hostfile, "LARGEST", 1_000_000)
    container = start(shell_image())
    sh(container, "head -c 1000000 /dev/zero > /tmp/fits; head -c 1000001 /dev/zero > /tmp/large")
    container.copy_out("/tmp/fits", tmp_path / "fits")
    with pytest.raises(OSError, match="more than 1000000 bytes"):
        container.copy_out("/tmp/large", tmp_path / "large")
    assert not list(tmp_path.glob("*large*"))


def test_copy_out_errors(start, tmp_path):
    container = start(shell_image({"loop": Link("loop"), "lost": Link("/nowhere")}))
    sh(container, "mkfifo /tmp/pipe")
    for path, error in (
        ("/nope", FileNotFoundError),
        ("/lost", FileNotFoundError),
        ("/etc", IsADirectoryError),
        ("/loop", OSError),
        ("/tmp/pipe", OSError),
        ("/bin/sh/x", OSError),
    ):
        with pytest.raises(error):
            container.copy_out(path, tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []


def test_hostile_links_stay_inside(start, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("the host's")
    inside = {
        "etc/passwd": File(b"the image's"),
        "absolute": Link("/etc/passwd"),
        "upwards": Link("../../../../../../../../etc/passwd"),
        "folder": Link("/etc"),
        "escape": Link(str(outside)),
        "up": Link(f"../../../../../..{tmp_path}"),
    }
    container = start(shell_image(inside))
    for path in ("/absolute", "/upwards", "/folder/passwd", "/folder/../etc/passwd", "/../../etc/passwd"):
        container.copy_out(path, tmp_path / "out")
        assert (tmp_path / "out").read_text() == "the image's"
    with pytest.raises(FileNotFoundError):
        container.copy_out("/escape", tmp_path / "out")
    source = tmp_path / "source"
    source.write_text("replaced")
    for target in ("/escape", "/up/planted", "/absolute"):
        container.copy_in(source, target)
    assert outside.read_text() == "the host's"
    assert not (tmp_path / "planted").exists()
    assert sh(container, "cat /etc/passwd") == "replaced"


def test_image_without_shell(start, tmp_path):
    image = TinyImage({"app": File(init_program(os.uname().machine), 0o755)})
    container = start(image)
    assert container.run(["/app", "n"]).exit_code == 0
    with pytest.raises(CommandTimeout):
        container.run(["/app"], timeout=0.5)
    container.copy_out("/app", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == init_program(os.uname().machine)


def test_containers_are_apart(start):
    first, second = start(shell_image()), start(shell_image())
    sh(first, "echo first > /tmp/file; echo changed > /etc/changed")
    assert second.run(["cat", "/tmp/file"]).exit_code != 0
    assert second.run(["cat", "/etc/changed"]).exit_code != 0


def test_devices_and_shared_memory(start):
    container = start(shell_image(user="10001"))
    assert sh(container, "echo x > /dev/null; head -c 2 /dev/zero; head -c 2 /dev/urandom > /dev/shm/r") == "\0\0"
    assert sh(container, "echo y > /dev/stdout; echo z > /dev/fd/1") == "y\nz\n"
    assert sh(container, "echo sums > /tmp/f; cat < /tmp/f") == "sums\n"


def test_kernel_settings_are_read_only(start):
    result = start(shell_image()).run(["sh", "-c", "echo evil > /proc/sys/kernel/core_pattern"])
    assert result.exit_code != 0


def test_close_twice_and_use_after(start, tmp_path):
    container = start(shell_image())
    container.close()
    container.close()
    with pytest.raises(ValueError, match="closed"):
        container.run(["sh"])
    with pytest.raises(ValueError, match="closed"):
        container.copy_out("/bin/sh", tmp_path / "out")


def test_close_with_a_busy_container(start):
    container = start(shell_image())
    sh(container, "setsid sleep 1005 >/dev/null 2>&1 &")
    container.close()
    running = [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x001005" in _read(path)]
    assert running == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("platform", ["linux/mips64le", "windows/amd64"])
def test_foreign_platform(start, platform):
    with pytest.raises(UsageError, match=platform) as caught:
        start(TinyImage({}, platform=platform))
    assert caught.value.remedy


def test_capabilities(runtime: Runtime):
    capabilities = runtime.capabilities()
    assert set(capabilities) == {"exec", "overlay-on-disk", "network-isolation", "ownership", "memory-limit"}
    assert capabilities["exec"].available
    assert capabilities["network-isolation"].available
    assert all(capability.available or capability.reason for capability in capabilities.values())
    assert runtime.version
    sandbox = runtime.name == "sandbox"
    assert capabilities["ownership"].available != sandbox
    assert capabilities["memory-limit"].available or sandbox
