"""The jobs for CI in the how-to are what their systems take, and do what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

PAGES = Path(__file__).parents[1] / "docs" / "how-to"
CI = (PAGES / "ci.md").read_text()


def block(title: str) -> str:
    """The YAML of a section."""
    return CI.partition(f"## {title}\n")[2].partition("```yaml\n")[2].partition("```")[0]


def vendored(name: str) -> Any:
    """A schema that the wheel check-jsonschema carries."""
    files = metadata.files("check-jsonschema") or ()
    return json.loads(next(file for file in files if file.name == name).read_text())


def github_steps() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = yaml.safe_load(block("GitHub Actions"))["jobs"]["media-image"]["steps"]
    return steps


def script() -> str:
    return next(step["run"] for step in github_steps() if step.get("id") == "media")


@pytest.mark.parametrize(
    ("title", "schema"), [("GitHub Actions", "github-workflows.json"), ("GitLab", "gitlab-ci.json")]
)
def test_a_job_is_valid(title: str, schema: str) -> None:
    # "on" is a word in YAML 1.2, which both systems read, and true in 1.1.
    job = {"on" if key is True else key: value for key, value in yaml.safe_load(block(title)).items()}
    validator = jsonschema.validators.validator_for(vendored(schema))
    validator(vendored(schema)).validate(job)
    with pytest.raises(jsonschema.ValidationError):
        validator(vendored(schema)).validate({**job, "jobs": 7, "stages": 7})


def test_every_block_of_yaml_in_the_how_tos_can_be_read() -> None:
    blocks = [text for page in PAGES.glob("*.md") for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S)]
    assert len(blocks) >= 3
    for text in blocks:
        assert isinstance(yaml.safe_load(text), dict)


def test_the_options_in_the_jobs_exist(pytester: pytest.Pytester) -> None:
    help_text = pytester.runpytest("--help").stdout.str()
    named = set(re.findall(r"--media-[a-z-]+", CI))
    assert "--media-report" in named
    assert {option for option in named if not re.search(rf"{option}\b", help_text)} == set()


SUCCESSFUL = '{"runs": [{"invocations": [{"executionSuccessful": true}]}]}'


@pytest.mark.parametrize(
    ("sarif", "complete"),
    [(SUCCESSFUL, "true"), (SUCCESSFUL.replace("}]}]", "}]}, {}]"), "false"), (None, "false")],
)
def test_the_github_job_uploads_no_findings_of_a_run_that_is_not_complete(
    tmp_path: Path, sarif: str | None, complete: str
) -> None:
    """An image that can't be read ends with the exit code of one that isn't fit to ship."""
    (tmp_path / "sleep").write_text("#!/bin/sh\n")
    (tmp_path / "pytest").write_text("#!/bin/sh\nexit 1\n")
    if sarif:
        (tmp_path / "media.sarif").write_text(sarif)
    for name in ("sleep", "pytest"):
        (tmp_path / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(tmp_path / "output")}
    subprocess.run(["bash", "-e", "-c", script()], cwd=tmp_path, env=env, check=False, timeout=120)
    assert (tmp_path / "output").read_text() == f"code=1\ncomplete={complete}\n"
    upload = next(step for step in github_steps() if "upload-sarif" in step.get("uses", ""))
    assert "steps.media.outputs.complete == 'true'" in upload["if"]


@pytest.mark.parametrize(
    ("codes", "last", "runs"),
    [
        ([0], 0, 1),
        ([1], 1, 1),
        ([10, 0], 0, 2),
        ([10, 10, 11], 11, 3),
        ([10, 10, 10, 0], 10, 3),
    ],
)
def test_the_github_job_tries_again_where_only_the_machine_failed(
    tmp_path: Path, codes: list[int], last: int, runs: int
) -> None:
    (tmp_path / "codes").write_text("".join(f"{code}\n" for code in codes))
    (tmp_path / "run.sarif").write_text(SUCCESSFUL)
    fakes = {
        "pytest": 'code=$(head -n 1 codes); sed -i 1d codes; echo "$@" >> runs; cp run.sarif media.sarif; exit "$code"',
        "sleep": "exit 0",
    }
    for name, text in fakes.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(tmp_path / "output")}
    done = subprocess.run(["bash", "-e", "-c", script()], cwd=tmp_path, env=env, check=False, timeout=60)
    assert done.returncode == last
    assert (tmp_path / "output").read_text() == f"code={last}\ncomplete=true\n"
    asked = (tmp_path / "runs").read_text().splitlines()
    assert len(asked) == runs
    assert "--media-report sarif:media.sarif" in asked[0] and "\\" not in asked[0]


def test_the_reports_in_the_jobs_are_formats_that_exist() -> None:
    from pytest_mediaimage.report import FORMATS

    named = re.findall(r"--media-report ([a-z]+):", CI)
    assert set(named) == {"markdown", "sarif", "json"} <= set(FORMATS)


def test_the_table_of_exit_codes_is_ours() -> None:
    from pytest_mediaimage.session import EXIT_ENVIRONMENT, EXIT_REQUIRED_SKIPPED

    told = [int(code) for code in re.findall(r"^\| (\d+) \|", CI, re.MULTILINE)]
    assert told == [0, 1, 4, EXIT_ENVIRONMENT, EXIT_REQUIRED_SKIPPED]
