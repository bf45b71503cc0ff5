"""Packaged cases on hardware paths, on images whose ffmpeg is a script that poses as hardware: no card is here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hardware_images import newest, spare_device, wrapped
from posed_transcodes import posing
from support.runs import Outcome

from pytest_mediaimage.media.hardware import devices
from pytest_mediaimage.media.hardware.devices import HostDevices, Node

CASES = {"h264": "h264-aac", "hevc": "hevc-hdr10", "av1": "av1-svt"}


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> str:
    """A device node that plays the part of the cards of all makers."""
    path = spare_device()
    node = Node(path, devices.INTEL, Path(path).stat().st_gid)
    monkeypatch.setattr(devices, "discover", lambda: HostDevices(nvidia=(node,), render=(node,)))
    return path


@pytest.fixture
def judged(media, pytester: pytest.Pytester, tmp_path: Path) -> Callable[..., Outcome]:
    def run(script: str, path: str = "vaapi", case: str = "h264-aac", *args: str, paths: str = "") -> Outcome:
        policy = f"version: 1\ntranscode: {{cases: [{case}], paths: {paths or f'{{{path}: if-present}}'}}}\n"
        (pytester.path / "mediaimage.yaml").write_text(policy)
        # The static build's x265 knows eight bits only.
        layout = wrapped(tmp_path / "image", script, real=newest() if case == "hevc-hdr10" else ())
        return media(layout, "--media-runtime=sandbox", "-k", f"transcode.{case}", *args)

    return run


@pytest.mark.parametrize(
    ("path", "codec"),
    [("nvenc", "h264"), ("vaapi", "h264"), ("qsv", "h264"), ("nvenc", "av1"), ("nvenc", "hevc"), ("vaapi", "hevc")],
)
def test_what_works_on_the_device_passes(judged, card, path, codec):
    case = CASES[codec]
    outcome = judged(posing(path, codec, card), path, case)
    result = outcome.result(f"transcode.{case}")
    assert (outcome.code, result["status"], result["findings"]) == (0, "passed", []), outcome.text
    assert result["hardware_path"] == path
    assert "(software " in result["measured"] and result["budget"] == "proven, no worse than software"


def test_the_node_id_names_the_path_and_works_when_passed_back(judged, card):
    outcome = judged(posing("vaapi", "h264", card), "vaapi", "h264-aac", "--collect-only", "-q")
    (id,) = [line for line in outcome.text.splitlines() if line.startswith("mediaimage.yaml::")]
    assert id.startswith("mediaimage.yaml::transcode.h264-aac[oci:") and id.endswith("-linux/amd64-vaapi]")


FAULTS = {
    "signed by x264": ({"more": "-bsf:v null"}, "software fallback: the output is signed by x264"),
    "another encoder's tag": ({"signed": "Lavc libx264"}, "the output's encoder tag is 'Lavc libx264', h264_vaapi was"),
    "no word of the device": ({"words": "nothing"}, "software fallback: nothing that was printed shows the device"),
    "works without it": ({"before": ""}, "the same command also succeeds in a container without the device"),
    "worse than software": (
        {"encoder": "-vf boxblur=1 -c:v libx264 -preset superfast -qp 25"},
        "; software gives ",
    ),
    "a damaged frame": (
        {"encoder": "-vf \"lutyuv=y=128:enable='eq(n,20)'\" -c:v libx264 -preset superfast -qp 25"},
        "of the output carries no readable number",
    ),
    "a green frame": (
        {"encoder": "-vf \"lutyuv=u=0:v=0:enable='eq(n,20)'\" -c:v libx264 -preset superfast -qp 25"},
        "plane U is shifted",
    ),
    "a lost frame": (
        {"encoder": "-vf \"select='not(eq(n,20))'\" -fps_mode passthrough -c:v libx264 -preset superfast -qp 25"},
        "frame 20 missing",
    ),
    "no sound": ({"more": "-an"}, "no audio stream"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(judged, card, fault):
    changes, words = FAULTS[fault]
    outcome = judged(posing("vaapi", "h264", card, **changes))
    assert outcome.code == 1, outcome.text
    messages = outcome.messages("transcode.h264-aac")
    assert any(words in message and f"on {card}: " in message for message in messages), messages


X265 = "-c:v libx265 -preset superfast -x265-params qp=24:info=0:pools=none:log-level=none"


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (f"{X265} -pix_fmt yuv420p", "video pix_fmt is yuv420p, yuv420p10le was expected"),
        (f"-vf lutyuv=y='trunc(val/4)*4' {X265} -pix_fmt yuv420p10le", "ten bits are written, but eight were"),
    ],
)
def test_ten_bits_that_are_lost_on_the_device_are_named(judged, card, encoder, words):
    messages = judged(posing("nvenc", "hevc", card, encoder=encoder), "nvenc", "hevc-hdr10").messages(
        "transcode.hevc-hdr10"
    )
    assert any(words in message for message in messages), messages


def test_a_failure_has_the_diagnosis_of_ffmpeg_s_words(judged, card):
    said = "echo '[VAAPI @ 0x1] Failed to initialise VAAPI connection: -1 (unknown libva error).' >&2; exit 251"
    outcome = judged(posing("vaapi", "h264", card, before=said))
    (message,) = outcome.messages("transcode.h264-aac")
    assert f"on {card}: broken: VA-API's driver for this card is missing in the image" in message


def test_what_one_device_gave_isn_t_told_of_another(judged, card, monkeypatch):
    """The first gives two errors, the second fails outright and is the one that is told of."""
    second = "/dev/null"
    nodes = tuple(Node(path, devices.AMD, for_everybody=True) for path in (card, second))
    monkeypatch.setattr(devices, "discover", lambda: HostDevices(render=nodes))
    said = "[h264_vaapi @ 0x1] Failed to end picture encode issue: 1 (x)."
    died = f"case \"$*\" in *{second}*) echo '{said}' >&2; exit 251;; esac"
    bad = "-vf \"lutyuv=u=0:v=0:enable='eq(n,20)'\" -c:v libx264 -preset superfast -qp 25"
    result = judged(posing("vaapi", "h264", card, before=died, encoder=bad, more="-an")).result("transcode.h264-aac")
    (finding,) = result["findings"]
    assert finding["message"].startswith(f"on {second}: broken: the card, or its driver, stopped")
    assert result["measured"] is None


@pytest.mark.parametrize(("codec", "status"), [("h264", "failed"), ("av1", "skipped")])
def test_a_card_without_an_encoder_for_the_codec(judged, card, codec, status):
    said = "echo '[posed @ 0x1] No usable encoding profile found.' >&2; exit 218"
    outcome = judged(posing("vaapi", codec, card, before=said), "vaapi", CASES[codec])
    result = outcome.result(f"transcode.{CASES[codec]}")
    assert result["status"] == status
    if status == "skipped":
        assert f"{card} can't do it: the driver offers no encoder for this codec" in result["reason"]


def test_what_isn_t_here_skips_by_name(judged, monkeypatch):
    monkeypatch.setattr(devices, "discover", HostDevices)
    for path, words in (("nvenc", "NVIDIA card"), ("vaapi", "render node of Intel or AMD")):
        outcome = judged(posing(path, "h264", "/dev/null"), path)
        result = outcome.result("transcode.h264-aac")
        assert (outcome.code, result["status"]) == (0, "skipped")
        assert f"there is no {words}" in result["reason"]


def test_a_required_path_that_isn_t_here_gives_exit_code_11(judged, monkeypatch):
    monkeypatch.setattr(devices, "discover", HostDevices)
    assert judged(posing("vaapi", "h264", "/dev/null"), paths="{vaapi: required}").code == 11


def test_a_build_without_the_encoder_skips_by_name(judged, card):
    result = judged('exec /opt/ffmpeg "$@"').result("transcode.h264-aac")
    assert (result["status"], result["reason"]) == ("skipped", "ffmpeg lacks the encoder h264_vaapi")


def test_only_cases_with_a_counterpart_are_planned(judged, card):
    def planned(case: str, paths: str, *args: str) -> list[str]:
        text = judged("exit 1", "", case, "--collect-only", "-q", *args, paths=paths).text
        lines = [line for line in text.splitlines() if "::transcode." in line]
        return [line.partition("::transcode.")[2].partition("[")[0] + line[line.rindex("-") :] for line in lines]

    assert planned("vp9", "{cpu: required, vaapi: required}") == ["vp9-cpu]"]
    paths = "{cpu: required, nvdec: required, qsv: if-present}"
    assert planned("h264-aac", paths) == ["h264-aac-cpu]", "h264-aac-qsv]"]
    assert planned("av1-svt", "{cpu: required}", "--media-hardware=nvenc") == ["av1-svt-cpu]", "av1-svt-nvenc]"]


OWN = '{{posed: {{devices: "{card}", arguments: {arguments}, proof: "Using card /dev/"}}}}'


@pytest.mark.parametrize(
    "arguments",
    [
        '[-map, "0:v:0", -c:v, h264_posed]',
        '[-init_hw_device, "x={device}", -i, "{input}", -c:v, h264_posed, "{output}"]',
    ],
)
def test_a_path_of_one_s_own(judged, card, arguments):
    script = posing("posed", "h264", card, name="h264_posed", words=f"Using card {card}")
    outcome = judged(script, paths=OWN.format(card=card, arguments=arguments))
    result = outcome.result("transcode.h264-aac")
    assert (result["status"], result["hardware_path"]) == ("passed", "posed"), outcome.text


def test_a_path_of_one_s_own_for_another_codec_or_shape(judged, card):
    paths = OWN.format(card=card, arguments="[-c:v, vp9_posed]")
    assert "/ 0 selected" in judged("exit 1", "", "h264-aac", paths=paths).text
    paths = OWN.format(card=card, arguments='[-filter_complex, "[0:v]null[v]", -map, "[v]", -c:v, h264_posed]')
    result = judged("exit 1", "", "h264-aac", paths=paths).result("transcode.h264-aac")
    assert "the arguments of posed can't be put into the case's command" in result["reason"]
