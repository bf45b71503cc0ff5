"""How time grows with what an image holds: a quarter of it, half of it, all of it.

Two times: our reading of the layers and of their tree alone, and the whole pytest process with all static checks but
`sbom.generated`, less what that takes for an image of one file. Where the time per item grows something isn't linear.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import images
from measure import Command, interleaved, machine, pytest_argv, table, this_command

LOOPS = Path(__file__).with_name("loops.py")
Key = tuple[str, int]

KINDS: dict[str, tuple[int, Callable[[int], Path]]] = {
    "small files": (52_000, images.small_files),
    "hard links": (10_000, images.hard_links),
    "layers": (128, images.layers),
    "MB in layers of 64 MB": (256, images.few_fat),
    "MB in layers of 2 MB": (256, images.many_thin),
}
FLOOR = ("small files", 1)
NOISE = 0.1
"""Seconds by which two runs of pytest differ anyhow."""
HEAD = ("", "count", "reading", "per item", "/ a quarter's", "pytest, above one file", "per item")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=list(KINDS), help="one kind of image")
    options = parser.parse_args()
    kinds = {options.only: KINDS[options.only]} if options.only else KINDS
    keys = [FLOOR, *((kind, most * part // 4) for kind, (most, _) in kinds.items() for part in (1, 2, 4))]
    layouts = {(kind, count): KINDS[kind][1](count) for kind, count in keys}
    where = machine()
    with tempfile.TemporaryDirectory() as folder:
        reading, whole = measure(layouts, Path(folder), options.rounds)
    rows = []
    for kind, count in keys[1:]:
        read, checked = reading[kind, count], whole[kind, count] - whole[FLOOR]
        first = (kind, KINDS[kind][0] // 4)
        growth = (read / count) / (reading[first] / first[1])
        rows.append([kind, f"{count:,}", f"{read:.3f} s", per_item(read, count), f"{growth:.2f}"])
        rows[-1] += [f"{checked:.2f} s", per_item(checked, count) if checked > NOISE else "in the noise"]
    print(f"Time against count, median of {options.rounds} ({where}), {this_command()}.")
    print(f"An image of one file: {reading[FLOOR]:.3f} s to read, {whole[FLOOR]:.2f} s for pytest.\n")
    print(table(HEAD, rows))


def per_item(seconds: float, count: int) -> str:
    return f"{1e6 * seconds / count:,.1f} µs"


def measure(layouts: dict[Key, Path], folder: Path, rounds: int) -> tuple[dict[Key, float], dict[Key, float]]:
    """Median seconds of the reading alone, and of the whole process."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    cache = folder / "cache"

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    commands: dict[str, Command] = {}
    for key, layout in layouts.items():
        words = [sys.executable, str(LOOPS), "tree", f"oci:{layout}", str(cache)]
        commands[f"reading {key}"] = Command(words, folder, before=forget, own_clock=True)
        words = pytest_argv("--media-static", f"--media-image=oci:{layout}", f"--media-cache={cache}", "-k", "not sbom")
        commands[f"pytest {key}"] = Command(words, folder, before=forget, statuses=(0, 1), expect=" passed")
    medians = {name: statistics.median(seconds) for name, seconds in interleaved(commands, rounds).items()}
    return {key: medians[f"reading {key}"] for key in layouts}, {key: medians[f"pytest {key}"] for key in layouts}


if __name__ == "__main__":
    main()
