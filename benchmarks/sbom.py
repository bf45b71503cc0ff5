"""The SBOM and licence part of a run on Debian's ffmpeg image in a Docker engine, beside syft alone.

Ours is a whole pytest process that reads the image, runs syft, makes every check of SBOMs, licences and patents, and
writes the CycloneDX file; nothing of the image is started. syft writes its CycloneDX JSON, once as it comes, and once
with the settings that we give it. The limit is on the ratio to syft as it comes, with nothing known of the image.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from measure import Command, against, interleaved, machine, pytest_argv, spread, table, this_command
from static_checks import build

from pytest_mediaimage.sbom import find_syft

MOST = 1.1
OURS, AGAIN = "pytest-mediaimage, empty cache", "pytest-mediaimage, second run"
SYFT, TUNED = "syft", "syft, with our settings"


def commands(image: str, folder: Path) -> dict[str, Command]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    cache, program = folder / "cache", str(find_syft())
    ours = pytest_argv(
        "--media-static",
        "--media-image",
        f"docker:{image}",
        f"--media-cache={cache}",
        "--media-report=cyclonedx:ours.json",
        "-k",
        "sbom or license",
    )
    quiet = ["env", "SYFT_CHECK_FOR_APP_UPDATE=false"]
    scan = [program, "scan", f"docker:{image}", "--quiet", "--output", "cyclonedx-json=syft.json"]
    tuned = [*scan, "--override-default-catalogers", "image"]

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)

    # What the checks find in the image is not the question here, that they were made is.
    return {
        OURS: Command(ours, folder, before=forget, statuses=(0, 1), expect="cyclonedx 1.6 report: "),
        AGAIN: Command(ours, folder, statuses=(0, 1), expect="cyclonedx 1.6 report: "),
        SYFT: Command([*quiet, *scan], folder),
        TUNED: Command([*quiet, "SYFT_FILE_METADATA_SELECTION=none", "SYFT_PARALLELISM=4", *tuned], folder),
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
    rows = [[name, spread(seconds), f"{medians[name] / medians[SYFT]:.2f}"] for name, seconds in times.items()]
    ratio = medians[OURS] / medians[SYFT]
    print(f"SBOM and licences of {image}, median of {options.rounds} ({where}), {this_command()}:\n")
    print(table(["", "wall time", "/ syft"], rows))
    print(f"\nOurs with an empty cache over syft: {against(ratio, MOST)}")
    sys.exit(ratio > MOST)


if __name__ == "__main__":
    main()
