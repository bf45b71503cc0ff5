"""Writes the sample clips and their SHA256SUMS.

    python sample_media/generate.py                 into this directory
    python sample_media/generate.py --output DIR    into another
    python sample_media/generate.py --check         compares decoded frames with the clips here, writes nothing

The bytes depend on the version of PyAV (its x264 and AAC encoder), so the committed clips are the reference; the
pictures before the encode do not.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

from pytest_mediaimage.media import clip, compare

HERE = Path(__file__).resolve().parent
CLIPS = {"bars-384x216.mp4": {"frames": 125, "nonce": 0, "width": 384, "height": 216, "fps": 25, "seed": 0}}


def generate(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, arguments in sorted(CLIPS.items()):
        clip.make_clip(folder / name, **arguments)
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        lines.append(f"{digest}  {name}\n")
        print(f"{folder / name}: {(folder / name).stat().st_size} bytes, sha256 {digest}")
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


def check() -> int:
    """Exit code 1 where a clip here isn't what the generator makes, but for the last decimals of the encoder."""
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        for name in CLIPS:
            result = compare.compare(HERE / name, Path(scratch) / name)
            low = result.metrics().get("psnr_y_min", 0.0)
            same = low > 45 and result.identity is not None and result.identity.intact
            wrong += not same
            print(f"{name}: {'as generated' if same else 'NOT as generated'}, least PSNR-Y {low} dB")
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes the sample clips and their SHA256SUMS.")
    parser.add_argument("--output", type=Path, default=HERE, help="directory to write into (default: this one)")
    parser.add_argument("--check", action="store_true", help="compare with the clips here, write nothing here")
    options = parser.parse_args()
    if options.check:
        sys.exit(check())
    generate(options.output)
