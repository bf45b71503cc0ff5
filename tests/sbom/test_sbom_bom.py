from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.ffmpeg import FFmpegIdentity
from pytest_mediaimage.ffmpeg.build import Build
from pytest_mediaimage.ffmpeg.identity import LICENSE_TEXTS
from pytest_mediaimage.sbom import FoundBuild, Sbom, SyftRun, load_bom, merge, release_number

DIGEST = "sha256:" + "d" * 64
LAYER = "sha256:" + "1" * 64


def image(syft_json: dict[str, Any] | None, *builds: FoundBuild) -> Sbom:
    return merge(syft_json, builds, image_name="example.org/team/ffmpeg:1", image_digest=DIGEST)


def identity(**changes: Any) -> FFmpegIdentity:
    return dataclasses.replace(
        FFmpegIdentity(
            kind="library",
            version="5.1.9-0+deb12u1",
            configuration="--prefix=/usr --enable-gpl --enable-libx264",
            licenses={"libavcodec": "GPL version 2 or later"},
            libraries={"libavcodec": "59.37.100"},
            compiler=None,
            offsets={"configuration": 10, "version": 20},
        ),
        **changes,
    )


def found(identity: FFmpegIdentity, *paths: str) -> FoundBuild:
    return FoundBuild(tuple((path, LAYER) for path in paths), Build(identity))


def ours(sbom: Sbom) -> list[dict[str, Any]]:
    return [component for component in sbom.json["components"] if component["bom-ref"].startswith("ffmpeg-")]


def places(component: dict[str, Any]) -> list[str]:
    return sorted({place["location"] for place in component["evidence"]["occurrences"]})


@pytest.fixture(scope="session")
def debian_json(syft: Path, debian_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    base = tmp_path_factory.mktemp("syft")
    run = SyftRun(f"dir:{debian_root}", platform=None, cache=base / "cache", key="debian", work=base / "work")
    bom = load_bom(run.result(60))
    assert bom is not None
    return bom


@pytest.fixture(scope="session")
def static_json(syft: Path, layout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    base = tmp_path_factory.mktemp("syft")
    run = SyftRun(f"oci-dir:{layout}", platform=None, cache=base / "cache", key="static", work=base / "work")
    bom = load_bom(run.result(60))
    assert bom is not None
    return bom


def test_static_build_that_syft_does_not_see(static_json: dict[str, Any], static_identity: FFmpegIdentity) -> None:
    assert static_json.get("components", []) == []
    sbom = image(static_json, found(static_identity, "/usr/local/bin/ffmpeg"))
    assert sbom.validate() == []
    (component,) = sbom.json["components"]
    assert (component["name"], component["version"]) == ("ffmpeg", "8.1.2")
    assert component["purl"] == "pkg:generic/ffmpeg@8.1.2"
    assert component["cpe"] == "cpe:2.3:a:ffmpeg:ffmpeg:8.1.2:*:*:*:*:*:*:*"
    assert component["licenses"] == [
        {"license": {"id": "GPL-3.0-or-later", "acknowledgement": "declared"}},
        {"license": {"id": "GPL-3.0-or-later", "acknowledgement": "concluded"}},
    ]
    first, second, *licenses = component["evidence"]["occurrences"]
    assert first == {
        "location": "/usr/local/bin/ffmpeg",
        "offset": static_identity.offsets["version"],
        "additionalContext": f"layer {LAYER}; FFmpeg version n8.1.2",
    }
    assert second["offset"] == static_identity.offsets["configuration"]
    assert {
        "location": "/usr/local/bin/ffmpeg",
        "offset": static_identity.offsets["license:libavcodec"],
        "additionalContext": f"layer {LAYER}; libavcodec license: GPL version 3 or later",
    } in licenses
    assert {item["methods"][0]["technique"] for item in component["evidence"]["identity"]} == {"binary-analysis"}
    properties = {item["name"]: item["value"] for item in component["properties"]}
    assert properties["mediaimage:ffmpeg:configuration"] == static_identity.configuration
    assert properties["mediaimage:ffmpeg:version"] == "n8.1.2"


def test_subject_is_the_image(static_json: dict[str, Any], static_identity: FFmpegIdentity) -> None:
    sbom = image(static_json, found(static_identity, "/ffmpeg"))
    subject = sbom.json["metadata"]["component"]
    assert (subject["type"], subject["name"], subject["version"]) == ("container", "example.org/team/ffmpeg:1", DIGEST)
    assert {tool["name"] for tool in sbom.json["metadata"]["tools"]["components"]} == {"syft", "pytest-mediaimage"}
    edges = {entry["ref"]: entry["dependsOn"] for entry in sbom.json["dependencies"]}
    assert edges[subject["bom-ref"]] == [component["bom-ref"] for component in ours(sbom)]


def test_without_syft(static_identity: FFmpegIdentity) -> None:
    sbom = image(None, found(static_identity, "/ffmpeg"))
    assert sbom.validate() == []
    assert len(sbom.json["components"]) == 1


def test_without_anything() -> None:
    sbom = image(None)
    assert sbom.validate() == []
    assert sbom.bom.components == set()


def test_packages_are_kept(debian_json: dict[str, Any]) -> None:
    before = copy.deepcopy(debian_json)
    sbom = image(debian_json, found(identity(), "/usr/lib/libavcodec.so.59.37.100"))
    assert debian_json == before
    assert sbom.json["components"][: len(before["components"])] == before["components"]
    assert len(ours(sbom)) == 1
    assert sbom.validate() == []


def ordered(item: object) -> str:
    return json.dumps(item, sort_keys=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # syft writes `author`
def test_round_trip(debian_json: dict[str, Any], static_identity: FFmpegIdentity) -> None:
    """What cyclonedx-python-lib reads and writes again says the same of our component."""
    from cyclonedx.output.json import JsonV1Dot6

    sbom = image(debian_json, found(static_identity, "/usr/local/bin/ffmpeg"), found(identity(), "/usr/bin/ffmpeg"))
    written = json.loads(JsonV1Dot6(sbom.bom).output_as_string())
    assert written["serialNumber"] == sbom.json["serialNumber"]
    assert written["metadata"]["component"]["version"] == DIGEST
    assert len(written["components"]) == len(sbom.json["components"])
    again = {component["bom-ref"]: component for component in written["components"]}
    for component in ours(sbom):
        other = again[component["bom-ref"]]
        for field in ("name", "version", "type", "purl", "cpe"):
            assert other.get(field) == component.get(field)
        assert sorted(map(ordered, other["evidence"]["occurrences"])) == sorted(
            map(ordered, component["evidence"]["occurrences"])
        )
        for field in ("licenses", "properties"):
            assert sorted(map(ordered, other[field])) == sorted(map(ordered, component[field]))


def test_one_component_for_a_shared_build() -> None:
    tool = identity(kind="tool", licenses={}, compiler="gcc 12", offsets={"version": 5})
    scale = identity(licenses={"libswscale": "GPL version 2 or later"}, libraries={}, version=None)
    sbom = image(
        None,
        found(scale, "/lib/libswscale.so.6"),
        found(tool, "/bin/ffmpeg"),
        found(identity(), "/lib/libavcodec.so.59"),
    )
    (component,) = ours(sbom)
    assert places(component) == ["/bin/ffmpeg", "/lib/libavcodec.so.59", "/lib/libswscale.so.6"]
    assert component["licenses"][0]["license"] == {"id": "GPL-2.0-or-later", "acknowledgement": "declared"}
    assert "gcc 12" in str(component["properties"])


def test_tool_that_knows_nothing_joins_its_libraries() -> None:
    tool = identity(kind="tool", licenses={}, version=None, configuration=None, libraries={"libavcodec": "63.1.102"})
    library = identity(version="n9.0.2", libraries={"libavcodec": "63.1.102"})
    assert (
        len(
            ours(
                image(
                    None,
                    found(tool, "/bin/ffmpeg"),
                    found(library, "/lib/libavcodec.so.63"),
                )
            )
        )
        == 1
    )
    assert len(ours(image(None, found(tool, "/bin/ffmpeg"), found(identity(), "/lib/libavcodec.so.59")))) == 2


def test_builds_with_other_options_are_apart() -> None:
    other = identity(configuration="--enable-gpl --enable-version3")
    sbom = image(None, found(identity(), "/a"), found(other, "/b"), found(identity(), "/c"))
    assert sorted(map(places, ours(sbom))) == [["/a", "/c"], ["/b"]]
    assert sbom.validate() == []


def test_nonfree_and_conflicts() -> None:
    text = "nonfree and unredistributable"
    build = identity(configuration="--enable-nonfree --enable-gpl", licenses={"libavcodec": text})
    (component,) = ours(sbom := image(None, found(build, "/ffmpeg")))
    assert component["licenses"][1] == {
        "license": {"name": "LicenseRef-FFmpeg-nonfree", "acknowledgement": "concluded"}
    }
    conflicts = [item["value"] for item in component["properties"] if item["name"].endswith(":conflict")]
    assert [conflict.partition(":")[0] for conflict in conflicts] == ["nonfree-flag", "nonfree-flag-unneeded"]
    assert sbom.validate() == []


@pytest.mark.parametrize(
    ("version", "shown", "purl", "cpe"),
    [
        ("n8.1.2", "8.1.2", "pkg:generic/ffmpeg@8.1.2", "8.1.2"),
        ("5.1.9-0+deb12u1", "5.1.9-0+deb12u1", "pkg:generic/ffmpeg@5.1.9-0%2Bdeb12u1", "5.1.9"),
        ("N-118315-g4f3c9f2f03", "N-118315-g4f3c9f2f03", "pkg:generic/ffmpeg@N-118315-g4f3c9f2f03", None),
        (None, None, "pkg:generic/ffmpeg", None),
    ],
)
def test_versions(version: str | None, shown: str | None, purl: str, cpe: str | None) -> None:
    (component,) = ours(sbom := image(None, found(identity(version=version), "/ffmpeg")))
    assert (component.get("version"), component["purl"]) == (shown, purl)
    assert component.get("cpe") == (f"cpe:2.3:a:ffmpeg:ffmpeg:{cpe}:*:*:*:*:*:*:*" if cpe else None)
    assert sbom.validate() == []


def test_same_findings_same_document() -> None:
    one, other = found(identity(), "/a"), found(identity(version="n7.1"), "/b")
    assert image(None, one, other).json == image(None, other, one).json
    assert image(None, one).json["serialNumber"] != image(None, other).json["serialNumber"]


def test_validate_says_where(static_identity: FFmpegIdentity) -> None:
    broken = copy.deepcopy(image(None, found(static_identity, "/ffmpeg")).json)
    broken["components"][0]["typ"] = "application"
    del broken["components"][0]["name"]
    messages = Sbom(broken).validate()
    assert len(messages) == 2 and all(message.startswith("components/0: ") for message in messages)
    with pytest.raises(ValueError):
        Sbom({**broken, "specVersion": "9"}).validate()


@pytest.mark.parametrize(
    ("version", "expected"),
    [("7:5.1.9-0+deb12u1", "5.1.9"), ("n8.1", "8.1"), ("4.4-r1", "4.4"), ("N-1-gabc", None), ("", None), (None, None)],
)
def test_release_number(version: str | None, expected: str | None) -> None:
    assert release_number(version) == expected


PATHS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=20).map(lambda name: "/" + name)
IDENTITIES = st.builds(
    FFmpegIdentity,
    kind=st.sampled_from(["tool", "library", "embedded"]),
    version=st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
    configuration=st.none() | st.text(max_size=60),
    licenses=st.dictionaries(st.sampled_from(["libavcodec", "libavutil"]), st.sampled_from(sorted(LICENSE_TEXTS))),
    libraries=st.dictionaries(st.sampled_from(["libavcodec"]), st.just("62.28.102")),
    compiler=st.none() | st.just("gcc 14"),
    offsets=st.dictionaries(st.sampled_from(["version", "configuration", "license:libavcodec"]), st.integers(0, 2**40)),
)


@settings(deadline=None)
@given(st.lists(st.tuples(IDENTITIES, PATHS), max_size=5, unique_by=lambda build: build[1]))
def test_every_occurrence_is_kept(builds: list[tuple[FFmpegIdentity, str]]) -> None:
    sbom = image(None, *(found(identity, path) for identity, path in builds))
    assert {place for component in ours(sbom) for place in places(component)} == {path for _, path in builds}
    references = [component["bom-ref"] for component in ours(sbom)]
    assert len(set(references)) == len(references)


@settings(max_examples=25, deadline=None)
@given(IDENTITIES, PATHS)
def test_always_valid(identity: FFmpegIdentity, path: str) -> None:
    assert image(None, found(identity, path)).validate() == []
