"""How long `pytest --media-image demo` takes once the cache is warm, and with only syft's result missing in it."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from measure import Command, interleaved, machine, once, pytest_argv, spread, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    where = machine()
    with tempfile.TemporaryDirectory() as folder:
        directory, cache = Path(folder), Path(folder, "cache")
        (directory / "pytest.ini").write_text("[pytest]\n")
        argv = pytest_argv("--media-image", "demo", f"--media-cache={cache}")

        def forget_syft() -> None:
            shutil.rmtree(cache / "sbom")

        first = once("first run", Command(argv, directory, expect=" passed"))
        times = interleaved(
            {
                "second run": Command(argv, directory, expect=" passed"),
                "second run, without syft's result": Command(argv, directory, before=forget_syft, expect=" passed"),
            },
            rounds,
        )
    print(f"`pytest --media-image demo`, median of {rounds} ({where}):\n")
    rows = [["first run, empty cache", f"{first:.2f} s (once)"]]
    print(table(["", "wall time"], rows + [[name, spread(seconds)] for name, seconds in times.items()]))


if __name__ == "__main__":
    main()
