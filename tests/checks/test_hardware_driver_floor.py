"""`hardware.driver-floor`: the driver that NVENC and CUDA ask for, against the fleet's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from binary_images import glibc, image, judge, program, told, tool

from pytest_mediaimage.image.build import Item
from pytest_mediaimage.result import Result

__all__ = ["image"]

CHECK = "hardware.driver-floor"


def run(image: Path, driver: bytes = b"", fleet: str | None = None, cuda: str = "", *env: str, **policy: Any) -> Result:
    items = [*glibc(), Item("usr/bin/ffmpeg", tool(program(), b"h264_nvenc", driver=driver), mode=0o755)]
    environment = [f"NVIDIA_REQUIRE_CUDA={cuda}"] if cuda else []
    return judge(image, CHECK, items, config={"Env": [*environment, *env]}, fleet_nvidia_driver=fleet, **policy)


def test_an_nvenc_newer_than_the_fleet_s_driver_fails_where_it_is_promised(image: Path) -> None:
    result = run(image, b"570.0", "535.183", transcode_paths={"nvenc": "required"})
    assert told(result) == [
        ("error", "NVENC in /usr/bin/ffmpeg asks for the NVIDIA driver 570.0 or newer, the fleet has 535.183")
    ]
    assert (result.measured, result.budget) == ("570.0", "535.183")
    assert [severity for severity, _ in told(run(image, b"570.0", "535.183"))] == ["warning"]


@pytest.mark.parametrize(("asked", "fleet"), [(b"470.57.02", "470.57.02"), (b"470.57.02", "535"), (b"570.0", "570.86")])
def test_a_driver_that_is_new_enough_passes(image: Path, asked: bytes, fleet: str) -> None:
    assert run(image, asked, fleet).findings == []


def test_without_a_fleet_it_is_measured_and_skipped(image: Path) -> None:
    result = run(image, b"610.00")
    assert (str(result.status), result.measured) == ("skipped", "610.00")


def test_without_nvenc_and_cuda_it_is_skipped(image: Path) -> None:
    assert "names an NVIDIA driver" in run(image, b"", "535").reason


@pytest.mark.parametrize(
    ("required", "severity"),
    [
        ("cuda>=12.8", "error"),
        ("cuda>=12.2", None),
        ("cuda>=12.8 brand=tesla,driver>=470,driver<471 brand=tesla,driver>=535,driver<536", "warning"),
        ("cuda>=12.8 driver>=535", None),
        ("cuda>=11.0,driver>=550", "error"),
        ("arch>=5.0", "warning"),
    ],
)
def test_what_cuda_requires_is_weighed_by_its_alternatives(image: Path, required: str, severity: str | None) -> None:
    found = [level for level, _ in told(run(image, b"", "535.183", required))]
    assert found == ([severity] if severity else [])


def test_a_requirement_that_is_switched_off_or_newer_than_what_is_known_is_no_finding(image: Path) -> None:
    assert str(run(image, b"", "535", "cuda>=12.8", "NVIDIA_DISABLE_REQUIRE=1").status) == "skipped"
    assert run(image, b"", "700.1", "cuda>=15.0").findings == []
