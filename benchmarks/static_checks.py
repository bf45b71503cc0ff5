"""The static checks on Debian's ffmpeg image in a Docker engine, beside dive and container-structure-test.

Nothing is started by our side or by dive; container-structure-test creates a container for what it looks at.
The check `sbom.generated` is left out: neither of the others makes an SBOM. The others are asked for what they have
in common with our checks: wasted bytes (dive); user, labels, a tool's presence and mode, no kernel modules
(container-structure-test).
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Command, interleaved, machine, pytest_argv, spread, table

STRUCTURE = """\
schemaVersion: 2.0.0
metadataTest:
  user: "10001:10001"
  labels: [{key: org.opencontainers.image.licenses, value: GPL-2.0-or-later}]
fileExistenceTests:
  - {name: ffmpeg, path: /usr/bin/ffmpeg, shouldExist: true, permissions: -rwxr-xr-x}
  - {name: kernel modules, path: /lib/modules, shouldExist: false}
"""

# highestUserWastedPercent is off: it relates waste to the upper layers alone, and fails on 7 kB below an entry script.
DIVE_RULES = """\
rules: {lowestEfficiency: 0.9, highestUserWastedPercent: disabled, highestWastedBytes: disabled}
"""

OURS = ("pytest-mediaimage, empty cache", "pytest-mediaimage, second run")


def tool(name: str) -> str:
    """A program of this environment."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        sys.exit(f"{name} is missing: pip install 'pytest-mediaimage[bench]'")
    return str(path)


def commands(image: str, folder: Path) -> dict[str, Command]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "structure.yaml").write_text(STRUCTURE)
    (folder / "dive.yaml").write_text(DIVE_RULES)
    cache = folder / "cache"
    ours = pytest_argv("--media-static", "--media-image", f"docker:{image}", f"--media-cache={cache}", "-k", "not sbom")
    structure = ("test", "--image", image, "--config", "structure.yaml")

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    # What the checks find in the image is not the question here, that they were made is.
    return {
        OURS[0]: Command(ours, folder, before=forget, statuses=(0, 1), expect=" passed"),
        OURS[1]: Command(ours, folder, statuses=(0, 1), expect=" passed"),
        "dive --ci": Command(
            [tool("dive"), "--ci", "--ci-config", "dive.yaml", f"docker://{image}"], folder, expect="Result:PASS"
        ),
        "container-structure-test": Command([tool("container-structure-test"), *structure], folder, expect="PASS"),
    }


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
    rows = []
    for name, seconds in times.items():
        ratios = [f"{medians[name] / medians[ours]:.2f}" for ours in OURS]
        rows.append([name, spread(seconds), *ratios])
    print(f"Static checks of {image}, median of {options.rounds} ({where}); without `sbom.generated`:\n")
    print(table(["", "wall time", "/ ours, empty cache", "/ ours, second run"], rows))


def build() -> str:
    """The tests' image."""
    script = Path(__file__).resolve().parents[1] / "tests" / "support" / "debian.py"
    return subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
