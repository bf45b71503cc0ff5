"""A small image with a shell, put into a Docker engine and written as a layout: for us and for the other tools."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer

CONFIG = {
    "User": "1000:1000",
    "Env": ["PATH=/usr/local/bin:/bin", "GREETING=hello world", "EMPTY="],
    "Entrypoint": ["/bin/sh", "-c"],
    "Cmd": ["echo hi"],
    "WorkingDir": "/srv/app",
    "ExposedPorts": {"8080/tcp": {}, "53/udp": {}},
    "Volumes": {"/data": {}},
    "Labels": {"org.opencontainers.image.title": "tiny tool", "empty": ""},
}


def layers() -> list[BuiltLayer]:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("needs Debian's busybox-static")
    base = [
        *(Item.directory(name) for name in ("bin", "etc", "usr", "usr/share", "usr/share/doc", "usr/share/doc/zlib")),
        Item.directory("tmp", mode=0o1777),
        Item("bin/busybox", Path(busybox), mode=0o755),
        *(Item.symlink(f"bin/{name}", "busybox") for name in ("sh", "cat", "echo", "env", "touch", "id", "false")),
        Item("bin/su", b"x", mode=0o4755),
        Item("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n", uid=0),
        Item("etc/gone", b"soon"),
        Item("usr/share/doc/zlib/copyright", b"Licence: zlib\n"),
        Item.symlink("etc/alternative", "/etc/passwd"),
        Item.symlink("lib", "usr/share"),
        Item.symlink("etc/dangling", "/nowhere"),
    ]
    upper = [
        Item("etc/.wh.gone"),
        Item("etc/app.conf", "[app]\nmode = fast\nname = café\nport=8080\n".encode(), mode=0o640, uid=1000, gid=50),
        Item("usr/share/binary.dat", b"\xff\xfe\x00needle\xc3"),
        Item("etc/app.copy", mode=0o640, uid=1000, gid=50, type=tarfile.LNKTYPE, link="etc/app.conf"),
    ]
    return [layer(base, "COPY base /", compression="gzip"), layer(upper, "COPY app /", compression="gzip")]


def write_layout(root: Path) -> Path:
    writer = LayoutWriter(root)
    writer.image(layers(), config=CONFIG)
    return writer.finish()


def docker_archive(layout: Path, cache: Path, name: str) -> bytes:
    """What `docker load` and dive read."""
    from pytest_mediaimage.image.digest import Platform
    from pytest_mediaimage.image.reference import Reference
    from pytest_mediaimage.image.sources import Opening, open_image

    image = open_image(Reference.parse(f"oci:{layout}"), Platform("linux/amd64"), Opening(cache, ()))
    out = io.BytesIO()
    image.write_docker_archive(out)
    return _named(out.getvalue(), name)


def _named(archive: bytes, name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as source, tarfile.open(fileobj=out, mode="w") as target:
        for member in source:
            content = source.extractfile(member)
            data = content.read() if content else b""
            if member.name == "manifest.json":
                data = data.replace(b'"RepoTags": null', f'"RepoTags": ["{name}"]'.encode())
                member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    return out.getvalue()
