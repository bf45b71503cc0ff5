"""Runs a command with a Docker engine: `python engine.py COMMAND...`.

An engine that answers is used. Otherwise root gets a dockerd for the time of the command, in Debian's place for its
data (/var/lib/docker, so that images are there again next time). Only this dockerd is stopped at the end, by its
process id, also when the command fails or is interrupted. Where there can be no engine the command runs all the same,
and its tests skip; with MEDIAIMAGE_REQUIRE_DOCKER=1 that is a failure.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

SECONDS_TO_START = 60
SECONDS_TO_STOP = 30
SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class NoEngine(Exception):
    """The reason, for the user."""


def why_no_engine() -> str | None:
    """None where an engine answers, at DOCKER_HOST or the default socket."""
    try:
        client = docker.from_env(timeout=20)
        client.ping()
        client.close()
    except (DockerException, RequestException, OSError) as error:
        return str(error)
    return None


@contextmanager
def engine() -> Iterator[None]:
    """An engine for the time of the block. Raises NoEngine."""
    reason = why_no_engine()
    if reason is None:
        yield
        return
    if os.environ.get("DOCKER_HOST"):
        raise NoEngine(f"DOCKER_HOST={os.environ['DOCKER_HOST']} does not answer: {reason}")
    dockerd = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if dockerd is None:
        raise NoEngine("there is no Docker Engine on this machine")
    if os.geteuid() != 0:
        raise NoEngine(f"no Docker Engine answers, and only root can start one ({reason})")
    with started(dockerd):
        yield


@contextmanager
def started(dockerd: str) -> Iterator[None]:
    """A dockerd of our own. Its state directory has a short path, since it holds sockets, and is never used again,
    since after a kill the process ids in it are wrong.
    """
    state = Path(tempfile.mkdtemp(prefix="mediaimage-dockerd-", dir="/run"))
    log = state / "dockerd.log"
    print(f"starting {dockerd}", flush=True)
    with log.open("wb") as out:
        # In a session of its own: Ctrl-C is for the tests, which may still need the engine to clean up.
        process = subprocess.Popen(
            [dockerd, "--pidfile", str(state / "pid"), "--exec-root", str(state / "exec")],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"},
            start_new_session=True,
        )
    try:
        wait_for(process, log)
        yield
    finally:
        stop(process)
        shutil.rmtree(state, ignore_errors=True)


def wait_for(process: subprocess.Popen[bytes], log: Path) -> None:
    """Raises NoEngine with the last words of a dockerd that ends, or doesn't answer in time."""
    deadline = time.monotonic() + SECONDS_TO_START
    while why_no_engine() is not None:
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n  ".join(log.read_text(errors="replace").splitlines()[-8:])
            ended = "did not answer" if process.returncode is None else f"ended with exit code {process.returncode}"
            raise NoEngine(f"the dockerd that was started {ended}; its last words:\n  {tail}")
        time.sleep(0.2)


def stop(process: subprocess.Popen[bytes]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(command: list[str]) -> int:
    """The command's exit status. A signal that asks us to end is the command's: we end after it, and clean up."""
    process = subprocess.Popen(command)
    for number in SIGNALS:
        signal.signal(number, lambda number, _: process.send_signal(number))
    while True:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            continue  # the terminal has sent it to the command, too
        return status if status >= 0 else 128 - status


class Ended(BaseException):
    """We were asked to end before the command began; the argument is the signal. No library takes it for an error."""


def _end(number: int, _: object) -> None:
    raise Ended(number)


def main() -> int:
    for number in SIGNALS:
        signal.signal(number, _end)
    command = sys.argv[1:]
    try:
        with engine():
            return run(command)
    except NoEngine as reason:
        print(f"no Docker Engine: {reason}", file=sys.stderr, flush=True)
        if os.environ.get("MEDIAIMAGE_REQUIRE_DOCKER") == "1":
            return 1
    except Ended as ended:
        return 128 + int(ended.args[0])
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return run(command)


if __name__ == "__main__":
    sys.exit(main())
