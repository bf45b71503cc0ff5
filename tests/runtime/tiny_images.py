"""Small images made here: a tree given as a dict, packed as one layer."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import IO

TOOLS = ("sh", "cat", "env", "head", "id", "ls", "mkdir", "mkfifo", "readlink", "setsid", "sleep", "stat", "uname")


@dataclass(frozen=True)
class File:
    content: bytes = b""
    mode: int = 0o644


@dataclass(frozen=True)
class Link:
    target: str


@dataclass(frozen=True)
class Directory:
    mode: int = 0o755


Tree = Mapping[str, File | Link | Directory]


@dataclass(frozen=True)
class Config:
    user: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""


@dataclass(frozen=True)
class TinyImage:
    """A RunnableImage; `tree` maps relative paths, parents first, to what they are."""

    tree: Tree
    config: Config = Config()
    name: str = "tiny"
    platform: str = f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(os.uname().machine, 'other') }"

    @cached_property
    def layer(self) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for path, node in self.tree.items():
                info = tarfile.TarInfo(path)
                if isinstance(node, Link):
                    info.type, info.linkname = tarfile.SYMTYPE, node.target
                elif isinstance(node, Directory):
                    info.type, info.mode = tarfile.DIRTYPE, node.mode
                else:
                    info.size, info.mode = len(node.content), node.mode
                archive.addfile(info, io.BytesIO(node.content) if isinstance(node, File) else None)
        return buffer.getvalue()

    @cached_property
    def document(self) -> bytes:
        system, architecture = self.platform.split("/")[:2]
        return json.dumps(
            {
                "os": system,
                "architecture": architecture,
                "config": {
                    "User": self.config.user,
                    "Env": [f"{name}={value}" for name, value in self.config.env.items()],
                    "WorkingDir": self.config.working_dir,
                },
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(self.layer).hexdigest()}"]},
            }
        ).encode()

    @property
    def config_digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.document).hexdigest()}"

    digest = config_digest
    index_digest = None

    def unpack(self, root: Path) -> None:
        for path, node in self.tree.items():
            if isinstance(node, Link):
                (root / path).symlink_to(node.target)
            elif isinstance(node, Directory):
                (root / path).mkdir()
            else:
                (root / path).write_bytes(node.content)
                (root / path).chmod(node.mode)
        for path, node in self.tree.items():
            if isinstance(node, Directory):
                (root / path).chmod(node.mode)

    def write_docker_archive(self, out: IO[bytes]) -> None:
        name = self.config_digest.partition(":")[2]
        index = json.dumps([{"Config": f"{name}.json", "RepoTags": None, "Layers": ["layer.tar"]}]).encode()
        with tarfile.open(fileobj=out, mode="w|") as archive:
            for path, content in (
                (f"{name}.json", self.document),
                ("layer.tar", self.layer),
                ("manifest.json", index),
            ):
                info = tarfile.TarInfo(path)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


@cache
def host_tools() -> Tree:
    """/bin with a shell and a few of this machine's programs, and the libraries that they load."""
    tree: dict[str, File | Link | Directory] = {"bin": Directory(), "etc": Directory(), "tmp": Directory(0o1777)}
    for name in TOOLS:
        program = shutil.which(name)
        assert program is not None, f"this machine has no {name}"
        tree[f"bin/{name}"] = File(Path(program).read_bytes(), 0o755)
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            for parent in reversed(Path(library).parents[:-1]):
                tree.setdefault(str(parent)[1:], Directory())
            tree[library[1:]] = File(Path(library).read_bytes(), 0o755)
    return tree


def shell_image(more: Tree | None = None, **config: object) -> TinyImage:
    """An image with a shell; `more` is put on top of its tree, `config` are fields of Config."""
    return TinyImage({**host_tools(), **(more or {})}, Config(**config))  # type: ignore[arg-type]
