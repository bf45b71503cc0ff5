"""What a policy means: units, presets, and how one policy changes another."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from policy_helpers import CHECKS, load, write

from pytest_mediaimage.checks.planning import known_ids
from pytest_mediaimage.errors import UsageError
from pytest_mediaimage.policy import Ignore, Policy, load_policy, load_preset, override
from pytest_mediaimage.policy.load import PRESETS
from pytest_mediaimage.policy.units import parse_bytes, parse_percent
from pytest_mediaimage.result import Severity

FULL = """\
version: 1
extends: default
image: {pinned: false}
size: {compressed: 150MB, unpacked: 400 MiB, layer: 200000}
layers: {count: 20, waste: 1%}
contents: {allow: [/usr/share/app/silence.wav]}
ffmpeg: {encoders: [libx264, aac], decoders: [h264], filters: [scale], protocols: [https]}
license: {max: GPL-3.0-or-later, nonfree: allow}
transcode: {cases: [h264-aac], paths: {cpu: required, nvenc: if-present}}
required: [size.*]
severity: {contents.leftovers: error, license.patents: note}
ignore: [{check: contents.setuid, path: /usr/bin/newuidmap, reason: "needed", until: 2027-01-01}]
"""


def test_every_setting(tmp_path: Path) -> None:
    policy = load(tmp_path, FULL)
    preset = load_preset("default", directory=tmp_path)
    assert policy == Policy(
        source="mediaimage.yaml",
        directory=tmp_path.resolve(),
        image_pinned=False,
        size_compressed=150_000_000,
        size_unpacked=400 * 2**20,
        size_layer=200_000,
        layers_count=20,
        layers_waste=1.0,
        contents_allow=("/usr/share/app/silence.wav",),
        ffmpeg_encoders=("libx264", "aac"),
        ffmpeg_decoders=("h264",),
        ffmpeg_filters=("scale",),
        ffmpeg_protocols=("https",),
        license_max="GPL-3.0-or-later",
        license_nonfree="allow",
        transcode_cases=("h264-aac",),
        transcode_paths={"cpu": "required", "nvenc": "if-present"},
        required=("size.*",),
        severity={
            **{k: v for k, v in preset.severity.items() if k not in ("reference.pinned", "layers.waste")},
            "contents.leftovers": Severity.ERROR,
            "license.patents": Severity.NOTE,
        },
        ignore=(Ignore("contents.setuid", "needed", "/usr/bin/newuidmap", datetime.date(2027, 1, 1)),),
    )


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_real_checks(name: str, tmp_path: Path) -> None:
    policy = load_preset(name, directory=tmp_path, known_checks=known_ids())
    assert policy.directory == tmp_path
    assert policy.source == f"preset {name}"
    assert policy.severity


def test_extends_default_where_it_says_nothing(tmp_path: Path) -> None:
    bare, said = load(tmp_path, "version: 1\n"), load(tmp_path, "version: 1\nextends: default\n")
    assert bare == said
    assert bare.layers_count == load_preset("default", directory=tmp_path).layers_count == 125


def test_lists_are_replaced(tmp_path: Path) -> None:
    write(tmp_path, "ffmpeg: {encoders: [libx264, aac], decoders: [h264]}\nrequired: [size.layer]\n", "base.yaml")
    policy = load(tmp_path, "extends: base.yaml\nffmpeg: {encoders: [libx265]}\nrequired: []\n")
    assert policy.ffmpeg_encoders == ("libx265",)
    assert policy.ffmpeg_decoders == ("h264",)
    assert policy.required == ()


def test_severities_are_merged(tmp_path: Path) -> None:
    write(tmp_path, "severity: {license.patents: error, contents.setuid: note}\n", "base.yaml")
    policy = load(tmp_path, "extends: base.yaml\nseverity: {contents.setuid: error}\n")
    assert policy.severity["license.patents"] is Severity.ERROR
    assert policy.severity["contents.setuid"] is Severity.ERROR
    assert policy.severity["reference.pinned"] is Severity.WARNING  # the preset's


def test_ignores_are_appended(tmp_path: Path) -> None:
    write(tmp_path, "ignore: [{check: contents.setuid, reason: base}]\n", "base.yaml")
    policy = load(tmp_path, "extends: base.yaml\nignore: [{check: size.layer, reason: own}]\n")
    assert [entry.reason for entry in policy.ignore] == ["base", "own"]


def test_a_budget_of_ones_own_counts_in_full(tmp_path: Path) -> None:
    """The preset's warning is for the preset's wide budget."""
    assert load(tmp_path, "version: 1\n").severity["layers.waste"] is Severity.WARNING
    own = load(tmp_path, "layers: {waste: 1%}\n")
    assert "layers.waste" not in own.severity
    assert own.severity["reference.pinned"] is Severity.WARNING
    said = load(tmp_path, "layers: {waste: 1%}\nseverity: {layers.waste: note}\n")
    assert said.severity["layers.waste"] is Severity.NOTE
    write(tmp_path, "layers: {waste: 1%}\n", "base.yaml")
    assert "layers.waste" not in load(tmp_path, "extends: base.yaml\n").severity
    assert "layers.waste" not in load(tmp_path, "extends: base.yaml\nsize: {layer: 1MB}\n").severity


def test_a_list_of_ones_own_leaves_the_severity(tmp_path: Path) -> None:
    write(tmp_path, "severity: {contents.media: note}\n", "base.yaml")
    policy = load(tmp_path, "extends: base.yaml\ncontents: {allow: [/a]}\n")
    assert policy.severity["contents.media"] is Severity.NOTE


def test_extends_is_found_beside_the_file_that_says_it(tmp_path: Path) -> None:
    (tmp_path / "team" / "shared").mkdir(parents=True)
    write(tmp_path, "layers: {count: 3}\nsize: {layer: 3MB}\n", "team/root.yaml")
    write(tmp_path, "extends: ../root.yaml\nlayers: {count: 2}\n", "team/shared/base.yaml")
    policy = load_policy(write(tmp_path, "extends: team/shared/base.yaml\n"))
    assert (policy.layers_count, policy.size_layer) == (2, 3_000_000)
    assert (policy.source, policy.directory) == ("mediaimage.yaml", tmp_path.resolve())
    absolute = load_policy(write(tmp_path, f"extends: {tmp_path}/team/root.yaml\n"))
    assert absolute.layers_count == 3


def test_eight_deep_and_no_more(tmp_path: Path) -> None:
    for number in range(8):
        write(tmp_path, f"extends: {f'p{number + 1}.yaml' if number < 7 else 'default'}\n", f"p{number}.yaml")
    assert load_policy(tmp_path / "p0.yaml").layers_count == 125


def test_checks_by_pattern(tmp_path: Path) -> None:
    policy = load(tmp_path, "required: ['size.*']\nignore: [{check: 'contents.*', reason: x}]\n")
    assert policy.requires("size.layer")
    assert not policy.requires("layers.count")
    assert policy.ignore[0].covers("contents.setuid", "/any")


def test_a_smaller_total_than_what_a_preset_allows_a_layer_is_no_mistake(tmp_path: Path) -> None:
    write(tmp_path, "size: {layer: 500MB}\n", "base.yaml")
    policy = load(tmp_path, "extends: base.yaml\nsize: {unpacked: 400MB}\n")
    assert (policy.size_layer, policy.size_unpacked) == (500_000_000, 400_000_000)


def test_globs_with_brackets(tmp_path: Path) -> None:
    policy = load(tmp_path, "contents: {allow: ['/a/[[]b', '/[!x]', '/[]]', '*.wav']}\n")
    assert policy.contents_allow == ("/a/[[]b", "/[!x]", "/[]]", "*.wav")


def test_an_ignore_knows_where_it_stands(tmp_path: Path) -> None:
    base = write(tmp_path, "ignore: [{check: contents.setuid, reason: base}]\n", "base.yaml")
    policy = load(tmp_path, "extends: base.yaml\nignore:\n- {check: size.layer, reason: own}\n")
    assert [(entry.file, entry.line) for entry in policy.ignore] == [
        (str(base), 1),
        (str(tmp_path / "mediaimage.yaml"), 3),
    ]


def test_required_paths(tmp_path: Path) -> None:
    policy = load(tmp_path, "transcode: {paths: {cpu: required, nvenc: if-present}}\n")
    assert policy.requires("transcode.h264-aac", "cpu")
    assert not policy.requires("transcode.av1-svt", "cpu"), "a build without it may be meant"
    assert not policy.requires("transcode.h264-aac", "nvenc")
    assert not policy.requires("transcode.h264-aac", "vaapi")
    assert not policy.requires("transcode.h264-aac")


def test_aliases_may_be_used(tmp_path: Path) -> None:
    policy = load(tmp_path, "ffmpeg:\n  encoders: &names [aac, flac]\n  decoders: *names\n")
    assert policy.ffmpeg_decoders == ("aac", "flac")


@pytest.mark.parametrize(
    ("check", "path", "given", "file", "covers"),
    [
        ("size.layer", "", "size.layer", None, True),
        ("size.layer", "", "size.path", None, False),
        ("contents.*", "/usr/*", "contents.setuid", "/usr/bin/su", True),
        ("contents.*", "/usr/*", "contents.setuid", "/bin/su", False),
        ("contents.setuid", "/bin/su", "contents.setuid", "/bin/su", True),
        ("contents.setuid", "/bin/su", "contents.setuid", "/bin/sudo", False),
        ("contents.setuid", "/bin/su", "contents.setuid", None, False),
        ("Size.Layer", "", "size.layer", None, False),
    ],
)
def test_ignore_covers(check: str, path: str, given: str, file: str | None, covers: bool) -> None:
    assert Ignore(check, "why", path).covers(given, file) is covers


def test_ignore_ends() -> None:
    entry = Ignore("a", "b", until=datetime.date(2027, 1, 1))
    assert not entry.expired(datetime.date(2027, 1, 1))
    assert entry.expired(datetime.date(2027, 1, 2))
    assert not Ignore("a", "b").expired(datetime.date.max)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (0, 0),
        (7, 7),
        ("0", 0),
        ("5B", 5),
        ("1kB", 1000),
        ("1KB", 1000),
        ("1KiB", 1024),
        ("150MB", 150_000_000),
        ("150 MiB", 157_286_400),
        (" 1.5GB ", 1_500_000_000),
        ("0.5GiB", 536_870_912),
        ("0.0001kB", 0),
        ("1000000000000", 10**12),
    ],
)
def test_bytes(text: str | int, expected: int) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MB",
        "1 M",
        "1mb",
        "1kib",
        "1kiB",
        "1TB",
        "-1MB",
        "1e3",
        "1,5MB",
        "1.MB",
        ".5MB",
        "1MB2",
        "²MB",
        True,
        None,
        1.0,
        [],
    ],
)
def test_no_bytes(text: object) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_bytes(text)


@pytest.mark.parametrize(("text", "expected"), [("0%", 0), ("5%", 5), ("0.5 %", 0.5), (" 100%", 100)])
def test_percent(text: str, expected: float) -> None:
    assert parse_percent(text) == expected


@pytest.mark.parametrize("text", ["", "5", 5, "5.%", "%", "100.1%", "-1%", "٥%", None, True])
def test_no_percent(text: object) -> None:
    with pytest.raises(ValueError, match="is no percentage"):
        parse_percent(text)


def test_override() -> None:
    policy = Policy(severity={"size.compressed": Severity.NOTE, "config.user": Severity.NOTE})
    changed = override(policy, "size.compressed", {"max": "180MB"})
    assert changed.size_compressed == 180_000_000
    assert changed.severity == {"config.user": Severity.NOTE}
    assert policy.size_compressed is None
    assert override(policy, "ffmpeg.capabilities", {"encoders": ("aac",)}).ffmpeg_encoders == ("aac",)


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("size.compressed", {"min": 1}, "no setting 'min'. It takes: max"),
        ("config.user", {"max": 1}, "no setting 'max'. It takes: no settings"),
        ("size.compressed", {"max": "big"}, "size.compressed: max: 'big' is no size"),
        ("ffmpeg.capabilities", {"encoders": "aac"}, "ffmpeg.capabilities: encoders: 'aac' is no list"),
    ],
)
def test_override_refuses(check: str, arguments: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        override(Policy(), check, arguments)
    assert words in str(caught.value)


def test_policies_are_read_without_known_checks(tmp_path: Path) -> None:
    """Other plugins' checks may be named where nobody says which there are."""
    path = write(tmp_path, "severity: {vendor.check: note}\n")
    assert load_policy(path).severity["vendor.check"] is Severity.NOTE
    assert "vendor.check" not in CHECKS


def test_what_a_file_sets_is_told_from_what_a_preset_sets(tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text("version: 1\nextends: strict\nsize: {compressed: 150MB}\n")
    (tmp_path / "mediaimage.yaml").write_text("version: 1\nextends: house.yaml\nlayers: {waste: 1%}\n")
    policy = load_policy(tmp_path / "mediaimage.yaml")
    assert {"size.compressed", "layers.waste"} <= policy.own
    assert policy.size_unpacked is not None and "size.unpacked" not in policy.own
    assert load_preset("strict", directory=tmp_path).own == frozenset()
