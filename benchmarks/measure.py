"""Runs commands in turn and times them: what disturbs the machine disturbs all of them alike."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """`before` is done before each run and not timed. An exit status not in `statuses` ends the benchmark."""

    argv: Sequence[str]
    cwd: Path
    before: Callable[[], None] = lambda: None
    statuses: tuple[int, ...] = (0,)
    expect: str = ""
    """Text that the output must hold, so that nothing is timed that didn't do its work."""
    own_clock: bool = False
    """Whether the output's last line tells the seconds, which leaves out the start of the process."""


OTHERS = ("pytest11.testinfra", "hypothesispytest", "xdist", "platformdirs")
"""Plugins that this environment may hold and that aren't what is measured; hypothesis alone takes 0.6 s to load."""


def pytest_argv(*args: str) -> list[str]:
    """pytest of this environment with no plugin but ours."""
    off = [word for name in OTHERS for word in ("-p", f"no:{name}")]
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *off, *args]


def interleaved(commands: Mapping[str, Command], rounds: int) -> dict[str, list[float]]:
    """Seconds of each command, `rounds` times, in turn."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds):
        for name, command in commands.items():
            command.before()
            times[name].append(once(name, command))
        print(f"\rround {turn + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return times


def once(name: str, command: Command) -> float:
    """Wall seconds of one run, or those that it tells."""
    # Modules have their bytecode beside them, as pip leaves them: compiling ours takes 0.07 s and more each time.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    done = subprocess.run(command.argv, cwd=command.cwd, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    output = done.stdout + done.stderr
    if done.returncode not in command.statuses or command.expect not in output:
        sys.exit(f"{name} ended with exit status {done.returncode}:\n{output[-4000:]}")
    return float(output.splitlines()[-1]) if command.own_clock else seconds


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(times: Sequence[float]) -> str:
    """`median (least to most)` in seconds."""
    return f"{statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f})"


def against(value: float, most: float, unit: str = "") -> str:
    """`value`, and whether it's within the limit."""
    return f"{value:.2f}{unit} (limit {most:g}{unit}: {'met' if value <= most else '**missed**'})"


def this_command() -> str:
    """What to type to measure again, for the report."""
    return f"`{' '.join(['python', f'benchmarks/{Path(sys.argv[0]).name}', *sys.argv[1:]])}`"


def machine() -> str:
    """What the times hold for, and how busy the machine was."""
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}, load before {load:.1f}"
