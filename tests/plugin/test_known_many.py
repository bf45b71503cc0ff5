"""Many known findings of one check: mending one makes nothing new of the others, and all are listed somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from pytest_mediaimage.image.build import Item, LayoutWriter, layer

WAV = b"RIFF\x24\x08\x00\x00WAVEfmt \x10\x00\x00\x00"
FILMS = 60
UPDATE = "--media-update-known"
CHOSEN = ("--media-static", "-k", "contents.media")


def rebuild(image: Path, numbers: range) -> None:
    """The same image with these films, the heaviest first."""
    items = [Item(f"app/{number:02}.wav", WAV + bytes(200_000 - number)) for number in numbers]
    (image / "index.json").unlink(missing_ok=True)
    writer = LayoutWriter(image)
    writer.image([layer(items, "COPY films /app/")], config={"User": "1000"})
    writer.finish()


@pytest.fixture
def image(pytester: pytest.Pytester) -> Path:
    folder = pytester.path / "image"
    folder.mkdir()
    rebuild(folder, range(FILMS))
    return folder


def test_mending_one_of_many_makes_nothing_new_fail(media, image, pytester, workers):
    failed = media(image, *CHOSEN, "--media-report=sarif:media.sarif", "--media-report=markdown:media.md", *workers)
    assert failed.code == 1
    assert "and 40 more; --media-report json:PATH lists them all" in failed.text
    # Where CI is set, pytest's own summary repeats the whole text of a failure.
    # The first of the twenty stands above, without the word.
    assert failed.text.partition("short test summary")[0].count("error: /app/") == 19
    assert "- and 52 more (`--media-report json:PATH` lists all)" in (pytester.path / "media.md").read_text()
    assert len(failed.result("contents.media")["findings"]) == FILMS
    assert len(json.loads((pytester.path / "media.sarif").read_text())["runs"][0]["results"]) == FILMS

    assert media(image, *CHOSEN, UPDATE, *workers).code == 0
    known = pytester.path / "mediaimage-known.yaml"
    assert len(yaml.safe_load(known.read_text())["images"]["image"]) == FILMS

    rebuild(image, range(1, FILMS))
    mended = media(image, *CHOSEN, *workers)
    assert mended.code == 0
    findings = mended.result("contents.media")["findings"]
    assert len(findings) == FILMS - 1 and all(finding["known"] for finding in findings)
    assert re.search(r"contents\.media /app/00\.wav is mended", mended.text)
    assert re.search(r"known: contents\.media: and 54 more; all are in \S+/report\.json", mended.text)

    rebuild(image, range(1, FILMS + 1))
    added = media(image, *CHOSEN, *workers)
    assert added.code == 1
    new = [finding["file"] for finding in added.result("contents.media")["findings"] if not finding["known"]]
    assert new == [f"/app/{FILMS}.wav"]
    # What fails is told before all that is known.
    told = added.text.partition("check contents.media")[2]
    assert told.index(f"/app/{FILMS}.wav") < told.index("/app/01.wav")


def test_many_warnings_are_cut_on_the_terminal_with_where_all_are(media, image, pytester, workers):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nseverity: {contents.media: warning}\n")
    outcome = media(image, *CHOSEN, *workers)
    assert outcome.code == 0
    assert outcome.text.count("warning: contents.media: /app/") == 20
    assert f"warning: contents.media: and 40 more; all are in {pytester.path / 'report.json'}" in outcome.text
