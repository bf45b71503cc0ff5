"""`manifest.layers`: entries that engines refuse, and those that merely look odd."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from manifest_images import Judge, errors, judge, layout, said
from mending import assert_one_is_gone_and_nothing_new

from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.result import Status

__all__ = ["judge"]
CHECK = "manifest.layers"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (Item("../etc/passwd", b"x"), "'..'"),
        (Item("opt/a/../../../b", b"x"), "'..'"),
        (Item("etc/.wh."), "a whiteout that names nothing"),
        (Item.hardlink("opt/b", "../../etc/passwd"), "a hard link to a name with '..'"),
        (Item("opt/" + "a/" * 2100 + "b", b"x"), "more than 4096 bytes"),
        (Item.symlink("opt/b", ""), "a symbolic link to nothing"),
        (Item("opt/odd", type=b"Z"), "unknown type 'Z'"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_no_engine_unpacks_fails(judge: Judge, tmp_path: Path, item: Item, reason: str) -> None:
    root = layout(tmp_path / "a", layer([Item("opt/app", b"1")], "COPY app"), layer([item], "ADD odd.tar /"))
    result = judge(CHECK, root)
    (message,) = errors(result)
    assert message.startswith("layer 2 has an entry that isn't followed") and reason in message
    assert (result.measured, result.findings[0].created_by) == (1, "ADD odd.tar /")


def test_a_hard_link_to_nothing_fails(judge: Judge, tmp_path: Path) -> None:
    dangling = layer([Item.hardlink("opt/b", "opt/a"), Item("opt/a", b"1")], "COPY links /opt")
    result = judge(CHECK, layout(tmp_path / "a", dangling))
    assert errors(result) == ["layer 1 has a hard link /opt/b to /opt/a, which isn't there to be linked to"]
    assert result.findings[0].file == "/opt/b"


def test_a_hard_link_to_what_a_layer_deleted_or_to_a_directory_fails(judge: Judge, tmp_path: Path) -> None:
    below = layer([Item("opt/a", b"1"), Item.directory("opt/d")], "COPY a")
    above = layer([Item("opt/.wh.a"), Item.hardlink("opt/b", "opt/a"), Item.hardlink("opt/c", "opt/d")], "RUN ln")
    assert len(errors(judge(CHECK, layout(tmp_path / "a", below, above)))) == 2


def test_usual_links_pass(judge: Judge, tmp_path: Path) -> None:
    below = layer([Item("usr/lib/a", b"1"), Item.symlink("lib", "usr/lib"), Item.symlink("opt/dead", "/nowhere")])
    above = layer(
        [
            Item.hardlink("usr/lib/b", "usr/lib/a"),
            Item.hardlink("usr/lib/c", "lib/a"),
            Item.hardlink("usr/lib/d", "usr/lib/b"),
            Item.symlink("opt/up", "../../usr/lib/a"),
            Item(".whatever", b"1"),
            Item("opt/a..b", b"1"),
            Item.directory("./"),
        ]
    )
    result = judge(CHECK, layout(tmp_path / "a", below, above))
    assert (result.status, result.measured, said(result)) == (Status.PASSED, 0, [])


def test_absolute_names_are_warned_of_as_buildpacks_write_them(judge: Judge, tmp_path: Path) -> None:
    root = layout(tmp_path / "a", layer([Item("/layers/ffmpeg", b"1"), Item("a"), Item.hardlink("b", "/a")]))
    (first, message), (second, _) = said(judge(CHECK, root))
    assert (first, second) == ("warning", "warning") and "'/layers/ffmpeg'" in message


def test_the_root_itself_written_as_a_slash_is_nothing(judge: Judge, tmp_path: Path) -> None:
    assert said(judge(CHECK, layout(tmp_path / "a", layer([Item.directory("/"), Item("a", b"1")])))) == []


def test_what_aufs_left_is_a_note(judge: Judge, tmp_path: Path) -> None:
    left = layer([Item.directory(".wh..wh.plnk"), Item(".wh..wh.aufs", b"")])
    assert {severity for severity, _ in said(judge(CHECK, layout(tmp_path / "a", left)))} == {"note"}


def test_devices_of_an_old_base_are_one_note(judge: Judge, tmp_path: Path) -> None:
    nodes = [Item(f"dev/{name}", type=tarfile.CHRTYPE) for name in ("console", "full", "null", "ptmx", "tty", "zero")]
    result = judge(CHECK, layout(tmp_path / "a", layer([*nodes, Item("run/pipe", type=tarfile.FIFOTYPE)])))
    ((severity, message),) = said(result)
    assert severity == "note"
    assert "6 device nodes: /dev/console, /dev/full, /dev/null, /dev/ptmx, /dev/tty and 1 more" in message


def test_an_entry_that_is_mended_brings_no_new_finding(judge: Judge, tmp_path: Path) -> None:
    items = [Item(f"../{n}", b"") for n in range(30)] + [Item.hardlink(f"l{n}", "x") for n in range(30)]
    before = judge(CHECK, layout(tmp_path / "before", layer(items)))
    assert_one_is_gone_and_nothing_new(before, judge(CHECK, layout(tmp_path / "a", layer(items[1:]))))
    assert_one_is_gone_and_nothing_new(before, judge(CHECK, layout(tmp_path / "b", layer(items[:30] + items[31:]))))


def test_thousands_of_them_are_one_finding_of_each_kind(judge: Judge, tmp_path: Path) -> None:
    many = layer([Item(f"../{n}", b"") for n in range(3000)] + [Item.hardlink(f"l{n}", "x") for n in range(3000)])
    result = judge(CHECK, layout(tmp_path / "a", many))
    assert result.measured == 4000  # of hard links the first thousand are kept
    assert errors(result) == [
        "3000 entries that aren't followed, such as ../0, ../1, ../2",
        "1000 hard links to what isn't there, such as /l0, /l1, /l2",
    ]
