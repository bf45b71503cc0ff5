from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mediaimage.errors import StorageFault, UsageError
from pytest_mediaimage.media import golden, judge, probing, samples
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.golden import Golden, GoldenEntry, GoldenValues
from pytest_mediaimage.media.machine import machine_class
from pytest_mediaimage.media.pictures import compare
from pytest_mediaimage.media.verdict import hold_against, judge_transcode, judgement_of


@pytest.fixture(scope="session")
def entry(case: Case) -> GoldenEntry:
    """The packaged values."""
    packaged = golden.packaged(case.name)
    assert packaged is not None
    found = packaged.entry(sample=samples.sample_sha256(case.sample), recipe=case.recipe.sha256)
    assert found is not None, "the sample or the recipe has changed: run sample_media/golden.py"
    return found


def test_every_case_has_packaged_values() -> None:
    for case in (case for case in CASES.values() if case.golden):
        packaged = golden.packaged(case.name)
        assert packaged is not None
        assert packaged.case == case.name
        entry = packaged.entry(sample=samples.sample_sha256(case.sample), recipe=case.recipe.sha256)
        assert entry is not None, "the sample or the recipe has changed: run sample_media/golden.py"
        assert {len(values.frames) for values in entry.values.values()} == {
            len(judge.frame_hashes(samples.sample(case.sample)))
        }
    assert golden.packaged("no-such-case") is None
    assert golden.packaged("../golden/h264-aac") is None


@pytest.mark.parametrize("asm", ["sse2", "ssse3", "avx2", ""])
def test_both_builds_give_the_packaged_pictures(
    transcode: Any, case: Case, source: Path, entry: GoldenEntry, any_ffmpeg: str, asm: str
) -> None:
    output = transcode(*(["-x264-params", f"asm={asm}"] if asm else []), ffmpeg=any_ffmpeg)
    judgement = judge_transcode(case, source, output, golden=entry)
    assert judgement.problems == []
    encoder = str(judgement.metrics["encoder"])
    known = encoder in {name for name, _ in entry.values}
    assert judgement.golden.status == ("exact" if known else "tolerance"), judgement.golden


def test_x264_164_and_165_give_the_same_pictures(entry: GoldenEntry) -> None:
    for machine in ("amd64/sse2", "amd64/ssse3", "amd64/avx512"):
        old, new = (entry.values[f"x264 core {core}", machine] for core in (164, 165))
        assert (old.stream_hash, old.frames) == (new.stream_hash, new.frames)


def test_another_encoder_version_is_held_to_a_tolerance(
    transcode: Any, case: Case, source: Path, entry: GoldenEntry
) -> None:
    older = replace(entry, values={("x264 core 163", key[1]): values for key, values in entry.values.items()})
    judgement = judge_transcode(case, source, transcode(), golden=older)
    assert judgement.problems == []
    assert judgement.golden.status == "tolerance"
    assert "no golden values for x264 core 165" in judgement.golden.reason
    assert "held against x264 core 163" in judgement.golden.reason


def test_another_processor_is_held_to_a_tolerance(transcode: Any, case: Case, source: Path, entry: GoldenEntry) -> None:
    output = transcode("-x264-params", "asm=sse2")
    newer = {key: values for key, values in entry.values.items() if key[1] != "amd64/sse2"}
    judgement = judge_transcode(case, source, output, golden=replace(entry, values=newer), architecture="arm64")
    assert judgement.problems == []
    assert judgement.golden.status == "tolerance"
    assert "on arm64" in judgement.golden.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"psnr": {"psnr_y_mean": 45.0}}, "psnr_y_mean fell from 45.00"),
        ({"psnr": {"psnr_y_min": 45.0}}, "psnr_y_min fell from 45.00"),
        ({"bytes": 200_000}, "the file grew from 200000"),
    ],
)
def test_drift_beyond_the_tolerance_is_a_problem(
    transcode: Any, case: Case, source: Path, entry: GoldenEntry, change: dict[str, Any], reason: str
) -> None:
    older = {("x264 core 163", key[1]): replace(values, **change) for key, values in entry.values.items()}
    judgement = judge_transcode(case, source, transcode(), golden=replace(entry, values=older))
    assert judgement.golden.status == "differs"
    assert any(reason in problem.message for problem in judgement.problems)


def test_the_same_encoder_with_other_pictures_is_a_problem(
    transcode: Any, case: Case, source: Path, entry: GoldenEntry
) -> None:
    output = transcode("-vf", "lutyuv=y=val+1:enable='gte(n,40)'", "-x264-params", "rc-lookahead=0:mbtree=0")
    judgement = judge_transcode(case, source, output, golden=entry)
    assert judgement.golden.status == "differs"
    assert judgement.golden.first_frame is not None
    assert any("not the golden pictures: frame" in problem.message for problem in judgement.problems)


def test_the_first_wrong_frame_is_named() -> None:
    hashes = [f"{number:064x}"[::-1] for number in range(10)]
    values = GoldenValues.of(hashes, {"bytes": 1, "psnr_y_mean": 40})
    assert values.first_difference(hashes) is None
    assert values.first_difference([*hashes[:6], "f" * 64, *hashes[7:]]) == 6
    assert values.first_difference(hashes[:4]) == 4
    assert values.first_difference([*hashes, "f" * 64]) == 10


def _golden(encoder: str = "x264 core 165", size: int = 100) -> Golden:
    values = GoldenValues.of(["ab" * 32, "cd" * 32], {"bytes": size, "psnr_y_mean": 40.5, "psnr_y_min": 38.25})
    return Golden("case").with_values(
        sample="1" * 64, recipe="2" * 64, path="cpu", encoder=encoder, machine="amd64/ssse3", values=values
    )


names = st.text(min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(names, names, names, st.floats(0, 100), st.integers(0, 1 << 40))
def test_saved_and_loaded(tmp_path: Path, path: str, encoder: str, machine: str, psnr: float, size: int) -> None:
    values = GoldenValues.of(["ab" * 32], {"bytes": size, "psnr_y_mean": psnr})
    added = _golden().with_values(
        sample="3" * 64, recipe="2" * 64, path=path, encoder=encoder, machine=machine, values=values
    )
    file = tmp_path / "deep" / "case.json"
    golden.save(file, added)
    assert golden.load(file) == added
    assert [item.name for item in file.parent.iterdir()] == ["case.json"]


def test_values_of_other_encoders_stay() -> None:
    values = GoldenValues.of(["ab" * 32], {"bytes": 7})
    key = {"sample": "1" * 64, "recipe": "2" * 64, "path": "cpu"}
    both = _golden().with_values(**key, encoder="x264 core 164", machine="amd64/ssse3", values=values)
    entry = both.entry(**key)
    assert entry is not None
    assert sorted(name for name, _ in entry.values) == ["x264 core 164", "x264 core 165"]
    assert both.entry(sample="9", recipe="2" * 64) is None
    assert entry.nearest("x264 core 163", "amd64/ssse3") == ("x264 core 164", "amd64/ssse3")
    assert entry.nearest("x264 core 170", "arm64") == ("x264 core 165", "amd64/ssse3")
    assert replace(entry, values={}).nearest("x264 core 165", "arm64") is None


def test_diff() -> None:
    old, new = _golden(), _golden(size=120)
    assert golden.diff(old, old) == []
    assert golden.diff(old, new) == ["cpu x264 core 165 amd64/ssse3: bytes 100 -> 120"]
    (line,) = golden.diff(None, new)
    assert line.startswith("cpu x264 core 165 amd64/ssse3: new: stream_hash ")
    assert "bytes 120" in line and "psnr_y_mean 40.5" in line
    assert any("x264 core 164" in line for line in golden.diff(old, _golden("x264 core 164")))


def _saved(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    file = tmp_path / "case.json"
    golden.save(file, _golden())
    return file, json.loads(file.read_text())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", '{"schema_version": 1}', '{"schema_version": 2, "case": "x", "entries": []}']
)
def test_files_that_are_no_golden_files(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"odd\.json"):
        golden.load(file)
    with pytest.raises(UsageError, match=r"none\.json does not exist"):
        golden.load(tmp_path / "none.json")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_field_of_the_wrong_kind_is_named_as_a_usage_error(tmp_path: Path, data: st.DataObject) -> None:
    file, raw = _saved(tmp_path)
    values = raw["entries"][0]["values"]["x264 core 165"]["amd64/ssse3"]
    holder = data.draw(st.sampled_from([raw, raw["entries"][0], values]))
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(json_values)
    file.write_text(json.dumps(raw))
    try:
        assert isinstance(golden.load(file), Golden)
    except UsageError as error:
        assert "case.json" in str(error)  # a harmless value may load


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    file, raw = _saved(tmp_path)
    broken = replace(_golden(), case=object())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        golden.save(file, broken)
    assert json.loads(file.read_text()) == raw
    assert [item.name for item in tmp_path.iterdir()] == ["case.json"]
    (tmp_path / "plain").write_text("")
    with pytest.raises(StorageFault, match="can't be written"):
        golden.save(tmp_path / "plain" / "case.json", _golden())


def test_the_recorder_finds_nothing_to_change(static_ffmpeg: str, script: Any) -> None:
    if machine_class() not in ("amd64/sse2", "amd64/ssse3", "amd64/avx512"):
        pytest.skip("values are of amd64")
    done = script("golden.py", static_ffmpeg)
    told = [line for line in done.stdout.splitlines() if "lacks what it needs" not in line]
    names = [case.name for case in CASES.values() if case.golden]
    assert told == [f"{name}: nothing changes" for name in names], done.stdout + done.stderr


def test_any_comparison_can_be_held_against_golden_values(transcode: Any, source: Path, entry: GoldenEntry) -> None:
    output = transcode()
    judgement = judgement_of(probing.probe(output), compare.compare(source, output))
    assert judgement.problems == []
    hold_against(entry, "amd64", judgement)
    assert judgement.golden.status == "exact"


def test_a_damaged_output_is_never_within_tolerance(
    transcode: Any, source: Path, entry: GoldenEntry, break_frame: Any
) -> None:
    output = transcode()
    break_frame(output, 60)
    judgement = judgement_of(probing.probe(output), compare.compare(source, output))
    assert "can't be decoded to its end" in judgement.problems[0].message
    hold_against(
        replace(entry, values={("x264 core 163", "arm64"): next(iter(entry.values.values()))}), "amd64", judgement
    )
    assert not judgement.passed
