"""A run that waits to be killed: `run_owner.py CACHE RUNTIME MARK`; says its run id when a command runs in it."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from tiny_images import shell_image

from pytest_mediaimage.runtime import choose
from pytest_mediaimage.runtime.base import PLAIN, Resources
from pytest_mediaimage.runtime.rundir import RunDirectory, start_watchdog

if __name__ == "__main__":
    cache, name, mark = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    run = RunDirectory(cache)
    if "unwatched" not in sys.argv:
        start_watchdog(run)
    limits = Resources(memory=64 << 20, cpus=0.5) if "limited" in sys.argv else PLAIN
    container = choose(name, cache=cache).start(shell_image(), work=run.path, resources=limits)
    command = ["sh", "-c", f"echo > /tmp/ready; setsid sleep {mark} & sleep {mark}"]
    threading.Thread(target=container.run, args=(command,), kwargs={"timeout": 900}, daemon=True).start()
    while container.run(["cat", "/tmp/ready"]).exit_code:
        time.sleep(0.05)
    print(run.run_id, flush=True)  # noqa: T201
    time.sleep(900)
