"""dive's figures: by hand, and by dive itself where it's installed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import tiny_image
from test_structure_agrees import find_tool

from pytest_mediaimage.compat.dive import parse_rules
from pytest_mediaimage.compat.dive_figures import figures
from pytest_mediaimage.errors import PolicyError
from pytest_mediaimage.image.build import Item, LayoutWriter, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image


def item(path: str, length: int) -> Item:
    return Item(path, b"x" * length)


folder = Item.directory
# The items of each layer; efficiency in percent, wasted bytes, what that is of the upper layers, in percent.
IMAGES = {
    "one layer": ([[item("a", 1000)]], 100.0, 0, 0.0),
    "nothing twice": ([[item("a", 1000)], [item("b", 500)]], 100.0, 0, 0.0),
    "replaced": ([[item("a", 1000)], [item("a", 500)], [item("b", 1)]], 33.38, 1500, 299.4),
    "deleted": ([[item("a", 1000), item("b", 1)], [Item(".wh.a")], [item("c", 10)]], 1.09, 1000, 10000.0),
    "a folder deleted": ([[folder("d"), item("d/a", 1000)], [Item(".wh.d"), item("z", 200)]], 100.0, 0, 0.0),
    "opaque": (
        [[folder("d"), item("d/a", 1000)], [folder("d"), Item("d/.wh..wh..opq"), item("d/c", 9)]],
        100.0,
        0,
        0.0,
    ),
    "what isn't there deleted": (
        [[item("a", 1000)], [item("b", 70), Item(".wh.no"), item("zz", 10)], [item("zz", 5), item("b", 1)]],
        99.9,
        0,
        0.0,
    ),
    "twice in a layer": ([[item("a", 1000), item("a", 10)], [item("a", 3), item("q", 40)]], 81.13, 13, 30.23),
    "a folder becomes a file": (
        [[folder("a"), item("a/b", 1000)], [item("a", 10)], [Item(".wh.a"), item("k", 1)]],
        99.01,
        10,
        90.91,
    ),
    "links": (
        [
            [item("a", 1000), Item.hardlink("h", "a"), Item.symlink("s", "a")],
            [item("h", 10), Item.symlink("s", "b"), Item(".wh.a")],
        ],
        0.0,
        1010,
        10100.0,
    ),
    "nothing above": ([[item("a", 1000)], [Item(".wh.a")]], 0.0, 1000, float("inf")),
    "made and deleted again and again": (
        [[folder("d"), item("d/a", 1000)], [item("d/a", 2000)], [Item(".wh.d")], [item("d/n", 50)], [Item(".wh.d")]],
        34.43,
        3000,
        146.34,
    ),
}


def write(root: Path, name: str) -> Image:
    writer = LayoutWriter(root)
    writer.image([layer(items, f"COPY {number}") for number, items in enumerate(IMAGES[name][0])])
    writer.finish()
    return open_image(Reference.parse(f"oci:{root}"), Platform("linux/amd64"), Opening(root / "cache", ()))


@pytest.mark.parametrize("name", IMAGES)
def test_the_figures_are_those_that_dive_gives(tmp_path: Path, name: str) -> None:
    found = figures(write(tmp_path, name))
    assert (round(100 * found.efficiency, 2), found.wasted, round(100 * found.user_wasted, 2)) == IMAGES[name][1:]


@pytest.mark.parametrize("name", IMAGES)
def test_dive_itself_agrees(tmp_path: Path, name: str) -> None:
    dive = find_tool("dive")
    write(tmp_path, name)
    archive = tmp_path / "image.tar"
    archive.write_bytes(tiny_image.docker_archive(tmp_path, tmp_path / "cache", "structure/dive:1"))
    command = [dive, "--ci", f"docker-archive://{archive}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    numbers = [
        re.search(rf"{key}: *([^ ]*)", said)[1]
        for key in ("efficiency", "wastedBytes", "userWastedPercent")  # type: ignore[index]
    ]
    efficiency, wasted, user_wasted = (float(number.replace("NaN", "0").replace("+Inf", "inf")) for number in numbers)
    assert (round(efficiency, 2), int(wasted), round(user_wasted, 2)) == IMAGES[name][1:]


def rules(text: str) -> list[str]:
    return [test.name for test in parse_rules(text.encode(), ".dive-ci")]


def test_the_defaults_are_those_of_dive() -> None:
    assert rules("") == rules("rules: ~") == ["lowestEfficiency", "highestUserWastedPercent"]


@pytest.mark.parametrize("off", ["disabled", "'off'", "false", '""', "DISABLED"])
def test_a_disabled_rule_asks_nothing(off: str) -> None:
    assert rules(f"rules: {{lowestEfficiency: {off}, highestUserWastedPercent: 0.2}}") == ["highestUserWastedPercent"]


@pytest.mark.parametrize("size", ["20MB", "20mb", "1,000", "1.5 GiB", "20M", "0", "100B", "3kib"])
def test_sizes_are_read_as_dive_reads_them(size: str) -> None:
    assert "highestWastedBytes" in rules(f"rules: {{highestWastedBytes: {json.dumps(size)}}}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules:\n  lowestEficiency: 0.9", "x:2: unknown rule 'lowestEficiency'; did you mean 'lowestEfficiency'?"),
        ("rule: {}", "x:1: unknown key 'rule'; known: rules"),
        ("rules:\n  lowestEfficiency: 95", "x:2: lowestEfficiency: '95' isn't between 0 and 1"),
        ("rules:\n  lowestEfficiency: high", "x:2: lowestEfficiency: 'high' is no number"),
        ("rules:\n  lowestEfficiency: nan", "x:2: lowestEfficiency: 'nan' isn't between 0 and 1"),
        ("rules:\n  highestWastedBytes: 20 potatoes", "x:2: highestWastedBytes: '20 potatoes' is no size"),
        ("rules:\n  highestWastedBytes: [1]", "x:2: highestWastedBytes must be a number, a size or disabled"),
        ("rules: []", "x:1: rules must be a mapping"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_rules(text.encode(), "x")
    assert str(caught.value).startswith(message)
