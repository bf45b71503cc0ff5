"""`size.growth`: against the previous release."""

from __future__ import annotations

import pytest
from layer_images import MB, Judge, copy, judge, messages, noise

from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.result import Status

__all__ = ["judge"]

BASE = copy("usr/lib/libav.so", noise(10 * MB), "RUN apt-get install -y ffmpeg")
SMALL = copy("opt/app/tool", noise(MB, "old"), "COPY app /opt/app")
LARGE = copy("opt/app/tool", noise(3 * MB, "new"), "COPY app /opt/app")
EXTRA = copy("opt/extra/data", noise(MB // 2), "COPY extra /opt/extra")


def test_without_a_baseline_it_skips_and_says_which_option(judge: Judge) -> None:
    result = judge("size.growth", [BASE], size_growth=5.0)
    assert result.status is Status.SKIPPED and "--media-baseline" in result.reason


def test_growth_beyond_the_budget_names_layers_and_directories(judge: Judge) -> None:
    result = judge("size.growth", [BASE, LARGE, EXTRA], baseline=[BASE, SMALL], size_growth=5.0)
    assert result.status is Status.FAILED
    assert result.measured == pytest.approx(22.7, abs=0.1) and result.unit == "percent"
    (finding,) = result.findings
    lines = [" ".join(line.split()) for line in finding.message.splitlines()]
    assert "compressed" in lines[0] and "the budget is 5 %" in lines[0]
    assert lines[1].endswith("layer 2 COPY app /opt/app") and lines[1].startswith("2.0")
    assert lines[2].endswith("layer 3 COPY extra /opt/extra")
    assert "2 MB /opt/app" in lines and "500 kB /opt/extra" in lines
    assert not any("/usr/lib" in line for line in lines)
    assert finding.created_by == "COPY app /opt/app"


def test_growth_within_the_budget_and_shrinking_pass(judge: Judge) -> None:
    assert judge("size.growth", [BASE, LARGE], baseline=[BASE, SMALL], size_growth=20.0).status is Status.PASSED
    shrunk = judge("size.growth", [BASE, SMALL], baseline=[BASE, LARGE], size_growth=0.0)
    assert shrunk.status is Status.PASSED and isinstance(shrunk.measured, float) and shrunk.measured < 0


def test_the_same_image_has_not_grown(judge: Judge) -> None:
    result = judge("size.growth", [BASE, SMALL], baseline=[BASE, SMALL], size_growth=0.0)
    assert (result.status, result.measured) == (Status.PASSED, 0.0)


def test_growth_is_measured_without_a_budget(judge: Judge) -> None:
    result = judge("size.growth", [BASE, LARGE], baseline=[BASE, SMALL])
    assert result.status is Status.PASSED and result.measured and not result.findings


def test_bytes_that_moved_to_another_layer_are_no_growth_of_the_image(judge: Judge) -> None:
    files = [Item(f"opt/{name}", noise(MB, name)) for name in "ab"]
    together = [layer(files, "COPY opt /opt", compression="none")]
    apart = [layer([item], f"COPY {item.path} /opt", compression="none") for item in files]
    assert judge("size.growth", apart, baseline=together, size_growth=1.0).status is Status.PASSED


def test_what_grew_is_told_once_compression_alone_made_it(judge: Judge) -> None:
    """The transfer grew although no file did."""
    data = [Item("opt/data", bytes(5 * MB))]
    result = judge(
        "size.growth",
        [layer(data, "COPY data /opt", compression="none")],
        baseline=[layer(data, "COPY data /opt", compression="zstd")],
        size_growth=5.0,
    )
    assert result.status is Status.FAILED
    assert "layer 1  COPY data /opt" in messages(result)
