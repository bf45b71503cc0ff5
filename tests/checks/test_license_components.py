"""`license.components`: rules on licences, conditions, waivers, and what changed since the baseline."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import layer_images
import pytest
from binary_images import glibc, judge, told
from layer_images import Judge
from license_images import LABEL, ffmpeg, image

from pytest_mediaimage.checks.license.builds import image_builds
from pytest_mediaimage.checks.license.items import held_in_packages
from pytest_mediaimage.checks.subject import Subject
from pytest_mediaimage.checks.workbench import Workbench
from pytest_mediaimage.errors import PolicyError, ToolUnavailable
from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.policy import load_policy
from pytest_mediaimage.policy.licenses import AllowIf, Condition
from pytest_mediaimage.policy.model import Ignore
from pytest_mediaimage.result import Result, Status
from pytest_mediaimage.sbom import find_syft

CHECK = "license.components"
GPL = b"--enable-gpl --enable-libx264 --enable-libvpx"
compare = layer_images.judge


@pytest.fixture(autouse=True)
def syft_that_fails(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The real one takes seconds, and most of these images hold no package."""
    if "with_syft" not in request.node.name:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "syft").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / "syft").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")


def of(tmp_path: Path, configuration: bytes = GPL, more: tuple[Item, ...] = (), **policy: Any) -> Result:
    config = policy.pop("config", None)
    return judge(tmp_path / "images", CHECK, [*image(configuration), *more], config=config, **policy)


def test_the_preset_says_nothing_of_a_plain_build(tmp_path: Path) -> None:
    result = of(tmp_path)
    assert (result.status, told(result)) == (Status.PASSED, [])
    assert result.measured == "2 libraries of FFmpeg, packages not asked for: 2 licences"


def test_a_denied_licence_names_library_version_and_byte(tmp_path: Path) -> None:
    result = of(tmp_path, b"--enable-libfdk-aac", license_deny=("FDK-AAC",))
    ((severity, message),) = told(result)
    assert "packages unknown (" in str(result.measured)
    assert severity == "error" and "(FDK-AAC; configured: '--enable-libfdk-aac' at byte " in message
    assert "is under FDK-AAC, which license.deny names" in message
    assert result.findings[0].file == "/usr/bin/ffmpeg"


def test_what_isnt_allowed_fails_and_a_later_version_may_be_taken(tmp_path: Path) -> None:
    assert told(of(tmp_path, license_allow=("BSD-3-Clause", "GPL-3.0-only"))) == [], "GPL-2.0-or-later is GPL-3.0 too"
    result = of(tmp_path, license_allow=("GPL-*",))
    ((severity, message),) = told(result)
    assert severity == "error" and "libvpx" in message and "which license.allow doesn't name" in message
    assert [severity for severity, _ in told(of(tmp_path, license_allow=("MIT",)))] == ["error"] * 3


SOURCE = Condition("label", "org.opencontainers.image.source")
OFFER = Condition("file", "/usr/share/doc/**/SOURCE-OFFER*")
COPYRIGHT = Condition("file", "/usr/share/doc/ffmpeg/copyright")
GPL_IF = (AllowIf(("GPL-2.0-or-later",), any=(SOURCE, OFFER), all=(COPYRIGHT,)),)
THERE = Item("usr/share/doc/ffmpeg/copyright", b"Here it is.\n")


@pytest.mark.parametrize(
    ("label", "items", "missing"),
    [
        ("", (), "file /usr/share/doc/ffmpeg/copyright, label org.opencontainers.image.source or file"),
        ("", (THERE,), "only with label org.opencontainers.image.source or file /usr/share/doc/**/SOURCE-OFFER*"),
        ("https://git.example.com/ffmpeg", (), "only with file /usr/share/doc/ffmpeg/copyright"),
        ("https://git.example.com/ffmpeg", (Item("usr/share/doc/ffmpeg/copyright", b""),), "copyright"),
        ("https://git.example.com/ffmpeg", (THERE,), None),
        ("", (THERE, Item("usr/share/doc/x/SOURCE-OFFER.txt", b"Ask us.\n")), None),
    ],
)
def test_conditions_on_labels_and_files(
    tmp_path: Path, label: str, items: tuple[Item, ...], missing: str | None
) -> None:
    config = {"Labels": {SOURCE.value: label}}
    result = of(tmp_path, GPL, items, config=config, license_allow_if=GPL_IF)
    if missing is None:
        assert told(result) == []
    else:
        assert {severity for severity, _ in told(result)} == {"error"} and missing in told(result)[0][1]
        assert not any("libvpx" in message for _, message in told(result)), "the rest stays allowed"


def test_a_waiver_covers_one_library_and_ends(tmp_path: Path) -> None:
    def waived(until: str) -> list[str]:
        waiver = Ignore(CHECK, "in-house", until=datetime.date.fromisoformat(until), evidence="x264:*")
        result = of(tmp_path, GPL, license_deny=("GPL-2.0-or-later",), ignore=(waiver,))
        return [f"{severity} {message.rpartition('(')[2]}" for severity, message in told(result) if "x264 (" in message]

    assert waived("2999-01-01") == ["note ignored: in-house)"]
    (expired,) = waived("2020-01-01")
    assert expired.startswith("error was ignored until 2020-01-01")
    others = of(tmp_path, GPL, license_deny=("GPL-2.0-or-later",), ignore=(Ignore(CHECK, "why", evidence="x265:*"),))
    assert len(others.errors()) == 2, "FFmpeg itself and x264"


def test_without_ffmpeg_and_rules_it_skips(tmp_path: Path) -> None:
    assert judge(tmp_path, CHECK, glibc()).status is Status.SKIPPED


STATUS = """\
Package: {0}
Status: install ok installed
Version: 1.0-1
Architecture: amd64
Maintainer: A <a@example.com>
Description: x

"""
DEP5 = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: {}\n"


def test_packages_of_the_sbom_by_their_own_copyright_files_with_syft(tmp_path: Path) -> None:
    try:
        find_syft()
    except ToolUnavailable:
        pytest.skip("no syft here")
    documents = {
        "good": DEP5.format("Expat"),
        "bad": DEP5.format("AGPL-3+"),
        "parts": DEP5.format("Expat") + "\nFiles: src/a.c\nLicense: AGPL-3+\n",
        "people": "On Debian systems see /usr/share/common-licenses/GPL-2 and\nApache License, Version 2.0\n",
        "silent": "All rights reserved.\n",
    }
    items = [Item(f"usr/share/doc/{name}/copyright", text.encode()) for name, text in documents.items()]
    items.append(Item("var/lib/dpkg/status", "".join(STATUS.format(name) for name in documents).encode()))
    items.append(Item("etc/os-release", b"ID=debian\nVERSION_ID=12\n"))
    result = judge(tmp_path, CHECK, items, license_deny=("AGPL-*", "GPL-2.0-only"), license_unknown="warn")
    found = {
        finding.evidence.partition(":")[0]: (str(finding.severity), finding.message) for finding in result.findings
    }
    assert {name: severity for name, (severity, _) in found.items()} == {
        "bad": "error",
        "parts": "note",
        "people": "warning",
        "silent": "warning",
    }
    assert "deb package bad 1.0-1 (/usr/share/doc/bad/copyright) is under AGPL-3.0-or-later" in found["bad"][1]
    assert "no licence that is known" in found["silent"][1]


def subject_of(folder: Path, items: Sequence[Item]) -> Subject:
    folder.mkdir(parents=True, exist_ok=True)
    root = layer_images.write(folder / "image", [layer(items, "COPY . /")])
    bench = Workbench(cache=folder / "cache", runtime_name="auto", static=True, golden_folder=folder / "golden")
    return Subject(bench, Reference.parse(f"oci:{root}"), layer_images.AMD64)


def layers(configuration: bytes, stated: bytes = b"GPL version 2 or later") -> list[BuiltLayer]:
    return [layer([*glibc(), ffmpeg(configuration, stated)], "COPY . /")]


def test_what_changed_since_the_baseline_is_noted(compare: Judge) -> None:
    old = layers(b"--enable-gpl --enable-libx264 --enable-libvpx")
    new = layers(b"--enable-gpl --enable-libx264 --enable-libx265")
    result = compare(CHECK, new, baseline=old)
    said = told(result)
    assert [severity for severity, _ in said] == ["note", "note"]
    assert (
        "libraries gained since" in said[0][1]
        and "x265 (GPL-2.0-or-later; configured: '--enable-libx265'" in said[0][1]
    )
    assert "libraries lost since" in said[1][1] and "libvpx" in said[1][1]
    assert told(compare(CHECK, new, baseline=new)) == []
    assert told(compare(CHECK, new)) == []


def test_a_nonfree_library_and_a_stricter_licence_that_came_in_are_warnings(compare: Judge) -> None:
    old = layers(b"", b"LGPL version 2.1 or later")
    fdk = compare(CHECK, layers(b"--enable-libfdk-aac", b"LGPL version 2.1 or later"), baseline=old)
    ((severity, message),) = told(fdk)
    assert severity == "warning" and "FDK-AAC" in message
    gpl = compare(CHECK, layers(b"--enable-gpl --enable-libx264"), baseline=old)
    assert [severity for severity, _ in told(gpl)] == ["note", "warning"]
    assert "licence was LGPL-2.1-or-later in" in told(gpl)[1][1] and "and is GPL-2.0-or-later: x264" in told(gpl)[1][1]
    milder = compare(CHECK, old, baseline=layers(b"--enable-gpl"))
    assert [severity for severity, _ in told(milder)] == ["note"]


def test_codecs_are_compared_where_both_tables_are_known(compare: Judge) -> None:
    """These files hold no tables: nothing is known, and nothing is told."""
    result = compare("ffmpeg.capabilities", layers(b""), baseline=layers(b"--enable-gpl"))
    assert not any("since" in message for _, message in told(result))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("allow: [GPLv3]", "'GPLv3' is no licence that SPDX lists"),
        ("deny: [MIT AND ISC]", "names several licences"),
        ("deny: ['MIT AND']", "is no SPDX licence id"),
        ("allow: MIT", "is no list"),
        ("allow-if: [{licenses: [MIT]}]", "it has licenses and requires"),
        ("allow-if: [{licenses: [MIT], requires: {some: []}}]", "is no mapping of any and all"),
        ("allow-if: [{licenses: [MIT], requires: {any: [{path: /x}]}}]", "is no condition"),
        ("allow-if: [{licenses: [MIT], requires: {any: [{file: x}]}}]", "paths in an image begin with a slash"),
        ("unknown: maybe", "is none of fail, warn, ignore"),
        ("label: yes", "is none of covers, equals, ignore"),
    ],
)
def test_mistakes_in_rules_have_their_line(tmp_path: Path, text: str, words: str) -> None:
    policy = tmp_path / "mediaimage.yaml"
    policy.write_text(f"version: 1\nlicense:\n  {text}\n")
    with pytest.raises(PolicyError, match=r"mediaimage\.yaml:3: ") as caught:
        load_policy(policy)
    assert words in caught.value.message


def test_rules_of_a_policy_file(tmp_path: Path) -> None:
    (tmp_path / "mediaimage.yaml").write_text(
        "version: 1\nlicense:\n  allow: [mit, 'BSD-*', LicenseRef-Example]\n  deny: [GPL-3.0+]\n  label: covers\n"
        "  allow-if: [{licenses: [GPL-2.0-or-later], requires: {all: [{label: org.opencontainers.image.source}]}}]\n"
        "ignore: [{check: license.components, evidence: 'x264:*', reason: ours, until: 2999-01-01}]\n"
    )
    policy = load_policy(tmp_path / "mediaimage.yaml")
    assert policy.license_allow == ("MIT", "BSD-*", "LicenseRef-Example")
    assert policy.license_deny == ("GPL-3.0-or-later",)
    assert policy.license_allow_if == (AllowIf(("GPL-2.0-or-later",), all=(SOURCE,)),)
    assert policy.ignore[0].covers(CHECK, "/x", "x264: denied") and not policy.ignore[0].covers(CHECK, "/x", "x265: d")
    assert LABEL.startswith("org.opencontainers")


def test_debians_ffmpeg_packages_are_told_apart_by_the_build_that_they_hold(tmp_path: Path) -> None:
    """libavcodec59 and libavcodec-extra59 have one copyright file, and hold another build each."""
    for name, configuration, stated, concluded in (
        ("libavcodec59", b"--enable-gpl", b"GPL version 2 or later", "GPL-2.0-or-later"),
        ("libavcodec-extra59", b"--enable-gpl --enable-version3", b"GPL version 3 or later", "GPL-3.0-or-later"),
    ):
        items = [
            *glibc(),
            ffmpeg(configuration, stated, path="usr/lib/x86_64-linux-gnu/libavcodec.so.59.37.100"),
            Item(f"usr/share/doc/{name}/copyright", DEP5.format("LGPL-2.1+").encode()),
        ]
        subject = subject_of(tmp_path / name, items)
        component = {"name": name, "version": "7:5.1.9-0+deb12u1", "purl": f"pkg:deb/debian/{name}@5.1.9?arch=amd64"}
        other = {
            "name": "libx",
            "version": "1",
            "purl": "pkg:deb/debian/libx@1",
            "licenses": [{"license": {"id": "MIT"}}],
        }
        held = list(
            held_in_packages(subject.image, [component, other, {"purl": 7}], image_builds(subject.ffmpeg_files))
        )
        assert [one.license.main for one in held] == [concluded, None]
        assert held[0].words.endswith("(concluded from its own configuration)")
        assert held[1].license.parts == ("MIT",)


def test_alpines_database_is_read_for_its_packages(tmp_path: Path) -> None:
    database = b"C:Q1\nP:musl\nV:1.2.5-r0\nL:MIT\n\nP:old\nV:1-r0\nL:GPL2+\nF:lib\nR:x\n\n"
    subject = subject_of(tmp_path, [Item("lib/apk/db/installed", database)])
    listed = [{"name": name, "version": "1", "purl": f"pkg:apk/alpine/{name}@1"} for name in ("musl", "old", "none")]
    assert [one.license.main for one in held_in_packages(subject.image, listed, [])] == [
        "MIT",
        "GPL-2.0-or-later",
        None,
    ]
