"""`hardware.fallback`: a program that lives on without its device, and the ways in which it doesn't."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hardware_images import wrapped
from support.runs import Outcome

from pytest_mediaimage.media.hardware import devices, fallback
from pytest_mediaimage.media.hardware.devices import HostDevices
from pytest_mediaimage.media.hardware.proof import Attempt

POLICY = 'version: 1\ntranscode: {cases: []}\nfallback: {command: [/app/encode, "{input}", "{output}"]}\n'
TELL = "echo 'VAAPI device not available, falling back to libx264' >&2"
X264 = 'exec /opt/ffmpeg -nostdin -v error -y -i "$1" -c:v libx264 -preset veryfast -crf 20'
GOOD = f'{TELL}; {X264} "$2"'


@pytest.fixture
def judged(media, pytester: pytest.Pytester, tmp_path: Path, monkeypatch) -> Callable[..., Outcome]:
    monkeypatch.setattr(devices, "discover", HostDevices)

    def run(encode: str, *args: str, policy: str = POLICY, **config: object) -> Outcome:
        (pytester.path / "mediaimage.yaml").write_text(policy)
        layout = wrapped(tmp_path / "image", programs={"app/encode": encode}, **config)
        return media(layout, "--media-runtime=sandbox", "-k", "hardware.fallback", *args)

    return run


def test_a_good_fallback_passes_with_figures(judged):
    outcome = judged(GOOD)
    result = outcome.result("hardware.fallback")
    assert (outcome.code, result["status"], result["findings"]) == (0, "passed", []), outcome.text
    for words in ("no device: 25 frames in ", "LIBVA_DRIVER_NAME=bogus: 25 frames", "without video: 25 frames"):
        assert words in result["measured"]


@pytest.mark.parametrize(
    ("encode", "words"),
    [
        (f'[ "$LIBVA_DRIVER_NAME" = bogus ] && {{ echo libva error >&2; exit 3; }}; {GOOD}',
         "with LIBVA_DRIVER_NAME=bogus: exit code 3: libva error"),
        (f'[ "$NVIDIA_DRIVER_CAPABILITIES" ] && exit 0; {GOOD}',
         "with NVIDIA_DRIVER_CAPABILITIES without video: exit code 0, but no output"),
        (f"""[ "$LIBVA_DRIVER_NAME" ] && {{ {TELL}; {X264} -vf "select='gt(n,2)'" -fps_mode vfr "$2"; }}; {GOOD}""",
         "with LIBVA_DRIVER_NAME=bogus: frames 0-2 missing"),
        (f'[ "$LIBVA_DRIVER_NAME" ] && {{ {TELL}; {X264} -crf 38 "$2"; }}; {GOOD}',
         "with LIBVA_DRIVER_NAME=bogus: PSNR-Y"),
        (f'{TELL}; {X264} -vf lutyuv=y=val/3+80 "$2"', "another picture than the source's"),
    ],
)  # fmt: skip
def test_each_way_to_fail_is_named(judged, encode, words):
    outcome = judged(encode)
    assert outcome.code == 1
    assert any(words in message for message in outcome.messages("hardware.fallback")), outcome.text


def test_a_command_that_isn_t_in_the_image_is_told_once(judged):
    policy = POLICY.replace("/app/encode", "/app/transcode")
    outcome = judged(GOOD, policy=policy)
    (message,) = outcome.messages("hardware.fallback")
    assert message == "/app/transcode, which fallback.command names, isn't in the image, or what it is run by isn't"
    assert outcome.code == 1


def test_a_script_that_lacks_a_tool_is_there(judged):
    messages = judged("no-such-tool").messages("hardware.fallback")
    assert len(messages) == 3 and all("exit code 127" in message for message in messages)


def test_silence_is_a_note_and_slowness_a_warning(judged):
    outcome = judged(f'[ "$LIBVA_DRIVER_NAME" ] && sleep 6; {X264} "$2"')
    findings = outcome.result("hardware.fallback")["findings"]
    assert outcome.code == 0
    assert {f["severity"] for f in findings if "says nothing" in f["message"]} == {"note"}
    slow = [f for f in findings if f["severity"] == "warning"]
    assert len(slow) == 1 and slow[0]["message"].startswith("with LIBVA_DRIVER_NAME=bogus it took ")


PROMISED = "version: 1\ntranscode: {cases: [], paths: {vaapi: if-present}}\n"


@pytest.mark.parametrize(
    ("entrypoint", "policy", "words"),
    [
        (["/usr/local/bin/ffmpeg"], PROMISED, "the entry point is ffmpeg, and ffmpeg never falls back"),
        (["/sbin/tini", "--", "ffmpeg"], PROMISED, "the entry point is ffmpeg, and ffmpeg never falls back"),
        ([], PROMISED, "the image has no entry point, and ffmpeg never falls back"),
        (["/app/encode"], "version: 1\ntranscode: {cases: []}\n", "no hardware path is promised"),
    ],
)
def test_what_it_can_t_judge_skips_with_the_reason(judged, entrypoint, policy, words):
    outcome = judged(GOOD, policy=policy, Entrypoint=entrypoint)
    assert (outcome.code, outcome.result("hardware.fallback")["status"]) == (0, "skipped")
    assert words in outcome.result("hardware.fallback")["reason"]


def test_an_entry_point_is_called_with_input_and_output(judged):
    outcome = judged(GOOD, policy=PROMISED, Entrypoint=["/app/encode"])
    assert outcome.result("hardware.fallback")["status"] == "passed"


def test_an_entry_point_that_wants_other_arguments_skips_and_says_so(judged):
    outcome = judged("echo 'usage: encode --job FILE' >&2; exit 2", policy=PROMISED, Entrypoint=["/app/encode"])
    result = outcome.result("hardware.fallback")
    assert (outcome.code, result["status"]) == (0, "skipped")
    assert "called as `/app/encode {input} {output}`, gave no output (exit code 2: usage: encode" in result["reason"]
    assert "fallback.command" in result["reason"]


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("hwaccel vaapi unavailable, using libx264", True),
        ("WARN no GPU, encoding on the CPU", True),
        ("Failed to open the device: falling back", True),
        ("could not load libcuda.so.1", True),
        ("", False),
        ("frame=   25 fps=0.0 q=-1.0 size=      64KiB", False),
        ("[libx264 @ 0x1] using cpu capabilities: MMX2 SSE2Fast SSSE3", False),
        ("  configuration: --enable-cuda --enable-vaapi --disable-error-resilience --enable-libnot", False),
    ],
)
def test_words_that_tell_a_reason(log: str, told: bool) -> None:
    assert fallback.tells_reason(Attempt(0, log, None)) is told


def test_a_plain_software_encode_tells_no_reason() -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("the system has no ffmpeg")
    argv = [program, "-nostdin", "-f", "lavfi", "-i", "testsrc2=s=128x96:d=0.2", "-c:v", "libx264", "-f", "null", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert "using cpu capabilities" in done.stderr and "--enable" in done.stderr
    assert not fallback.tells_reason(Attempt(0, done.stderr, None))
