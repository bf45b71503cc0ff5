"""The libraries of a build in the BOM: listed, or linked to the package that holds them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_mediaimage.ffmpeg import FFmpegIdentity
from pytest_mediaimage.ffmpeg.build import Build
from pytest_mediaimage.ffmpeg.components import Component, Demand
from pytest_mediaimage.ffmpeg.evidence import Evidence
from pytest_mediaimage.sbom import FoundBuild, Sbom, merge, names_ffmpeg
from pytest_mediaimage.sbom.packages import Packages, upstream_version

DIGEST = "sha256:" + "d" * 64
LAYER = "sha256:" + "1" * 64
CONFIGURATION = "--enable-gpl --enable-libx264 --enable-libmp3lame"


def library(id: str, name: str, linkage: str = "static", version: str | None = None, *evidence: Evidence) -> Component:
    return Component(name, id, version, "GPL-2.0-or-later", Demand.GPL, linkage, evidence)  # type: ignore[arg-type]


def build(*components: Component, **lists: Any) -> Build:
    texts = dict.fromkeys(("libavcodec", "libavfilter"), "GPL version 2 or later")
    offsets = {"version": 5, "license:libavcodec": 9}
    identity = FFmpegIdentity(
        "library", "5.1.9-0+deb12u1", CONFIGURATION, texts, {"libavcodec": "59.37"}, None, offsets
    )
    return Build(identity, components=components, **lists)


def bom(*builds: tuple[str, Build], packages: list[dict[str, Any]] | None = None) -> Sbom:
    base = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": packages} if packages is not None else None
    found = [FoundBuild(((path, LAYER),), build) for path, build in builds]
    made = merge(base, found, image_name="image", image_digest=DIGEST)
    assert made.validate() == []
    return made


def named(sbom: Sbom, name: str) -> dict[str, Any]:
    (component,) = [component for component in sbom.json["components"] if component["name"] == name]
    return component


def facts(component: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in component["properties"]}


def edges(sbom: Sbom) -> dict[str, list[str]]:
    return {entry["ref"]: entry["dependsOn"] for entry in sbom.json["dependencies"]}


def deb(name: str, version: str, source: str = "") -> dict[str, Any]:
    upstream = f"&upstream={source}" if source else ""
    purl = f"pkg:deb/debian/{name}@{version}?arch=amd64{upstream}"
    return {"bom-ref": f"{purl}&id", "type": "library", "name": name, "version": version, "purl": purl}


X264 = Evidence("library-text", "x264 - core 164 r3108", 1234, 0.95)
SYMBOL = Evidence("symbol", "x264_encoder_open_164", None, 0.9)


def test_a_static_library_is_a_component_with_its_evidence() -> None:
    sbom = bom(("/usr/bin/ffmpeg", build(library("libx264", "x264", "static", "164 r3108", X264, SYMBOL))))
    x264 = named(sbom, "x264")
    assert (x264["type"], x264["version"]) == ("library", "164 r3108")
    assert x264["licenses"] == [{"license": {"id": "GPL-2.0-or-later", "acknowledgement": "concluded"}}]
    assert x264["purl"] == "pkg:generic/x264@164%20r3108"
    name, version = x264["evidence"]["identity"]
    assert (name["field"], name["concludedValue"], name["confidence"]) == ("name", "x264", 0.95)
    assert [method["value"] for method in name["methods"]] == [
        "library-text: x264 - core 164 r3108",
        "symbol: x264_encoder_open_164",
    ]
    assert {method["technique"] for method in name["methods"]} == {"binary-analysis"}
    assert (version["field"], version["concludedValue"]) == ("version", "164 r3108")
    assert x264["evidence"]["occurrences"] == [
        {
            "location": "/usr/bin/ffmpeg",
            "offset": 1234,
            "additionalContext": f"layer {LAYER}; library-text: x264 - core 164 r3108",
        }
    ]
    assert facts(x264) == {
        "mediaimage:component:id": "libx264",
        "mediaimage:component:name": "x264",
        "mediaimage:component:version": "164 r3108",
        "mediaimage:component:linkage": "static",
        "mediaimage:component:demand": "gpl",
    }
    image, ffmpeg = sbom.json["metadata"]["component"]["bom-ref"], named(sbom, "ffmpeg")["bom-ref"]
    assert edges(sbom) == {image: [ffmpeg], ffmpeg: [x264["bom-ref"]]}


def test_a_shared_library_is_linked_to_its_package() -> None:
    packages = [deb("libx264-164", "2:0.164.3095+gitbaee400-3", "x264"), deb("libx265-199", "3.5-2+b1", "x265")]
    before = json.dumps(packages)
    needed = Evidence("needed", "libx264.so.164", None, 0.9)
    sbom = bom(
        ("/usr/lib/libavcodec.so.59", build(library("libx264", "x264", "shared", None, needed))), packages=packages
    )
    assert json.dumps(packages) == before
    assert [component["name"] for component in sbom.json["components"]] == ["libx264-164", "libx265-199", "ffmpeg"]
    package = named(sbom, "libx264-164")
    assert package["version"] == packages[0]["version"] and package["purl"] == packages[0]["purl"]
    assert facts(package)["mediaimage:component:name"] == "x264"
    assert facts(package)["mediaimage:component:version"] == "0.164.3095+gitbaee400"
    name, version = package["evidence"]["identity"]
    assert name["concludedValue"] == "x264" and name["methods"][0]["value"] == "needed: libx264.so.164"
    assert version["methods"][0]["technique"] == "manifest-analysis"
    assert package["evidence"]["occurrences"][0]["location"] == "/usr/lib/libavcodec.so.59"
    assert edges(sbom)[named(sbom, "ffmpeg")["bom-ref"]] == [package["bom-ref"]]
    assert named(sbom, "libx265-199") == packages[1]


def test_a_static_library_is_not_the_package_of_the_same_name() -> None:
    packages = [deb("libx264-164", "2:0.164.3095+gitbaee400-3", "x264")]
    sbom = bom(("/opt/ffmpeg", build(library("libx264", "x264", "static", "165", X264))), packages=packages)
    assert named(sbom, "libx264-164") == packages[0]
    assert named(sbom, "x264")["version"] == "165"


def test_a_packaged_build_depends_on_its_packages() -> None:
    """The distribution's package has the CPE: its version has the distribution's fixes."""
    packages = [
        deb("libavcodec59", "7:5.1.9-0+deb12u1", "ffmpeg"),
        deb("ffmpeg", "7:5.1.9-0+deb12u1"),
        deb("libavcodec58", "7:4.4-1", "ffmpeg"),
    ]
    sbom = bom(("/usr/lib/x86_64-linux-gnu/libavcodec.so.59.37.100", build()), packages=packages)
    (ours,) = [component for component in sbom.json["components"] if component["bom-ref"].startswith("ffmpeg-")]
    assert edges(sbom)[ours["bom-ref"]] == [packages[0]["bom-ref"]]
    assert "cpe" not in ours
    (copied,) = [
        component
        for component in bom(("/opt/lib/libavcodec.so.59", build()), packages=packages).json["components"]
        if component["bom-ref"].startswith("ffmpeg-")
    ]
    assert copied["cpe"].startswith("cpe:2.3:a:ffmpeg:ffmpeg:5.1.9:")


def test_what_one_file_configures_and_another_links_to_is_one_library() -> None:
    flag = Evidence("configuration", "--enable-libx264", 77, 0.8)
    needed = Evidence("needed", "libx264.so.164", None, 0.9)
    tool = build(library("libx264", "x264", "configured", None, flag))
    codec = build(library("libx264", "x264", "shared", None, needed))
    sbom = bom(("/usr/bin/ffmpeg", tool), ("/usr/lib/libavcodec.so.59", codec))
    x264 = named(sbom, "x264")
    assert facts(x264)["mediaimage:component:linkage"] == "shared"
    assert x264["evidence"]["identity"][0]["confidence"] == 0.9
    assert {place["location"] for place in x264["evidence"]["occurrences"]} == {
        "/usr/bin/ffmpeg",
        "/usr/lib/libavcodec.so.59",
    }


def test_a_licence_that_is_an_expression() -> None:
    lame = Component("LAME", "libmp3lame", "3.100", "LGPL-2.0-or-later OR MIT", Demand.NONE, "static", (X264,))
    sbom = bom(("/ffmpeg", build(lame)))
    assert named(sbom, "LAME")["licenses"] == [
        {"expression": "LGPL-2.0-or-later OR MIT", "acknowledgement": "concluded"}
    ]
    odd = Component("LAME", "libmp3lame", None, "LicenseRef-house", Demand.NONE, "static", ())
    license = named(bom(("/ffmpeg", build(odd))), "LAME")["licenses"][0]["license"]
    assert license == {"name": "LicenseRef-house", "acknowledgement": "concluded"}


def test_codec_lists() -> None:
    held = build(encoders=("aac", "libx264"), decoders=(), filters=tuple(f"filter_number_{n}" for n in range(3000)))
    told = facts(named(bom(("/ffmpeg", held)), "ffmpeg"))
    assert told["mediaimage:ffmpeg:encoders"] == "aac,libx264"
    assert told["mediaimage:ffmpeg:decoders"] == "none"
    assert told["mediaimage:ffmpeg:muxers"] == "unknown"
    listed, _, rest = told["mediaimage:ffmpeg:filters"].partition(" and ")
    assert len(listed) <= 16_000
    assert listed.count(",") + 1 + int(rest.removesuffix(" more")) == 3000


def test_occurrences_are_bounded() -> None:
    evidence = [Evidence("library-text", f"text {n}", n, 0.95) for n in range(500)]
    sbom = bom(("/ffmpeg", build(library("libx264", "x264", "static", None, *evidence))))
    assert len(named(sbom, "x264")["evidence"]["occurrences"]) == 50


def test_a_path_that_is_no_utf_8_can_be_written() -> None:
    path = "/opt/\udcff/ffmpeg"
    sbom = bom((path, build(library("libx264", "x264", "static", None, X264))))
    assert json.loads(sbom.text().encode()) == sbom.json
    assert {place["location"] for place in named(sbom, "x264")["evidence"]["occurrences"]} == {"/opt/\\udcff/ffmpeg"}
    assert names_ffmpeg(sbom, path)


def test_libraries_by_their_authors_names() -> None:
    static = build(library("libx264", "x264", "static", "164", X264), library("libmp3lame", "LAME"))
    assert bom(("/ffmpeg", static)).libraries == {"x264": "164", "LAME": None}
    needed = Evidence("needed", "libx264.so.164", None, 0.9)
    packages = [deb("libx264-164", "2:0.164.3095-3", "x264"), deb("bash", "5")]
    shared = build(library("libx264", "x264", "shared", None, needed))
    assert bom(("/lib/libavcodec.so.59", shared), packages=packages).libraries == {"x264": "0.164.3095"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_libraries_survive_a_round_trip() -> None:
    from cyclonedx.output.json import JsonV1Dot6

    needed = Evidence("needed", "libx264.so.164", None, 0.9)
    shared = build(
        library("libx264", "x264", "shared", None, needed), library("libmp3lame", "LAME", "static", "3.100", X264)
    )
    sbom = bom(("/usr/lib/libavcodec.so.59", shared), packages=[deb("libx264-164", "2:0.164-3", "x264")])
    written = Sbom(json.loads(JsonV1Dot6(sbom.bom).output_as_string()))
    assert written.validate() == []
    again = {component["bom-ref"]: component for component in written.json["components"]}
    assert len(again) == len(sbom.json["components"]) == 3
    for component in sbom.json["components"]:
        for field in ("name", "version", "purl"):
            assert again[component["bom-ref"]].get(field) == component.get(field)
        licenses = again[component["bom-ref"]].get("licenses", [])
        assert sorted(map(ordered, licenses)) == sorted(map(ordered, component.get("licenses", [])))
        for field in ("identity", "occurrences"):
            ours, theirs = component["evidence"][field], again[component["bom-ref"]]["evidence"][field]
            assert sorted(map(ordered, theirs)) == sorted(map(ordered, ours))
    assert {ref: set(on) for ref, on in edges(sbom).items() if on} == {
        entry["ref"]: set(entry["dependsOn"]) for entry in written.json["dependencies"] if entry.get("dependsOn")
    }


def ordered(item: dict[str, Any]) -> str:
    return json.dumps(item, sort_keys=True)


@pytest.mark.parametrize(
    ("soname", "upstream", "package"),
    [
        ("libx264.so.164", "x264", "libx264-164"),
        ("libmp3lame.so.0", "lame", "libmp3lame0"),
        ("libSvtAv1Enc.so.1", "svt-av1", "libsvtav1enc1"),
        ("libssl.so.3", "openssl", "libssl3t64"),
        ("libtheoraenc.so.1", "libtheora", "libtheora0"),
        ("libxml2.so.2", "libxml2", "libxml2"),
        ("libsnappy.so.1", "snappy", "libsnappy1v5"),
        ("libcodec2.so.1.0", "codec2", "libcodec2-1.0"),
        ("libopus.so.0", "opus", None),
        ("libav.so.1", "av", None),
    ],
)
def test_debians_packages(soname: str, upstream: str, package: str | None) -> None:
    names = ["libx264-164", "libx264-163", "libmp3lame0", "libsvtav1enc1", "libssl3t64", "libtheora0", "libxml2"]
    names += ["libsnappy1v5", "libcodec2-1.0", "libopusfile0", "libavc1394-0", "opus-tools"]
    found = Packages([deb(name, "1-1") for name in names]).holder(soname, upstream)
    assert (found["name"] if found else None) == package


def test_packages_that_say_what_they_provide() -> None:
    def package(name: str, kind: str, *provides: str) -> dict[str, Any]:
        listed = [{"name": f"syft:metadata:provides:{n}", "value": text} for n, text in enumerate(provides)]
        return {"bom-ref": name, "name": name, "purl": f"pkg:{kind}/{name}@1", "properties": listed}

    packages = Packages(
        [
            package("x264-libs", "apk/alpine", "so:libx264.so.164=164"),
            package("libx265", "rpm/fedora", "libx265.so.199()(64bit)", "libx265(x86-64)"),
            package("x264-fake", "pypi", "so:libopus.so.0=0"),
        ]
    )
    holders = [packages.holder(name) for name in ("libx264.so.164", "libx265.so.199", "libopus.so.0")]
    assert [holder["name"] if holder else None for holder in holders] == ["x264-libs", "libx265", None]


@pytest.mark.parametrize(
    ("kind", "version", "expected"),
    [
        ("deb", "2:0.164.3095+gitbaee400-3", "0.164.3095+gitbaee400"),
        ("deb", "3.100-6", "3.100"),
        ("deb", "1.12.0+dfsg-1", "1.12.0"),
        ("apk", "1.13.1-r2", "1.13.1"),
        ("rpm", "1.4.1-3.fc41", "1.4.1"),
        ("deb", "", None),
    ],
)
def test_versions_without_what_a_distribution_adds(kind: str, version: str, expected: str | None) -> None:
    assert upstream_version({"purl": f"pkg:{kind}/x/y@1", "version": version}) == expected
