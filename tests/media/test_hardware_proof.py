"""Proof by words, signature and pictures, on outputs of real encoders; no container, no hardware."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_mediaimage.media.clip import make_clip
from pytest_mediaimage.media.hardware.diagnosis import Verdict
from pytest_mediaimage.media.hardware.paths import PATHS, Probe, own_probe
from pytest_mediaimage.media.hardware.proof import Attempt, Outcome, of_attempt, of_control, words_of

NONCE = 77
DECODE, ENCODE = PATHS["vaapi"].probes("/dev/dri/renderD128")
CHOSEN = "[h264 @ 0x1] Format yuv420p chosen by get_format().\n[h264 @ 0x1] Format vaapi chosen by get_format().\n"
ENTRY = "[h264_vaapi @ 0x1] Using VAAPI entrypoint VAEntrypointEncSlice (6).\n"
FORGED = ("-bsf:v", "filter_units=remove_types=6", "-metadata:s:v:0", "encoder=Lavc62 h264_vaapi", "-bitexact")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "23")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    make_clip(path, frames=25, nonce=NONCE, seed=NONCE)
    return path


@pytest.fixture
def make(clip: Path, tmp_path: Path, static_ffmpeg: str):
    def run(name: str, *options: str) -> Path:
        output = tmp_path / name
        argv = [static_ffmpeg, "-v", "error", "-y", "-i", str(clip), "-map", "0:v:0", *options, str(output)]
        subprocess.run(argv, check=True, timeout=60)
        return output

    return run


def judged(probe: Probe, clip: Path, log: str, output: Path | None, code: int = 0) -> Outcome:
    return of_attempt(probe, "vaapi", Attempt(code, log, output), clip, NONCE)


RAW = ("-pix_fmt", "yuv420p", "-c:v", "rawvideo")


def test_an_exact_decode_is_proven(clip: Path, make) -> None:
    outcome = judged(DECODE, clip, CHOSEN, make("a.nut", *RAW))
    assert outcome.proven and outcome.metrics["frames"] == 25


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            CHOSEN + "[h264 @ 0x2] Format yuv420p chosen by get_format().\n",
            "the decoder chose yuv420p, vaapi was asked for",
        ),
        ("", "the decoder never said what it chose"),
        (CHOSEN + "Failed setup for format vaapi: hwaccel initialisation returned error.\n", "went on in software"),
        (CHOSEN + "[x @ 0x1] Device 0 selected: llvmpipe (LLVM 15) (software) (0x0)\n", "a renderer on the processor"),
    ],
)
def test_a_decode_that_says_otherwise_is_software(clip: Path, make, log: str, words: str) -> None:
    outcome = judged(DECODE, clip, log, make("a.nut", *RAW))
    assert outcome.verdict is Verdict.SOFTWARE and words in outcome.reason


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-vf", "lutyuv=u=val+1:enable='eq(n,7)'"), "frame 7 of 25 decoded otherwise"),
        (("-frames:v", "24"), "decoded 24 frames, 25 were expected"),
    ],
)
def test_a_wrong_decode_is_broken(clip: Path, make, options: tuple[str, ...], words: str) -> None:
    outcome = judged(DECODE, clip, CHOSEN, make("a.nut", *options, *RAW))
    assert outcome.verdict is Verdict.BROKEN and words in outcome.reason


def test_an_encode_as_good_as_software_is_proven(clip: Path, make) -> None:
    outcome = judged(ENCODE, clip, ENTRY, make("a.mp4", *X264, *FORGED))
    assert outcome.proven, outcome
    assert outcome.metrics["psnr_y_mean"] == pytest.approx(outcome.metrics["software_psnr_y_mean"], abs=0.5)


@pytest.mark.parametrize(
    ("options", "log", "verdict", "words"),
    [
        (X264, ENTRY, Verdict.SOFTWARE, "signed by x264 core"),
        ((*X264, *FORGED[:2]), ENTRY, Verdict.SOFTWARE, "h264_vaapi was expected"),
        ((*X264, *FORGED), "", Verdict.SOFTWARE, "no `Using VAAPI entrypoint`"),
        ((*X264, *FORGED, "-vf", "boxblur=1:1"), ENTRY, Verdict.BROKEN, "software gives"),
        (
            (*X264, *FORGED, "-vf", "select='not(eq(n,5))'", "-fps_mode", "passthrough"),
            ENTRY,
            Verdict.BROKEN,
            "frame 5 missing",
        ),
        ((*X264, *FORGED, "-vf", "scale=192:108"), ENTRY, Verdict.BROKEN, "can't be compared"),
    ],
)
def test_an_encode_is_judged_by_signature_and_pictures(clip: Path, make, options, log, verdict, words) -> None:
    outcome = judged(ENCODE, clip, log, make("a.mp4", *options))
    assert outcome.verdict is verdict and words in outcome.reason, outcome


def test_another_clip_s_pictures_are_no_proof(clip: Path, make, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    make_clip(other, frames=25, nonce=NONCE + 1, seed=1)
    outcome = of_attempt(ENCODE, "vaapi", Attempt(0, ENTRY, make("a.mp4", *X264, *FORGED)), other, NONCE + 1)
    assert "of another clip" in outcome.reason


def test_what_isn_t_media_is_broken(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film" * 100)
    assert judged(ENCODE, clip, ENTRY, tmp_path / "a.mp4").verdict is Verdict.BROKEN


def test_a_failure_that_nobody_knows_is_told_in_ffmpeg_s_words(clip: Path) -> None:
    outcome = judged(ENCODE, clip, "[h264_vaapi @ 0x55aa] Flux capacitor failed\nConversion failed!\n", None, 171)
    assert outcome.verdict is Verdict.BROKEN
    assert outcome.reason == "ffmpeg ended with exit code 171: [h264_vaapi] Flux capacitor failed / Conversion failed!"
    assert "0x55aa" not in outcome.evidence


def test_one_endless_line_keeps_nobody_busy(clip: Path) -> None:
    log = words_of("Device 0 selected: " * 500_000)
    assert len(log) < 3000
    assert judged(ENCODE, clip, log, None, 1).verdict is Verdict.BROKEN


def test_the_control_must_fail(clip: Path) -> None:
    assert of_control(Attempt(187, "", None)) is None
    assert of_control(Attempt(0, "", None)) is None
    wrong = of_control(Attempt(0, "", clip))
    assert wrong is not None and wrong.verdict is Verdict.SOFTWARE


def test_an_own_path_may_ask_for_a_software_encoder(clip: Path, make) -> None:
    output = make("a.mp4", *X264)
    asked = own_probe(["-hwaccel", "posed", "-i", "{input}", "-c:v", "libx264"], "posed", "/dev/x")
    assert of_attempt(asked, "posed", Attempt(0, "posed", output), clip, NONCE).proven
    other = own_probe(["-c:v", "h264_posed"], "posed", "/dev/x")
    assert "signed by x264" in of_attempt(other, "posed", Attempt(0, "posed", output), clip, NONCE).reason


@pytest.mark.skipif(
    not Path("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json").is_file(), reason="no mesa-vulkan-drivers here"
)
@pytest.mark.parametrize("kind", ["decode", "encode"])
def test_vulkan_on_the_processor_is_rejected_for_real(clip: Path, tmp_path: Path, kind: str) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("the system has no ffmpeg")
    probe = next(probe for probe in PATHS["vulkan"].probes("") if probe.kind == kind)
    output = tmp_path / probe.output
    words = {"{ffmpeg}": program, "{input}": str(clip), "{output}": str(output)}
    argv = [words.get(word, word) for word in probe.argv]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    attempt = Attempt(done.returncode, done.stderr, output if output.is_file() else None)
    outcome = of_attempt(probe, "vulkan", attempt, clip, NONCE)
    assert outcome.verdict is Verdict.SOFTWARE and "llvmpipe" in outcome.reason
