"""Counters of a device: by files as the kernel's documentation shows them, and by real processes; no GPU is here."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_mediaimage.media.hardware import counters, smi
from pytest_mediaimage.media.hardware.counters import GpuUse, counting
from pytest_mediaimage.media.hardware.fdinfo import Descriptors

NODE = "/dev/dri/renderD128"
MARK = "/.pytest-mediaimage/0badcafe"
# proc_pid_fdinfo(5), and Documentation/gpu of the kernel: i915, amdgpu and xe.
I915 = """pos: 0
flags: 02100002
drm-driver: i915
drm-client-id: {client}
drm-pdev: 0000:00:02.0
drm-total-system0: 6044 KiB
drm-engine-render: 346249 ns
drm-engine-copy: 0 ns
drm-engine-video: {video} ns
drm-engine-capacity-video: 2
drm-engine-video-enhance: 0 ns
"""
AMDGPU = "drm-driver:\tamdgpu\ndrm-client-id:\t{client}\ndrm-engine-gfx:\t0 ns\ndrm-engine-enc:\t{video} ns\n"
XE = """drm-driver: xe
drm-client-id: {client}
drm-cycles-vcs: {video}
drm-total-cycles-vcs: {total}
drm-engine-capacity-vcs: 2
"""


class Proc:
    """A /proc made for the test."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def process(self, pid: int, command: str, *, children: str = "") -> None:
        folder = self.root / str(pid)
        for name in ("fd", "fdinfo", f"task/{pid}"):
            (folder / name).mkdir(parents=True)
        (folder / "cmdline").write_bytes(command.replace(" ", "\0").encode())
        (folder / "task" / str(pid) / "children").write_text(children)

    def opens(self, pid: int, number: int, target: str, info: str) -> None:
        link = self.root / str(pid) / "fd" / str(number)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        (self.root / str(pid) / "fdinfo" / str(number)).write_text(info)


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


@pytest.mark.parametrize(("text", "engine"), [(I915, "video"), (AMDGPU, "enc")])
def test_nanoseconds_of_clients_are_added_but_not_twice(proc: Proc, text: str, engine: str) -> None:
    proc.process(7, f"ffmpeg -i {MARK}/input.mp4")
    proc.process(8, "ffmpeg -i /other/input.mp4")
    proc.opens(7, 3, NODE, text.format(client=1, video=400_000_000))
    proc.opens(7, 4, NODE, text.format(client=1, video=400_000_000))
    proc.opens(7, 5, NODE, text.format(client=2, video=100_000_000))
    proc.opens(7, 6, "/dev/null", text.format(client=3, video=5 * 10**9))
    proc.opens(8, 3, NODE, text.format(client=4, video=9 * 10**9))
    found = Descriptors(MARK, NODE, proc.root)
    found.look()
    assert found.opened and found.seconds[engine] == pytest.approx(0.5)
    assert "capacity-video" not in found.seconds


def test_a_counter_that_lags_behind_itself_is_not_taken_back(proc: Proc) -> None:
    proc.process(7, f"ffmpeg {MARK}")
    found = Descriptors(MARK, NODE, proc.root)
    for video in (100_000_000, 300_000_000, 200_000_000):
        proc.opens(7, 3, NODE, I915.format(client=1, video=video))
        found.look()
    assert found.seconds["video"] == pytest.approx(0.3)


def test_cycles_are_told_as_a_share(proc: Proc) -> None:
    proc.process(7, f"ffmpeg {MARK}")
    found = Descriptors(MARK, NODE, proc.root)
    for video, total in ((50_000, 7_000_000), (300_000, 8_000_000)):
        proc.opens(7, 3, NODE, XE.format(client=1, video=video, total=total))
        found.look()
    assert found.shares == {"vcs": pytest.approx(0.25)} and found.seconds == {}


def test_what_a_wrapper_started_counts_for_it(proc: Proc) -> None:
    proc.process(7, f"sh /usr/bin/ffmpeg {MARK}/output.mp4", children="9 ")
    proc.process(9, "ffmpeg -i pipe:0")
    proc.opens(9, 3, NODE, I915.format(client=1, video=200_000_000))
    found = Descriptors(MARK, NODE, proc.root)
    found.look()
    assert found.opened and found.seconds["video"] == pytest.approx(0.2)


def test_a_process_whose_command_comes_later_is_found_and_others_are_left_alone(proc: Proc) -> None:
    proc.process(7, "runc init")
    proc.process(8, "sshd")
    found = Descriptors(MARK, NODE, proc.root)
    found.look()
    (proc.root / "7" / "cmdline").write_text(f"ffmpeg\0{MARK}")
    found.look()
    assert found.looks == 1
    for _ in range(4):
        found.look()
    (proc.root / "8" / "cmdline").unlink()  # or it would be read
    (proc.root / "8" / "cmdline").mkdir()
    found.look()
    assert found.looks == 6


def run(code: str, device: str, backend: str = "vaapi") -> GpuUse:
    with counting(MARK, backend, device) as use:
        subprocess.run([sys.executable, "-c", code, MARK], check=True, timeout=30)
    return use


def test_a_real_process_that_holds_the_device_open() -> None:
    use = run("import time; held = open('/dev/zero'); time.sleep(0.6)", "/dev/zero")
    assert (use.opened, use.contradicts) == (True, False)
    assert str(use) == "GPU: not readable (the driver tells no times of its engines)"


def test_a_real_process_that_never_opens_it() -> None:
    use = run("import time; time.sleep(1.5)", NODE)
    assert use.opened is False and use.contradicts
    assert str(use) == "GPU: not readable (the command has no device open)"


def test_one_that_is_gone_too_soon_proves_nothing() -> None:
    use = run("pass", NODE)
    assert not use.contradicts


def test_a_device_of_a_path_s_own_command_elsewhere_isn_t_guessed() -> None:
    with counting("/.pytest-mediaimage/nowhere", "vaapi", NODE) as use:
        time.sleep(0.3)
    assert use.opened is None and "wasn't seen among this machine's processes" in str(use)


def test_what_may_not_be_seen_is_said(proc: Proc, monkeypatch: pytest.MonkeyPatch) -> None:
    proc.process(7, f"ffmpeg {MARK}")
    found = Descriptors(MARK, NODE, proc.root)

    def refuse(path: Path) -> None:
        raise PermissionError(path)

    real = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: refuse(path) if path.name == "fd" else real(path))
    found.look()
    assert found.denied and found.looks == 0
    assert counters._why_not(found) == "this user may not see what the command has open; run as root"


# nvidia-smi's csv with noheader,nounits, one line a card each time; the counts of a card that can't tell are [N/A].
SMI = """#!/bin/sh
case "$*" in *--loop-ms=*) ;; *) exit 1;; esac
echo '0, 3, 0, 0, 1'; echo '1, 0, [N/A], [N/A], [N/A]'; echo '2, 0, 0, 0, 5'
sleep 0.1
echo '0, 12, 34, 5, 2'; echo '1, [N/A], [N/A], [N/A], 0'; echo '2, 0, 0, 0, 4'
exec sleep 60
"""


def put_smi(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "nvidia-smi"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_nvidia_s_cards_are_asked_once_and_go_on_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_smi(tmp_path, SMI, monkeypatch)
    use = run("import time; time.sleep(0.5)", "/dev/nvidia0", "cuda")
    assert (use.percent, use.sessions) == ({"gpu": 12, "encoder": 34, "decoder": 5}, 1)
    assert str(use) == "GPU: decoder 5 %, encoder 34 %, gpu 12 %, 1 encode session"


@pytest.mark.parametrize("script", ["#!/bin/sh\necho 'NVIDIA-SMI has failed'; exit 9\n", "#!/bin/sh\nexec sleep 60\n"])
def test_an_nvidia_smi_that_gives_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(smi, "_FIRST_SECONDS", 0.3)
    put_smi(tmp_path, script, monkeypatch)
    use = run("pass", "/dev/nvidia0", "cuda")
    assert str(use) == "GPU: not readable (nvidia-smi gives no answer)"


def test_without_nvidia_smi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "there is no nvidia-smi on this machine" in str(run("pass", "/dev/nvidia0", "cuda"))


def test_a_sum_of_what_was_seen() -> None:
    assert str(GpuUse(seconds={"video": 0.41, "copy": 0.0})) == "GPU: video 0.41 s"
    assert str(GpuUse(shares={"vcs": 0.25})) == "GPU: vcs 25%"
    assert str(GpuUse(opened=True)) == "GPU: no work was seen, the device was open"
