"""Runs pytest on every clean image and sets what it says beside the judgements: `python judge.py [NAME...]`.

The images are kept in the directory CLEAN_IMAGES, by default beside the tests' other caches; delete a layout there to
have it built anew. Ends with 1 where a check says what nobody has judged yet, or what was judged to be false.
"""

# ruff: noqa: T201
from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from build import RECIPES, Recipe, layout
from judgements import JUDGED, Judged
from support.debian import CannotBuild, cache_directory


@dataclass(frozen=True)
class Verdict:
    """What one run said of an image. `findings` are of the JSON report, each with its check."""

    recipe: Recipe
    compressed_bytes: int
    unpacked_bytes: int
    layers: int
    seconds: float
    findings: list[dict[str, Any]]
    broken: list[str]

    def of(self, severity: str) -> list[dict[str, Any]]:
        return [finding for finding in self.findings if finding["severity"] == severity]


def run(recipe: Recipe, image: Path) -> Verdict:
    """The command that a user types, in an empty directory with an empty cache. Raises CannotBuild."""
    with tempfile.TemporaryDirectory(prefix="clean-image-") as folder:
        (Path(folder) / "pytest.ini").write_text("[pytest]\n")
        argv = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--media-static", f"--media-image=oci:{image}"]
        argv += ["--media-report=json:report.json", "--media-cache=cache"]
        start = time.monotonic()
        done = subprocess.run([sys.executable, *argv], cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - start
        report = Path(folder) / "report.json"
        if not report.is_file():
            raise CannotBuild(f"pytest ended with exit code {done.returncode}: {done.stdout[-1500:]}{done.stderr}")
        said = json.loads(report.read_text())
    (of,) = said["images"]
    return Verdict(
        recipe, of["compressed_size"], of["unpacked_size"], len(of["layers"]), seconds,
        [{**finding, "check": result["check"]} for result in said["results"] for finding in result["findings"]],
        [f"{result['check']}: {result['reason']}" for result in said["results"] if result["status"] == "error"],
    )  # fmt: skip


def judgement(finding: dict[str, Any]) -> Judged | None:
    return next((judged for judged in JUDGED if judged.fits(finding)), None)


def main() -> int:
    wanted = sys.argv[1:]
    kept = Path(os.environ.get("CLEAN_IMAGES") or cache_directory() / "clean-images")
    kept.mkdir(parents=True, exist_ok=True)
    bad = 0
    for recipe in RECIPES:
        if wanted and recipe.name not in wanted:
            continue
        try:
            verdict = run(recipe, layout(recipe, kept))
        except CannotBuild as reason:
            print(f"{recipe.name}: {reason}")
            bad += 1
            continue
        print(
            f"{recipe.name}: {verdict.layers} layers, {verdict.compressed_bytes / 1e6:.0f} MB compressed, "
            f"{verdict.unpacked_bytes / 1e6:.0f} MB unpacked, {verdict.seconds:.0f} s; "
            + ", ".join(f"{len(verdict.of(severity))} {severity}s" for severity in ("error", "warning", "note"))
        )
        for broken in verdict.broken:
            print(f"  BROKEN {broken}")
        for finding in verdict.findings:
            judged = judgement(finding)
            right = judged is not None and judged.true
            word = "true" if right else "FALSE" if judged else "NOT JUDGED"
            print(f"  {word} {finding['severity']}: {finding['check']}: {finding['message']}", flush=True)
            bad += not right
        bad += len(verdict.broken)
    print(f"{bad} to look at" if bad else "nothing to look at")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
