"""A team's own transcode cases in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

CASE = """\
sample: bars-384x216
command: [ffmpeg, -nostdin, -i, "{input}", -map, "0:v", -vf, "{filter}", -c:v, libx264, -preset, ultrafast, "{output}"]
golden: false
rules:
- streams: {format: mp4, video_codec: h264, pix_fmt: yuv420p}
- pictures: {psnr_y_mean: 30}
"""


def write(root: Path, filter: str) -> None:
    (root / "mediaimage.yaml").write_text("version: 1\ntranscode: {cases: [ours]}\nseverity: {transcode.ours: error}\n")
    (root / "cases").mkdir(exist_ok=True)
    (root / "cases" / "ours.yaml").write_text(CASE.replace("{filter}", filter))


def test_it_runs_beside_the_checks_and_names_what_is_wrong(media, pytester: pytest.Pytester, workers):
    write(pytester.path, "null")
    outcome = media("demo", "-k", "ours", *workers)
    assert (outcome.code, outcome.statuses()) == (0, {"transcode.ours": "passed"})
    assert outcome.result("transcode.ours")["measured"].endswith(" dB, 125 frames")
    write(pytester.path, "select='not(eq(n,50))'")
    outcome = media("demo", "-k", "ours", *workers)
    assert outcome.code == 1
    assert any("frame 50" in message for message in outcome.messages("transcode.ours"))


def test_all_names_the_packaged_ones_and_a_teams_own(media, pytester: pytest.Pytester):
    write(pytester.path, "null")
    (pytester.path / "mediaimage.yaml").write_text("version: 1\ntranscode: {cases: [all]}\n")
    text = media("demo", "--collect-only", "-q").text
    assert "transcode.h264-aac[demo" in text and "transcode.ours[demo" in text


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("ours", CASE.replace("sample:", "sampel:"), "cases/ours.yaml:1: unknown key 'sampel'"),
        ("other", CASE, "there is no transcode case 'ours'*a file cases/ours.yaml beside the policy"),
    ],
)
def test_a_mistake_stops_the_run(media, pytester: pytest.Pytester, name: str, text: str, words: str):
    write(pytester.path, "null")
    (pytester.path / "cases" / "ours.yaml").unlink()
    (pytester.path / "cases" / f"{name}.yaml").write_text(text)
    outcome = media("demo", "-k", "ours")
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    outcome.pytest.stderr.fnmatch_lines([f"*{words.replace('[', '[[]')}*"])


def test_a_case_that_the_policy_leaves_out_is_told(media, pytester: pytest.Pytester):
    write(pytester.path, "null")
    told = "cases/ours.yaml isn't in transcode.cases of mediaimage.yaml, so it isn't run: add ours there, or all"
    assert told not in media("demo", "--collect-only").text
    (pytester.path / "mediaimage.yaml").write_text("version: 1\ntranscode: {cases: [h264-aac]}\n")
    (pytester.path / "cases" / "other.yml").write_text(CASE)
    text = media("demo", "-k", "transcode.ours", "--media-update-golden").text
    assert told in text and "cases/other.yml is not read: a case ends in .yaml" in text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("bars-384x216", "bars", "cases/ours.yaml:1: sample: there is no sample 'bars'"),
        ("psnr_y_mean", "psnr_y_maen", "cases/ours.yaml:6: pictures: unknown key 'psnr_y_maen'; did you mean"),
        ("-map", '"{logo}"', "cases/ours.yaml:2: command: unknown placeholder '{logo}'"),
    ],
)
def test_a_mistake_within_stops_the_run(media, pytester: pytest.Pytester, old: str, new: str, words: str):
    write(pytester.path, "null")
    file = pytester.path / "cases" / "ours.yaml"
    file.write_text(file.read_text().replace(old, new, 1))
    outcome = media("demo", "-k", "ours")
    assert outcome.code == pytest.ExitCode.USAGE_ERROR
    outcome.pytest.stderr.fnmatch_lines([f"*{words}*"])


def test_the_documented_case_runs(media, pytester: pytest.Pytester):
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "own-cases.md").read_text()
    write(pytester.path, "null")
    (pytester.path / "cases" / "ours.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])
    outcome = media("demo", "-k", "ours")
    assert (outcome.code, outcome.statuses()) == (0, {"transcode.ours": "passed"})
    assert [finding["message"] for finding in outcome.result("transcode.ours")["findings"]] == [
        "there is no golden value for this recipe on this path: only structure and quality were judged"
    ]


def test_golden_values_that_nothing_asks_for_are_told(media, pytester: pytest.Pytester):
    write(pytester.path, "null")
    file = pytester.path / "cases" / "ours.yaml"
    file.write_text(file.read_text().replace("golden: false", "golden: true"))
    assert "written to" in media("demo", "-k", "ours", "--media-update-golden").text
    told = "golden/ours.json holds values for 1 older recipe or sample, which"
    assert told not in media("demo", "-k", "ours").text
    file.write_text(file.read_text().replace("ultrafast", "superfast"))
    assert told in media("demo", "-k", "ours").text


def test_an_output_that_is_no_file_is_the_images_fault(media, pytester: pytest.Pytester):
    write(pytester.path, "null")
    file = pytester.path / "cases" / "ours.yaml"
    text = file.read_text().replace("command: [ffmpeg", "outputs: [output.mp4, .]\ncommand: [ffmpeg")
    file.write_text(text)
    outcome = media("demo", "-k", "ours")
    assert outcome.code == 1
    assert "wrote something as . that is no output" in outcome.messages("transcode.ours")[0]
