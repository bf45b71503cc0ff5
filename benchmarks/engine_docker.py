"""Reading an image out of a Docker Engine, beside a loop that only drains what the engine saves, and beside dive.

Ours is the whole pytest process with all static checks but `sbom.generated`, since nobody else makes an SBOM. The loop
asks for the same bytes with the docker SDK and drops them. As root there is one row more, since root may read the
engine's own files: ours as a user who has nothing but the group of the engine's socket.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Command, against, interleaved, machine, pytest_argv, spread, table, this_command
from static_checks import DIVE_RULES, build, tool

LOOPS = Path(__file__).with_name("loops.py")
SOCKET = Path("/var/run/docker.sock")
NOBODY = 65534

LOOP, COLD, WARM, UNPRIVILEGED, DIVE = (
    "draining `docker save`",
    "ours, empty cache",
    "ours, second run",
    "ours, empty cache, unprivileged",
    "dive --ci",
)


def commands(image: str, folder: Path) -> dict[str, Command]:
    here = folder / "here"
    here.mkdir()
    (here / "pytest.ini").write_text("[pytest]\n")
    (here / "dive.yaml").write_text(DIVE_RULES)

    def ours(cache: Path) -> list[str]:
        options = ("--media-static", "--media-image", f"docker:{image}", f"--media-cache={cache}")
        return pytest_argv(*options, "-k", "not sbom")

    cache, other = folder / "cache", folder / "home" / "cache"
    found: dict[str, Command] = {
        LOOP: Command([sys.executable, str(LOOPS), "save", image], here),
        COLD: Command(ours(cache), here, before=lambda: forget(cache), statuses=(0, 1), expect=" passed"),
        WARM: Command(ours(cache), here, statuses=(0, 1), expect=" passed"),
    }
    reason = why_not_unprivileged(folder)
    if reason:
        print(f"no row for an unprivileged user: {reason}", file=sys.stderr)
    else:
        argv = [*unprivileged(folder), *ours(other)]
        found[UNPRIVILEGED] = Command(argv, here, before=lambda: forget(other), statuses=(0, 1), expect=" passed")
    dive = [tool("dive"), "--ci", "--ci-config", "dive.yaml", f"docker://{image}"]
    found[DIVE] = Command(dive, here, expect="Result:PASS")
    return found


def forget(cache: Path) -> None:
    shutil.rmtree(cache, ignore_errors=True)


def unprivileged(folder: Path) -> list[str]:
    group = SOCKET.stat().st_gid
    return [
        *("setpriv", f"--reuid={NOBODY}", f"--regid={group}", "--clear-groups", "--no-new-privs"),
        *("env", f"HOME={folder / 'home'}"),
    ]


def why_not_unprivileged(folder: Path) -> str:
    """Empty where it works; makes the user's home."""
    if os.geteuid() != 0:
        return "this user isn't root, and the other rows are unprivileged already"
    if not shutil.which("setpriv") or not SOCKET.exists():
        return f"setpriv (util-linux) or {SOCKET} is missing"
    folder.chmod(0o755)
    (folder / "home").mkdir()
    os.chown(folder / "home", NOBODY, SOCKET.stat().st_gid)
    trial = [*unprivileged(folder), sys.executable, "-c", "import docker, pytest_mediaimage; docker.from_env().ping()"]
    done = subprocess.run(trial, cwd=folder, capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1:] or ["?"]
    return f"it can't use this environment or the engine ({last[0]})" if done.returncode else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--image", help="another image in the engine (default: built when it isn't there)")
    options = parser.parse_args()
    image = options.image or build()
    where = machine()
    with tempfile.TemporaryDirectory() as folder:
        times = interleaved(commands(image, Path(folder)), options.rounds)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    rows = [
        [name, spread(seconds), f"{medians[name] / medians[LOOP]:.2f}", f"{medians[name] / medians[DIVE]:.2f}"]
        for name, seconds in times.items()
    ]
    print(f"{image} in a Docker Engine, median of {options.rounds} ({where}), {this_command()}:\n")
    print(table(["", "wall time", "/ draining", "/ dive"], rows))
    print()
    for name in (COLD, UNPRIVILEGED):
        if name in medians:
            print(f"- {name} / draining: {against(medians[name] / medians[LOOP], 1.15)}")
            print(f"- {name} / dive: {against(medians[name] / medians[DIVE], 1)}")
    print(f"- second run: {against(medians[WARM], 1, ' s')}")
    print(f"- second run / dive: {against(medians[WARM] / medians[DIVE], 0.15)}")


if __name__ == "__main__":
    main()
