"""`transcode.paths` with paths of a team's own, and `fallback.command`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mediaimage.checks.planning import known_ids, plan
from pytest_mediaimage.errors import PolicyError
from pytest_mediaimage.policy import OwnPath, load_policy

OWN = '{devices: "/dev/xcoder*", arguments: [-c:v, h264_x], proof: "Using \\\\w+"}'


def load(tmp_path: Path, text: str):
    (tmp_path / "mediaimage.yaml").write_text(f"version: 1\n{text}\n")
    return load_policy(tmp_path / "mediaimage.yaml", known_checks=known_ids())


def test_an_own_path_is_planned_with_a_check_of_its_own(tmp_path: Path) -> None:
    text = f"transcode:\n  paths: {{cpu: required, xcoder: {OWN}}}\nseverity: {{hardware.xcoder: note}}"
    policy = load(tmp_path, text)
    assert policy.transcode_paths == {
        "cpu": "required",
        "xcoder": OwnPath("/dev/xcoder*", ("-c:v", "h264_x"), r"Using \w+"),
    }
    planned = {item.check.id: item.hardware_path for item in plan(policy)}
    assert planned["hardware.xcoder"] == "xcoder" and planned["hardware.vaapi"] == "vaapi"
    cases = {item.check.id for item in plan(policy) if item.hardware_path == "xcoder"} - {"hardware.xcoder"}
    assert cases == {"transcode.h264-aac", "transcode.speed"}, "of what its encoder makes, by the encoder's name"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("nvenc", OWN, "can't name a path of your own"),
        ("fallback", OWN, "can't name a path of your own"),
        ("X!", OWN, "can't name a path of your own"),
        ("x", '{devices: "/dev/x", arguments: [-c:v, y]}', "needs devices, arguments and proof"),
        ("x", '{devices: "/dev/x", arguments: [-c:v, y], proof: a, more: 1}', "and nothing else"),
        ("x", '{devices: "/dev/x", argument: [-c:v, y], proof: a}', "key 'argument'; did you mean 'arguments'?"),
        ("x", '{devices: "/etc/passwd", arguments: [-c:v, y], proof: a}', "no glob of device nodes"),
        ("x", '{devices: "/dev/../etc/x", arguments: [-c:v, y], proof: a}', "no glob of device nodes"),
        ("x", '{devices: "/dev/x", arguments: [], proof: a}', "arguments are empty"),
        ("x", '{devices: "/dev/x", arguments: [-c:v, y], proof: "a("}', "no regular expression"),
        ("x", "sometimes", "none of required, if-present"),
    ],
)
def test_a_wrong_path_is_told_with_its_line(tmp_path: Path, name: str, value: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words) as caught:
        load(tmp_path, f"transcode:\n  paths:\n    cpu: required\n    {name}: {value}")
    assert caught.value.line == 5


def test_a_command_needs_input_and_output(tmp_path: Path) -> None:
    policy = load(tmp_path, 'fallback: {command: [/app/encode, "{input}", "--to={output}"]}')
    assert policy.fallback_command == ("/app/encode", "{input}", "--to={output}")
    with pytest.raises(PolicyError, match=r"fallback.command: \{output\} is missing"):
        load(tmp_path, 'fallback: {command: [/app/encode, "{input}"]}')
