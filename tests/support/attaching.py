"""The tools that attach SBOMs (oras, cosign, docker buildx), and a registry that lists referrers.

All come from Debian's packages and are kept in the tests' cache: the tools as they are, the registry is
go-containerregistry's, built with Debian's Go, as Debian's docker-registry and `crane registry serve` list nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import debs
from .registry import Registry, address_of

_TOOLS = {
    "oras": "usr/bin/oras",
    "cosign": "usr/bin/cosign",
    "docker-buildx": "usr/libexec/docker/cli-plugins/docker-buildx",
}
_GO = ("golang-1.24-go", "golang-1.24-src", "golang-github-google-go-containerregistry-dev")
_REGISTRY = """\
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\\n", listener.Addr())
	log.Fatal(http.Serve(listener, registry.New(registry.WithReferrersSupport(true))))
}
"""


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs, and a directory for them to work in."""

    programs: Path
    home: Path

    def run(self, *argv: str, **environment: str) -> str:
        """What a tool prints; an error of its own fails the test."""
        plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            [str(self.programs / argv[0]), *argv[1:]],
            env={**plain, "HOME": str(self.home), "COSIGN_PASSWORD": "", **environment},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout[-1000:]}{done.stderr[-3000:]}"
        return done.stdout

    def write(self, name: str, document: Mapping[str, Any]) -> str:
        (self.home / name).write_text(json.dumps(document))
        return name

    def attach(self, image: str, name: str, media_type: str, *options: str) -> None:
        """`oras attach`; `image` is ADDRESS/NAME@DIGEST."""
        self.run("oras", "attach", *options, "--artifact-type", media_type, image, f"{name}:{media_type}")

    def attest(self, image: str, name: str, kind: str, *, bundle: bool) -> None:
        """`cosign attest`, under a tag of its own or as a bundle; nothing is told to a transparency log."""
        if not (self.home / "cosign.key").exists():
            self.run("cosign", "generate-key-pair")
        form = ["--new-bundle-format"] if bundle else []
        self.run("cosign", "attest", "--yes", "--key=cosign.key", "--tlog-upload=false", "--allow-insecure-registry",
                 *form, f"--predicate={name}", f"--type={kind}", image)  # fmt: skip


def tools(home: Path) -> Tools:
    """Where they can't be had the test skips, or fails where MEDIAIMAGE_REQUIRE_DOCKER=1."""
    return Tools(_had(programs), home)


@contextmanager
def listing_registry(folder: Path) -> Iterator[Registry]:
    """A registry that lists referrers and keeps its data in memory; skips as `tools`."""
    program = _had(registry_program)
    output = folder / "output.log"
    with output.open("wb") as out:
        process = subprocess.Popen([program], stdout=out, stderr=out)
    try:
        yield Registry(address_of(process, output), output)
    finally:
        process.kill()
        process.wait()


def programs() -> Path:
    """The directory of the tools. Raises debs.CannotFetch."""
    return debs.kept("attaching", _fetch)


def registry_program() -> Path:
    """Half a minute where it isn't there. Raises debs.CannotFetch."""
    return debs.kept("listing-registry", _build) / "registry"


def _had(make: Callable[[], Path]) -> Path:
    try:
        return make()
    except debs.CannotFetch as reason:
        missing = pytest.fail if os.environ.get("MEDIAIMAGE_REQUIRE_DOCKER") == "1" else pytest.skip
        missing(f"what attaches SBOMs can't be had: {reason}")


def _fetch(bin: Path) -> None:
    with tempfile.TemporaryDirectory(dir=bin) as folder:
        debs.unpack(list(_TOOLS), Path(folder))
        for program in _TOOLS.values():
            (Path(folder) / program).rename(bin / Path(program).name)


def _build(bin: Path) -> None:
    with tempfile.TemporaryDirectory(dir=bin) as work:
        root, own = Path(work, "root"), Path(work, "own")
        debs.unpack(_GO, root)
        source = own / "src" / "registry"
        source.mkdir(parents=True)
        (source / "main.go").write_text(_REGISTRY)
        go = root / "usr/lib/go-1.24"
        environment = {
            "GOROOT": str(go),
            "GOPATH": f"{own}:{root / 'usr/share/gocode'}",
            "GOCACHE": str(own / "cache"),
            "GO111MODULE": "off",
            "GOTOOLCHAIN": "local",
            "CGO_ENABLED": "0",
        }
        debs.run([str(go / "bin/go"), "build", "-o", str(own / "registry"), "registry"], own, environment)
        shutil.move(own / "registry", bin / "registry")
