"""`size.*` against budgets: what is measured, who is blamed, and what merely looks heavy."""

from __future__ import annotations

import pytest
from layer_images import MB, Judge, copy, judge, judge_archive, messages, noise

from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge", "judge_archive"]

LIBRARIES = [Item(f"usr/lib/x86_64-linux-gnu/lib{name}.so", noise(MB, name)) for name in "abcdefghijklm"]
BASE = layer(LIBRARIES, "RUN /bin/sh -c apt-get install -y ffmpeg # buildkit")
APP = copy("opt/app/models/weights.bin", noise(4 * MB), "COPY models /opt/app/models")


def test_unpacked_blames_layers_and_directories(judge: Judge) -> None:
    result = judge("size.unpacked", [BASE, APP], size_unpacked=10 * MB)
    assert (result.status, result.measured, result.budget) == (Status.FAILED, 17 * MB, 10 * MB)
    (finding,) = result.findings
    lines = [" ".join(line.split()) for line in finding.message.splitlines()]
    assert lines[0] == "17 MB unpacked, 7 MB over the budget of 10 MB; the heaviest layers:"
    assert lines[1] == "13 MB layer 1 RUN /bin/sh -c apt-get install -y ffmpeg # buildkit"
    assert lines[2] == "4 MB layer 2 COPY models /opt/app/models"
    assert lines[4:] == ["13 MB /usr/lib/x86_64-linux-gnu", "4 MB /opt/app/models"]
    assert finding.bytes == 7 * MB and finding.created_by == BASE.created_by


def test_compressed_counts_what_a_pull_transfers(judge: Judge) -> None:
    zeros = copy("opt/zeros", bytes(20 * MB), "COPY zeros /opt")
    packed = layer([Item("opt/zeros", bytes(20 * MB))], "COPY zeros /opt", compression="zstd")
    assert judge("size.compressed", [packed], size_compressed=MB).status is Status.PASSED
    result = judge("size.compressed", [zeros], size_compressed=MB)
    assert result.status is Status.FAILED
    assert "compressed, 19" in messages(result) and "layer 1  COPY zeros /opt" in messages(result)


@pytest.mark.parametrize(
    ("own", "required", "status"),
    [(("size.compressed",), (), Status.PASSED), ((), (), Status.SKIPPED), (("size.compressed",), ("size.*",), None)],
)
def test_a_budget_of_ones_own_that_cant_be_measured_is_a_warning(
    judge_archive: Judge, own: tuple[str, ...], required: tuple[str, ...], status: Status | None
) -> None:
    result = judge_archive("size.compressed", [BASE], size_compressed=MB, own=frozenset(own), required=required)
    assert result.status is (status or Status.SKIPPED)
    if status is not Status.PASSED:
        assert "keeps no compressed layers" in result.reason
        return
    (finding,) = result.findings
    assert finding.severity is Severity.WARNING and result.budget == MB
    assert "the budget of 1 MB isn't tested" in finding.message and "Push the image" in finding.fix


def test_at_most_ten_causes_are_listed_and_long_instructions_are_cut(judge: Judge) -> None:
    many = [copy(f"opt/{number}", noise(1000 + number), f"RUN {number} " + "x" * 5000) for number in range(30)]
    (finding,) = judge("size.unpacked", many, size_unpacked=1000).findings
    assert finding.message.count("layer ") == 10
    assert "layer 30  RUN 29" in finding.message and "layer 20 " not in finding.message
    assert len(finding.message) < 2500


def test_a_layer_over_its_budget_names_its_ten_heaviest_files(judge: Judge) -> None:
    result = judge("size.layer", [APP, BASE], size_layer=5 * MB)
    (finding,) = result.findings
    assert finding.message.startswith("layer 2 holds 13 MB, 8 MB over the budget of 5 MB")
    assert finding.message.count(".so (1 MB)") == 10
    assert "13 MB  /usr/lib/x86_64-linux-gnu" in finding.message
    assert judge("size.layer", [APP, BASE], size_layer=13 * MB).status is Status.PASSED


def test_an_image_without_layers_and_one_without_bytes(judge: Judge) -> None:
    for layers in ([], [layer([Item.directory("tmp")], "RUN mkdir /tmp")]):
        for check in ("size.unpacked", "size.layer", "size.path", "size.files", "layers.waste", "layers.order"):
            result = judge(check, layers, size_unpacked=1, size_layer=1, size_paths={}, size_files=5)
            assert result.status in (Status.PASSED, Status.SKIPPED), (check, result.reason)


def test_no_history_is_said(judge: Judge) -> None:
    assert "layer 1  (no history)" in messages(judge("size.unpacked", [copy("a", noise(9), "")], size_unpacked=1))


# size.path


def test_a_path_over_its_budget_names_its_files_with_their_layers(judge: Judge) -> None:
    result = judge("size.path", [BASE, APP], size_paths={"/opt/app": 3 * MB, "/usr": 20 * MB})
    assert (result.measured, result.budget) == (4 * MB, 3 * MB)
    (finding,) = result.findings
    assert finding.file == "/opt/app" and finding.bytes == MB and finding.created_by == APP.created_by
    assert "/opt/app holds 4 MB, 1 MB over its budget of 3 MB" in finding.message
    assert "4 MB  /opt/app/models/weights.bin  layer 2  COPY models /opt/app/models" in finding.message


@pytest.mark.parametrize(
    ("pattern", "total"),
    [
        ("/usr/lib/*.so", 13 * MB),
        ("/usr/lib/*/liba.so", MB),
        ("/usr/l*", 13 * MB),
        ("/opt/app/", 4 * MB),
        ("/opt/app/models/weights.bin", 4 * MB),
        ("/", 17 * MB),
        ("/opt/[a]pp", 4 * MB),
    ],
)
def test_globs_and_directories(judge: Judge, pattern: str, total: int) -> None:
    result = judge("size.path", [BASE, APP], size_paths={pattern: total})
    assert (result.status, result.measured, result.findings) == (Status.PASSED, total, [])
    assert judge("size.path", [BASE, APP], size_paths={pattern: total - 1}).status is Status.FAILED


def test_a_name_that_only_begins_alike_is_outside(judge: Judge) -> None:
    layers = [copy("app/a", noise(10), "COPY a /app"), copy("application/b", noise(MB), "COPY b /application")]
    assert judge("size.path", layers, size_paths={"/app": 10}).measured == 10


def test_hidden_content_and_hard_links_do_not_count_for_a_path(judge: Judge) -> None:
    """A path's budget is on what a container sees; waste has its own check."""
    layers = [
        layer(
            [Item("app/old", noise(MB)), Item("app/a", noise(1000)), Item.hardlink("app/b", "app/a")], "COPY app /app"
        ),
        layer([Item("app/.wh.old")], "RUN rm /app/old"),
    ]
    result = judge("size.path", layers, size_paths={"/app": 1000})
    assert (result.status, result.measured) == (Status.PASSED, 1000)


def test_a_budget_for_what_is_not_there_is_a_note(judge: Judge) -> None:
    result = judge("size.path", [APP], size_paths={"/opt/ap": MB})
    assert result.status is Status.PASSED
    assert [finding.severity for finding in result.findings] == [Severity.NOTE]
    assert "nothing lies at /opt/ap" in messages(result)
    empty = [layer([Item.directory("data")], "RUN mkdir /data")]
    assert judge("size.path", empty, size_paths={"/data": MB}).findings == []


# size.files


def test_too_many_files_names_the_fullest_directories(judge: Judge) -> None:
    result = judge("size.files", [BASE, APP], size_files=10)
    assert result.status is Status.FAILED and result.measured == len(LIBRARIES) + 1 + 6
    (finding,) = result.findings
    assert finding.message.startswith("20 files, directories and links, 10 more than the budget of 10")
    assert "13  /usr/lib/x86_64-linux-gnu" in finding.message
    assert finding.created_by == BASE.created_by


def test_deleted_files_do_not_count(judge: Judge) -> None:
    layers = [
        layer([Item(f"cache/{number}", b"x") for number in range(50)], "RUN make"),
        layer([Item(".wh.cache")], "RUN rm -r cache"),
        copy("app", b"x", "COPY app /"),
    ]
    result = judge("size.files", layers, size_files=1)
    assert (result.status, result.measured) == (Status.PASSED, 1)
