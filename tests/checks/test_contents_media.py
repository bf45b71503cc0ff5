"""`contents.media`: films by content, in every layer and in archives, and what only looks like one."""

from __future__ import annotations

import io
import zipfile

from layer_images import MB, Judge, judge, messages, noise
from mending import assert_one_is_gone_and_nothing_new, assert_still_the_same

from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge"]

MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
WAV = b"RIFF\x24\x08\x00\x00WAVEfmt \x10\x00\x00\x00"


def film(length: int = 3 * MB) -> bytes:
    return MP4 + noise(length - len(MP4))


def copied(*items: Item) -> BuiltLayer:
    return layer(items, "COPY . /app", compression="none")


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def test_a_film_of_any_name_fails(judge: Judge) -> None:
    result = judge("contents.media", [copied(Item("app/intro.bin", film()))])
    assert (result.status, result.measured, result.budget) == (Status.FAILED, 3 * MB, 2 * MB)
    (finding,) = result.findings
    assert finding.message == "/app/intro.bin is an MP4 file (ISO base media) (3 MB)"
    assert (finding.file, finding.bytes, finding.created_by) == ("/app/intro.bin", 3 * MB, "COPY . /app")
    assert ".dockerignore" in finding.fix


def test_a_deleted_film_still_travels(judge: Judge) -> None:
    result = judge("contents.media", [copied(Item("app/a.bin", film())), layer([Item("app/.wh.a.bin")], "RUN rm")])
    assert result.status is Status.FAILED
    assert "deleted or replaced by layer 2 but still pulled" in messages(result)


def test_a_film_in_an_archive_fails(judge: Judge) -> None:
    result = judge("contents.media", [copied(Item("app/samples.zip", zipped("clips/a.bin", film())))])
    assert result.status is Status.FAILED
    assert "/app/samples.zip is an archive with clips/a.bin, an MP4 file (ISO base media)" in messages(result)
    assert result.measured is not None and 3 * MB <= float(result.measured) < 3.1 * MB


def test_small_clips_count_together(judge: Judge) -> None:
    items = [Item(f"app/{number}.wav", WAV + noise(100_000, number)) for number in range(25)]
    result = judge("contents.media", [copied(*items)])
    assert result.status is Status.FAILED
    assert len(result.findings) == 25


def test_a_film_that_goes_brings_no_new_finding(judge: Judge) -> None:
    items = [Item(f"app/{number}.wav", WAV + noise(200_000 - number, number)) for number in range(25)]
    before, after = (judge("contents.media", [copied(*left)]) for left in (items, items[1:]))
    assert_one_is_gone_and_nothing_new(before, after)


def test_a_film_that_goes_out_of_an_archive_leaves_the_same_finding(judge: Judge) -> None:
    def archive(*names: str) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name in names:
                archive.writestr(name, film())
        return out.getvalue()

    before, after = (
        judge("contents.media", [copied(Item("app/samples.zip", archive(*names)))]) for names in ("abc", "bc")
    )
    assert_still_the_same(before, after)


def test_films_without_number_are_one_finding(judge: Judge) -> None:
    items = [Item(f"app/{number}.wav", WAV + bytes(3000)) for number in range(1200)]
    before, after = (judge("contents.media", [copied(*left)]) for left in (items, items[1:]))
    assert_still_the_same(before, after)
    (finding,) = before.findings
    assert finding.message == "1200 audio and video files, such as /app/0.wav, /app/1.wav, /app/2.wav"
    assert (finding.severity, finding.bytes) == (Severity.ERROR, before.measured)


def test_the_clips_of_libraries_are_one_note(judge: Judge) -> None:
    """scipy ships 22 WAVs of 72 kB."""
    folder = "usr/lib/python3/site-packages/scipy/io/tests/data"
    items = [Item(f"{folder}/{number}.wav", WAV + bytes(3000 + number)) for number in range(22)]
    result = judge("contents.media", [copied(*items)])
    (finding,) = result.findings
    assert (result.status, finding.severity) == (Status.PASSED, Severity.NOTE)
    assert "22 audio and video files (66.67 kB in all), the largest" in finding.message


def test_the_clips_of_installed_packages_are_one_note(judge: Judge) -> None:
    clips = [Item(f"usr/lib/python3/dist-packages/gradio/media/{name}.mp4", film()) for name in "ab"]
    result = judge("contents.media", [layer(clips, "RUN pip install gradio", compression="none")])
    assert (result.status, result.measured) == (Status.PASSED, 0)
    ((severity, message),) = [(finding.severity, finding.message) for finding in result.findings]
    assert severity is Severity.NOTE
    assert message.startswith("2 audio and video files of installed packages (6 MB in all)")
    many = [Item(f"srv/node_modules/clips/{number}.mp4", film(9 * MB)) for number in range(6)]
    assert judge("contents.media", [layer(many, "RUN npm ci", compression="none")]).measured == 54 * MB


def test_what_the_policy_allows_doesnt_count(judge: Judge) -> None:
    layers = [copied(Item("app/a/film.mp4", film()), Item("app/b.mp4", MP4 + bytes(2000)))]
    result = judge("contents.media", layers, contents_allow=("/app/a/*",))
    assert (result.status, result.measured) == (Status.PASSED, 2000 + len(MP4))


def test_pictures_models_and_names_are_no_films(judge: Judge) -> None:
    avif = b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf" + noise(3 * MB)
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + noise(3 * MB)
    items = [Item("app/a.mp4", b"text\n" * MB), Item("app/b.mp4", noise(3 * MB)), Item("app/c", avif)]
    items += [Item("app/d", heic), Item("app/e.zip", zipped("film.mp4", b"no film" * MB))]
    result = judge("contents.media", [copied(*items)])
    assert (result.status, result.measured, result.findings) == (Status.PASSED, 0, [])
