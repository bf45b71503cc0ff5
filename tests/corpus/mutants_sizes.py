"""Faults of sizes and layers."""

from __future__ import annotations

from clean_image import Parts, Step
from mutants import fault, near_miss

from pytest_mediaimage.image.build import Item


def zeros(parts: Parts, length: int) -> bytes:
    """Mostly zeros, of which no two are equal."""
    return parts.chance.randbytes(16) + bytes(length - 16)


@fault("size.compressed", also=("manifest.parity",))
def noise(parts: Parts) -> str:
    parts.add(Item(parts.place("noise.bin"), parts.chance.randbytes(11_000_000)))
    return ""


@fault("size.compressed")
def noise_in_pieces(parts: Parts) -> str:
    parts.add(*(Item(parts.place(f"noise{n}"), parts.chance.randbytes(4_000_000)) for n in range(3)))
    return ""


@near_miss("size.compressed")
def zeros_that_compress(parts: Parts) -> None:
    parts.add(*(Item(parts.place(f"zeros{n}"), zeros(parts, 10_000_000)) for n in range(2)))


@fault("size.unpacked")
def zeros_in_two_layers(parts: Parts) -> str:
    for part in range(2):
        parts.top(*(Item(f"opt/{part}/zeros{n}", zeros(parts, 40_000_000)) for n in range(2)))
    return ""


@fault("size.unpacked")
def zeros_in_many_layers(parts: Parts) -> str:
    for part in range(4):
        parts.top(Item(f"opt/zeros{part}", zeros(parts, 40_000_000)))
    return ""


@near_miss("size.unpacked")
def hard_links_count_once(parts: Parts) -> None:
    parts.top(Item("opt/a", zeros(parts, 40_000_000)), *(Item.hardlink(f"opt/{n}", "opt/a") for n in range(5)))


@fault("size.layer")
def a_fat_layer(parts: Parts) -> str:
    parts.top(*(Item(f"opt/zeros{n}", zeros(parts, 40_000_000)) for n in range(3)), created_by="COPY fat /opt")
    return "fat"


@fault("size.layer")
def a_layer_just_over(parts: Parts) -> str:
    lengths = (40_000_000, 40_000_000, 20_000_001)
    parts.top(*(Item(f"opt/z{n}", zeros(parts, length)) for n, length in enumerate(lengths)), created_by="RUN over")
    return "over"


@near_miss("size.layer")
def exactly_the_budget_of_a_layer(parts: Parts) -> None:
    lengths = (40_000_000, 40_000_000, 20_000_000)
    parts.top(*(Item(f"opt/z{n}", zeros(parts, length)) for n, length in enumerate(lengths)))


@fault("size.path")
def too_much_data(parts: Parts) -> str:
    parts.add(Item("data/table", zeros(parts, 1_500_000)))
    return "/data"


@fault("size.path")
def too_much_data_in_many_files(parts: Parts) -> str:
    parts.add(*(Item(f"data/{n}/part", zeros(parts, 300_000)) for n in range(4)))
    return "/data"


@near_miss("size.path")
def hard_links_within_a_path(parts: Parts) -> None:
    parts.top(Item("data/table", zeros(parts, 600_000)), *(Item.hardlink(f"data/{n}", "data/table") for n in range(2)))


@near_miss("size.path")
def a_path_that_begins_alike(parts: Parts) -> None:
    parts.add(Item("database/table", zeros(parts, 3_000_000)), Item("data/table", zeros(parts, 1_000_000)))


@fault("size.files")
def many_files(parts: Parts) -> str:
    parts.add(*(Item(f"opt/many/{n}", b"") for n in range(400)))
    return ""


@fault("size.files")
def many_links(parts: Parts) -> str:
    parts.add(*(Item.symlink(f"opt/many/{n}", "x") for n in range(301)))
    return ""


@near_miss("size.files")
def many_files_that_are_deleted(parts: Parts) -> None:
    parts.top(*(Item(f"opt/many/{n}", b"") for n in range(400)))
    parts.top(Item("opt/.wh.many", b""))


@fault("size.growth", based=True, also=("layers.reuse",))
def grown_by_noise(parts: Parts) -> str:
    parts.top(Item("opt/noise", parts.chance.randbytes(5_000_000)))
    return ""


@fault("size.growth", based=True, also=("layers.reuse",))
def the_release_before_was_small(parts: Parts) -> str:
    def small(before: Parts) -> None:
        del before.steps[-1]

    parts.top(Item("opt/noise", parts.chance.randbytes(6_000_000)))
    parts.baseline = small
    return ""


@near_miss("size.growth", based=True, also=("layers.reuse",))
def shrunk(parts: Parts) -> None:
    parts.baseline = lambda before: before.top(Item("opt/noise", before.chance.randbytes(5_000_000)))


@fault("layers.count")
def a_dozen_layers(parts: Parts) -> str:
    for number in range(9):
        parts.steps.append(Step(f"COPY {number} /opt/", [Item(f"opt/{number}", b"x")]))
    return "12"


@fault("layers.count")
def eleven_layers(parts: Parts) -> str:
    for number in range(8):
        parts.steps.append(Step(f"RUN touch {number}", [Item(f"opt/{number}", b"x")]))
    return "11"


@near_miss("layers.count")
def instructions_without_layers(parts: Parts) -> None:
    parts.empty_steps = [(1, f"ENV A{n}=1") for n in range(20)]


@fault("layers.waste")
def deleted_later(parts: Parts) -> str:
    parts.top(Item("opt/cut/big", parts.chance.randbytes(3_000_000)), created_by="RUN make")
    parts.top(Item("opt/.wh.cut", b""), created_by="RUN rm -r /opt/cut")
    return "cut"


@fault("layers.waste")
def chown_in_a_step_of_its_own(parts: Parts) -> str:
    parts.top(Item("opt/big", data := parts.chance.randbytes(2_000_000)), created_by="COPY big /opt/")
    parts.top(Item("opt/big", data, uid=10001), created_by="RUN chown -R media /opt")
    return "chown"


@near_miss("layers.waste")
def empty_files_deleted(parts: Parts) -> None:
    parts.top(Item("opt/a/b", b""), Item.symlink("opt/a/c", "b"))
    parts.top(Item("opt/.wh.a", b""))


@fault("layers.order", based=True, also=("layers.reuse", "size.compressed"))
def code_below_an_installation(parts: Parts) -> str:
    tools = [Item(f"opt/tools/{n}", parts.chance.randbytes(5_500_000)) for n in range(2)]

    def installed(some: Parts, code: bytes) -> None:
        some.steps.insert(1, Step("COPY src /srv/src", [Item("srv/src/main.py", code)]))
        some.steps.insert(2, Step("RUN install tools", tools))

    installed(parts, b"new")
    parts.baseline = lambda before: installed(before, b"old")
    return "src"


@fault("layers.order", based=True, also=("layers.reuse", "size.compressed"))
def an_added_archive_below_a_large_copy(parts: Parts) -> str:
    tools = [Item(f"usr/share/tools/{n}", parts.chance.randbytes(5_500_000)) for n in range(2)]

    def installed(some: Parts, code: bytes) -> None:
        some.steps.insert(2, Step("ADD web /srv/web", [Item("srv/web/index.html", code)]))
        some.steps.insert(3, Step("COPY tools /usr/share/tools", tools))

    installed(parts, b"new")
    parts.baseline = lambda before: installed(before, b"old")
    return "web"


@near_miss("layers.order", based=True, also=("layers.reuse", "size.compressed"))
def code_above_an_installation(parts: Parts) -> None:
    tools = [Item(f"opt/tools/{n}", parts.chance.randbytes(5_500_000)) for n in range(2)]

    def installed(some: Parts, code: bytes) -> None:
        some.steps.insert(2, Step("RUN install tools", tools))
        some.steps.append(Step("COPY src /srv/src", [Item("srv/src/main.py", code)]))

    installed(parts, b"new")
    parts.baseline = lambda before: installed(before, b"old")


@fault("layers.reuse", based=True)
def another_base(parts: Parts) -> str:
    parts.steps[0].items = [*parts.steps[0].items, Item("etc/issue", b"new\n")]
    return "rootfs"


@fault("layers.reuse", based=True)
def a_layer_put_below(parts: Parts) -> str:
    lowest = Step("COPY etc /etc", [Item("etc/issue", b"new\n")], compression=parts.steps[0].compression)
    parts.steps.insert(0, lowest)
    return ""


@near_miss("layers.reuse", based=True)
def only_the_top_changed(parts: Parts) -> None:
    parts.steps[-1].items = [*parts.steps[-1].items, Item("app/new.py", b"print()\n")]
