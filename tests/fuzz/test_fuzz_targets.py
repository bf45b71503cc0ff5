"""The fuzz targets themselves: they take their own seeds, and what they find ends them."""

from __future__ import annotations

import importlib
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import harness
import pytest

TARGETS = [path.stem for path in sorted(Path(__file__).parent.glob("fuzz_*.py"))]


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_seeds_and_what_is_near_them(target: ModuleType) -> None:
    """A few bytes changed in each seed: what `make fuzz` does for minutes, with the same outcome each time."""
    chance = random.Random(7)
    seeds = list(target.seeds())
    assert len(set(seeds)) > 5
    for seed in seeds:
        target.one_input(seed)
        for _ in range(20):
            changed = bytearray(seed[: chance.choice((len(seed), 600))])
            for _ in range(chance.randrange(4)):
                if changed:
                    changed[chance.randrange(len(changed))] = chance.randrange(256)
            target.one_input(bytes(changed))


def test_summary() -> None:
    log = (
        "#4\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 45Mb\n"
        "#12\tDONE   cov: 30 ft: 41 corp: 5/9Kb exec/s: 6 rss: 45Mb\n"
        "stat::number_of_executed_units: 12\n"
        "stat::average_exec_per_sec:     6\n"
        "stat::peak_rss_mb:              45\n"
    )
    assert harness._summary(log) == "12 inputs, 6/s, coverage 30 edges and 41 features, corpus 5/9Kb, 45 MiB"
    assert harness._summary("") == "no figures"


def test_a_find_is_kept_and_named(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    script = tmp_path / "fuzz_wrong.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport harness\n"
        "def one_input(data):\n    assert b'x' not in data\n"
        "harness.main(one_input, lambda: [b'a', b'b'], ['x'], None)\n"
    )
    environment = {"TMPDIR": str(tmp_path)}
    argv = [sys.executable, str(script), "--seconds", "60"]
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "assert b'x' not in data" in done.stdout
    assert "fuzz_wrong: the input that ended it lies in" in done.stdout
    (find,) = tmp_path.glob("pytest-mediaimage-fuzz_wrong-*/crash-*")
    assert b"x" in find.read_bytes()
    again = subprocess.run([sys.executable, str(script), str(find)], capture_output=True, env=environment, check=False)
    assert again.returncode != 0
