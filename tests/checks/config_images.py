"""Images with a configuration, and one static check on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_mediaimage.checks.context import Context
from pytest_mediaimage.checks.planning import ALL
from pytest_mediaimage.checks.registry import run_check
from pytest_mediaimage.checks.subject import Subject
from pytest_mediaimage.checks.workbench import Workbench
from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.policy import load_preset
from pytest_mediaimage.result import Result

AMD64 = Platform("linux/amd64")
PASSWD = Item(
    "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nmedia:x:10001:10001::/:/sbin/nologin\ntoor:x:0:0::/:/bin/sh\n"
)
GROUP = Item("etc/group", b"root:x:0:\nmedia:x:10001:\nvideo:x:44:media\n")

Judge = Callable[..., Result]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """`judge("config.user", [Item(...)], User="0", severity={...})`: the check's result on an image of these items.

    Words in capitals go to the configuration, others to the policy, which is the preset but for them.
    """
    count = iter(range(1_000))

    def run(
        check: str,
        items: Sequence[Item] | Sequence[BuiltLayer] = (),
        *,
        history: Sequence[Mapping[str, Any]] | None = None,
        **more: Any,
    ) -> Result:
        number = next(count)
        root = tmp_path / f"image{number}"
        root.mkdir()
        layers = [item for item in items if isinstance(item, BuiltLayer)]
        files = [item for item in items if isinstance(item, Item)]
        writer = LayoutWriter(root)
        config = {name: value for name, value in more.items() if name[0].isupper()}
        writer.image(layers or [layer(files, "COPY rootfs /")], config=config, history=history)
        reference = Reference.parse(f"oci:{writer.finish()}")
        bench = Workbench(cache=tmp_path / "cache", runtime_name="auto", static=True, golden_folder=tmp_path / "golden")
        policy = {name: value for name, value in more.items() if name not in config}
        preset = load_preset("default", directory=tmp_path)
        context = Context(Subject(bench, reference, AMD64), replace(preset, **policy))
        return run_check(next(item for item in ALL if item.id == check), context)

    return run


def findings(result: Result) -> list[tuple[str, str]]:
    """(severity, message) of each finding."""
    return [(str(finding.severity), finding.message) for finding in result.findings]


def said(result: Result) -> str:
    """Everything that a report shows of it."""
    return str([finding.to_json(result.check) for finding in result.findings])
