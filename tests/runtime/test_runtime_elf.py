"""The `init` program: its bytes are its source's, and it does what its source says."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from pytest_mediaimage.errors import EnvironmentFault
from pytest_mediaimage.runtime import elf

HERE = os.uname().machine


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_bytes_are_the_sources(machine, tmp_path):
    prefix = "" if machine == HERE else f"{machine}-linux-gnu-"
    tools = [f"{prefix}as", f"{prefix}objcopy"]
    if not all(map(shutil.which, tools)):
        pytest.skip(f"no {' or '.join(tools)}")
    source = Path(elf.__file__).with_name(f"{machine}.s")
    subprocess.run([tools[0], "-o", tmp_path / "o", source], check=True)
    subprocess.run([tools[1], "-O", "binary", "-j", ".text", tmp_path / "o", tmp_path / "bin"], check=True)
    assert elf.init_program(machine)[120:] == (tmp_path / "bin").read_bytes()


@pytest.fixture(params=["x86_64", "aarch64"])
def init(request, tmp_path) -> list[str]:
    program = tmp_path / "init"
    program.write_bytes(elf.init_program(request.param))
    program.chmod(0o755)
    if request.param == HERE:
        return [str(program)]
    emulator = shutil.which(f"qemu-{request.param}") or shutil.which(f"qemu-{request.param}-static")
    if not emulator:
        pytest.skip(f"no qemu for {request.param}")
    return [emulator, str(program)]


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, env={"SECRET": "x"}, timeout=20, check=False)


def test_launch(init):
    env = shutil.which("env")
    assert run(*init, env, "/tmp", "A=b", "C= d", "", "env").stdout == "A=b\nC= d\n"
    assert run(*init, env, "/", "", "env").stdout == ""
    assert (
        run(*init, shutil.which("sh"), "/usr", "", "sh", "-c", 'pwd; echo "$0,$1"', "", "x y").stdout == "/usr\n,x y\n"
    )


def test_launch_failures(init, tmp_path):
    for program, folder, code in (("/nope", "/", 127), ("/etc/passwd", "/", 126), ("/bin/sh", "/nope", 126)):
        result = run(*init, program, folder, "", "x")
        assert (result.returncode, result.stdout) == (code, "")
        assert result.stderr.startswith("exec: ")


def test_launch_drops_privileges(init):
    if len(init) > 1:
        pytest.skip("qemu answers some of these itself")
    result = run(*init, shutil.which("cat"), "/", "", "cat", "/proc/self/status").stdout
    assert "NoNewPrivs:\t1" in result
    if os.geteuid() == 0:
        assert "CapBnd:\t00000000a80425fb" in result


def test_wait_ends_with_its_socket(init):
    ours, theirs = socket.socketpair()
    with ours, subprocess.Popen([*init, "w"], stdin=theirs.fileno()) as process:
        theirs.close()
        assert ours.recv(1) == b"w"
        ours.sendall(b"any")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        ours.close()
        assert process.wait(10) == 0


def test_sleeps_for_ever(init):
    with subprocess.Popen(init) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.kill()


def test_probes(init):
    assert run(*init, "m").returncode == 0
    has_route = len(Path("/proc/net/route").read_text().splitlines()) > 1
    assert run(*init, "n").returncode == (1 if has_route else 0)


def test_unknown_machine():
    with pytest.raises(EnvironmentFault, match=r"s390x.*--media-static"):
        elf.init_program("s390x")
