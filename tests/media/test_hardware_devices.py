"""Devices of a machine, on a tree made for the test; links to /dev/null stand for character devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mediaimage.checks.transcode.cards import HARDWARE
from pytest_mediaimage.media.hardware.devices import (
    AMD,
    INTEL,
    NVIDIA,
    HostDevices,
    Node,
    discover,
    groups_of,
    matching,
)
from pytest_mediaimage.media.hardware.paths import PATHS, own_probe
from pytest_mediaimage.policy.schema import HARDWARE as IN_POLICIES


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "dev" / "dri").mkdir(parents=True)
    for name in (
        "nvidia0",
        "nvidia10",
        "nvidia2",
        "nvidiactl",
        "nvidia-uvm",
        "dri/card0",
        "dri/renderD128",
        "dri/renderD129",
    ):
        (tmp_path / "dev" / name).symlink_to("/dev/null")
    (tmp_path / "dev" / "nvidia3").write_text("no device")
    (tmp_path / "dev" / "nvidia4").symlink_to("nowhere")
    for name, vendor in (("renderD128", "0x8086\n"), ("renderD129", "0x1002\n")):
        folder = tmp_path / "sys" / "class" / "drm" / name / "device"
        folder.mkdir(parents=True)
        (folder / "vendor").write_text(vendor)
    return tmp_path


def test_cards_and_render_nodes_with_their_vendors(machine: Path) -> None:
    found = discover(machine)
    assert [node.path for node in found.nvidia] == ["/dev/nvidia0", "/dev/nvidia2", "/dev/nvidia10"]
    assert [(node.path, node.vendor) for node in found.render] == [
        ("/dev/dri/renderD128", INTEL),
        ("/dev/dri/renderD129", AMD),
    ]


def test_a_machine_without_any(tmp_path: Path) -> None:
    assert discover(tmp_path) == HostDevices()
    assert all(not path.nodes(HostDevices()) for path in PATHS.values())


def test_which_device_serves_which_path(machine: Path) -> None:
    found = discover(machine)
    served = {name: [node.path for node in path.nodes(found)] for name, path in PATHS.items()}
    assert served["nvenc"] == served["nvdec"] == ["/dev/nvidia0", "/dev/nvidia2", "/dev/nvidia10"]
    assert served["qsv"] == ["/dev/dri/renderD128"]
    assert served["vaapi"] == ["/dev/dri/renderD128", "/dev/dri/renderD129"]
    assert served["vulkan"] == [*served["vaapi"], *served["nvenc"]]


def test_nvidia_s_render_node_is_none_of_va_api_s() -> None:
    host = HostDevices(render=(Node("/dev/dri/renderD128", NVIDIA),))
    assert not PATHS["vaapi"].nodes(host) and not PATHS["qsv"].nodes(host) and PATHS["vulkan"].nodes(host)


def test_vulkan_has_nvidia_s_driver_from_the_card_and_not_from_its_render_node() -> None:
    card, own, other = (
        Node("/dev/nvidia0", NVIDIA),
        Node("/dev/dri/renderD128", NVIDIA),
        Node("/dev/dri/renderD129", AMD),
    )
    assert PATHS["vulkan"].nodes(HostDevices((card,), (own,))) == (card,)
    assert PATHS["vulkan"].nodes(HostDevices((card,), (own, other))) == (other, card)


def test_own_devices_by_a_glob(machine: Path) -> None:
    assert [node.path for node in matching("/dev/nvidia[0-9]", machine)] == ["/dev/nvidia0", "/dev/nvidia2"]
    assert matching("/dev/hailo*", machine) == ()


def test_groups_that_a_user_needs() -> None:
    nodes = [Node("/dev/a", group=44), Node("/dev/b", group=44), Node("/dev/c", group=0), Node("/dev/d", "", 7, True)]
    assert groups_of(nodes) == (44,)


def test_the_paths_have_one_list_of_names() -> None:
    assert tuple(PATHS) == HARDWARE == IN_POLICIES


@pytest.mark.parametrize("name", PATHS)
def test_every_command_keeps_its_frames_on_the_device(name: str) -> None:
    for probe in PATHS[name].probes("/dev/dri/renderD129"):
        assert "{input}" in probe.argv and probe.argv[-1] == "{output}"
        if probe.kind == "decode":
            at = probe.argv.index("-hwaccel_output_format")
            assert probe.argv[at + 1] == probe.surface == probe.hwaccel
            assert any(word.startswith("hwdownload") for word in probe.argv)
        else:
            assert probe.encoder in probe.argv and probe.proof is not None
        if name in ("vaapi", "qsv"):
            assert "/dev/dri/renderD129" in " ".join(probe.argv)


def test_an_own_path_s_arguments() -> None:
    probe = own_probe(["-c:v", "h264_x", "-dev", "{device}"], r"Using \w+", "/dev/x0")
    assert probe.argv[-7:] == ("-i", "{input}", "-c:v", "h264_x", "-dev", "/dev/x0", "{output}")
    probe = own_probe(["-hwaccel", "x", "-i", "{input}", "-f", "mp4", "{output}"], "x", "/dev/x0")
    assert probe.argv.count("{input}") == probe.argv.count("{output}") == 1
