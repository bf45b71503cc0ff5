"""Where a script stands in ffmpeg's place, what is wrong with an output names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hardware_images import wrapped

from pytest_mediaimage.checks.subject import Subject
from pytest_mediaimage.checks.workbench import Workbench
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference

DROPPING = """set -- "$@" --end--
while [ "$1" != --end-- ]; do
  if [ "$1 $2" = "-map 0:a:1" ]; then shift 2; else set -- "$@" "$1"; shift; fi
done
shift; exec /opt/ffmpeg "$@"
"""
NAMED = "/usr/local/bin/ffmpeg is a script: look at what it changes."


@pytest.mark.parametrize("script", [DROPPING, "echo no >&2; exit 1"], ids=["a dropped track", "a failure"])
def test_what_is_wrong_names_the_script(media, pytester: pytest.Pytester, tmp_path: Path, script: str) -> None:
    (pytester.path / "mediaimage.yaml").write_text("version: 1\ntranscode: {cases: [aac]}\n")
    script = f'case "$*" in *-version|*-[edfpm]*ers|*-protocols) exec /opt/ffmpeg "$@";; esac\n{script}'
    outcome = media(wrapped(tmp_path / "image", script), "--media-runtime=sandbox", "-k", "transcode.aac")
    findings = outcome.result("transcode.aac")["findings"]
    wrong = [finding for finding in findings if finding["severity"] == "error"]
    assert wrong, outcome.text
    assert all(finding["fix"].startswith(NAMED) for finding in wrong), wrong


@pytest.mark.parametrize(("path", "fix"), [("/usr/local/bin:/bin", f"{NAMED} Do it."), ("/opt:/bin", "Do it.")])
def test_a_program_is_no_script(tmp_path: Path, path: str, fix: str) -> None:
    image = wrapped(tmp_path / "image", Env=[f"PATH={path}"])
    bench = Workbench(cache=tmp_path / "cache", runtime_name="auto", static=True, golden_folder=tmp_path / "golden")
    subject = Subject(bench, Reference.parse(f"oci:{image}"), Platform("linux/amd64"))
    assert subject.mending("Do it.") == fix
