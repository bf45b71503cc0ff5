"""CycloneDX 1.7 with what is said of patents."""

from __future__ import annotations

import datetime
from typing import Any

from pytest_mediaimage.ffmpeg import FFmpegIdentity
from pytest_mediaimage.ffmpeg.build import Build
from pytest_mediaimage.sbom import FoundBuild, Sbom, merge
from pytest_mediaimage.sbom.patented import with_patents
from pytest_mediaimage.sbom.patents import Codec, Kind, PatentData, Statement, built_in

DAY = datetime.date(2026, 11, 24)


def statement(kind: Kind, *scope: str, by: str = "Pool") -> Statement:
    source = f"https://example.org/{kind}"
    return Statement(by, "Programme", kind, scope, f"{by} says {kind}", source, "high", DAY)  # type: ignore[arg-type]


DATA = PatentData(
    DAY,
    "test",
    {
        "h264": Codec("h264", "H.264", (statement(Kind.ASKS, "encode", "decode"), statement(Kind.SUES, "streaming"))),
        "vp9": Codec("vp9", "VP9", (statement(Kind.GRANTS, "encode", "decode", by="Google"),)),
        "mp3": Codec("mp3", "MP3", (statement(Kind.ENDED, "encode", "decode"),)),
    },
)


def image(encoders: tuple[str, ...] | None, decoders: tuple[str, ...] | None) -> Sbom:
    identity = FFmpegIdentity("tool", "n8.1", "", {"libavcodec": "LGPL version 2.1 or later"}, {}, None, {"version": 1})
    build = FoundBuild((("/ffmpeg", ""),), Build(identity, encoders=encoders, decoders=decoders))
    return merge(None, [build], image_name="image", image_digest="sha256:" + "d" * 64)


def asserted(sbom: Sbom) -> tuple[list[dict[str, Any]], str]:
    (component,) = sbom.json["components"]
    told = {item["name"]: item["value"] for item in component["properties"]}
    return component.get("patentAssertions", []), told["mediaimage:patents:codecs"]


def test_statements_become_assertions() -> None:
    before = image(("libx264",), ("h264", "vp9", "mp3float"))
    after = with_patents(before, DATA)
    assert after.validate() == []
    assert (before.json["specVersion"], after.json["specVersion"]) == ("1.6", "1.7")
    assert "patentAssertions" not in str(before.json)
    assert after.json["serialNumber"] != before.json["serialNumber"]
    entries, codecs = asserted(after)
    assert codecs == "h264,mp3,vp9"
    assert [(entry["asserter"]["name"], entry["assertionType"]) for entry in entries] == [
        ("Pool", "standards-inclusion"),
        ("Pool", "third-party-claim"),
        ("Google", "non-assertion"),
    ]
    assert entries[0]["asserter"]["url"] == ["https://example.org/asks"]
    assert "H.264 (encode, decode): Pool says asks" in entries[0]["notes"] and "2026-11-24" in entries[0]["notes"]


def test_encoding_and_decoding_are_told_apart() -> None:
    entries, _ = asserted(with_patents(image((), ("h264",)), DATA))
    assert [entry["assertionType"] for entry in entries] == ["standards-inclusion"]


def test_what_a_device_does_is_not_in_the_build() -> None:
    assert asserted(with_patents(image(("h264_nvenc",), ("h264_cuvid",)), DATA)) == ([], "none")


def test_lists_that_cannot_be_read() -> None:
    assert asserted(with_patents(image(None, None), DATA)) == ([], "unknown")


def test_every_row_that_ships_makes_a_valid_document() -> None:
    data = built_in()
    names = tuple(sorted({*data.codecs, "libx264", "libx265", "aac", "libsvtav1", "libmp3lame", "libopus", "dca"}))
    sbom = with_patents(image(names, names), data)
    assert sbom.validate() == []
    entries, _ = asserted(sbom)
    assert {"standards-inclusion", "non-assertion"} <= {entry["assertionType"] for entry in entries}
    assert all(entry["asserter"]["url"][0].startswith("http") for entry in entries)


def test_no_ffmpeg() -> None:
    sbom = with_patents(merge(None, [], image_name="x", image_digest="sha256:" + "d" * 64), DATA)
    assert sbom.validate() == []
