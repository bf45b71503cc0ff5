"""Downloads that break off, never end, or aren't what was announced."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from image_helpers import AMD64, open_layout
from registry_helpers import LAYERS, LENGTH, Respond, fails, layer_digest, pull, refusing, write
from support.registry import Call, Fake, isolate, make_certificate, serving

from pytest_mediaimage.errors import CorruptImage, RegistryUnavailable
from pytest_mediaimage.image.manifest import MAX_DOCUMENT
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.registry import faults
from pytest_mediaimage.image.registry.faults import seconds_to_wait
from pytest_mediaimage.image.sources import Opening, open_image


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("registry") / "layout")


class Sometimes:
    """Does `first` for the first calls, then what is right."""

    def __init__(self, fake: Fake, first: Respond, times: int) -> None:
        self.fake, self.first, self.left = fake, first, times

    def __call__(self, call: Call) -> None:
        self.left -= 1
        if self.left >= 0:
            return self.first(call)
        return self.fake.rightly(call)


def hang_up(call: Call) -> None:
    call.drop()


@pytest.mark.parametrize("first", [refusing(429), refusing(500), refusing(503), refusing(408), hang_up], ids=range(5))
@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
def test_what_passes_is_tried_again(part: str, first: Respond, layout: Path, tmp_path: Path) -> None:
    fake = Fake(layout)
    fake.instead[part] = Sometimes(fake, first, 3)
    with serving(fake) as server:
        pull(server, tmp_path)


@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
def test_what_never_passes_is_the_registrys_fault(part: str, layout: Path, tmp_path: Path) -> None:
    with serving(Fake(layout, {part: refusing(502)})) as server:
        said = fails(server, tmp_path, RegistryUnavailable, r"answered 502 \(5 attempts\)")
        assert "org/ffmpeg" in said and "Try again later" in said
        assert len([asked for asked in server.asked if part in asked.path]) == 5


@pytest.mark.parametrize("status", [400, 405, 418, 501])
def test_what_can_not_pass_is_asked_once(status: int, layout: Path, tmp_path: Path) -> None:
    with serving(Fake(layout, {"/manifests/": refusing(status)})) as server:
        fails(server, tmp_path, RegistryUnavailable, f"answered {status}")
        assert len(server.paths()) == 1


def test_retry_after_is_honoured(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(faults, "time", SimpleNamespace(sleep=pauses.append, monotonic=time.monotonic))
    fake = Fake(layout)
    fake.instead["/manifests/"] = Sometimes(fake, refusing(429, Retry_After="7"), 1)
    fake.instead["/blobs/"] = Sometimes(
        fake, lambda call: call.answer(503, Retry_After=formatdate(time.time() + 9, usegmt=True)), 1
    )
    with serving(fake) as server:
        pull(server, tmp_path)
    assert pauses[0] == 7
    assert 5 < pauses[1] <= 9


def test_a_long_retry_after_is_told(layout: Path, tmp_path: Path) -> None:
    with serving(Fake(layout, {"/manifests/": refusing(429, Retry_After="3600")})) as server:
        fails(server, tmp_path, RegistryUnavailable, r"429 \(too many requests\); it asks us to come back in 3600 s")
        assert len(server.asked) <= 2


def test_forms_of_retry_after() -> None:
    assert seconds_to_wait("120") == 120
    assert seconds_to_wait("0") == 0
    assert seconds_to_wait("9" * 400) == 999_999_999
    assert seconds_to_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert 3000 < (seconds_to_wait(formatdate(time.time() + 3600, usegmt=True)) or 0) <= 3600
    for text in (None, "", "soon", "-1", "1.5", "٣", "Wed, 99 Oct 2015 07:28:00 GMT"):
        assert seconds_to_wait(text) is None


class Breaking:
    """Sends `piece` bytes of the rest of a blob at a time, then hangs up."""

    def __init__(self, data: bytes, piece: int, *, ranges: bool = True) -> None:
        self.data, self.piece, self.ranges = data, piece, ranges
        self.starts: list[int] = []

    def __call__(self, call: Call) -> None:
        start = int(call.headers.get("Range", "bytes=0-")[6:-1])
        self.starts.append(start)
        length = len(self.data)
        if start and self.ranges:
            call.begin(206, Content_Length=str(length - start), Content_Range=f"bytes {start}-{length - 1}/{length}")
            call.wfile.write(self.data[start : start + self.piece])
        else:
            call.begin(200, Content_Length=str(length))
            call.wfile.write(self.data[: start + self.piece])
        call.drop()


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_goes_on_where_it_broke_off(ranges: bool, layout: Path, tmp_path: Path) -> None:
    breaking = Breaking(LAYERS[0].data, 300_000, ranges=ranges)
    with serving(Fake(layout, {layer_digest(layout): breaking})) as server:
        _ = open_image(Reference.parse(f"registry:{server.address}/x"), AMD64, Opening(tmp_path)).tree
    assert breaking.starts == [0, 300_000, 600_000, 900_000, 1_200_000, 1_500_000]


def test_a_download_by_tls_that_breaks_off(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS's own goodbye."""
    made = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    breaking = Breaking(LAYERS[0].data, 800_000)
    with serving(Fake(layout, {layer_digest(layout): breaking}), certificate=made) as server:
        _ = open_image(Reference.parse(f"registry:{server.address}/x"), AMD64, Opening(tmp_path)).tree
    assert breaking.starts == [0, 800_000]


def test_a_download_that_gets_nowhere(layout: Path, tmp_path: Path) -> None:
    breaking = Breaking(LAYERS[0].data, 10)
    with serving(Fake(layout, {layer_digest(layout): breaking})) as server:
        fails(server, tmp_path, RegistryUnavailable, r"the blob sha256:\w+ of .*broke off.*byte 50.*\(5 attempts\)")
    assert len(breaking.starts) == 5


@pytest.mark.parametrize(
    ("content_range", "error", "words"),
    [
        ("bytes 0-9/10", RegistryUnavailable, "another part"),
        (f"bytes 1000-{LENGTH - 1}/{LENGTH + 1}", CorruptImage, "bytes where the descriptor says"),
        ("", RegistryUnavailable, "without saying which"),
        ("bytes */10", RegistryUnavailable, "without saying which"),
    ],
)
def test_ranges_that_are_wrong(
    content_range: str, error: type[Exception], words: str, layout: Path, tmp_path: Path
) -> None:
    data = LAYERS[0].data

    def respond(call: Call) -> None:
        if "Range" in call.headers:
            return call.answer(206, data[1000:], Content_Range=content_range)
        call.begin(200, Content_Length=str(len(data)))
        call.wfile.write(data[:1000])
        return call.drop()

    with serving(Fake(layout, {layer_digest(layout): respond})) as server:
        fails(server, tmp_path, error, words)


def test_a_blob_that_is_shorter_than_announced(layout: Path, tmp_path: Path) -> None:
    """Without Content-Length only asking for the rest shows it."""
    data = LAYERS[0].data[:1000]

    def respond(call: Call) -> None:
        if "Range" in call.headers:
            return call.answer(416)
        call.begin(200, Connection="close")
        call.wfile.write(data)
        return call.drop()

    with serving(Fake(layout, {layer_digest(layout): respond})) as server:
        fails(server, tmp_path, CorruptImage, "at byte 1000: the registry's blob ends here")


@pytest.mark.parametrize("length", [0, 1000, LENGTH - 1, LENGTH + 1, 10**30])
def test_a_blob_of_another_length(length: int, layout: Path, tmp_path: Path) -> None:
    def respond(call: Call) -> None:
        call.begin(200, Content_Length=str(length))
        call.drop()

    with serving(Fake(layout, {layer_digest(layout): respond})) as server:
        fails(server, tmp_path, CorruptImage, f"has {length} bytes where the descriptor says {LENGTH}")
        assert len([path for path in server.paths() if layer_digest(layout) in path]) == 1


def chunked(pieces: Callable[[], Any]) -> Respond:
    def respond(call: Call) -> None:
        call.begin(200, Transfer_Encoding="chunked")
        for piece in pieces():
            call.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        call.wfile.write(b"0\r\n\r\n")

    return respond


def endless() -> Any:
    while True:
        yield b"\0" * 65536


def test_chunks_are_as_good_as_a_length(layout: Path, tmp_path: Path) -> None:
    data = LAYERS[0].data
    pieces = [data[start : start + 70_000] for start in range(0, len(data), 70_000)]
    with serving(Fake(layout, {layer_digest(layout): chunked(lambda: pieces)})) as server:
        pull(server, tmp_path)


def test_bodies_that_never_end(layout: Path, tmp_path: Path) -> None:
    with serving(Fake(layout, {layer_digest(layout): chunked(endless)})) as server:
        fails(server, tmp_path, CorruptImage, "damaged|more bytes where the descriptor says")
    with serving(Fake(layout, {"/manifests/": chunked(endless)})) as server:
        fails(server, tmp_path, CorruptImage, f"a manifest of more than {MAX_DOCUMENT} bytes")
    config = open_layout(layout).config_digest
    with serving(Fake(layout, {config: chunked(endless)})) as server:
        fails(server, tmp_path / "other", CorruptImage, "more bytes where the descriptor says")


def test_content_that_is_not_what_its_digest_says(layout: Path, tmp_path: Path) -> None:
    wrong = bytearray(LAYERS[0].data)
    wrong[700_000] ^= 1
    with serving(Fake(layout, {layer_digest(layout): lambda call: call.answer(200, bytes(wrong))})) as server:
        fails(server, tmp_path, CorruptImage, "the layer is damaged: its content has the digest")
        image = open_image(
            Reference.parse(f"registry:{server.address}/x"), AMD64, Opening(tmp_path / "kept", keep_blobs=True)
        )
        with pytest.raises(CorruptImage):
            _ = image.tree
    names = {path.name for path in (tmp_path / "kept" / "blobs").rglob("*") if path.is_file()}
    assert names == {image.digest.partition(":")[2], image.config_digest.partition(":")[2]}


def test_compressed_answers_are_left_as_they_are(layout: Path, tmp_path: Path) -> None:
    """Some storages label a gzip layer so: its bytes are what the digest is of."""

    def respond(call: Call) -> None:
        assert call.headers["Accept-Encoding"] == "identity"
        call.answer(200, LAYERS[0].data, Content_Encoding="gzip")

    with serving(Fake(layout, {layer_digest(layout): respond})) as server:
        pull(server, tmp_path)
