"""Records golden values that come with the package: runs each case with the given FFmpeg builds and saves the results.

    python sample_media/golden.py FFMPEG...              shows what would change
    python sample_media/golden.py --write FFMPEG...      and writes pytest_mediaimage/media/golden/CASE.json

Every class of processor up to this machine's own is recorded, by limiting x264 to it (option `asm`); x265 gives the
same pictures on all of them. A build that lacks what a case needs is passed over.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_mediaimage.media import capabilities, golden, samples, verdict
from pytest_mediaimage.media.case import Case, Needs
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.machine import machine_class
from pytest_mediaimage.media.recipe import argv_of

ASM = {"amd64/sse2": "sse2", "amd64/ssse3": "avx2", "amd64/avx512": "avx512"}


def record(case: Case, programs: list[str], old: golden.Golden | None) -> golden.Golden:
    """`old` with the values of `case` for each program and class of processor; RuntimeError where one is wrong."""
    source, new = samples.sample(case.sample), old or golden.Golden(case.name)
    classes = list(ASM)[: list(ASM).index(machine_class()) + 1]
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / case.outputs[0]
        for program in programs:
            if not has(program, case.needs):
                print(f"{case.name}: {program} lacks what it needs")
                continue
            for machine in classes if "libx264" in case.needs.encoders else ASM:
                argv = argv_of(case.recipe, program, source, output)
                if "libx264" in case.needs.encoders:
                    at = argv.index(str(output))
                    argv[at:at] = ["-x264-params", f"asm={ASM[machine]}"]
                subprocess.run(argv, check=True, capture_output=True, timeout=case.timeout)
                judgement = verdict.judge_transcode(case, source, output)
                if judgement.problems:
                    raise RuntimeError(f"{program}, {machine}: {judgement.problems}")
                if new.holds(str(judgement.metrics["stream_hash"]), str(judgement.metrics["encoder"]), machine):
                    continue  # another release of FFmpeg around the same encoder: only the container's bytes differ
                new = new.with_values(
                    sample=samples.sample_sha256(case.sample),
                    recipe=case.recipe.sha256,
                    path="cpu",
                    encoder=str(judgement.metrics["encoder"]),
                    machine=machine,
                    values=golden.GoldenValues.of(judgement.hashes, judgement.metrics),
                )
    return new


def has(program: str, needs: Needs) -> bool:
    def told(*options: str) -> str:
        argv = [program, "-hide_banner", *options]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout

    encoders = capabilities.encoders(told("-encoders"))
    return (
        set(needs.encoders) <= encoders
        and set(needs.decoders) <= capabilities.decoders(told("-decoders"))
        and set(needs.filters) <= capabilities.filters(told("-filters"))
        and all(name in capabilities.pix_fmts(told("-h", f"encoder={encoder}")) for encoder, name in needs.pix_fmts)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Records the golden values that come with the package.")
    parser.add_argument("programs", nargs="+", metavar="FFMPEG", help="path of an ffmpeg with libx264")
    parser.add_argument("--write", action="store_true", help="write the values, not only show what changes")
    options = parser.parse_args()
    for case in (case for case in CASES.values() if case.golden):
        old = golden.packaged(case.name)
        new = record(case, options.programs, old)
        print("\n".join(golden.diff(old, new)) or f"{case.name}: nothing changes")
        if options.write:
            golden.save(Path(golden.__file__).parent / "golden" / f"{case.name}.json", new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
