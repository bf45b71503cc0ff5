"""The memory that the whole pytest process takes, with all of its children, for images that are large in some way.

Each run is in a container, for the sake of the control group that comes with one: this Python, its packages and the
host's /usr are mounted into it, read-only. Two things are told:

- the peak of what the group's processes hold together, read 200 times a second: their resident memory, which counts
  shared libraries in each of them, and of that the anonymous and shared memory that the group is charged with. The
  cache of files that were read is in neither, since the kernel keeps it as long as nobody else needs memory;
- whether a run in a group that may not hold more than the limit, cached files included, comes to its end. There is no
  swap for it.

All static checks are made but `sbom.generated`, whose SBOM another program makes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import images
from measure import machine, pytest_argv, table, this_command
from static_checks import build

SOCKET = "/var/run/docker.sock"
GROUPS = Path("/sys/fs/cgroup")
INTERVAL = 0.005
PAGE = os.sysconf("SC_PAGE_SIZE")
HEAD = ("", "wall time", "resident", "of it anonymous", "limit", "ends in a group of that limit")


@dataclass
class Ended:
    status: int
    output: str
    resident: int
    """The peak in bytes, as is `anonymous`."""
    anonymous: int
    killed: bool
    seconds: float


class Group:
    """The control group of a process, of version 1 or 2."""

    def __init__(self, process: int) -> None:
        lines = [line.split(":", 2) for line in Path(f"/proc/{process}/cgroup").read_text().splitlines()]
        paths = {name: path.lstrip("/") for _, names, path in lines for name in names.split(",")}
        old = "memory" in paths
        self._place = GROUPS / "memory" / paths["memory"] if old else GROUPS / paths[""]
        self._anonymous = ("total_rss", "total_shmem") if old else ("anon", "shmem")

    def anonymous(self) -> int:
        """Bytes of anonymous and shared memory. Raises OSError when the group has ended."""
        numbers = dict(line.split() for line in (self._place / "memory.stat").read_text().splitlines())
        return sum(int(numbers[name]) for name in self._anonymous)

    def resident(self) -> int:
        """Bytes of all processes' resident memory. Raises OSError when the group has ended."""
        pages = 0
        for process in (self._place / "cgroup.procs").read_text().split():
            with suppress(OSError):  # it has just ended
                pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * PAGE


class Bench:
    def __init__(self, client: docker.DockerClient, image: str, folder: Path) -> None:
        self.client = client
        self.image = image
        self.folder = folder

    @contextmanager
    def container(self, argv: list[str], limit: int | None) -> Iterator[Any]:
        python = {sys.prefix, sys.base_prefix, *filter(os.path.isdir, sys.path), str(images.folder())}
        read_only = {"/usr", *(path for path in python if not path.startswith("/usr"))}
        mounts = {path: {"bind": path, "mode": "ro"} for path in read_only}
        mounts[str(self.folder)] = {"bind": str(self.folder), "mode": "rw"}
        mounts[SOCKET] = {"bind": SOCKET, "mode": "rw"}
        container = self.client.containers.create(
            self.image,
            entrypoint=argv[:1],
            command=argv[1:],
            user="0",
            working_dir=str(self.folder),
            environment={"HOME": str(self.folder)},
            network_mode="none",
            volumes=mounts,
            mem_limit=limit,
            memswap_limit=limit,
        )
        try:
            yield container
        finally:
            container.remove(force=True)

    def run(self, reference: str, limit: int | None = None) -> Ended:
        """One run with an empty cache."""
        with tempfile.TemporaryDirectory(dir=self.folder) as cache:
            options = ("--media-static", f"--media-image={reference}", f"--media-cache={cache}")
            with self.container(pytest_argv(*options, "-k", "not sbom"), limit) as container:
                start = time.monotonic()
                container.start()
                resident, anonymous = self._watch(container)
                seconds = time.monotonic() - start
                status = container.wait()["StatusCode"]
                container.reload()
                killed = container.attrs["State"]["OOMKilled"]
                return Ended(status, container.logs().decode(errors="replace"), resident, anonymous, killed, seconds)

    def _watch(self, container: Any) -> tuple[int, int]:
        container.reload()
        resident = anonymous = 0
        with suppress(OSError):
            group = Group(container.attrs["State"]["Pid"])
            while True:
                resident, anonymous = max(resident, group.resident()), max(anonymous, group.anonymous())
                time.sleep(INTERVAL)
        return resident, anonymous


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="runs without a limit; the largest peak counts")
    rounds = parser.parse_args().rounds
    client = docker.from_env(timeout=600)
    name = build()
    debian_layout = images.debian_ffmpeg()
    cases = [
        ("Debian with ffmpeg, as the Docker Engine saves it", f"docker:{name}", 150),
        ("Debian with ffmpeg, gzip layers", f"oci:{debian_layout}:gzip", 150),
        ("Debian with ffmpeg, zstd layers", f"oci:{debian_layout}:zstd", 150),
        ("8 GB in 160 files", f"oci:{images.eight_gigabytes()}", 250),
        ("a million files", f"oci:{images.million_files()}", 400),
    ]
    where = machine()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(client, name, Path(folder))
        (bench.folder / "pytest.ini").write_text("[pytest]\n")
        for what, reference, limit in cases:
            print(what, file=sys.stderr, flush=True)
            free = [checked(what, bench.run(reference)) for _ in range(rounds)]
            resident = max(run.resident for run in free) / images.MB
            anonymous = max(run.anonymous for run in free) / images.MB
            held = bench.run(reference, limit * images.MB)
            within = "killed" if held.killed else f"yes, {checked(what, held).seconds:.1f} s"
            judged = f"{limit} MB: {'met' if resident < limit else '**missed**'}"
            peaks = (f"{resident:.0f} MB", f"{anonymous:.0f} MB")
            rows.append([what, f"{free[0].seconds:.1f} s", *peaks, judged, within])
    print(f"Peak memory in a control group ({where}), {this_command()}:\n")
    print(table(HEAD, rows))


def checked(what: str, ended: Ended) -> Ended:
    if ended.status not in (0, 1) or " passed" not in ended.output or not ended.resident:
        sys.exit(f"{what}: exit status {ended.status}{', out of memory' * ended.killed}:\n{ended.output[-4000:]}")
    return ended


if __name__ == "__main__":
    main()
