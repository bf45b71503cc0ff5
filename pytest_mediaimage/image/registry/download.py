"""Download: a blob as it comes from a registry, taken up again where it broke off."""

from __future__ import annotations

import re

from ...errors import CorruptImage, RegistryUnavailable
from ..digest import Digest
from .client import Missing, RegistryClient
from .faults import Interrupted, Patience
from .stream import ReadStream
from .transport import Answer

_READ = 256 * 1024
# A connection that breaks off sooner, over and over, gets us nowhere.
_PROGRESS = 256 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
_REMEDY = "Push the image again."


class Download(ReadStream):
    """The bytes of a blob, unchecked but for their number: who reads them knows the digest.

    `length` in bytes is what the descriptor says, or None where nobody has said. The constructor raises CorruptImage
    where the registry lacks the blob, or has one of another length, and RegistryUnavailable.
    """

    def __init__(self, client: RegistryClient, digest: Digest, length: int | None) -> None:
        self._client = client
        self._digest = digest
        self._length = length
        self._offset = self._mark = 0
        self._answer: Answer | None = None
        self._patience = Patience(f"the blob {digest[:19]} of {client.repository}")
        while self._answer is None:
            self._connect()

    def next_bytes(self, count: int) -> bytes:
        """Raises CorruptImage or RegistryUnavailable."""
        while True:
            if self._answer is None:
                self._connect()
                continue
            try:
                data = self._answer.read(count)
            except Interrupted as reason:
                self._pause(reason)
                continue
            if not data and self._length is not None and self._offset < self._length:
                self._pause(Interrupted(f"the registry broke off after {self._offset} of {self._length} bytes"))
                continue
            if data:
                self._count(len(data))
            return data

    def close(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        super().close()

    def _count(self, count: int) -> None:
        self._offset += count
        if self._offset - self._mark >= _PROGRESS:
            self._mark = self._offset
            self._patience.progress()
        if self._length is not None and self._offset > self._length:
            raise self._wrong_length("more bytes")

    def _pause(self, reason: Interrupted) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        where = f" (byte {self._offset})" if self._offset else ""
        self._patience.wait(Interrupted(f"{reason}{where}", reason.retry_after))

    def _connect(self) -> None:
        """Stand at the offset again, or pause before the next attempt."""
        try:
            answer = self._client.blob(self._digest, self._offset)
            try:
                self._place(answer)
            except BaseException:
                answer.close()
                raise
        except Interrupted as reason:
            self._pause(reason)
        except Missing as reason:
            raise CorruptImage(str(reason), blob=self._digest, remedy=_REMEDY) from None
        else:
            self._answer = answer

    def _place(self, answer: Answer) -> None:
        """Read what we have already, where all of it is sent again."""
        if answer.status == 206:
            start, total = _content_range(answer)
            if start != self._offset:
                raise RegistryUnavailable(f"{answer.origin} sends another part of the blob than was asked for")
            self._agree(total)
            return
        self._agree(answer.length if "Transfer-Encoding" not in answer.headers else None)
        left = self._offset
        while left:
            data = answer.read(min(left, _READ))
            if not data:
                raise Interrupted("it was sent anew from its start, and broke off even earlier")
            left -= len(data)

    def _agree(self, announced: int | None) -> None:
        if announced is None:
            return
        if self._length is None:
            self._length = announced
        elif announced != self._length:
            raise self._wrong_length(f"{announced} bytes")

    def _wrong_length(self, found: str) -> CorruptImage:
        return CorruptImage(
            f"the registry has {found} where the descriptor says {self._length}", blob=self._digest, remedy=_REMEDY
        )


def _content_range(answer: Answer) -> tuple[int, int | None]:
    """Where the part begins, and the length of the whole, if the server knows it."""
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if found is None:
        raise RegistryUnavailable(f"{answer.origin} sends a part of the blob without saying which")
    return int(found[1]), None if found[3] == "*" else int(found[3])
