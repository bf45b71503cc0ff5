"""`--media-report cyclonedx:PATH`: what the image is made of, with syft or without."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packageurl import PackageURL
from support.registry import registry

from pytest_mediaimage.errors import ToolUnavailable
from pytest_mediaimage.image.build import Item, LayoutWriter, layer
from pytest_mediaimage.image.sources.demo import find_ffmpeg
from pytest_mediaimage.report.sbom_files import files_of
from pytest_mediaimage.sbom import Sbom, find_syft, read_document

STATIC = ("--media-static", "-k", "sbom.generated")
KNOWN = {"x264", "x265", "SVT-AV1", "libvpx", "Opus", "LAME"}
"""Libraries that the demo image's FFmpeg holds and Debian's links to."""


@pytest.fixture
def real_syft() -> None:
    try:
        find_syft()
    except ToolUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def fake_syft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script called syft first on PATH, which tells a version and then runs the given line."""

    def put(line: str) -> None:
        script = tmp_path / "bin" / "syft"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then echo \'{{"version": "9.9.9"}}\'; exit; fi\n{line}\n')
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")

    return put


@pytest.fixture
def no_syft(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Path:
        raise ToolUnavailable("syft was found nowhere", remedy="Install it.")

    monkeypatch.setattr("pytest_mediaimage.sbom.find_syft", missing)


def read(path: Path) -> Sbom:
    sbom = Sbom(json.loads(path.read_text()))
    assert sbom.validate() == []
    return sbom


def names(sbom: Sbom) -> set[str]:
    return {component["name"] for component in sbom.json["components"]}


def reports(folder: Path) -> tuple[str, str]:
    return f"--media-report=cyclonedx:{folder}/bom.cdx.json", f"--media-report=cyclonedx-1.7:{folder}/bom17.json"


def test_one_image(real_syft, media, pytester, workers):
    outcome = media("demo", *STATIC, *reports(pytester.path), *workers)
    assert outcome.code == 0
    sbom, newer = read(pytester.path / "bom.cdx.json"), read(pytester.path / "bom17.json")
    image = outcome.report["images"][0]
    assert sbom.json["metadata"]["component"]["version"] == image["digest"]
    assert (sbom.json["specVersion"], newer.json["specVersion"]) == ("1.6", "1.7")
    assert "ffmpeg" in names(sbom) == names(newer)
    assert sbom.packages is not None and sbom.packages.startswith("syft ")
    assert [(file["path"], file["spec_version"], file["packages"]) for file in image["sboms"]] == [
        (str(pytester.path / "bom.cdx.json"), "1.6", sbom.packages),
        (str(pytester.path / "bom17.json"), "1.7", sbom.packages),
    ]
    assert sbom.libraries.keys() >= KNOWN and all(sbom.libraries[name] for name in KNOWN)
    (ffmpeg,) = [component for component in sbom.json["components"] if component["name"] == "ffmpeg"]
    told = {item["name"]: item["value"] for item in ffmpeg["properties"]}
    assert {"libx264", "libx265", "aac"} <= set(told["mediaimage:ffmpeg:encoders"].split(","))
    measured = outcome.result("sbom.generated")["measured"]
    assert measured.startswith(f"{len(sbom.json['components'])} component")
    assert f" (packages by {sbom.packages}), 1 of 1 FFmpeg files named" in measured
    assert f"cyclonedx 1.6 report: {pytester.path}/bom.cdx.json" in outcome.text


def test_each_conclusion_leads_to_its_byte(real_syft, media, pytester):
    media("demo", *STATIC, *reports(pytester.path))
    program = find_ffmpeg().read_bytes()
    seen = 0
    for component in read(pytester.path / "bom.cdx.json").json["components"]:
        for place in component["evidence"]["occurrences"]:
            _, _, matched = place.get("additionalContext", "").partition("-text: ")
            if matched and matched.isprintable():
                seen += 1
                assert program.startswith(matched.encode(), place["offset"]), place
    assert seen >= len(KNOWN)


def test_debians_image(real_syft, media, debian_image, pytester):
    """The libraries are packages: their versions are the packages', and none is listed twice."""
    outcome = media(f"docker:{debian_image}", *STATIC, *reports(pytester.path))
    assert outcome.result("sbom.generated")["status"] == "passed"
    sbom = read(pytester.path / "bom.cdx.json")
    assert sbom.libraries.keys() >= KNOWN and all(sbom.libraries[name] for name in KNOWN)
    assert sbom.libraries["LAME"] == "3.100" and sbom.libraries["x265"] == "3.5"
    held = {
        item["value"]: component
        for component in sbom.json["components"]
        for item in component.get("properties", ())
        if item["name"] == "mediaimage:component:name"
    }
    assert all(held[name]["purl"].startswith("pkg:deb/debian/lib") for name in KNOWN)
    licenses = {
        component["name"]: item["value"]
        for component in sbom.json["components"]
        for item in component.get("properties", ())
        if item["name"] == "mediaimage:license"
    }
    assert licenses["libavcodec59"] == "GPL-2.0-or-later" and licenses["libavdevice59"] == "GPL-3.0-or-later"
    assert licenses["libopus0"] == "BSD-3-Clause" and len(licenses) > 200
    edges = {entry["ref"]: entry["dependsOn"] for entry in sbom.json["dependencies"]}
    (ffmpeg,) = edges[sbom.json["metadata"]["component"]["bom-ref"]]
    assert {held[name]["bom-ref"] for name in KNOWN} <= set(edges[ffmpeg])
    assert any(ref.startswith("pkg:deb/debian/libavcodec59@") for ref in edges[ffmpeg])
    references = [component["bom-ref"] for component in sbom.json["components"]]
    assert len(set(references)) == len(references) and set(edges[ffmpeg]) <= set(references)
    assert read(pytester.path / "bom17.json").json["specVersion"] == "1.7"


def test_without_the_check(real_syft, media, write_layout, pytester):
    """The report is made whichever checks are chosen."""
    outcome = media(write_layout(), "--media-static", "-k", "config.user", *reports(pytester.path))
    assert outcome.statuses() == {"config.user": "passed"}
    assert read(pytester.path / "bom.cdx.json").packages


def test_several_images(real_syft, media, write_layout, pytester, workers):
    first, second = write_layout(), write_layout(user="1001")
    outcome = media(first, f"--media-image=oci:{second}", *STATIC, reports(pytester.path)[0], *workers)
    assert not (pytester.path / "bom.cdx.json").exists()
    files = sorted(pytester.path.glob("bom-*-linux-amd64.cdx.json"))
    assert len(files) == 2
    digests = {read(file).json["metadata"]["component"]["version"] for file in files}
    assert digests == {image["digest"] for image in outcome.report["images"]} and len(digests) == 2
    for image in outcome.report["images"]:
        (file,) = image["sboms"]
        assert read(Path(file["path"])).json["metadata"]["component"]["version"] == image["digest"]


def test_every_platform_of_an_image_in_a_registry(real_syft, media, pytester, tmp_path):
    """Each BOM's subject is its platform's manifest, by a name that others can pull."""
    writer = LayoutWriter(tmp_path / "layout")
    content = [layer([Item("etc/passwd", b"app:x:1000:1000::/:/bin/sh\n")], "COPY etc /etc")]
    platforms = ("linux/amd64", "linux/arm64")
    images = [writer.image(content, platform=name, listed=False) for name in platforms]
    writer.index(images, tag="1")
    with registry(tmp_path) as server:
        server.push(writer.finish(), "team/ffmpeg", "1")
        image = f"registry:{server.address}/team/ffmpeg:1"
        outcome = media(image, "--media-platform=all", *STATIC, reports(pytester.path)[0])
    assert outcome.code == 0
    for listed in outcome.report["images"]:
        (file,) = listed["sboms"]
        assert listed["platform"].replace("/", "-") in file["path"]
        subject = read(Path(file["path"])).json["metadata"]["component"]
        purl = PackageURL.from_string(subject["purl"])
        assert (purl.type, purl.name, purl.version) == ("oci", "ffmpeg", listed["digest"])
        assert subject["version"] == listed["digest"]
        assert purl.qualifiers["arch"] == listed["platform"].partition("/")[2]
        assert purl.qualifiers["repository_url"] == f"{server.address}/team/ffmpeg"
        assert read_document(Path(file["path"]).read_bytes()).subject_digests == {listed["digest"]}
    assert len({listed["digest"] for listed in outcome.report["images"]}) == 2


def check_without_packages(outcome: Any, folder: Path, reason: str) -> None:
    sbom = read(folder / "bom.cdx.json")
    assert "ffmpeg" in names(sbom) and sbom.packages is None
    assert reason in str(sbom.packages_missing)
    assert sbom.json["compositions"][0]["aggregate"] == "incomplete"
    assert read(folder / "bom17.json").packages_missing == sbom.packages_missing
    result = outcome.result("sbom.generated")
    assert result["status"] == "skipped" and reason in result["reason"]
    assert " (packages missing), " in result["measured"]
    assert outcome.report["images"][0]["sboms"][0]["packages_missing"] == sbom.packages_missing


def test_without_syft(no_syft, media, pytester):
    outcome = media("demo", *STATIC, *reports(pytester.path))
    assert outcome.code == 0
    check_without_packages(outcome, pytester.path, "syft was found nowhere")
    assert "Install it" in outcome.result("sbom.generated")["reason"]


def test_without_syft_our_own_findings_still_fail(no_syft, media, write_layout):
    """Machine code by the name of ffmpeg that tells nothing of itself."""
    image = write_layout([layer([Item("usr/bin/ffmpeg", Path("/bin/true").read_bytes(), mode=0o755)], "COPY")])
    outcome = media(image, *STATIC)
    assert outcome.code == 1
    assert outcome.result("sbom.generated")["status"] == "failed"
    assert outcome.messages("sbom.generated")[0].startswith("/usr/bin/ffmpeg is an FFmpeg that the SBOM doesn't name")


def test_a_policy_may_require_the_packages(no_syft, media, pytester):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nrequired: [sbom.generated]\n")
    assert media("demo", *STATIC).code == 11


def test_syft_fails(fake_syft, media, pytester, tmp_path):
    fake_syft("echo 'no such thing: /secret/path' >&2; exit 3")
    outcome = media("demo", *STATIC, *reports(pytester.path), f"--media-cache={tmp_path}/cache")
    check_without_packages(outcome, pytester.path, "syft failed on the image with exit code 3")
    assert "no such thing" in outcome.result("sbom.generated")["reason"]
    assert "/secret/path" not in (pytester.path / "bom.cdx.json").read_text()


def test_syft_hangs(fake_syft, media, pytester, tmp_path, monkeypatch):
    fake_syft("exec sleep 300")
    monkeypatch.setattr("pytest_mediaimage.checks.bom._TIMEOUT", 0.5)
    outcome = media("demo", *STATIC, *reports(pytester.path), f"--media-cache={tmp_path}/cache")
    check_without_packages(outcome, pytester.path, "syft had no result for the image after 0.5 s")


def test_the_fixture_without_syft(no_syft, media, pytester):
    pytester.makepyfile(
        """
        def test_sbom(media_sbom):
            assert {component.name for component in media_sbom.bom.components} >= {"ffmpeg"}
            assert media_sbom.packages_missing == "syft was found nowhere"
        """
    )
    media("demo", "test_the_fixture_without_syft.py", "--media-static").pytest.assert_outcomes(passed=1)


def test_an_old_bom_is_not_taken_for_this_runs(media, pytester):
    old, other = pytester.path / "bom.cdx.json", pytester.path / "bom17.json"
    old.write_text('{"bomFormat": "CycloneDX"}')
    other.write_text("somebody else's")
    assert media("oci:/no/such/place", *reports(pytester.path)).code == 4
    assert not old.exists() and other.exists()


def test_a_bom_that_cannot_be_written_keeps_the_other_reports(no_syft, media, write_layout, tmp_path):
    (tmp_path / "taken").mkdir()
    outcome = media(write_layout(), *STATIC, f"--media-report=cyclonedx:{tmp_path / 'taken'}")
    assert outcome.code == 10
    assert f"ERROR: the cyclonedx report {tmp_path / 'taken'} isn't written: " in outcome.text
    assert "INTERNALERROR" not in outcome.text
    assert outcome.report["images"][0]["sboms"] == []


@pytest.mark.parametrize(
    ("path", "ids", "expected"),
    [
        ("bom.json", ["docker:a/b:1-linux/amd64"], ["bom.json"]),
        ("o/bom.cdx.json", ["a:1-x", "a:2-x"], ["o/bom-a-1-x.cdx.json", "o/bom-a-2-x.cdx.json"]),
        ("v1.2.json", ["a", "b"], ["v1.2-a.json", "v1.2-b.json"]),
        ("bom", ["a:1", "a/1"], ["bom-a-1", "bom-a-1-2"]),
    ],
)
def test_a_file_for_each_image(path: str, ids: list[str], expected: list[str]) -> None:
    assert [file.as_posix() for file in files_of(Path(path), ids)] == expected


def test_a_long_id_makes_a_name_that_a_file_can_have() -> None:
    long, _ = files_of(Path("b.json"), ["oci:/" + "x/" * 300 + "end", "b"])
    assert len(long.name) < 140 and long.name.endswith("-end.json")
