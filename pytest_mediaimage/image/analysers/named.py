"""What a file is, where its name or first bytes have told already."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """A watcher that needs to see nothing more; `what` is the fact."""

    what: str

    def feed(self, chunk: bytes) -> None:
        pass

    def finish(self) -> str:
        return self.what
