"""Images are unpacked once, whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from strangers import REPOSITORY
from tiny_images import Directory, File, TinyImage

from pytest_mediaimage.errors import CorruptImage, StorageFault
from pytest_mediaimage.runtime.rootfs import unpacked

TREE = {"etc": Directory(), "etc/a": File(b"a"), "locked": Directory(0o555), "locked/b": File(b"b")}


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "rootfs").iterdir() if not path.name.endswith(".lock"))


def test_unpacked_once(tmp_path):
    class Counting(TinyImage):
        def unpack(self, root: Path) -> None:
            calls.append(root)
            super().unpack(root)

    calls: list[Path] = []
    first, second = unpacked(Counting(TREE), tmp_path), unpacked(Counting(TREE), tmp_path)
    assert first == second
    assert len(calls) == 1
    assert (first / "locked" / "b").read_bytes() == b"b"
    assert (tmp_path / "rootfs").stat().st_mode & 0o777 == 0o700
    assert names(tmp_path) == [first.name]


def test_other_images_are_other_directories(tmp_path):
    assert unpacked(TinyImage(TREE), tmp_path) != unpacked(TinyImage({"x": File()}), tmp_path)


def test_failed_unpack_leaves_nothing(tmp_path):
    class Broken(TinyImage):
        def unpack(self, root: Path) -> None:
            super().unpack(root)
            raise CorruptImage("broken layer")

    with pytest.raises(CorruptImage, match="broken layer"):
        unpacked(Broken(TREE), tmp_path)
    assert names(tmp_path) == []


def test_what_a_killed_process_left_never_counts(tmp_path):
    image = TinyImage(TREE)
    left = tmp_path / "rootfs" / f"{image.digest.partition(':')[2]}.partial-dead"
    (left / "root").mkdir(parents=True)
    root = unpacked(image, tmp_path)
    assert (root / "etc" / "a").exists()
    assert names(tmp_path) == [root.name]


CHILD = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from tiny_images import Directory, File, TinyImage
from pytest_mediaimage.runtime.rootfs import unpacked

class Slow(TinyImage):
    def unpack(self, root):
        Path(sys.argv[2]).open("a").write("once\\n")
        time.sleep(0.5)
        super().unpack(root)

print(unpacked(Slow({"a": File(b"a")}), Path(sys.argv[1])))
"""


def test_two_processes_at_once(tmp_path):
    log = tmp_path / "log"
    command = [sys.executable, "-c", CHILD, tmp_path / "cache", log, REPOSITORY, Path(__file__).parent]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [child.communicate(timeout=60)[0] for child in children]
    assert outputs[0] == outputs[1] != ""
    assert log.read_text() == "once\n"
    assert names(tmp_path / "cache") == [Path(outputs[0].strip()).name]


def test_two_threads_at_once(tmp_path):
    roots: list[Path] = []
    threads = [threading.Thread(target=lambda: roots.append(unpacked(TinyImage(TREE), tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(roots) == 4
    assert len(set(roots)) == 1


FULL = """
import os, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from tiny_images import File, TinyImage
from pytest_mediaimage.errors import StorageFault
from pytest_mediaimage.runtime.rootfs import unpacked

cache = Path(sys.argv[1])
try:
    unpacked(TinyImage({"big": File(bytes(4 << 20))}), cache)
except StorageFault as fault:
    print(fault, sorted(os.listdir(cache / "rootfs"))[1:])
"""


def test_full_disk(tmp_path):
    """On a real file system of 1 MiB, mounted in a namespace of its own."""
    mount = f'mount -t tmpfs -o size=1m full {tmp_path} && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh", sys.executable, "-c", FULL]
    if (
        not shutil.which("unshare")
        or subprocess.run([*command[:4], "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("no user namespace can be made here")
    result = subprocess.run(
        [*command, tmp_path, REPOSITORY, Path(__file__).parent], capture_output=True, text=True, check=True
    )
    assert "no space left in" in result.stdout
    assert "--media-cache" in result.stdout
    assert result.stdout.strip().endswith("[]")


def test_someone_elses_cache(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    (tmp_path / "rootfs").mkdir()
    os.chown(tmp_path / "rootfs", 12345, 12345)
    with pytest.raises(StorageFault, match=r"belongs to user 12345.*--media-cache"):
        unpacked(TinyImage(TREE), tmp_path)


@pytest.mark.parametrize("digest", ["sha256:../../etc", "sha256:", "x", "sha256:ABCDEF"])
def test_digest_is_checked(tmp_path, digest):
    class Odd(TinyImage):
        pass

    Odd.digest = digest  # type: ignore[assignment]
    with pytest.raises(ValueError, match="not a digest"):
        unpacked(Odd(TREE), tmp_path)
