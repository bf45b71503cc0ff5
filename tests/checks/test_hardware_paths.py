"""`hardware.<path>`: real work is told from what poses as such, and each failure has its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hardware_images import CHOSEN, DECODES, FORGED, RAW, UNSIGNED, encodes, needs, poser, spare_device, wrapped
from support.runs import Outcome

from pytest_mediaimage.media.hardware import devices
from pytest_mediaimage.media.hardware.devices import HostDevices, Node

POLICY = "version: 1\ntranscode: {cases: [], paths: {vaapi: if-present}}\n"


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> str:
    """A device node that plays the part of an AMD card's render node."""
    path = spare_device()
    node = Node(path, devices.AMD, Path(path).stat().st_gid)
    monkeypatch.setattr(devices, "discover", lambda: HostDevices(render=(node,)))
    return path


@pytest.fixture
def judged(media, pytester: pytest.Pytester, tmp_path: Path) -> Callable[..., Outcome]:
    """Runs the check of vaapi on an image whose ffmpeg is the script."""

    def run(script: str, *args: str, policy: str = POLICY, runtime: str = "sandbox") -> Outcome:
        (pytester.path / "mediaimage.yaml").write_text(policy)
        layout = wrapped(tmp_path / "image", script)
        return media(layout, f"--media-runtime={runtime}", "-k", "hardware.vaapi or hardware.posed", *args)

    return run


def test_what_works_on_the_device_only_is_proven(judged, card):
    outcome = judged(poser(decode=needs(card, DECODES), encode=needs(card, encodes(FORGED))))
    result = outcome.result("hardware.vaapi")
    assert outcome.code == 0, outcome.text
    assert (result["status"], result["hardware_path"], result["budget"]) == ("passed", "vaapi", "proven")
    assert result["measured"].startswith("decode proven bit by bit, encode proven (")
    further = ", decode hevc proven bit by bit, decode hevc 10-bit proven bit by bit"
    assert result["measured"].endswith(f"{further} on {card}") and result["findings"] == []


@pytest.mark.parametrize(
    ("condition", "do", "status", "words"),
    [
        # What a driver says of a card that has no such decoder.
        ("*p010*", "echo '[hevc @ 0x1] Codec hevc profile 2 not supported for hardware decode.' >&2; exit 218",
         "passed", "vaapi decode hevc 10-bit on {card}: absent: the driver offers no decoder"),
        ("*p010*", f"{CHOSEN}; /opt/ffmpeg -v error -y -i $in -map 0:v:0 -vf format=yuv420p,format=yuv420p10le "
         "-c:v rawvideo -f nut $out; exit $?", "failed",
         "vaapi decode hevc 10-bit on {card}: broken: frames 0-24 of 25 decoded otherwise than in software"),
        ("*p010*", "echo '[hevc @ 0x1] Format yuv420p10le chosen by get_format().' >&2; " + RAW, "failed",
         "decode hevc 10-bit on {card}: software fallback: the decoder chose yuv420p10le, vaapi was asked for"),
    ],
)  # fmt: skip
def test_ten_bits_are_decoded_too_where_the_card_can(judged, card, condition, do, status, words):
    decode = needs(card, f'case "$REST" in {condition}) {do};; esac; {DECODES}')
    result = judged(poser(decode=decode, encode=needs(card, encodes(FORGED)))).result("hardware.vaapi")
    (finding,) = result["findings"]
    assert result["status"] == status
    assert words.format(card=card) in finding["message"]


@pytest.mark.docker
def test_docker_hands_the_device_on_too(judged, card, docker_engine):
    script = poser(decode=needs(card, DECODES), encode=needs(card, encodes(FORGED)))
    outcome = judged(script, runtime="docker")
    assert outcome.code == 0, outcome.text
    assert "decode proven" in outcome.result("hardware.vaapi")["measured"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("", "encode on {card}: software fallback: the output is signed by x264 core"),
        (f"{UNSIGNED} -bitexact", "software fallback: the output's encoder tag is 'Lavc libx264', h264_vaapi was"),
        (FORGED, "software fallback: the same command also succeeds in a container without the device"),
    ],
)
def test_a_wrapper_that_poses_as_hardware_is_caught(judged, card, options, words):
    outcome = judged(poser(encode=encodes(options)))
    assert outcome.code == 1
    messages = outcome.messages("hardware.vaapi")
    assert any(words.format(card=card) in message for message in messages), messages


def test_a_failure_has_the_diagnosis_of_ffmpeg_s_words(judged, card):
    said = "echo '[VAAPI @ 0x1] Failed to initialise VAAPI connection: -1 (unknown libva error).' >&2; exit 251"
    outcome = judged(poser(decode=said, encode=said))
    assert outcome.code == 1
    finding = outcome.result("hardware.vaapi")["findings"][0]
    assert "broken: VA-API's driver for this card is missing in the image" in finding["message"]
    assert "`[VAAPI] Failed to initialise VAAPI connection: -1" in finding["message"]
    assert "mesa-va-drivers" in finding["fix"]


def test_a_build_without_the_path_fails_where_the_card_is(judged, card):
    outcome = judged('exec /opt/ffmpeg "$@"')
    assert "lacks the hwaccel vaapi, the encoder h264_vaapi" in outcome.messages("hardware.vaapi")[0]


def test_what_isn_t_here_skips_and_fails_where_it_must_be_here(judged, monkeypatch):
    monkeypatch.setattr(devices, "discover", HostDevices)
    outcome = judged(poser())
    assert (outcome.code, outcome.result("hardware.vaapi")["status"]) == (0, "skipped")
    assert "there is no render node of Intel or AMD" in outcome.result("hardware.vaapi")["reason"]
    outcome = judged(poser(), "--media-hardware=vaapi")
    assert outcome.code == 1
    assert "--media-hardware asks for vaapi, but there is no render node" in outcome.messages("hardware.vaapi")[0]


def test_what_nobody_promises_skips_though_the_card_is_here(judged, card):
    outcome = judged(poser(), policy="version: 1\n")
    assert (outcome.code, outcome.result("hardware.vaapi")["status"]) == (0, "skipped")
    assert "neither the policy (transcode.paths) nor --media-hardware names this path" in outcome.text


def test_under_static_it_skips(judged, card):
    assert judged(poser(), "--media-static").result("hardware.vaapi")["reason"].startswith("nothing is started")


def test_a_name_that_is_none_is_a_usage_error(judged):
    outcome = judged(poser(), "--media-hardware=nvenk")
    assert outcome.code == 4
    assert "there is no hardware path 'nvenk'. Known: nvenc, nvdec, vaapi, qsv, vulkan" in outcome.text


def test_a_required_path_that_isn_t_here_gives_exit_code_11(judged, monkeypatch):
    monkeypatch.setattr(devices, "discover", HostDevices)
    policy = POLICY.replace("cases: []", "cases: [h264-aac]").replace("if-present", "required")
    outcome = judged(poser(), policy=policy)
    assert outcome.code == 11


OWN = """version: 1
transcode:
  paths:
    posed: {{devices: "{card}", arguments: [-map, "0:v:0", -c:v, h264_posed], proof: "Using card /dev/\\\\w+"}}
"""


@pytest.mark.parametrize("honest", [True, False])
def test_a_path_of_one_s_own(judged, card, honest):
    encode = "/opt/ffmpeg -v error -y -i $in -map 0:v:0 -c:v mpeg4 -q:v 3 $out; exit $?"
    work = f"echo Using card {card} >&2; {encode}"
    script = poser(encode="").replace(
        "*h264_vaapi)", f"*h264_posed) {needs(card, work) if honest else work};;\n *h264_vaapi)"
    )
    outcome = judged(script, policy=OWN.format(card=card) + "severity: {hardware.posed: error}\n")
    result = outcome.result("hardware.posed")
    assert (result["status"], result["hardware_path"]) == ("passed" if honest else "failed", "posed"), result
    if not honest:
        assert "also succeeds in a container without the device" in result["findings"][0]["message"]
