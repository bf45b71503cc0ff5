"""`layers.waste`: reclaimable bytes, once, and copies that chown and chmod made."""

from __future__ import annotations

import dataclasses

import pytest
from layer_images import MB, Judge, copy, judge, messages, noise
from mending import assert_one_is_gone_and_nothing_new, assert_still_the_same

from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge"]

TIGHT = {"layers_waste": 1.0, "severity": {}}
FILES = [Item(f"app/lib/file{number}", noise(100_000, number)) for number in range(20)]


def changed(items: list[Item], **fields: object) -> list[Item]:
    return [dataclasses.replace(item, **fields) for item in items]  # type: ignore[arg-type]


def copied(items: list[Item] = FILES) -> BuiltLayer:
    return layer(items, "COPY app /app # buildkit")


@pytest.mark.parametrize(
    ("changes", "cause", "fix"),
    [
        ({"uid": 1000, "gid": 1000}, "only the owner changed", "COPY --chown=USER:GROUP"),
        ({"mode": 0o755}, "only the mode changed", "COPY --chmod=MODE"),
        ({"mode": 0o700, "uid": 7}, "only the owner and mode changed", "COPY --chown=USER:GROUP --chmod=MODE"),
        ({}, "nothing but times changed", "Copy these files once"),
    ],
)
def test_a_copy_with_other_attributes_is_told_as_one(judge: Judge, changes: dict, cause: str, fix: str) -> None:
    again = layer(changed(FILES, **changes), "RUN /bin/sh -c chown -R app /app # buildkit")
    result = judge("layers.waste", [copied(), again], **TIGHT)
    assert (result.status, result.measured) == (Status.FAILED, 50.0)
    (finding,) = result.findings
    assert finding.message.startswith(
        f"layer 2 holds 20 files below /app/lib of layer 1 again with the same content, 2 MB: {cause}"
    )
    assert fix in finding.fix
    assert finding.bytes == 2 * MB and finding.file == "/app/lib" and finding.created_by == again.created_by


def test_hard_links_that_came_apart_are_told(judge: Judge) -> None:
    """As Mesa's drivers: one file with a dozen names, and overlayfs copies each of them."""
    names = [f"usr/lib/dri/driver{number}.so" for number in range(4)]
    driver = noise(MB)
    linked = layer(
        [Item(names[0], driver), *(Item.hardlink(name, names[0]) for name in names[1:])], "RUN apt-get install"
    )
    again = layer([Item(name, driver, uid=5) for name in names], "RUN chown -R 5 /usr/lib/dri")
    result = judge("layers.waste", [linked, again], **TIGHT)
    assert result.measured == 20.0
    (finding,) = result.findings
    assert "only the owner changed; hard links to it came apart, 3 MB more" in finding.message
    assert finding.bytes == 4 * MB


def test_crumbs_are_one_finding(judge: Judge) -> None:
    passwd = [copy("etc/passwd", noise(800, user), f"RUN useradd {user}") for user in "abc"]
    again = layer(changed(FILES, uid=5), "RUN chown -R 5 /app")
    result = judge("layers.waste", [*passwd, copied(), again], **TIGHT)
    assert len(result.findings) == 2
    crumbs = result.findings[-1]
    assert crumbs.message.startswith("1.6 kB in 2 small files can't be seen: later layers replace or delete them (")
    assert "\n      800 B  /etc  layer 1, by layer 2\n" in crumbs.message
    assert (crumbs.bytes, crumbs.created_by) == (1600, "RUN useradd a")
    assert len(judge("layers.waste", passwd, **TIGHT).findings) == 1


def without(items: list[Item]) -> list[BuiltLayer]:
    deleted = [Item(f"{item.path.rpartition('/')[0]}/.wh.{item.path.rpartition('/')[2]}") for item in items]
    return [copied(items), layer(deleted, "RUN rm")]


def test_a_hidden_file_that_is_mended_brings_no_new_finding(judge: Judge) -> None:
    """Neither of its own size nor of what the large one had hidden from the report."""
    items = [Item("opt/huge", noise(20 * MB)), *(Item(f"opt/{n}", noise(100_000 + n, n)) for n in range(15))]
    items += [Item(f"usr/share/doc/{n}", noise(9_000, n)) for n in range(20)]
    again = layer(changed(FILES, uid=5), "RUN chown -R 5 /app")
    before, after = (judge("layers.waste", [*without(left), copied(), again], **TIGHT) for left in (items, items[1:]))
    assert_one_is_gone_and_nothing_new(before, after)
    assert len(before.findings) == 1 + 16 + 1


def test_crumbs_of_any_number_are_the_same_finding(judge: Judge) -> None:
    items = [Item(f"usr/share/doc/{n}", noise(900, n)) for n in range(30)]
    before, after = (judge("layers.waste", without(left), **TIGHT) for left in (items, items[1:]))
    assert_still_the_same(before, after)


def test_a_replaced_file_is_no_copy(judge: Judge) -> None:
    layers = [copy("app/a", noise(MB, 1), "COPY one /app"), copy("app/a", noise(MB, 2), "COPY two /app")]
    result = judge("layers.waste", layers, **TIGHT)
    (finding,) = result.findings
    assert "1 MB of /app/a can't be seen: layer 2 replaces or deletes it" in finding.message
    assert finding.created_by == "COPY one /app"


def test_the_same_content_under_another_name_is_no_copy(judge: Judge) -> None:
    """`mv` in a later layer hides the old name; the fix isn't --chown."""
    moved = layer([Item("b", noise(MB)), Item(".wh.a")], "RUN mv a b")
    result = judge("layers.waste", [copy("a", noise(MB), "COPY a /"), moved], **TIGHT)
    assert "1 MB of /a can't be seen: layer 2 replaces or deletes it" in messages(result)
    assert "again with the same content" not in messages(result)


def test_three_copies_waste_two(judge: Judge) -> None:
    """Not every copy, and not the visible one."""
    layers = [
        copy("a", noise(MB), "COPY a /"),
        *(layer([Item("a", noise(MB), mode=m)], f"RUN chmod {m}") for m in (1, 2)),
    ]
    result = judge("layers.waste", layers, **TIGHT)
    assert result.measured == 66.67
    assert [finding.bytes for finding in result.findings] == [MB, MB]


def test_copies_and_deletions_are_told_side_by_side(judge: Judge) -> None:
    deleted = layer([Item("cache", noise(MB))], "RUN apt-get update")
    last = layer([*changed(FILES, uid=5), Item(".wh.cache")], "RUN chown -R 5 /app && rm /cache")
    found = messages(judge("layers.waste", [deleted, copied(), last], **TIGHT))
    assert "20 files below /app/lib of layer 2" in found and "1 MB of /cache can't be seen" in found


def test_one_layer_and_no_bytes_are_no_waste(judge: Judge) -> None:
    for layers in ([copy("a", noise(10), "COPY a /")], [layer([], "WORKDIR /")], []):
        result = judge("layers.waste", layers, layers_waste=0.0, severity={})
        assert (result.status, result.measured) == (Status.PASSED, 0.0)


def test_the_presets_floor_keeps_small_images_out_of_it(judge: Judge) -> None:
    layers = [copied(), layer(changed(FILES, uid=1), "RUN chown -R 1 /app")]
    assert judge("layers.waste", layers).findings == []
    big = [copy("a", noise(12 * MB), "COPY a /"), copy("a", b"", "RUN : > a")]
    assert [finding.severity for finding in judge("layers.waste", big).findings] == [Severity.WARNING]
