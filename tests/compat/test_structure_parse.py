"""container-structure-test's files, read strictly: every mistake is told with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_mediaimage.compat.expand import expand
from pytest_mediaimage.compat.structure import StructureFile, parse_structure
from pytest_mediaimage.errors import PolicyError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "structure-tests"

HEAD = "schemaVersion: 2.0.0\n"
MISTAKES = {
    "unknown key at the top": ("fileExistanceTests: []", "x.yaml:2: unknown key 'fileExistanceTests'", "did you mean"),
    "unknown key in a test": ("fileExistenceTests:\n- name: a\n  pth: /x", "x.yaml:4: unknown key 'pth'", "'path'"),
    "a key of another kind": ("fileContentTests:\n- {name: a, path: /x, uid: 0}", "x.yaml:3: unknown key 'uid'", ""),
    "twice": ("commandTests: []\ncommandTests: []", "x.yaml:3: 'commandTests' stands twice", "line 2"),
    "no test": ("metadataTest: {}", "x.yaml: the file holds no test", ""),
    "no name": ("fileExistenceTests:\n- path: /x", "x.yaml:3: a file existence test needs a name", ""),
    "no path": ("fileContentTests:\n- name: x", "x.yaml:3: a file content test needs a path", ""),
    "no command": ("commandTests:\n- name: x", "x.yaml:3: a command test needs a command", ""),
    "an old command": ("commandTests:\n- name: x\n  command: [a, b]", "x.yaml:4: command must be a text", ""),
    "an empty setup": (
        "commandTests:\n- {name: x, command: y, setup: [[]]}",
        "x.yaml:3: an empty command in setup",
        "",
    ),
    "an empty teardown": ("commandTests:\n- {name: x, command: y, teardown: [[]]}", "x.yaml:3: an empty command", ""),
    "a variable without value": ("globalEnvVars:\n- key: A", "x.yaml:3: an entry of globalEnvVars needs a value", ""),
    "no list": ("commandTests: {name: x}", "x.yaml:2: commandTests must be a list", ""),
    "no mapping": ("commandTests: [x]", "x.yaml:2: a command test must be a mapping", ""),
    "no flag": ("fileExistenceTests:\n- {name: x, path: y, shouldExist: 1}", "x.yaml:3: shouldExist: 1 is neither", ""),
    "no number": (
        "fileExistenceTests:\n- {name: x, path: y, uid: root}",
        "x.yaml:3: uid: 'root' is no whole number",
        "",
    ),
    "executable by": (
        "fileExistenceTests:\n- {name: x, path: y, isExecutableBy: others}",
        "x.yaml:3: isExecutableBy: 'others'",
        "did you mean 'other'",
    ),
    "an expression": (
        "fileContentTests:\n- name: x\n  path: y\n  expectedContents:\n  - fine\n  - (?=a)",
        "x.yaml:7: '(?=', which Go doesn't know",
        "'(?=a)'",
    ),
    "an expression in metadata": (
        "metadataTest:\n  labels:\n  - {key: a, value: '[', isRegex: true}",
        "x.yaml:4: '[' without ']'",
        "",
    ),
    "no YAML": ("commandTests: [", "x.yaml:", "no valid YAML"),
    "an empty port": ("metadataTest: {exposedPorts: ['']}", "x.yaml:2: exposedPorts: an empty entry", ""),
}


def parse(text: str, name: str = "x.yaml") -> StructureFile:
    return parse_structure(text.encode(), name, is_json=name.endswith(".json"))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line(mistake: str) -> None:
    text, beginning, word = MISTAKES[mistake]
    with pytest.raises(PolicyError) as caught:
        parse(HEAD + text)
    assert str(caught.value).startswith(beginning)
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.yaml: the file is empty"),
        ("commandTests: []", "x.yaml:1: there is no schemaVersion"),
        ("schemaVersion: 1.0.0", "x.yaml:1: schemaVersion 1.0.0 isn't supported. Write 2.0.0, and of each command"),
        ("schemaVersion: 3.0.0", "x.yaml:1: schemaVersion '3.0.0' isn't known"),
    ],
)
def test_the_schema_is_asked_for(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)


def test_an_alias_that_repeats_itself_without_end_is_refused() -> None:
    words = ", ".join(["x"] * 100)
    setups = ", ".join(["*words"] * 100)
    tests = "".join(f"- {{name: n{n}, command: c, setup: *setup}}\n" for n in range(10))
    first = f"- {{name: a, command: c, setup: &setup [&words [{words}], {setups}]}}\n"
    with pytest.raises(PolicyError, match="more than 20000 values"):
        parse(f"{HEAD}commandTests:\n{first}{tests}")


def test_null_asks_nothing_and_scalars_are_taken_as_they_are_written() -> None:
    found = parse(
        f"{HEAD}metadataTest: {{exposedPorts: [8080], labels: [{{key: v, value: 1.10}}], cmd: ~, entrypoint: []}}\n"
        "fileExistenceTests: ~\nlicenseTests:\n- {debian: false, files: ~}\n"
        "containerRunOptions: {privileged: false, bindMounts: []}\n"
    )
    assert found.metadata is not None
    assert (found.metadata.exposed_ports, found.metadata.labels[0].value) == (("8080",), "1.10")
    assert (found.metadata.cmd, found.metadata.entrypoint) == (None, ())
    assert found.options.unsupported == ()


def test_options_that_nothing_honours_are_noted_with_their_lines() -> None:
    options = "containerRunOptions:\n  privileged: true\n  bindMounts: [/a:/b]\n  user: root\n"
    found = parse(f"{HEAD}{options}commandTests: [{{name: a, command: b}}]")
    assert found.options.unsupported == (("privileged", 3), ("bindMounts", 4))
    assert found.options.user == "root"


def test_json_says_the_same_as_yaml() -> None:
    tests = {"fileExistenceTests": [{"name": "a", "path": "/x"}], "schemaVersion": "2.0.0"}
    found = parse(json.dumps(tests, indent="\t"), "x.json")
    assert found.existence[0].should_exist
    assert found.existence[0].uid is None


@pytest.mark.parametrize(("text", "line"), [('{\n"a": 1,\n}', 3), ('{\n\t"schemaVersion": "2.0.0",\n\t"a": 1}', 3)])
def test_a_mistake_in_json_has_its_line_too(text: str, line: int) -> None:
    with pytest.raises(PolicyError, match=f"x.json:{line}: "):
        parse(text, "x.json")


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$A/${B}", "1/2"),
        ("$AB.$A", ".1"),
        ("cost: 5$", "cost: 5$"),
        ("$ A", "$ A"),
        ("awk '{print $1}'", "awk '{print }'"),
        ("$$A", "A"),
        ("${}x${A", "xA"),
        ("${A B}-$é", "-$é"),
        ("$?$@${#}", ""),
    ],
)
def test_variables_are_replaced_as_go_does_it(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expanded


@pytest.mark.parametrize("name", ["passing.yaml", "failing.yaml"])
def test_the_fixtures_hold_every_kind(name: str) -> None:
    found = parse_structure((FIXTURES / name).read_bytes(), name)
    assert found.commands and found.existence and found.contents and found.metadata
