"""The same files on the same image, by container-structure-test's own binary and by us: each verdict is the same."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_image
from docker import DockerClient

FIXTURES = Path(__file__).parents[2] / "fixtures" / "structure-tests"
NAME = "pytest-mediaimage-test/structure:1"
LEFT = "nothing-of-this-name"
"""container-structure-test leaves the container of a setup that can't be started; this is its command."""
KINDS = {
    "Command Test: ": "command: ",
    "File Existence Test: ": "file existence: ",
    "File Content Test: ": "file content: ",
    "License Test": "license: 1",
    "Metadata Test": "metadata",
}


def find_tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} isn't installed")
    return found


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_image.write_layout(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def in_engine(layout, docker_engine, tmp_path_factory) -> Iterator[str]:
    archive = tiny_image.docker_archive(layout, tmp_path_factory.mktemp("cache"), NAME)
    docker_engine.images.load(archive)
    before = forsaken(docker_engine)
    yield NAME
    for container in docker_engine.containers.list(all=True):
        if container.attrs["Config"]["Cmd"] == [LEFT]:
            container.remove(v=True)
            docker_engine.images.remove(container.attrs["Image"], force=True)
    docker_engine.images.remove(NAME, force=True)
    for volume in forsaken(docker_engine) - before:
        docker_engine.api.remove_volume(volume)


def forsaken(engine: DockerClient) -> set[str]:
    """Volumes without a name and a container: container-structure-test leaves one for each that it had."""
    listed = engine.api.volumes(filters={"dangling": True})["Volumes"] or []
    return {volume["Name"] for volume in listed if re.fullmatch("[0-9a-f]{64}", volume["Name"])}


@functools.cache
def verdicts_of_theirs(image: str, config: Path) -> dict[str, bool]:
    command = [find_tool("container-structure-test"), "test", "--image", image, "--config", str(config)]
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, timeout=300, check=False)
    # The JSON ends with the first line that has the summary; a failure is told behind it.
    results = json.loads(done.stdout.splitlines()[0])["Results"]
    verdicts: dict[str, bool] = {}
    for result in results:
        name = result["Name"]
        # A test whose container can't be made loses its kind.
        kind = next((kind for kind in KINDS if name.startswith(kind)), "")
        verdicts[KINDS[kind] + name.removeprefix(kind) if kind else f"command: {name}"] = result["Pass"]
    return verdicts


@pytest.mark.docker
@pytest.mark.parametrize("runtime", ["sandbox", "docker"])
@pytest.mark.parametrize(("name", "passes"), [("passing.yaml", True), ("failing.yaml", False)])
def test_every_verdict_is_the_same(in_engine, layout, media, pytester, name, passes, runtime):
    find_tool("container-structure-test")
    shutil.copy(FIXTURES / name, pytester.path)
    theirs = verdicts_of_theirs(in_engine, FIXTURES / name)
    image = layout if runtime == "sandbox" else f"docker:{in_engine}"
    outcome = media(image, f"--media-runtime={runtime}", name)
    ours = {check.partition("::")[2]: status == "passed" for check, status in outcome.statuses().items()}
    assert set(theirs.values()) == {passes}
    assert ours == theirs
