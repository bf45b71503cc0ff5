"""Writing a report where the user wants it."""

from __future__ import annotations

from pathlib import Path

from ..errors import StorageFault
from ..storage import write_atomically


def write_file(kind: str, path: Path, text: str) -> None:
    """Write a report, whole or not at all. Raises StorageFault, which names the option that says where it goes."""
    try:
        write_atomically(path, text.encode(), mode=0o644)
    except StorageFault as fault:
        raise StorageFault(
            f"the {kind} report {path} isn't written: {fault.message}",
            remedy=f"Mend that, or write it elsewhere: --media-report {kind}:PATH.",
        ) from fault
