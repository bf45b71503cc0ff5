"""Command tests and their options, in the sandbox: it needs no engine."""

from __future__ import annotations

import pytest
import tiny_image


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    return tiny_image.write_layout(tmp_path_factory.mktemp("tiny"))


def run(media, pytester, layout, tests: str):
    (pytester.path / "structure.yaml").write_text(f"schemaVersion: 2.0.0\n{tests}")
    return media(layout, "--media-runtime=sandbox", "structure.yaml")


def test_variables_of_this_machine_and_of_a_file_are_passed_on(media, pytester, monkeypatch, layout):
    monkeypatch.setenv("FROM_HERE", "here")
    (pytester.path / "envfile").write_text("# a comment\nexport FROM_FILE='from a file'\nCOLON: too # why\nEMPTY=\n")
    wanted = "expectedOutput: ['FROM_HERE=here', 'FROM_FILE=from a file\\n', 'COLON=too\\n', 'OWN=1']"
    outcome = run(
        media,
        pytester,
        layout,
        f"commandTests: [{{name: env, command: env, envVars: [{{key: OWN, value: 1}}], {wanted}}}]\n"
        "containerRunOptions: {envVars: [FROM_HERE, NOT_SET], envFile: envfile}\n",
    )
    assert outcome.statuses() == {"structure.yaml::command: env": "passed"}


@pytest.mark.parametrize("line", ["A=$B", "A='x", "no variable"])
def test_a_line_of_the_file_that_cannot_be_read_is_an_error(media, pytester, layout, line):
    (pytester.path / "envfile").write_text(f"FINE=1\n{line}\n")
    options = "containerRunOptions: {envFile: envfile}\n"
    outcome = run(media, pytester, layout, f"commandTests: [{{name: a, command: env}}]\n{options}")
    assert "envfile:2:" in outcome.text
    assert outcome.statuses() == {"structure.yaml::command: a": "error"}


def test_a_file_that_is_missing_is_an_error(media, pytester, layout):
    options = "containerRunOptions: {envFile: envfile}\n"
    outcome = run(media, pytester, layout, f"commandTests: [{{name: a, command: env}}]\n{options}")
    assert "envfile can't be read" in outcome.text
    assert outcome.statuses() == {"structure.yaml::command: a": "error"}


def test_another_user_runs_the_commands(media, pytester, layout):
    tests = "commandTests: [{name: id, command: id, args: [-u], expectedOutput: ['^0\\n']}]\n"
    assert run(media, pytester, layout, tests).statuses() == {"structure.yaml::command: id": "failed"}
    outcome = run(media, pytester, layout, tests + "containerRunOptions: {user: root}\n")
    assert outcome.statuses() == {"structure.yaml::command: id": "passed"}


def test_a_setup_that_fails_is_noted_and_goes_on(media, pytester, layout):
    tests = "commandTests: [{name: a, setup: [[sh, -c, 'echo oh >&2; exit 4']], command: echo}]\n"
    outcome = run(media, pytester, layout, tests)
    assert outcome.messages("structure.yaml::command: a") == ["setup command 1 ended with exit code 4: oh"]
    assert outcome.code == 0
