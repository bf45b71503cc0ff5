"""JUnit XML tells what was measured, also where workers ran the checks."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from pytest_mediaimage.image.build import Item, layer


def properties(path):
    """Each check's properties, by its id."""
    found = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        named = [(item.get("name"), item.get("value")) for item in case.iter("property")]
        assert len(dict(named)) == len(named), "each is told once"
        found[dict(named).get("check")] = dict(named)
    return found


def test_every_check_has_its_values(media, write_layout, pytester, workers):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nsize: {unpacked: 1kB}\n")
    image = write_layout([layer([Item("a", b"x" * 5000)], "COPY a /")])
    outcome = media(image, "--media-static", "--junitxml=junit.xml", *workers)
    told = properties(pytester.path / "junit.xml")
    assert set(told) == set(outcome.statuses())
    assert told["size.unpacked"] == {
        "check": "size.unpacked",
        "image": f"oci:{image}",
        "digest": outcome.report["images"][0]["digest"],
        "platform": "linux/amd64",
        "measured": "5000",
        "budget": "1000",
        "unit": "bytes",
    }
    assert "budget" not in told["size.layer"]
    assert told["transcode.h264-aac"]["hardware_path"] == "cpu"
