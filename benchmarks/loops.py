"""One step alone, in a process of its own: what the image engine is measured against, and its own reading.

    python loops.py save IMAGE               drain what a Docker Engine saves
    python loops.py pull HOST NAME TAG       download, verify and decompress an image's layers, on two threads
    python loops.py read REFERENCE CACHE     our reading of all layers, with all analysers
    python loops.py tree REFERENCE CACHE     the same, and the tree that the layers make

The last line of the output is the seconds that it took without Python's start and the imports.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import Queue

_MIB = 1 << 20


def save(name: str) -> Callable[[], None]:
    import docker

    def run() -> None:
        for _ in docker.from_env(timeout=600).images.get(name).save(chunk_size=_MIB):
            pass

    return run


def pull(host: str, name: str, tag: str) -> Callable[[], None]:
    """One thread downloads and hashes, another decompresses; both do so outside of Python's lock."""
    connection = http.client.HTTPConnection(host)

    def get(path: str) -> http.client.HTTPResponse:
        connection.request("GET", path, headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
        response = connection.getresponse()
        if response.status != 200:
            sys.exit(f"{host} answers {response.status} to {path}")
        return response

    def run() -> None:
        blocks: Queue[bytes] = Queue(8)
        with ThreadPoolExecutor(1) as unpacker:
            unpacked = []
            for layer in json.loads(get(f"/v2/{name}/manifests/{tag}").read())["layers"]:
                response = get(f"/v2/{name}/blobs/{layer['digest']}")
                unpacked.append(unpacker.submit(_unpack, layer["mediaType"], iter(blocks.get, b"")))
                digest = hashlib.sha256()
                try:
                    while block := response.read(_MIB):
                        digest.update(block)
                        blocks.put(block)
                finally:
                    blocks.put(b"")
                assert f"sha256:{digest.hexdigest()}" == layer["digest"]
            for done in unpacked:
                done.result()

    return run


def _unpack(media_type: str, blocks: Iterator[bytes]) -> None:
    try:
        (_gunzip if media_type.endswith("gzip") else _unzstd)(blocks)
    finally:
        for _ in blocks:  # whoever fills the queue must not wait for ever
            pass


def _gunzip(blocks: Iterator[bytes]) -> None:
    from isal import igzip_lib

    stream = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    for block in blocks:
        stream.decompress(block, _MIB)
        while not stream.needs_input and not stream.eof:
            stream.decompress(b"", _MIB)
    assert stream.eof


def _unzstd(blocks: Iterator[bytes]) -> None:
    import zstandard

    stream = zstandard.ZstdDecompressor().decompressobj(write_size=_MIB)
    for block in blocks:
        stream.decompress(block)
    assert stream.eof


def read(reference: str, cache: str, wanted: str = "layer_facts") -> Callable[[], None]:
    from pytest_mediaimage.checks.analysers import ANALYSERS
    from pytest_mediaimage.image.digest import Platform
    from pytest_mediaimage.image.reference import Reference
    from pytest_mediaimage.image.sources import Opening, open_image

    def run() -> None:
        image = open_image(Reference.parse(reference), Platform.host(), Opening(Path(cache), ANALYSERS))
        assert getattr(image, wanted)

    return run


def main() -> None:
    steps: dict[str, Callable[..., Callable[[], None]]]
    steps = {"save": save, "pull": pull, "read": read, "tree": partial(read, wanted="tree")}
    run = steps[sys.argv[1]](*sys.argv[2:])
    start = time.perf_counter()
    run()
    print(f"{time.perf_counter() - start:.6f}")


if __name__ == "__main__":
    main()
