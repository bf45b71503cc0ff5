"""--media-keep: what failed transcodes made, for looking at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_mediaimage.checks.transcode import keeping
from pytest_mediaimage.checks.transcode.keeping import Keep

CASES = """\
sample: bars-384x216
command: [ffmpeg, -nostdin, -i, "{input}", -map, "0:v", -vf, "OURS", -c:v, libx264, -preset, ultrafast, "{output}"]
golden: false
rules:
- pictures: {psnr_y_mean: 30}
"""


def write(root: Path, **filters: str) -> None:
    names = ", ".join(filters)
    severities = ", ".join(f"transcode.{name}: error" for name in filters)
    (root / "mediaimage.yaml").write_text(f"version: 1\ntranscode: {{cases: [{names}]}}\nseverity: {{{severities}}}\n")
    (root / "cases").mkdir()
    for name, text in filters.items():
        (root / "cases" / f"{name}.yaml").write_text(CASES.replace("OURS", text))


def test_outputs_log_and_command_of_what_failed_are_kept(media, pytester: pytest.Pytester, workers):
    write(pytester.path, right="null", wrong="select='not(eq(n,50))'", refused="nosuch")
    outcome = media("demo", "-k", "right or wrong or refused", "--media-keep=kept", *workers)
    assert outcome.code == 1
    kept = pytester.path / "kept"
    assert sorted(path.name for path in kept.iterdir()) == ["transcode.refused", "transcode.wrong"]
    (place,) = (kept / "transcode.wrong").iterdir()
    assert f"What it made lies in {place}." in outcome.result("transcode.wrong")["findings"][0]["fix"]
    (log,) = place.glob("sample-*.log")
    assert (log.with_suffix("") / "output.mp4").stat().st_size > 10_000
    assert log.read_text().startswith("$ /usr/local/bin/ffmpeg -nostdin ") and "\nexit code 0\n" in log.read_text()
    (log,) = kept.glob("transcode.refused/*/sample-*.log")
    assert "nosuch" in log.read_text() and "\nexit code 0\n" not in log.read_text()


def test_a_folder_that_cannot_be_written_is_a_mistake(media, write_layout, pytester: pytest.Pytester):
    (pytester.path / "taken").touch()
    outcome = media(write_layout(), "--media-keep=taken")
    assert outcome.code == pytest.ExitCode.USAGE_ERROR and "taken can't be written" in outcome.text


def test_links_are_passed_over_and_an_earlier_runs_files_replaced(tmp_path: Path):
    keep = Keep.open(tmp_path / "kept")
    assert keep is not None
    made, place = tmp_path / "made", keep.folder / "transcode.ours" / "image"
    (made / "sample").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (made / "sample" / "link.mp4").symlink_to(tmp_path / "secret")
    (made / "out").symlink_to(tmp_path)
    os.mkfifo(made / "sample" / "pipe.mp4")
    (made / "sample" / "output.mp4").write_bytes(b"film")
    place.mkdir(parents=True)
    (place / "old").touch()
    assert keep.take(made, place) == ""
    assert [path.relative_to(place).as_posix() for path in place.rglob("*")] == ["sample", "sample/output.mp4"]


def test_what_is_too_much_is_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keeping, "MOST_BYTES", 1_000_000)
    keep = Keep.open(tmp_path / "kept")
    assert keep is not None
    made = tmp_path / "made"
    made.mkdir()
    (made / "big.mp4").write_bytes(bytes(900_000))
    (made / "small.log").write_bytes(bytes(200_000))
    said = keep.take(made, keep.folder / "transcode.ours" / "image")
    assert said == f"; big.mp4 left out: {keep.folder} may hold 1 MB"
    assert keep.take(made, keep.folder / "transcode.ours" / "image") == said, "what is replaced takes no room"
