"""Cases are planned on the paths that encode, and a required path never vanishes silently."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.runs import Outcome

from pytest_mediaimage.checks.planning import plan
from pytest_mediaimage.errors import UsageError
from pytest_mediaimage.policy import Policy


def planned(case: str, **paths: str) -> list[str | None]:
    policy = Policy(transcode_cases=(case,), transcode_paths=paths)
    return [item.hardware_path for item in plan(policy) if item.check.id == f"transcode.{case}"]


def test_a_case_is_planned_on_each_path_that_encodes_what_it_is_about() -> None:
    assert planned("h264-aac", cpu="if-present", nvenc="required", vaapi="if-present") == ["cpu", "nvenc", "vaapi"]
    assert planned("h264-aac", cpu="required", nvdec="required") == ["cpu"], "which decodes"
    assert planned("concat", cpu="required", nvenc="required") == ["cpu"], "which has no counterpart there"


@pytest.mark.parametrize("cases", [(), ("h264-aac",)])
def test_a_misspelt_path_is_refused_with_and_without_cases(cases: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="no hardware path 'nvenk'") as caught:
        plan(Policy(transcode_cases=cases, transcode_paths={"nvenk": "required"}))
    assert "cpu, nvenc, nvdec, vaapi, qsv, vulkan" in str(caught.value)


def test_a_required_path_without_its_device_gives_exit_code_11(media, pytester: pytest.Pytester, write_layout) -> None:
    policy = (
        "version: 1\ntranscode: {cases: [h264-aac], paths: {nvenc: required}}\nseverity: {hardware.reachable: note}\n"
    )
    (pytester.path / "mediaimage.yaml").write_text(policy)
    outcome: Outcome = media(write_layout(), "-k", "transcode")
    assert outcome.code == 11
    assert outcome.statuses()["transcode.h264-aac"] == "skipped"
    assert "(the policy requires it)" in outcome.text


@pytest.mark.parametrize(
    ("value", "words"),
    [("cpu: x86-64-v9", "x86-64, x86-64-v2"), ("nvidia-driver: 535.1", "write a version in quotes")],
)
def test_wrong_values_of_the_fleet_are_told_with_their_line(tmp_path: Path, value: str, words: str) -> None:
    from pytest_mediaimage.errors import PolicyError
    from pytest_mediaimage.policy import load_policy

    (tmp_path / "mediaimage.yaml").write_text(f"version: 1\nfleet:\n  {value}\n")
    with pytest.raises(PolicyError, match=words):
        load_policy(tmp_path / "mediaimage.yaml")


def test_the_fleet_s_keys_reach_the_policy(tmp_path: Path) -> None:
    from pytest_mediaimage.policy import load_policy

    (tmp_path / "mediaimage.yaml").write_text('version: 1\nfleet: {cpu: x86-64-v2, nvidia-driver: "535.183"}\n')
    policy = load_policy(tmp_path / "mediaimage.yaml")
    assert (policy.fleet_cpu, policy.fleet_nvidia_driver) == ("x86-64-v2", "535.183")
