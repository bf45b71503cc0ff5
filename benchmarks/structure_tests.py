"""container-structure-test's file on Debian's ffmpeg image in a Docker engine: its own binary, and us.

The tests are of the kinds and in the number of the examples in container-structure-test's own repository (tests/amd64):
three commands, two contents, five paths, licences; and the metadata of another example.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from measure import Command, interleaved, machine, pytest_argv, spread, table
from static_checks import build, tool

STATIC = """\
schemaVersion: 2.0.0
fileContentTests:
  - {name: passwd, path: /etc/passwd, expectedContents: ['root:x:0:0:root:/root:/bin/bash']}
  - {name: release, path: /etc/os-release, expectedContents: ['.*debian.*'], excludedContents: ['.*ubuntu.*']}
fileExistenceTests:
  - {name: root, path: /, uid: 0, gid: 0}
  - {name: date, path: /bin/date, isExecutableBy: owner}
  - {name: hosts, path: /etc/hosts}
  - {name: ffmpeg, path: /usr/bin/ffmpeg, permissions: -rwxr-xr-x}
  - {name: dummy, path: /etc/dummy, shouldExist: false}
licenseTests:
  - {debian: false, files: [/usr/share/doc/dash/copyright, /usr/share/doc/tar/copyright]}
metadataTest:
  user: "10001:10001"
  labels: [{key: org.opencontainers.image.licenses, value: GPL-2.0-or-later}]
  unexposedPorts: ['80']
  unmountedVolumes: [/root]
"""
COMMANDS = """\
commandTests:
  - {name: usage, command: tar, args: [--help], expectedOutput: ['.*Usage.*'], excludedError: ['.*FAIL.*']}
  - {name: ffmpeg, command: ffmpeg, args: [-version], expectedOutput: ['^ffmpeg version']}
  - {name: shell, command: sh, args: [-c, 'echo $PATH'], expectedOutput: ['/usr/bin']}
"""
OURS = ("pytest-mediaimage, empty cache", "pytest-mediaimage, second run")


def commands(image: str, folder: Path, config: str) -> dict[str, Command]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "structure.yaml").write_text(config)
    cache = folder / "cache"
    ours = pytest_argv("--media-image", f"docker:{image}", f"--media-cache={cache}", "structure.yaml")
    binary = [tool("container-structure-test"), "test", "--image", image, "--config", "structure.yaml"]

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    return {
        OURS[0]: Command(ours, folder, before=forget, expect=" passed"),
        OURS[1]: Command(ours, folder, expect=" passed"),
        "container-structure-test": Command(binary, folder, expect="PASS"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--image", help="another image in the engine (default: built when it isn't there)")
    options = parser.parse_args()
    image = options.image or build()
    where = machine()
    for what, config in (("files and metadata", STATIC), ("with three commands", STATIC + COMMANDS)):
        with tempfile.TemporaryDirectory() as folder:
            times = interleaved(commands(image, Path(folder), config), options.rounds)
        medians = {name: statistics.median(seconds) for name, seconds in times.items()}
        rows = [
            [name, spread(seconds), *(f"{medians[name] / medians[ours]:.2f}" for ours in OURS)]
            for name, seconds in times.items()
        ]
        print(f"\nStructure tests of {image}, {what}, median of {options.rounds} ({where}):\n")
        print(table(["", "wall time", "/ ours, empty cache", "/ ours, second run"], rows))


if __name__ == "__main__":
    main()
