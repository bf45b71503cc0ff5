"""Looks for what a test should have ended: sandboxes and containers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mediaimage.runtime.engine_http import LABEL

if TYPE_CHECKING:
    from docker import DockerClient

PATIENCE = 5
"""Seconds that what was told to end may take."""


def sandboxes() -> set[str]:
    """The bwrap processes below this one, as `bwrap (PID)`."""
    found, todo = set(), [os.getpid()]
    while todo:
        for child in _children(todo.pop()):
            todo.append(child)
            try:
                name = Path(f"/proc/{child}/comm").read_text().strip()
            except OSError:  # it has just ended
                continue
            if name == "bwrap":
                found.add(f"bwrap ({child})")
    return found


def _children(process: int) -> list[int]:
    children: list[int] = []
    for listing in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children += map(int, listing.read_text().split())
        except OSError:
            continue
    return children


def containers(client: DockerClient) -> set[str]:
    """The containers of the runs that this process has made; the engine may hold those of others."""
    listed = client.api.containers(all=True, filters={"label": LABEL})
    runs = {entry["Id"][:12]: entry["Labels"][LABEL] for entry in listed}
    return {f"container {name} of run {run}" for name, run in runs.items() if run.startswith(f"{os.getpid()}-")}


def after_a_while(look: Callable[[], set[str]]) -> set[str]:
    """What `look` finds, once it finds nothing or patience has run out."""
    deadline = time.monotonic() + PATIENCE
    while found := look():
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return found
