"""A team's own tests on hardware paths, on images whose ffmpeg poses as hardware: no card is here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hardware_images import CHOSEN, UNSIGNED, needs, spare_device, wrapped
from support.runs import Outcome

from pytest_mediaimage.media.hardware import devices
from pytest_mediaimage.media.hardware.devices import HostDevices, Node

# FFmpeg as it is, but for the device's words: those become software's.
POSER = r"""
decodes=
case "$*" in *-hwaccel*) decodes=yes;; *h264_vaapi*|*h264_posed*) ;; *) exec /opt/ffmpeg "$@";; esac
NEEDS
set -- "$@" --end--
while [ "$1" != --end-- ]; do
  case "$1 $2" in
    "-c:v h264_vaapi"|"-c:v h264_posed") set -- "$@" -c:v libx264 -qp 23 SIGNED; shift 2;;
    -init_hw_device*|-filter_hw_device*|-hwaccel*|-rc_mode*|-global_quality*|-qp*) shift 2;;
    "-v debug") shift 2;;
    "-vf "*) f=${2#hwdownload,}; set -- "$@" -vf "${f%,hwupload}"; shift 2;;
    *) set -- "$@" "$1"; shift;;
  esac
done
shift
[ -n "$decodes" ] && { CHOSEN; } || echo "WORDS" >&2
exec /opt/ffmpeg "$@"
"""
FORGED = f"{UNSIGNED} -metadata:s:v:0 encoder='Lavc h264_vaapi' -fflags +bitexact -flags:v +bitexact"
SPOKEN = "[h264_vaapi @ 0x1] Using VAAPI entrypoint VAEntrypointEncSlice (6)."


def posing(card: str, *, signed: str = FORGED, words: str = SPOKEN, chosen: str = CHOSEN, before: str = "") -> str:
    script = POSER.replace("NEEDS", before or needs(card, ":")).replace("SIGNED", signed)
    return script.replace("CHOSEN", chosen).replace("WORDS", words)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> str:
    path = spare_device()
    node = Node(path, devices.AMD, Path(path).stat().st_gid)
    monkeypatch.setattr(devices, "discover", lambda: HostDevices(render=(node,)))
    return path


@pytest.fixture
def tested(media, pytester: pytest.Pytester, tmp_path: Path) -> Callable[..., Outcome]:
    """Runs a test of this body on an image whose ffmpeg is the script."""

    def run(script: str, body: str, *args: str, policy: str = "version: 1\n", runtime: str = "sandbox") -> Outcome:
        (pytester.path / "mediaimage.yaml").write_text(policy)
        lines = "\n    ".join(body.strip().splitlines())
        pytester.makepyfile(test_own=f"import pytest\n\n\ndef test_it(transcode, golden):\n    {lines}\n")
        # The spare device of this machine may be root's alone.
        layout = wrapped(tmp_path / "image", script, User="0" if runtime == "docker" else "10001")
        return media(layout, "test_own.py", f"--media-runtime={runtime}", "-rs", "-s", *args)

    return run


ENCODE = '["-v", "error", "-i", "{input}", "-c:v", "libx264", "-crf", "20", "-an", "{output}"]'


def test_a_recipe_of_software_is_put_on_the_path(tested, card):
    body = f"""
result = transcode({ENCODE}, path="vaapi")
assert (result.path, result.device, result.frames) == ("vaapi", "{card}", 125)
assert "h264_vaapi" in result.command.argv and "libx264" not in result.command.argv
assert result.psnr["y"] > 40 and result.frames_per_second > 1
"""
    tested(posing(card), body).pytest.assert_outcomes(passed=1)


@pytest.mark.docker
def test_docker_hands_the_device_on_too_and_what_has_it_open_is_seen_from_outside(tested, card, docker_engine):
    body = f"""
result = transcode({ENCODE}, path="vaapi", sample="bars-384x216")
assert result.device == "{card}" and result.gpu.opened is True
assert str(result.gpu) == "GPU: not readable (the driver tells no times of its engines)"
"""
    tested(posing(card), body, runtime="docker").pytest.assert_outcomes(passed=1)


def test_golden_values_are_of_the_card_and_its_driver(tested, card):
    driver = "VAAPI driver: Mesa Gallium driver {} for AMD Radeon RX 6600 (navi23, LLVM 15.0.7, DRM 3.52, 6.3.8)."
    body = f'print("GOLDEN", golden.check(transcode({ENCODE}, path="vaapi"), "web"))'
    script = posing(card, words=f"{SPOKEN}\n{driver.format('23.1.3')}")
    missing = tested(script, body)
    missing.pytest.assert_outcomes(failed=1)
    assert "write them with --media-update-golden" in missing.text
    assert "GOLDEN written" in tested(script, body, "--media-update-golden").text
    assert "GOLDEN exact" in tested(script, body).text


def test_a_recipe_that_names_the_device_is_run_as_it_is(tested, card):
    words = '["-init_hw_device", "vaapi=v:{device}", "-i", "{input}", "-vf", "format=nv12,hwupload", "-an",'
    body = f"""
result = transcode({words} "-c:v", "h264_vaapi", "-global_quality", "23", "{{output}}"], path="vaapi")
assert "vaapi=v:{card}" in result.command.argv and "23" in result.command.argv
"""
    tested(posing(card), body).pytest.assert_outcomes(passed=1)


def test_the_input_is_decoded_on_the_device(tested, card):
    body = """
recipe = ["-i", "{input}", "-an", "-c:v", "ffv1", "{output}"]
result = transcode(recipe, path="vaapi", suffix=".mkv", sample="hdr10-384x216")
assert result.command.argv[result.command.argv.index("-vf") + 1] == "hwdownload,format=p010le,format=yuv420p10le"
plain = transcode(recipe, suffix=".mkv", sample="hdr10-384x216")
assert result.frame_hashes == plain.frame_hashes
"""
    tested(posing(card), body).pytest.assert_outcomes(passed=1)


def test_what_encodes_a_decode_in_software_may_sign_it(tested, card):
    body = 'transcode(["-i", "{input}", "-an", "{output}"], path="vaapi", sample="bars-384x216")'
    refused = tested(posing(card), body)
    assert "has no counterpart on vaapi" not in refused.text
    refused.pytest.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signed": ""}, "software fallback: the output is signed by x264 core"),
        ({"words": "nothing"}, "software fallback: nothing that was printed shows the device"),
        ({"before": ":"}, "software fallback: the same command also succeeds in a container without the device"),
        ({"before": "echo '[h264_vaapi @ 0x1] Failed to end picture encode issue: 1 (x).' >&2; exit 251"},
         "broken: the card, or its driver, stopped in the middle of the work"),
    ],
)  # fmt: skip
def test_what_isn_t_proven_fails_the_test(tested, card, changes, words):
    outcome = tested(posing(card, **changes), f'transcode({ENCODE}, path="vaapi")')
    outcome.pytest.assert_outcomes(failed=1)
    assert f"on {card}: {words}" in outcome.text


def test_a_decode_in_software_fails_the_test(tested, card):
    chosen = "echo '[h264 @ 0x1] Format yuv420p chosen by get_format().' >&2"
    body = 'transcode(["-i", "{input}", "-an", "-c:v", "ffv1", "{output}"], path="vaapi", suffix=".mkv")'
    outcome = tested(posing(card, chosen=chosen), body)
    outcome.pytest.assert_outcomes(failed=1)
    assert "the decoder chose yuv420p, vaapi was asked for: it decoded in software" in outcome.text


def test_what_isn_t_here_skips_or_fails_where_it_must_be_here(tested, monkeypatch):
    monkeypatch.setattr(devices, "discover", HostDevices)
    outcome = tested(posing("/dev/null"), f'transcode({ENCODE}, path="nvenc")')
    outcome.pytest.assert_outcomes(skipped=1)
    assert "there is no NVIDIA card (/dev/nvidia0) on this machine" in outcome.text
    outcome = tested(posing("/dev/null"), f'transcode({ENCODE}, path="nvenc")', "--media-hardware=nvenc")
    outcome.pytest.assert_outcomes(failed=1)
    assert "--media-hardware asks for nvenc, but there is no NVIDIA card" in outcome.text


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (f'transcode({ENCODE}, path="nvenk")', "there is no hardware path 'nvenk'"),
        ('transcode(["-i", "{input}", "-c:v", "vp9", "-c:v:1", "libx264", "{output}"], path="nvenc")', "vp9 has no"),
        (f'transcode({ENCODE[:-1]}, "-map", "0:v", "-c:v:1", "libx264"], path="vaapi")', "several encoders of video"),
        ('transcode(["/app/encode", "{input}", "-c:v", "libx264", "{output}"], path="vaapi")', "of another program"),
    ],
)
def test_what_can_t_be_put_on_a_path_is_told(tested, card, monkeypatch, call, words):
    monkeypatch.setattr(devices, "discover", lambda: HostDevices((Node(card),), (Node(card, devices.AMD),)))
    outcome = tested(posing(card), call)
    outcome.pytest.assert_outcomes(failed=1)
    assert words in outcome.text


def test_a_path_of_the_policy_s_own(tested, card):
    arguments = '[-init_hw_device, "x={device}", -i, "{input}", -c:v, h264_posed, "{output}"]'
    own = f'{{posed: {{devices: "{card}", arguments: {arguments}, proof: "Using card /dev/"}}}}'
    body = f"""
result = transcode({ENCODE}, path="posed")
assert result.device == "{card}" and "h264_posed" in result.command.argv
"""
    policy = f"version: 1\ntranscode: {{paths: {own}}}\n"
    outcome = tested(posing(card, words=f"Using card {card}"), body, policy=policy)
    outcome.pytest.assert_outcomes(passed=1)
