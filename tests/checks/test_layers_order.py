"""`layers.order`: what changes often below what changes seldom; certain with a baseline, a note without one."""

from __future__ import annotations

import pytest
from layer_images import MB, Judge, copy, dated, judge, messages, noise

from pytest_mediaimage.checks.layers.instructions import parse
from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge"]

BASE = copy("usr/lib/libc.so", noise(MB), "ADD rootfs.tar / # buildkit")
SOURCE = [Item("app/requirements.txt", b"numpy\n"), Item("app/main.py", b"print()\n")]
PACKAGES = [Item(f"usr/lib/python3/numpy{number}.so", noise(4 * MB, number)) for number in range(3)]


def install(command: str, items: list[Item] = PACKAGES) -> BuiltLayer:
    return layer(items, command)


def source(created_by: str, items: list[Item] = SOURCE) -> BuiltLayer:
    return layer(items, created_by)


WRONG = {
    "buildkit": ("COPY . /app # buildkit", "RUN /bin/sh -c pip install -r requirements.txt # buildkit"),
    "relative": ("COPY . . # buildkit", "RUN /bin/sh -c apt-get update && apt-get install -y ffmpeg # buildkit"),
    "arguments": ("COPY . . # buildkit", "RUN |1 VERSION=7 /bin/sh -c apk add --no-cache ffmpeg # buildkit"),
    "options": ("COPY --link . /srv # buildkit", "RUN /bin/sh -c npm ci --omit=dev && npm run build # buildkit"),
    "classic": (
        "/bin/sh -c #(nop) COPY dir:0123456789abcdef in /app ",
        "/bin/sh -c pip3 install --no-cache-dir -r /app/requirements.txt",
    ),
    "bash": ("COPY ./ /app/ # buildkit", "RUN /bin/bash -o pipefail -c apt-get install -y ffmpeg # buildkit"),
    "kaniko": ("COPY . /app", "RUN pip install numpy"),
}


@pytest.mark.parametrize("name", WRONG)
def test_packages_above_the_source(judge: Judge, name: str) -> None:
    copying, installing = WRONG[name]
    result = judge("layers.order", [BASE, source(copying), install(installing)])
    assert (result.status, result.measured) == (Status.PASSED, 12 * MB)
    (finding,) = result.findings
    assert finding.severity is Severity.NOTE and finding.created_by == copying and finding.bytes == 12 * MB
    assert "layer 2 copies the application, and packages are installed above it" in finding.message
    assert "12 MB  layer 3" in finding.message
    assert "RUN the installation, and COPY . after it" in finding.fix


PIP = "RUN /bin/sh -c pip install -r requirements.txt # buildkit"
MANIFESTS = [Item("app/package.json", b"{}"), Item("app/package-lock.json", b"{}")]
RIGHT = {
    "manifest-first": [
        source("COPY requirements.txt . # buildkit", SOURCE[:1]),
        install(PIP),
        source("COPY . . # buildkit"),
    ],
    "lock-files-first": [
        source("COPY package.json package-lock.json ./ # buildkit", MANIFESTS),
        install("RUN /bin/sh -c npm ci # buildkit"),
        source("COPY . . # buildkit"),
    ],
    "a-folder-of-manifests": [
        source("/bin/sh -c #(nop) COPY dir:0123456789abcdef in /app ", MANIFESTS),
        install("/bin/sh -c npm ci"),
    ],
    "the-application-itself": [source("COPY . . # buildkit"), install("RUN /bin/sh -c pip install . # buildkit")],
    "editable": [source("COPY . . # buildkit"), install("RUN /bin/sh -c pip install --no-deps -e . # buildkit")],
    "a-build": [source("COPY . . # buildkit"), install("RUN /bin/sh -c make && make install # buildkit")],
    "go-build": [source("COPY . . # buildkit"), install("RUN /bin/sh -c go build -o /bin/tool . # buildkit")],
    "own-package": [
        source("COPY . /tmp/debs # buildkit"),
        install("RUN /bin/sh -c apt-get install -y /tmp/debs/own.deb # buildkit"),
    ],
    "wheels": [source("COPY . /wheels # buildkit"), install("RUN /bin/sh -c pip install /wheels/*.whl # buildkit")],
    "s6-overlay": [source("COPY root/ / # buildkit"), install("RUN /bin/sh -c apk add --no-cache ffmpeg # buildkit")],
    "linuxserver": [source("COPY . / # buildkit"), install("RUN /bin/sh -c apk add --no-cache ffmpeg # buildkit")],
    "an-entry-script": [
        source("COPY docker-entrypoint.sh /usr/local/bin/ # buildkit", SOURCE[1:]),
        install("RUN /bin/sh -c apt-get install -y ffmpeg # buildkit"),
    ],
    "from-another-stage": [
        source("COPY /build/bin/tool /usr/local/bin/ # buildkit", SOURCE[1:]),
        install("RUN /bin/sh -c apt-get install -y ffmpeg # buildkit"),
    ],
    "a-few-bytes": [
        source("COPY . . # buildkit"),
        install("RUN /bin/sh -c apt-get install -y tini # buildkit", [Item("usr/bin/tini", noise(MB))]),
    ],
    "only-a-clean-up": [source("COPY . . # buildkit"), install("RUN /bin/sh -c apt-get clean # buildkit")],
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_merely_looks_wrong(judge: Judge, name: str) -> None:
    result = judge("layers.order", [BASE, *RIGHT[name]])
    assert (result.status, result.findings) == (Status.PASSED, [])


def test_a_policy_cannot_make_a_guess_an_error(judge: Judge) -> None:
    copying, installing = WRONG["buildkit"]
    layers = [BASE, source(copying), install(installing)]
    assert judge("layers.order", layers, severity={"layers.order": Severity.ERROR}).status is Status.PASSED


@pytest.mark.parametrize("created_by", ["", "bazel build ...", "store paths: ['/nix/store/0c4-glibc-2.40']"])
def test_layers_that_no_dockerfile_made_are_not_judged(judge: Judge, created_by: str) -> None:
    layers = [layer([item], created_by) for item in (*SOURCE, *PACKAGES)]
    result = judge("layers.order", layers)
    assert result.status is Status.SKIPPED and "Nix, Bazel" in result.reason


def test_a_history_that_does_not_fit_the_layers_blames_nobody(judge: Judge) -> None:
    layers = [source(WRONG["buildkit"][0]), install(WRONG["buildkit"][1])]
    assert judge("layers.order", layers, history=[{"created_by": "COPY . /app"}]).status is Status.SKIPPED


# With a baseline.


def rebuilt(time: int, *, log: bytes) -> BuiltLayer:
    """The same packages, installed at another time."""
    items = [*PACKAGES, Item("var/log/dpkg.log", log)]
    return layer(dated(items, time), "RUN /bin/sh -c apt-get install -y ffmpeg # buildkit")


def app(version: str, created_by: str = "COPY app/ /app/ # buildkit") -> BuiltLayer:
    return layer([Item("app/main.py", version.encode())], created_by)


def test_a_changed_copy_below_what_stayed_the_same(judge: Judge) -> None:
    old = [BASE, app("1"), rebuilt(1, log=b"monday")]
    new = [BASE, app("2"), rebuilt(2, log=b"friday")]
    result = judge("layers.order", new, baseline=old)
    (finding,) = result.findings
    assert finding.severity is Severity.WARNING and finding.created_by == "COPY app/ /app/ # buildkit"
    assert "layer 2 changed since" in finding.message and "layer 3  RUN /bin/sh -c apt-get install" in finding.message
    assert isinstance(result.measured, int) and result.measured > 11 * MB
    assert judge("layers.order", new, baseline=old, severity={"layers.order": Severity.ERROR}).status is Status.FAILED


def test_the_very_same_layers_above_a_changed_one(judge: Judge) -> None:
    above = install("COPY /models /models # buildkit")
    result = judge("layers.order", [BASE, app("2"), above], baseline=[BASE, app("1"), above])
    assert "layer 3  COPY /models /models" in messages(result)


def test_layers_that_differ_in_times_only_are_not_what_changed(judge: Judge) -> None:
    old = [BASE, rebuilt(1, log=b"monday"), app("1"), install("RUN make")]
    new = [BASE, rebuilt(2, log=b"friday"), app("2"), install("RUN make")]
    (finding,) = judge("layers.order", new, baseline=old).findings
    assert "layer 3 changed since" in finding.message and "layer 4  RUN make" in finding.message
    assert "layer 2" not in finding.message


SAME = install("RUN make", PACKAGES)
FINE = {
    "the-app-is-on-top": ([BASE, SAME, app("1")], [BASE, SAME, app("2")]),
    "nothing-changed": ([BASE, app("1"), SAME], [BASE, app("1"), SAME]),
    "all-changed": (
        [BASE, app("1"), install("RUN make", PACKAGES[:1])],
        [BASE, app("2"), install("RUN make", PACKAGES[1:])],
    ),
    "little-above": ([BASE, app("1"), BASE], [BASE, app("2"), BASE]),
}


@pytest.mark.parametrize("name", FINE)
def test_orders_that_cost_nothing(judge: Judge, name: str) -> None:
    was, now = FINE[name]
    result = judge("layers.order", now, baseline=was)
    assert (result.status, result.findings) == (Status.PASSED, [])


@pytest.mark.parametrize(
    ("position", "created_by"),
    [
        (0, "ADD rootfs.tar / # buildkit"),
        (1, "RUN /bin/sh -c apt-get update && apt-get upgrade -y # buildkit"),
        (1, "COPY root/ / # buildkit"),
    ],
    ids=["base", "upgrade", "root-file-system"],
)
def test_an_updated_base_lies_where_it_must(judge: Judge, position: int, created_by: str) -> None:
    below = [BASE] if position else []
    was, now = ([*below, app(version, created_by), rebuilt(1, log=b"x")] for version in "12")
    assert judge("layers.order", now, baseline=was).findings == []


# The history's words.


@pytest.mark.parametrize(
    ("created_by", "word", "text"),
    [
        ("RUN /bin/sh -c make # buildkit", "RUN", "make"),
        ("RUN |2 A=1 B=two words /bin/sh -c make # buildkit", "RUN", "make"),
        ("RUN /bin/bash -o pipefail -c make # buildkit", "RUN", "make"),
        ("/bin/sh -c make", "RUN", "make"),
        ("|1 A=1 /bin/sh -c make", "RUN", "make"),
        ("/bin/ash -eo pipefail -c make", "RUN", "make"),
        ("COPY --chown=1:1 a b /c/ # buildkit", "COPY", "--chown=1:1 a b /c/"),
        ("/bin/sh -c #(nop) ADD file:0123 in / ", "ADD", "file:0123 in /"),
        ('/bin/sh -c #(nop)  CMD ["bash"]', "", '/bin/sh -c #(nop)  CMD ["bash"]'),
        ("", "", ""),
        ("COPYRIGHT", "", "COPYRIGHT"),
        ("# debian.sh --arch 'amd64' out/ 'bookworm'", "", "# debian.sh --arch 'amd64' out/ 'bookworm'"),
    ],
)
def test_every_builders_history_is_read(created_by: str, word: str, text: str) -> None:
    found = parse(created_by)
    assert (found.word, found.text) == (word, text)
