"""Writes the sample clips and their SHA256SUMS.

    python sample_media/generate.py                 into this directory
    python sample_media/generate.py NAME...         only these; the other sums stay
    python sample_media/generate.py --output DIR    into another
    python sample_media/generate.py --check         compares decoded frames with the clips here, writes nothing

The bytes depend on the version of PyAV (its encoders), so the committed clips are the reference; the pictures before
the encode do not.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pytest_mediaimage.media import probing, samples
from pytest_mediaimage.media.clips import CLIPS
from pytest_mediaimage.media.pictures import compare

HERE = Path(__file__).resolve().parent


def generate(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sums = samples.checksums(folder) if (folder / samples.SUMS).is_file() else {}
    for name in sorted(names):
        CLIPS[name](folder / name)
        sums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        print(f"{folder / name}: {(folder / name).stat().st_size} bytes, sha256 {sums[name]}")
    lines = (f"{digest}  {name}\n" for name, digest in sorted(sums.items()) if name in CLIPS)
    (folder / samples.SUMS).write_text("".join(lines), encoding="ascii")


def check(names: Iterable[str]) -> int:
    """Exit code 1 where a clip here isn't what the generator makes, but for the last decimals of the encoder."""
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch), names)
        for name in sorted(names):
            same = is_same(HERE / name, Path(scratch) / name)
            wrong += not same
            print(f"{name}: {'as generated' if same else 'NOT as generated'}")
    return 1 if wrong else 0


def is_same(here: Path, made: Path) -> bool:
    if here.read_bytes() == made.read_bytes():
        return True
    if probing.probe(here).video is None:
        return False
    result = compare.compare(here, made)
    return result.metrics().get("psnr_y_min", 0.0) > 45 and (result.identity is None or result.identity.intact)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes the sample clips and their SHA256SUMS.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(sorted(CLIPS))} (default: all)")
    parser.add_argument("--output", type=Path, default=HERE, help="directory to write into (default: this one)")
    parser.add_argument("--check", action="store_true", help="compare with the clips here, write nothing here")
    options = parser.parse_args()
    if unknown := set(options.names) - set(CLIPS):
        parser.error(f"there is no clip {', '.join(sorted(unknown))}")
    chosen = options.names or list(CLIPS)
    if options.check:
        sys.exit(check(chosen))
    generate(options.output, chosen)
