"""The ratchet: what is known is tolerated for a time, what is new fails, what is mended leaves the file."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pytest_mediaimage.image.build import Item, LayoutWriter, layer

TODAY = datetime.date.today()
NAME = "mediaimage-known.yaml"
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
UPDATE = "--media-update-known"
# Only these: what other checks find in small images is theirs to test.
CHOSEN = ("-k", "contents.media or config.user or layers.count")


def film(name: str, length: int = 3_000_000, noise: bytes = b"") -> Item:
    return Item(f"app/{name}", MP4 + noise + bytes(length))


def films(*names: str):
    return [layer([film(name)], f"COPY {name} /app/") for name in names]


@pytest.fixture
def policy(pytester: pytest.Pytester) -> None:
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nseverity: {config.user: error}\n")


@pytest.fixture
def known(pytester: pytest.Pytester):
    """The file of known findings: its path, and its entries by check and path."""

    class File:
        path = pytester.path / NAME

        def entries(self) -> dict[str, dict[str, object]]:
            images = yaml.safe_load(self.path.read_text())["images"]
            return {f"{e['check']} {e.get('file', '')}".strip(): e for entries in images.values() for e in entries}

        def change(self, old: str, new: str) -> None:
            text = self.path.read_text()
            assert old in text
            self.path.write_text(text.replace(old, new))

    return File()


def findings(outcome, check):
    return {f["file"] or "": f for f in outcome.result(check)["findings"]}


@pytest.mark.usefixtures("policy")
def test_what_fails_is_written_and_then_tolerated(media, write_layout, known, workers):
    image = write_layout(films("intro", "outro"), user="0")
    assert media(image, *CHOSEN, *workers).code == 1
    assert not known.path.exists()

    written = media(image, *CHOSEN, UPDATE, *workers)
    assert written.code == 0
    assert set(known.entries()) == {"config.user", "contents.media /app/intro", "contents.media /app/outro"}
    assert f"{known.path}: {image.name}: + contents.media /app/intro" in written.text
    entry = known.entries()["contents.media /app/intro"]
    assert entry["until"] == TODAY + datetime.timedelta(days=90)
    assert entry["platforms"] == ["linux/amd64"] and entry["bytes"] == len(film("intro").data)
    assert entry["fingerprint"] == findings(written, "contents.media")["/app/intro"]["fingerprint"]

    again = media(image, *CHOSEN, *workers)
    assert again.code == 0
    for finding in findings(again, "contents.media").values():
        assert (finding["severity"], finding["known"]) == ("note", True)
    assert again.statuses()["contents.media"] == "passed"
    assert "passed (2 known)" in again.text and "3 known findings tolerated" in again.text
    assert "known: config.user: processes run as root" in again.text
    assert "3 known findings have no owner yet" in again.text


@pytest.mark.usefixtures("policy")
def test_only_what_is_new_fails(media, write_layout, known, workers):
    media(write_layout(films("intro")), *CHOSEN, UPDATE)
    other = write_layout(films("intro", "outro"), user="0")
    outcome = media(other, f"--media-known={known.path}", *CHOSEN, *workers)
    assert outcome.code == 1
    # What is known of one image says nothing of another.
    assert not any(f["known"] for f in findings(outcome, "contents.media").values())

    image = write_layout(films("intro"))
    media(image, *CHOSEN, UPDATE)
    (image / "index.json").write_text("")
    rebuilt = LayoutWriter(image)
    rebuilt.image([layer([film("intro", noise=b"x")], "COPY intro /app/"), *films("outro")], config={"User": "0"})
    rebuilt.finish()
    outcome = media(image, *CHOSEN, *workers)
    assert outcome.code == 1
    found = findings(outcome, "contents.media")
    assert found["/app/intro"]["known"] and not found["/app/outro"]["known"]
    assert found["/app/outro"]["severity"] == "error"
    assert outcome.statuses() == {"contents.media": "failed", "config.user": "failed", "layers.count": "passed"}


def test_an_expired_entry_fails_again(media, write_layout, known, workers):
    image = write_layout(films("intro"))
    media(image, *CHOSEN, UPDATE)
    until = re.search(r"until: (.*)", known.path.read_text())[1]
    yesterday = TODAY - datetime.timedelta(days=1)
    known.change(f"until: {until}", f"until: {TODAY}")
    assert media(image, *CHOSEN, *workers).code == 0  # the last day counts

    known.change(f"until: {TODAY}", f"until: {yesterday}")
    known.change("owner: nobody yet", "owner: video-team")
    outcome = media(image, *CHOSEN, *workers)
    assert outcome.code == 1
    assert f"was known until {yesterday}: not judged yet; video-team" in outcome.text
    notes = outcome.report["policy"]["findings"]
    assert [note["severity"] for note in notes] == ["warning"]
    line = known.path.read_text().splitlines().index("    - check: contents.media") + 1
    assert f"warning: {NAME}:{line}: contents.media /app/intro was known until {yesterday}" in outcome.text

    # Writing doesn't prolong it: that is for people to say.
    outcome = media(image, *CHOSEN, UPDATE, *workers)
    assert outcome.code == 1
    assert f"line {line}: contents.media /app/intro was known until {yesterday} and is still there" in outcome.text
    assert known.entries()["contents.media /app/intro"]["until"] == yesterday


@pytest.mark.usefixtures("policy")
def test_what_is_mended_is_told_and_leaves_the_file(media, write_layout, known, workers):
    image = write_layout(films("intro", "outro"), user="0")
    media(image, *CHOSEN, UPDATE)
    known.change(
        "    - check: contents.media\n      file: /app/intro",
        "    # the trailer; see the ticket\n    - check: contents.media\n      # a path\n      file: /app/intro",
    )
    known.change("owner: nobody yet", "owner: video-team  # ask Ann")
    (image / "index.json").write_text("")
    mended = LayoutWriter(image)
    mended.image(films("intro"), config={"User": "1000"})
    mended.finish()

    told = media(image, *CHOSEN, *workers)
    assert told.code == 0
    for what in ("config.user", "contents.media /app/outro"):
        assert re.search(rf"note: {NAME}:\d+: {what} is mended", told.text)
    assert len(known.entries()) == 3

    written = media(image, *CHOSEN, UPDATE, *workers)
    assert written.code == 0
    assert set(known.entries()) == {"contents.media /app/intro"}
    assert f"{known.path}: {image.name}: - config.user (mended)" in written.text
    text = known.path.read_text()
    assert "    # the trailer; see the ticket\n    - check: contents.media\n      # a path\n" in text
    assert "owner: video-team  # ask Ann" in text

    mended = LayoutWriter(image)
    (image / "index.json").write_text("")
    mended.image([layer([Item("a", b"1")])], config={"User": "1000"})
    mended.finish()
    media(image, *CHOSEN, UPDATE, *workers)
    assert yaml.safe_load(known.path.read_text()) == {"version": 1, "images": {}}
    assert media(image, *CHOSEN, *workers).code == 0


@pytest.mark.usefixtures("policy")
def test_a_run_of_some_checks_leaves_the_others_entries(media, write_layout, known, workers):
    image = write_layout(films("intro"), user="0")
    media(image, *CHOSEN, UPDATE)
    before = known.path.read_text()
    (image / "index.json").write_text("")
    mended = LayoutWriter(image)
    mended.image([layer([Item("a", b"1")])], config={"User": "1000"})
    mended.finish()
    assert "is mended" not in media(image, "-k", "layers.count", *workers).text
    outcome = media(image, "-k", "layers.count", UPDATE, *workers)
    assert known.path.read_text() == before
    assert f"{known.path}: unchanged" in outcome.text
    media(image, "-k", "config.user", UPDATE, *workers)
    assert set(known.entries()) == {"contents.media /app/intro"}


def test_a_check_that_broke_leaves_its_entries(media, write_layout, known, workers):
    image = write_layout(films("intro"))
    media(image, *CHOSEN, UPDATE)
    (image / "index.json").write_text("")
    writer = LayoutWriter(image)
    writer.image([layer([Item("b", b"2" * 100_000)])], config={"User": "1000"})
    writer.finish()
    for blob in (image / "blobs" / "sha256").iterdir():
        if blob.read_bytes()[:4] == b"\x28\xb5\x2f\xfd":
            data = bytearray(blob.read_bytes())
            data[-6] ^= 0xFF
            blob.write_bytes(data)
    outcome = media(image, *CHOSEN, UPDATE, *workers)
    assert outcome.result("contents.media")["status"] == "error"
    assert set(known.entries()) == {"contents.media /app/intro"}


def test_what_grows_fails_again(media, write_layout, known, pytester, workers):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nsize: {unpacked: 1MB}\n")
    chosen = ("-k", "size.unpacked")
    image = write_layout([layer([Item("a", bytes(3_000_000))], "COPY a /")])

    def rebuild(length: int) -> None:
        (image / "index.json").write_text("")
        writer = LayoutWriter(image)
        writer.image([layer([Item("a", bytes(length))], "COPY a /")], config={"User": "1000"})
        writer.finish()

    media(image, *chosen, UPDATE)
    assert known.entries()["size.unpacked"]["bytes"] == 2_000_000
    rebuild(3_100_000)
    assert media(image, *chosen, *workers).code == 0
    rebuild(3_200_000)
    outcome = media(image, *chosen, *workers)
    assert outcome.code == 1
    assert "(known, but grown from 2 MB to 2.2 MB)" in outcome.text
    # The file follows it downwards too.
    rebuild(2_000_000)
    assert media(image, *chosen, UPDATE, *workers).code == 0
    assert known.entries()["size.unpacked"]["bytes"] == 1_000_000
    rebuild(3_000_000)
    assert media(image, *chosen, *workers).code == 1


def test_images_and_platforms_share_a_file(media, tmp_path, pytester, known, workers):
    def write(folder: Path, *platforms: tuple[str, tuple[str, ...]]) -> Path:
        writer = LayoutWriter(folder)
        images = [
            writer.image(films(*names), platform=platform, config={"User": "1"}, listed=False)
            for platform, names in platforms
        ]
        writer.index(images)
        return writer.finish()

    one = write(pytester.path / "images" / "one", ("linux/amd64", ("a", "b")), ("linux/arm64", ("a", "c")))
    two = write(pytester.path / "images" / "two", ("linux/amd64", ("a",)))
    both = (one, f"--media-image=oci:{two}", "--media-platform=all", *CHOSEN)
    assert media(*both, UPDATE, *workers).code == 0
    images = yaml.safe_load(known.path.read_text())["images"]
    assert {name: [(e["file"], e["platforms"]) for e in entries] for name, entries in images.items()} == {
        "images/one": [
            ("/app/a", ["linux/amd64", "linux/arm64"]),
            ("/app/b", ["linux/amd64"]),
            ("/app/c", ["linux/arm64"]),
        ],
        "images/two": [("/app/a", ["linux/amd64"])],
    }
    assert media(*both, *workers).code == 0

    # One platform of one image says nothing of the others.
    before = known.path.read_text()
    assert media(one, "--media-platform=linux/amd64", *CHOSEN, UPDATE, *workers).code == 0
    assert known.path.read_text() == before


def test_a_named_file(media, write_layout, pytester, workers):
    image = write_layout(films("intro"))
    path = pytester.path / "known" / "ffmpeg.yaml"
    missing = media(image, *CHOSEN, f"--media-known={path}")
    assert missing.code == pytest.ExitCode.USAGE_ERROR
    assert "ffmpeg.yaml: the known findings can't be read: No such file" in missing.text
    assert media(image, *CHOSEN, f"--media-known={path}", UPDATE, *workers).code == 0
    assert path.exists() and not (pytester.path / NAME).exists()
    assert media(image, *CHOSEN, f"--media-known={path}", *workers).code == 0
    assert media(image, *CHOSEN, *workers).code == 1


def test_nonsense_names_its_line(media, write_layout, known, workers):
    image = write_layout(films("intro"))
    media(image, *CHOSEN, UPDATE)
    known.change("owner: nobody yet", "onwer: ann")
    line = known.path.read_text().splitlines().index("      onwer: ann") + 1
    for more in ((), (UPDATE,)):
        outcome = media(image, *CHOSEN, *more, *workers)
        assert outcome.code == pytest.ExitCode.USAGE_ERROR
        assert f"{known.path}:{line}: unknown key 'onwer'; did you mean 'owner'?" in outcome.text


def test_what_the_policy_ignores_is_not_written(media, write_layout, pytester, known, workers):
    image = write_layout(films("intro", "outro"))
    media(image, *CHOSEN, UPDATE)
    (pytester.path / "mediaimage.yaml").write_text(
        "version: 1\nignore: [{check: contents.media, path: /app/intro, reason: ours}]\n"
    )
    media(image, *CHOSEN, UPDATE, *workers)
    assert set(known.entries()) == {"contents.media /app/outro"}


def test_a_place_that_cannot_be_written(media, write_layout, workers):
    outcome = media(write_layout(films("intro")), *CHOSEN, UPDATE, "--media-known=/dev/null/known.yaml", *workers)
    assert outcome.code == 10
    assert "Pass --media-known FILE that can be written." in outcome.text
    assert outcome.report["results"]


def test_a_teams_own_test_judges_by_itself(media, write_layout, pytester, workers):
    """The file tolerates what the policy's checks find; a test that asks for a check means it."""
    image = write_layout(films("intro"))
    media(image, *CHOSEN, UPDATE)
    pytester.makepyfile(test_own="def test_media(media_image):\n    media_image.check('contents.media')\n")
    assert media(image, "test_own.py", *workers).code == 1


def test_runs_at_the_same_time_lose_nothing(write_layout, pytester, known, media_cache):
    """Two hundred images in a loop with eight at a time: each writes its own part of the one file."""
    images = [write_layout(films(f"film{number}")) for number in range(6)]
    runs = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--media-cache={media_cache}"),
                *(f"--media-image=oci:{image}", f"--media-known={known.path}", UPDATE, *CHOSEN),
            ],
            cwd=pytester.path,
            stdout=subprocess.PIPE,
        )
        for image in images
    ]
    for run in runs:
        output, _ = run.communicate(timeout=120)
        assert run.returncode == 0, output.decode()
    assert set(known.entries()) == {f"contents.media /app/film{number}" for number in range(6)}
    assert [path.name for path in pytester.path.iterdir() if path.name.startswith((".", NAME))] == [NAME]


def test_the_report_is_json_that_says_what_is_known(media, write_layout, pytester, workers):
    image = write_layout(films("intro"))
    media(image, *CHOSEN, UPDATE, *workers)
    report = media(image, *CHOSEN, *workers).report
    assert json.dumps(report).count('"known": true') == 1
    assert report["policy"]["source"] == "preset default"
