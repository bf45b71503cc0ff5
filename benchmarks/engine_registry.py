"""Reading an image from a registry on the loopback, beside a bare loop: gzip and zstd layers, all on two cores.

The loop downloads the same layers, verifies their sha256 and decompresses them, on two threads, and drops what it got.
Ours also hashes what is unpacked, reads the tar, and runs every analyser: once alone (a process that opens the image
and asks for its layers), once as the whole pytest process with all static checks but `sbom.generated`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import images
from measure import Command, against, interleaved, machine, once, pytest_argv, spread, table, this_command
from registry import Registry, registry

LOOPS = Path(__file__).with_name("loops.py")
NAME = "debian-ffmpeg"
COMPRESSIONS = ("gzip", "zstd")


class Bench:
    """The commands, and the bytes that each made the registry send in its last run."""

    def __init__(self, server: Registry, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.caches = {name: folder / f"known-{name}" for name in COMPRESSIONS}
        (folder / "pytest.ini").write_text("[pytest]\n")

    def reference(self, tag: str) -> str:
        return f"registry:{self.server.host}/{NAME}:{tag}"

    def pytest(self, tag: str, cache: Path, before: Callable[[], None] = lambda: None) -> Command:
        image = ("--media-image", self.reference(tag), f"--media-cache={cache}")
        argv = pytest_argv("--media-static", *image, "-k", "not sbom")
        return Command(argv, self.folder, before=before, statuses=(0, 1), expect=" passed")

    def commands(self, compression: str) -> dict[str, Command]:
        cache, known = self.folder / "cache", self.caches[compression]
        loop = [sys.executable, str(LOOPS)]

        def forget() -> None:
            shutil.rmtree(cache, ignore_errors=True)

        def recall() -> None:
            forget()
            shutil.copytree(known, cache)

        return {
            "bare loop": Command([*loop, "pull", self.server.host, NAME, compression], self.folder),
            "ours, the reading alone": Command(
                [*loop, "read", self.reference(compression), str(cache)], self.folder, before=forget
            ),
            "ours, empty cache": self.pytest(compression, cache, forget),
            "ours, second run": self.pytest(compression, known),
            "ours, only the top layer changed": self.pytest(f"{compression}-next", cache, recall),
        }

    def fetched(self, name: str, command: Command) -> int:
        """Bytes that the registry sends for one run."""
        command.before()
        before = self.server.fetched()
        once(name, command)
        return self.server.fetched() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    layout = images.debian_ffmpeg()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    where = machine()
    with registry() as server, tempfile.TemporaryDirectory() as folder:
        server.push(layout, NAME)
        bench = Bench(server, Path(folder))
        for compression in COMPRESSIONS:
            commands = bench.commands(compression)
            once("filling the cache", bench.pytest(compression, bench.caches[compression]))
            sent = {name: bench.fetched(name, command) for name, command in commands.items()}
            times = interleaved(commands, rounds)
            medians = {name: statistics.median(seconds) for name, seconds in times.items()}
            bare = medians["bare loop"]
            rows = [
                [name, spread(seconds), f"{medians[name] / bare:.2f}", f"{sent[name]:,}"]
                for name, seconds in times.items()
            ]
            print(f"{NAME} with {compression} layers, median of {rounds} ({where}), {this_command()}:\n")
            print(table(["", "wall time", "/ bare loop", "bytes fetched"], rows))
            for name in ("ours, the reading alone", "ours, empty cache"):
                ratio = medians[name] / bare
                print(f"\n- {name} / bare loop: {against(ratio, 1.6)}; the aim: {against(ratio, 1.25)}", end="")
            print("\n", flush=True)


if __name__ == "__main__":
    main()
