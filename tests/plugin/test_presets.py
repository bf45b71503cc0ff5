"""The packaged presets, each on an image that it is for and on one that it isn't."""

from __future__ import annotations

import random

import pytest

from pytest_mediaimage.image.build import Item, LayoutWriter, layer

LABELS = {f"org.opencontainers.image.{name}": "x" for name in ("source", "revision", "version", "licenses")}


@pytest.fixture
def preset(pytester: pytest.Pytester):
    def use(name: str, more: str = "") -> None:
        (pytester.path / "mediaimage.yaml").write_text(f"version: 1\nextends: {name}\n{more}")

    return use


def failed(outcome) -> set[str]:
    return {check for check, status in outcome.statuses().items() if status == "failed"}


CHOSEN = ("--media-static", "-k", "not capabilities and not sbom")


@pytest.fixture
def wasteful(write_layout):
    """It runs as root, and a tenth of it is replaced: both are warnings by default."""
    parts = [
        layer([Item(f"opt/{char}", char.encode() * 40_000_000) for char in "acdef"], "RUN make"),
        layer([Item("opt/b", b"b" * 14_000_000)], "RUN curl"),
        layer([Item("opt/.wh.b")], "RUN rm"),
    ]
    return write_layout(parts, user="0", Labels=LABELS)


def test_what_default_warns_of_strict_fails(media, wasteful, preset, workers):
    preset("default")
    assert failed(media(wasteful, *CHOSEN, *workers)) == set()
    preset("strict")
    assert {"config.user", "layers.waste"} <= failed(media(wasteful, *CHOSEN, *workers))
    preset("strict", "severity: {config.user: warning, layers.waste: warning}\n")
    assert failed(media(wasteful, *CHOSEN, *workers)) == set()


def test_an_image_that_is_strict(media, write_layout, preset, workers):
    preset("strict")
    outcome = media(write_layout(Labels=LABELS), *CHOSEN, *workers)
    assert failed(outcome) == set()
    assert outcome.result("size.compressed")["budget"] == 300_000_000
    missing = media(write_layout(Labels={}), *CHOSEN, *workers)
    assert failed(missing) == {"manifest.labels"}


@pytest.mark.parametrize(("platform", "compression", "expected"), [
    ("linux/arm64", "zstd", set()),
    ("linux/arm64", "gzip", {"manifest.compression"}),
    ("linux/amd64", "zstd", {"manifest.platforms"}),
])  # fmt: skip
def test_edge(media, tmp_path, preset, workers, platform, compression, expected):
    preset("edge")
    writer = LayoutWriter(tmp_path)
    content = random.Random(1).randbytes(2_000_000)
    part = layer([Item("etc/passwd", b"app:x:1000:1000::/:/bin/sh\n"), Item("a", content)], compression=compression)
    writer.image([part], platform=platform, config={"User": "1000", "Labels": LABELS})
    writer.finish()
    outcome = media(tmp_path, f"--media-platform={platform}", *CHOSEN, *workers)
    assert failed(outcome) == expected
    assert outcome.result("layers.count")["budget"] == 10


def test_edge_is_small(media, write_layout, preset, workers):
    preset("edge", "image: {platforms: [linux/amd64]}\n")
    parts = [layer([Item(f"a{number}", b"x")], f"RUN {number}") for number in range(11)]
    assert failed(media(write_layout(parts, Labels=LABELS), *CHOSEN, *workers)) == {"layers.count"}
    large = [layer([Item(char, char.encode() * 40_200_000) for char in "abcde"])]
    assert failed(media(write_layout(large, Labels=LABELS), *CHOSEN, *workers)) == {"size.unpacked", "size.layer"}


def test_an_ignore_that_expired_or_that_nothing_needs_is_told(media, write_layout, pytester, workers):
    (pytester.path / "base.yaml").write_text("version: 1\nignore: [{check: layers.count, reason: shared}]\n")
    (pytester.path / "mediaimage.yaml").write_text(
        "version: 1\nextends: base.yaml\nignore:\n"
        "- {check: config.user, reason: needed}\n"
        "- {check: size.unpacked, reason: unneeded}\n"
        "- {check: layers.waste, reason: over, until: 2020-01-31}\n"
        "- {check: 'size.l*', path: /x, reason: unneeded too}\n"
    )
    outcome = media(write_layout(user="0"), "--media-static", *workers)
    assert "mediaimage.yaml:4" not in outcome.text
    lines = [line.rpartition("/")[2] for line in outcome.text.splitlines() if "ignore of " in line]
    assert lines == [
        "mediaimage.yaml:5: ignore of size.unpacked matched nothing in this run (unneeded)",
        "mediaimage.yaml:6: ignore of layers.waste ended on 2020-01-31 (over)",
        "x matched nothing in this run (unneeded too)",
    ]
    assert "warning: " in next(line for line in outcome.text.splitlines() if "ended on" in line)
    assert [f["severity"] for f in outcome.report["policy"]["findings"]] == ["note", "warning", "note"]
    assert "shared" not in outcome.text

    # A run of some checks can't tell; the calendar can.
    outcome = media(write_layout(user="0"), "--media-static", "-k", "config.user", *workers)
    assert [f["severity"] for f in outcome.report["policy"]["findings"]] == ["warning"]
