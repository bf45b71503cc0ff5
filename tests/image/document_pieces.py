"""The smallest documents that are whole."""

from __future__ import annotations

from typing import Any

from pytest_mediaimage.image.digest import Digest

Document = dict[str, Any]
ZEROS = Digest("sha256:" + "0" * 64)
CONFIG: Document = {
    "os": "linux",
    "architecture": "amd64",
    "rootfs": {"diff_ids": [ZEROS]},
    "config": {},
    "history": [],
}
MANIFEST: Document = {"config": {"digest": ZEROS, "size": 2}, "layers": [{"digest": ZEROS, "size": 2}]}
INDEX: Document = {"manifests": [{"digest": ZEROS, "size": 2, "platform": {"os": "linux", "architecture": "amd64"}}]}
