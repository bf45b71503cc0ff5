"""Inputs in parts, cut off, damaged and live: the right outputs pass, and each fault is made for real and named."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from case_runs import problems, run

from pytest_mediaimage.errors import JudgeError
from pytest_mediaimage.media import judge, probing, samples
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.clips import live
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.recipe import Recipe
from pytest_mediaimage.media.rules.timing import forwards, spans

CONCAT, TRUNCATED, DAMAGED, LIVE = (CASES[name] for name in ("concat", "truncated-input", "damaged-input", "live-wrap"))


@pytest.mark.parametrize("name", ["concat", "truncated-input", "damaged-input", "live-wrap"])
def test_good_outputs_pass(name: str, any_ffmpeg: str, tmp_path: Path) -> None:
    assert problems(CASES[name], run(CASES[name], any_ffmpeg, tmp_path)) == ""


def test_what_the_samples_are() -> None:
    with pytest.raises(JudgeError, match="its header promises 48 packets of video"):
        probing.probe(samples.sample(TRUNCATED.sample))
    with pytest.raises(JudgeError):
        list(judge.frames(samples.sample(DAMAGED.sample)))
    data = samples.sample(LIVE.sample).read_bytes()
    clocks = []
    for at in range(0, len(data), 188):
        packet = data[at : at + 188]
        if packet[3] & 0x20 and packet[4] and packet[5] & 0x10:
            clocks.append(int.from_bytes(packet[6:11], "big") >> 7)
    assert max(clocks) > (1 << 33) - 2 * 90_000
    assert min(clocks) < 10 * 90_000
    shown = [frame.time or 0.0 for frame in judge.frames(samples.sample(LIVE.sample))]
    gap = shown[live.GAP_FRAME] - shown[live.GAP_FRAME - 1]
    assert gap == pytest.approx(live.GAP_SECONDS + 0.04, abs=0.001)


CONCAT_FAULTS = {
    "one part only": ("ffconcat version 1.0\nfile '{input}'\n", [], "frames 48-95 missing"),
    "wrong order": (
        "ffconcat version 1.0\nfile '{extra:second}'\nfile '{input}'\n",
        [],
        "frames 0 and 48 swapped",
    ),
    "a part twice": (
        "ffconcat version 1.0\nfile '{input}'\nfile '{input}'\nfile '{extra:second}'\n",
        [],
        "frames 0-47 shown more than once",
    ),
    "cut at the seam": (
        "ffconcat version 1.0\nfile '{input}'\noutpoint 1.8\nfile '{extra:second}'\n",
        [],
        "missing",
    ),
    "a gap at the seam": (
        "ffconcat version 1.0\nfile '{input}'\nduration 2.2\nfile '{extra:second}'\n",
        [],
        "frames 48-95 shown at the wrong time: frame 48 +280 ms",
    ),
    "rounded to frames": (None, ["-enc_time_base:v", "0", "-r", "25"], "audio sounds 18.7 ms early"),
    "sound lost": (None, ["-an"], "the output has no sound"),
    "sound of one part": (None, ["-af", "volume=0:enable='gt(t,1.94)'"], "audio is silent from 1.92 to 3.84 s"),
    "late at the seam": (
        None,
        [
            "-af",
            "asplit[a][b];[a]atrim=0:1.94[c];[b]atrim=1.94,asetpts=PTS-STARTPTS,adelay=30:all=1[d];[c][d]concat=v=0:a=1",
        ],
        "ms from 0.00 to",
    ),
    "lower quality": (None, ["-crf", "45"], "unlike the source's: frame"),
}


@pytest.mark.parametrize("fault", CONCAT_FAULTS)
def test_concat_faults_are_named(fault: str, system_ffmpeg: str, tmp_path: Path) -> None:
    text, options, message = CONCAT_FAULTS[fault]
    case = replace(CONCAT, texts={"list.txt": text}) if text else CONCAT
    assert message in problems(case, run(case, system_ffmpeg, tmp_path, *options))


def _without(case_argv: tuple[str, ...], word: str) -> Recipe:
    return Recipe(tuple(item for item in case_argv if item != word))


def test_a_truncated_input_must_fail(any_ffmpeg: str, tmp_path: Path) -> None:
    """Without -xerror FFmpeg exits 0, with half of the picture."""
    case = replace(TRUNCATED, recipe=_without(TRUNCATED.recipe.argv, "-xerror"))
    made = run(case, any_ffmpeg, tmp_path)
    assert made.exit_code == 0
    assert "ended with exit code 0, though its input can't be read to the end" in problems(case, made)


@pytest.mark.parametrize(
    ("exit_code", "log", "message"),
    [
        (139, "partial file", "the command crashed: signal 11"),
        (-11, "partial file", "the command crashed: signal 11"),
        (1, "Unknown encoder 'libx264'", "failed with exit code 1 for another reason"),
        (183, "", "failed with exit code 183 for another reason"),
        (187, "stream 0, offset 0x90d9: partial file", ""),
    ],
)
def test_how_it_must_fail(exit_code: int, log: str, message: str) -> None:
    found = problems(TRUNCATED, Made(samples.sample(TRUNCATED.sample), {}, log=log, exit_code=exit_code))
    assert message in found if message else found == ""


def test_a_good_input_isnt_refused(any_ffmpeg: str, tmp_path: Path) -> None:
    """So a failure is the input's."""
    assert run(TRUNCATED, any_ffmpeg, tmp_path, source=samples.sample("part-1-256x144")).exit_code == 0


DAMAGED_FAULTS = {
    "stops at the damage": (["-frames:v", "25"], "frames 50-74 missing, though the damage lies elsewhere"),
    "keeps key frames only": (["-vf", "select=eq(pict_type\\,I)"], "missing, though the damage lies elsewhere"),
    "smears": (["-vf", "tmix=frames=3"], "spoilt, though the damage lies elsewhere"),
    "no sound": (["-an"], "the output has no audio stream"),
}


@pytest.mark.parametrize("fault", DAMAGED_FAULTS)
def test_damage_faults_are_named(fault: str, system_ffmpeg: str, tmp_path: Path) -> None:
    options, message = DAMAGED_FAULTS[fault]
    assert message in problems(DAMAGED, run(DAMAGED, system_ffmpeg, tmp_path, *options))


def test_damage_must_be_reported(system_ffmpeg: str, tmp_path: Path) -> None:
    words = tuple("quiet" if word == "verbose" else word for word in DAMAGED.recipe.argv)
    case = replace(DAMAGED, recipe=Recipe(words))
    assert (
        problems(case, run(case, system_ffmpeg, tmp_path))
        == "the input is damaged, and nothing that is printed says so"
    )


def test_damage_that_is_passed_on(system_ffmpeg: str, tmp_path: Path) -> None:
    """A copied stream is as damaged as its source."""
    output = tmp_path / "output.mp4"
    source = samples.sample(DAMAGED.sample)
    argv = [system_ffmpeg, "-v", "error", "-i", source, "-map", "0:v", "-map", "0:a", "-c", "copy", output]
    log = subprocess.run(argv, check=True, timeout=60, capture_output=True, text=True).stderr
    made = Made(source, {output.name: output}, log=log or "corrupt")
    assert "the output is itself damaged" in problems(DAMAGED, made)


LIVE_FAULTS = {
    "gap closed, in the sound": (["-af", "asetpts=N/SR/TB"], "audio track 0 ends 5.00 s before the source's"),
    "gap closed, in the picture": (["-vf", "setpts=N/25/TB"], "earlier or later than in the source"),
    "filled with still pictures": (["-fps_mode", "cfr", "-r", "25", "-enc_time_base:v", "0"], "frame 49"),
    "late after the gap": (["-af", "adelay=40:all=1"], "audio track 0 sounds 40"),
    "stops at the wrap": (["-t", "1"], "missing"),
    "stops at the gap": (["-t", "2.2"], "frames 50-95 missing"),
    "silent after the gap": (["-af", "aresample=async=1,volume=0:enable='gt(t,4)'"], "audio track 0 is silent from 5."),
}


@pytest.mark.parametrize("fault", LIVE_FAULTS)
def test_live_faults_are_named(fault: str, system_ffmpeg: str, tmp_path: Path) -> None:
    options, message = LIVE_FAULTS[fault]
    assert message in problems(LIVE, run(LIVE, system_ffmpeg, tmp_path, *options))


def test_time_stamps_that_run_backwards(tmp_path: Path) -> None:
    """As where the clock's wrap is passed on: a transport stream whose second half begins anew."""
    path, part = tmp_path / "output.ts", samples.sample("live-256x144").read_bytes()
    path.write_bytes(part + part)
    found = spans(path)
    assert [problem.message for problem in forwards(found, "")] == [
        "stream 0 (video): time stamps run backwards at packet 96",
        "stream 1 (audio): time stamps run backwards at packet 181",
    ]
    assert not list(forwards(spans(samples.sample("live-256x144")), ""))
