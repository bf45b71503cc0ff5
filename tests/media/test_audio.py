"""What is heard: the right outputs pass, and each fault is made for real and named."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from case_runs import problems, run

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.clips.sound import RATE, tones
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.rules.audio import channel_names
from pytest_mediaimage.media.rules.loudness import Loudness
from pytest_mediaimage.media.sound.following import Track, follow, sides, track_of
from pytest_mediaimage.media.sound.loudness import integrated

NAMES = ("aac", "opus", "loudnorm")
SURROUND = ("FL", "FR", "FC", "LFE", "BL", "BR")


@pytest.mark.parametrize("name", NAMES)
def test_good_outputs_pass(name: str, any_ffmpeg: str, tmp_path: Path) -> None:
    assert problems(CASES[name], run(CASES[name], any_ffmpeg, tmp_path)) == ""


FAULTS = {
    "lost track": (["-map", "-0:a:1"], "audio track 1 is missing"),
    "stereo swapped": (
        ["-filter:a:1", "pan=stereo|c0=c1|c1=c0"],
        "audio track 1: channels have changed places: FL plays the source's FR, FR plays the source's FL",
    ),
    "surround in another order": (
        ["-filter:a:0", "pan=5.1|c0=c0|c1=c2|c2=c1|c3=c3|c4=c4|c5=c5"],
        "audio track 0: channels have changed places: FR plays the source's FC, FC plays the source's FR",
    ),
    "LFE lost": (
        ["-filter:a:0", "pan=5.1|c0=c0|c1=c1|c2=c2|c3=0*c3|c4=c4|c5=c5"],
        "correlation 0.000 in LFE at 0.00 s",
    ),
    "one side for both": (
        ["-filter:a:1", "pan=stereo|c0=c0|c1=c0"],
        "audio track 1: channels have changed places: FR plays the source's FL",
    ),
    "downmix": (["-ac:a:0", "2"], "audio track 0 has 2 channels at 48000 Hz, the source 6 at 48000 Hz"),
    "40 ms late": (["-filter:a:1", "adelay=40:all=1"], "audio track 1 sounds 40.0 ms late"),
    "80 ms late": (["-filter:a:1", "adelay=80:all=1"], "audio track 1 sounds 80.0 ms late"),
    "40 ms early": (
        ["-filter:a:1", "atrim=start=0.04,asetpts=PTS-STARTPTS"],
        "audio track 1 sounds 40.0 ms early at",
    ),
    "another rate": (["-ar", "44100"], "2 channels at 44100 Hz"),
    "played at another rate": (["-filter:a:1", "asetrate=44100,aresample=48000"], "audio track 1 isn't the source's"),
    "3 dB off": (["-filter:a:1", "volume=-3dB"], re.compile(r"audio track 1: F[LR] is -(2\.9|3\.[01])\d dB off")),
    "half a dB off": (["-filter:a:1", "volume=-0.5dB"], re.compile(r"audio track 1: F[LR] is -0\.[456]\d dB off")),
    "one channel louder": (
        ["-filter:a:0", "pan=5.1|c0=c0|c1=c1|c2=1.2*c2|c3=c3|c4=c4|c5=c5"],
        re.compile(r"audio track 0: FC is \+1\.[567]\d dB off"),
    ),
    # Not atempo=1.001: on a clip this short it finds the best overlap at no change at all.
    "drift": (
        ["-filter:a:1", "asetrate=48048,aresample=48000"],
        re.compile(r"audio track 1 drifts by -[1-4]\.\d ms from 0\.00 to"),
    ),
    "another tempo": (["-filter:a:1", "atempo=1.01"], "audio track 1 drifts by -2"),
    "silent tail": (["-filter:a:1", "volume=0:enable='gt(t,2.88)'"], "audio track 1 is silent from 2.88 to 3.84 s"),
    "cut short": (["-filter:a:1", "atrim=0:2.88"], re.compile(r"audio track 1 ends 0\.9[4-6] s before the source's")),
    "a hole": (
        ["-filter:a:1", "volume=0:enable='between(t,1.2,1.68)'"],
        "audio track 1 is silent from 1.20 to 1.68 s",
    ),
    "wrong way round": (["-filter:a:1", "areverse"], "audio track 1 isn't the source's"),
}


@pytest.mark.parametrize("codec", ["aac", "opus"])
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(fault: str, codec: str, system_ffmpeg: str, tmp_path: Path) -> None:
    options, message = FAULTS[fault]
    if (codec, fault) == ("opus", "another rate"):
        options, message = ["-c:a", "aac", *options], "2 channels at 44100 Hz"
    found = problems(CASES[codec], run(CASES[codec], system_ffmpeg, tmp_path, *options))
    assert message.search(found) if isinstance(message, re.Pattern) else message in found, found


def test_sound_is_held_against_the_picture(system_ffmpeg: str, tmp_path: Path) -> None:
    """All of it two seconds later is no fault; the sound alone 40 ms later is."""
    case = CASES["aac"]
    both = run(case, system_ffmpeg, tmp_path, "-output_ts_offset", "2")
    assert problems(case, both) == ""
    later, output = tmp_path / "later", tmp_path / "later" / "output.mp4"
    later.mkdir()
    made = run(case, system_ffmpeg, later)
    again = tmp_path / "again.mp4"
    argv = [
        system_ffmpeg,
        "-v",
        "error",
        "-i",
        output,
        "-itsoffset",
        "0.04",
        "-i",
        output,
        "-map",
        "0:v",
        "-map",
        "1:a",
    ]
    subprocess.run([*argv, "-c", "copy", again], check=True, timeout=60)
    assert re.search(r"audio track 1 sounds (39|40)\.\d ms late", problems(case, Made.of(made.source, again)))


LOUD_FAULTS = {
    "not at all": ["-af", "anull"],
    "another target": ["-af", "loudnorm=I=-17:TP=-1.5:LRA=11"],
    "then a gain": ["-af", "loudnorm=I=-16:TP=-1.5:LRA=11,volume=0.7dB"],
}


@pytest.mark.parametrize("fault", LOUD_FAULTS)
def test_loudness_faults_are_named(fault: str, any_ffmpeg: str, tmp_path: Path) -> None:
    case = CASES["loudnorm"]
    found = problems(case, run(case, any_ffmpeg, tmp_path, *LOUD_FAULTS[fault]))
    assert re.search(r"loudness is -1\d\.\d\d LUFS, -16 within 0\.5 LU was asked for", found)


def test_loudness_a_little_off_the_usual(any_ffmpeg: str, tmp_path: Path) -> None:
    case = CASES["loudnorm"]
    options = ["-af", "loudnorm=I=-16:TP=-1.5:LRA=11,volume=0.25dB"]
    assert "the usual is -15.98 within 0.1 LU" in problems(case, run(case, any_ffmpeg, tmp_path, *options))


def _by_ebur128(ffmpeg: str, file: Path) -> float:
    """Integrated loudness in LUFS by FFmpeg's meter, which is another one's work; it prints tenths."""
    argv = [ffmpeg, "-nostdin", "-hide_banner", "-i", str(file), "-af", "ebur128=framelog=verbose", "-f", "null", "-"]
    log = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", log)[-1])


@pytest.mark.parametrize(
    ("sample", "track", "filters"),
    [
        ("tracks-256x144", 0, "anull"),
        ("tracks-256x144", 1, "anull"),
        ("tracks-256x144", 2, "volume=-20dB"),
        ("bars-384x216", 0, "anull"),
        # Quiet stretches and silence, which gates leave out; and another rate.
        ("bars-384x216", 0, "volume=0.02:enable='gt(t,2)'"),
        ("bars-384x216", 0, "volume=0:enable='lt(t,3)'"),
        ("bars-384x216", 0, "aresample=44100"),
    ],
)
def test_the_meter_agrees_with_ebur128(
    sample: str, track: int, filters: str, system_ffmpeg: str, tmp_path: Path
) -> None:
    file = tmp_path / "sound.wav"
    argv = [system_ffmpeg, "-nostdin", "-hide_banner", "-i", samples.sample(sample), "-map", f"0:a:{track}"]
    subprocess.run([*argv, "-af", filters, "-c:a", "pcm_f32le", file], check=True, capture_output=True, timeout=60)
    theirs = _by_ebur128(system_ffmpeg, file)
    heard = track_of(file)
    assert integrated([heard.samples], heard.rate, channel_names(len(heard.samples))) == pytest.approx(theirs, abs=0.06)


def test_the_meter_on_the_standards_own_sine() -> None:
    """EBU Tech 3341, case 1: a stereo sine of 1 kHz at -23 dBFS has -23 LUFS. A mono one counts half: 3 LU less."""
    sine = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * np.arange(20 * RATE) / RATE)
    stereo = np.stack((sine, sine)).astype(np.float32)
    assert integrated([stereo], RATE, ("FL", "FR")) == pytest.approx(-23.0, abs=0.1)
    assert integrated([stereo[:1]], RATE, ("FC",)) == pytest.approx(-26.01, abs=0.1)
    assert integrated([stereo], RATE, ("FL", "LFE")) == pytest.approx(-26.01, abs=0.1)


def test_the_meter_takes_sound_of_any_length_in_any_pieces() -> None:
    generator = np.random.default_rng(5)
    long = (generator.standard_normal((2, 100 * 8000)) * np.linspace(0.001, 0.3, 100 * 8000)).astype(np.float32)
    whole = integrated([long], 8000, ("FL", "FR"))
    cuts = [1, 700, 250_000, 250_001, 600_000]
    assert integrated(np.split(long, cuts, axis=1), 8000, ("FL", "FR")) == pytest.approx(whole, abs=1e-6)
    # A quarter of it is far louder than the first minute.
    assert integrated([long[:, : 60 * 8000]], 8000, ("FL", "FR")) < whole - 3


def test_loudness_is_of_the_whole_and_not_of_the_first_minute(system_ffmpeg: str, tmp_path: Path) -> None:
    file = tmp_path / "output.mp4"
    sound = "anoisesrc=r=16000:d=90:a=0.1:seed=1,volume=0.05:enable='lt(t,61)'"
    subprocess.run([system_ffmpeg, "-v", "error", "-f", "lavfi", "-i", sound, "-c:a", "aac", file], check=True)
    theirs = _by_ebur128(system_ffmpeg, file)
    assert list(Loudness(theirs, 0.1, "test").judge(Made.of(samples.sample("bars-384x216"), file))) == []


def test_the_meter_on_silence_and_on_too_little() -> None:
    assert integrated([np.zeros((2, RATE), np.float32)], RATE, ("FL", "FR")) == -np.inf
    assert integrated([np.ones((2, RATE // 4), np.float32)], RATE, ("FL", "FR")) == -np.inf


def test_stretches_are_told_apart() -> None:
    pcm = (tones(0, 3 * RATE, "5.1") / 32768).astype(np.float32)
    source = Track(pcm, RATE, 0.0)
    for stretch in follow(source, Track(pcm, RATE, 0.1)):
        assert [round(offset or 0, 4) for offset in stretch.offset] == [0.1] * 6
    shuffled = Track(pcm[[1, 0, 3, 2, 5, 4]], RATE, 0.0)
    assert sides(source, shuffled) == [1, 0, 3, 2, 5, 4]
    # A second later is another sound, however long one searches.
    assert max(value or 0 for value in follow(source, Track(pcm, RATE, 1.0))[0].correlation) < 0.7


def test_channel_names() -> None:
    assert channel_names(6) == SURROUND
    assert channel_names(1) == ("FC",)
    assert channel_names(12)[11] == "channel 11"
