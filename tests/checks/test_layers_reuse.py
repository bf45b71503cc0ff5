"""`layers.reuse` and `layers.count`: the bytes that a node with the previous release must pull again."""

from __future__ import annotations

import re

import pytest
from layer_images import MB, Judge, copy, dated, judge, judge_archives, messages, noise

from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge", "judge_archives"]

BASE = copy("usr/lib/libc.so", noise(4 * MB), "ADD rootfs.tar /")
TOOLS = copy("usr/bin/ffmpeg", noise(5 * MB), "RUN apt-get install -y ffmpeg")
APP = copy("opt/app/main", noise(MB, "old"), "COPY . /opt/app")
NEXT = copy("opt/app/main", noise(MB, "new"), "COPY . /opt/app")


def test_without_a_baseline_it_skips_and_says_which_option(judge: Judge) -> None:
    result = judge("layers.reuse", [BASE], layers_reuse=80.0)
    assert result.status is Status.SKIPPED and "--media-baseline" in result.reason


def test_only_the_app_changed(judge: Judge) -> None:
    result = judge("layers.reuse", [BASE, TOOLS, NEXT], baseline=[BASE, TOOLS, APP], layers_reuse=80.0)
    assert (result.status, result.measured) == (Status.PASSED, pytest.approx(90, abs=0.1))


def test_a_changed_layer_costs_all_above_it(judge: Judge) -> None:
    """By ChainID: the tools are the same blob, and yet unpacked again."""
    result = judge("layers.reuse", [BASE, NEXT, TOOLS], baseline=[BASE, APP, TOOLS], layers_reuse=80.0)
    assert (result.status, result.measured) == (Status.FAILED, pytest.approx(40, abs=0.1))
    (finding,) = result.findings
    assert re.search(r"pulls 6\.0\d+ MB of 10\.0\d+ MB again", finding.message)
    assert re.search(r"\(compressed; 1\.0\d+ MB where the engine keeps blobs\)", finding.message)
    first = "The first layer that changed is layer 2: its files differ, the heaviest: /opt/app/main (1 MB)"
    assert first in finding.message
    assert finding.created_by == "COPY . /opt/app"
    assert finding.message.index("RUN apt-get install") < finding.message.rindex("COPY . /opt/app")


def test_the_same_image_is_reused_wholly(judge: Judge) -> None:
    result = judge("layers.reuse", [BASE, APP], baseline=[BASE, APP], layers_reuse=100.0)
    assert (result.status, result.measured, result.findings) == (Status.PASSED, 100.0, [])


def test_nothing_in_common(judge: Judge) -> None:
    result = judge("layers.reuse", [NEXT], baseline=[BASE, TOOLS], layers_reuse=1.0)
    assert (result.status, result.measured) == (Status.FAILED, 0.0)
    assert (
        "no layer of the baseline was made by this instruction (there the baseline has: ADD rootfs.tar /)"
        in messages(result)
    )


def test_layers_on_top_of_the_old_image_and_layers_taken_away(judge: Judge) -> None:
    more = judge("layers.reuse", [BASE, APP, TOOLS], baseline=[BASE, APP], layers_reuse=99.0)
    assert "layer 3: no layer of the baseline was made by this instruction (it is new)" in messages(more)
    assert judge("layers.reuse", [BASE], baseline=[BASE, APP], layers_reuse=100.0).measured == 100.0


def test_two_layers_in_another_order(judge: Judge) -> None:
    result = judge("layers.reuse", [APP, BASE], baseline=[BASE, APP], layers_reuse=50.0)
    assert "layer 1: it is the baseline's layer 2, in another place" in messages(result)


def test_a_recompressed_layer_that_is_known_unpacked_is_not_pulled(judge: Judge) -> None:
    items = [Item("opt/data", bytes(MB))]
    result = judge(
        "layers.reuse",
        [layer(items, "COPY data /opt", compression="zstd")],
        baseline=[layer(items, "COPY data /opt", compression="gzip")],
        layers_reuse=100.0,
    )
    assert (result.status, result.measured) == (Status.PASSED, 100.0)


def test_layers_that_differ_in_times_only(judge: Judge) -> None:
    files = [Item(f"usr/lib/lib{name}.so", noise(MB, name)) for name in "ab"]
    was = layer(dated(files, 1_700_000_000), "RUN make install", compression="none")
    now = layer(dated(files, 1_700_086_400), "RUN make install", compression="none")
    result = judge("layers.reuse", [BASE, now], baseline=[BASE, was], layers_reuse=80.0)
    assert result.status is Status.FAILED
    budget, times = result.findings
    assert "its files are the same, only their times differ" in budget.message
    assert "differ from" in times.message and "in times only" in times.message and "RUN make install" in times.message
    assert times.severity is Severity.WARNING
    for finding in (budget, times):
        assert "SOURCE_DATE_EPOCH" in finding.fix and "rewrite-timestamp=true" in finding.fix
    without = judge("layers.reuse", [BASE, now], baseline=[BASE, was])
    assert without.status is Status.PASSED and len(without.findings) == 1


@pytest.mark.parametrize(
    "items",
    [
        [Item("usr/lib/liba.so", noise(2 * MB, "other"))],
        [Item("usr/lib/liba.so", noise(2 * MB), mode=0o755)],
        [Item("usr/lib/libb.so", noise(2 * MB))],
        [Item("usr/lib/liba.so", noise(2 * MB)), Item("usr/lib/extra", b"x")],
    ],
    ids=["content", "mode", "path", "more"],
)
def test_what_differs_in_more_than_times(judge: Judge, items: list[Item]) -> None:
    was = layer(dated([Item("usr/lib/liba.so", noise(2 * MB))], 1), "RUN make install")
    result = judge("layers.reuse", [layer(dated(items, 2), "RUN make install")], baseline=[was], layers_reuse=0.0)
    assert result.findings == []


def test_small_layers_that_differ_in_times_are_not_worth_a_word(judge: Judge) -> None:
    files = [Item("etc/motd", b"hello")]
    layers = [layer(dated(files, time), "RUN echo") for time in (1, 2)]
    assert judge("layers.reuse", layers[1:], baseline=layers[:1]).findings == []


def test_without_any_history_layers_are_compared_by_their_place(judge: Judge) -> None:
    """As Nix and Bazel make them."""
    was, now = (layer(dated([Item("nix/store/a", noise(2 * MB))], time), "") for time in (1, 2))
    assert "in times only" in messages(judge("layers.reuse", [now], baseline=[was]))


# layers.count


def test_more_layers_than_the_budget(judge: Judge) -> None:
    layers = [copy(f"{number}", b"x", f"COPY {number} /") for number in range(21)]
    result = judge("layers.count", layers, layers_count=20)
    assert "21 layers, 1 more than the budget of 20" in messages(result)
    assert judge("layers.count", layers, layers_count=21).status is Status.PASSED


def test_nix_has_a_hundred_layers_and_the_preset_lets_it(judge: Judge) -> None:
    layers = [copy(f"nix/store/{number}", b"x", "") for number in range(101)]
    result = judge("layers.count", layers)
    assert (result.status, result.measured) == (Status.PASSED, 101)


def test_a_source_without_compressed_layers_is_measured_unpacked(judge_archives: Judge) -> None:
    """As Docker's own store and what `docker save` writes."""
    result = judge_archives([BASE, NEXT, TOOLS], baseline=[BASE, APP, TOOLS], layers_reuse=80.0)
    assert (result.status, result.measured) == (Status.FAILED, 40.0)
    assert "pulls 6 MB of 10 MB again (unpacked; this source keeps no compressed layers): 40.0 %" in messages(result)
