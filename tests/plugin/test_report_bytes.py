"""Names that aren't UTF-8 reach every report, from workers too."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

from pytest_mediaimage.image.build import Item, layer

ODD = b"\xff\xfe".decode("utf-8", "surrogateescape")
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


def test_names_that_are_no_text_are_told_with_escapes(media, write_layout, pytester, workers):
    pytester.makeconftest(
        f"""
        import pytest_mediaimage

        @pytest_mediaimage.check("own.odd", fails="nothing", why="No reason.")
        def odd(context):
            context.measure("measured {ODD!a}".replace("'", ""), budget="budget \\udcff", unit="")
            yield context.finding("found \\udcff", file="/\\udcff", evidence="\\udcff", fix="\\udcff", layer=0)

        @pytest_mediaimage.check("own.skips", fails="nothing", why="No reason.")
        def skips(context):
            context.measure("\\udcff")
            context.skip("skipped for \\udcff")

        @pytest_mediaimage.check("own.breaks", fails="nothing", why="No reason.")
        def breaks(context):
            raise pytest_mediaimage.errors.CorruptImage("broke at \\udcff")

        def pytest_mediaimage_checks():
            return [odd, skips, breaks]
        """
    )
    layers = [layer([Item(f"app/{ODD}.mp4", MP4 + bytes(3_000_000))], f"COPY {ODD} /app/")]
    image = write_layout(layers, user=ODD, Entrypoint=[f"/app/{ODD}"], Env=[f"PATH=/{ODD}", f"LD_PRELOAD=/{ODD}.so"])
    written = ["--media-report=markdown:media.md", "--media-report=sarif:media.sarif", "--junit-xml=junit.xml"]
    outcome = media(image, "--media-static", *written, *workers)
    assert outcome.code == 1 and "INTERNALERROR" not in outcome.text
    (film,) = outcome.result("contents.media")["findings"]
    assert film["file"] == "/app/\\udcff\\udcfe.mp4"
    assert outcome.result("own.odd")["budget"] == "budget \\udcff"
    assert outcome.result("own.skips")["reason"] == "skipped for \\udcff"
    assert outcome.result("own.skips")["measured"] == "\\udcff"
    assert "broke at \\udcff" in outcome.result("own.breaks")["reason"]
    for name in ("report.json", "media.sarif"):
        text = (pytester.path / name).read_text()
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    (pytester.path / "media.md").read_text()
    ElementTree.parse(pytester.path / "junit.xml")
