"""What the plugin costs a pytest run that tests no image: the start with it, and with `-p no:mediaimage`."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from measure import Command, interleaved, machine, pytest_argv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    where = machine()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "pytest.ini").write_text("[pytest]\n")
        (directory / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        times = interleaved(
            {
                "with": Command(pytest_argv(), directory, expect="1 passed"),
                "without": Command(pytest_argv("-p", "no:mediaimage"), directory, expect="1 passed"),
            },
            rounds,
        )
    pairs = [1000 * (a - b) for a, b in zip(times["with"], times["without"], strict=True)]
    print(f"An idle start, {rounds} pairs ({where}):")
    print(f"  with the plugin     {1000 * statistics.median(times['with']):.0f} ms")
    print(f"  without it          {1000 * statistics.median(times['without']):.0f} ms")
    print(f"  median difference   {statistics.median(pairs):.1f} ms")


if __name__ == "__main__":
    main()
