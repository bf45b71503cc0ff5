"""What goes wrong between us and a server: what is worth another attempt, what isn't, and each in plain words."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from ...errors import RegistryUnavailable
from .origin import Origin

CONNECT_SECONDS = 20.0
# The longest silence: a mirror fetches a whole layer from elsewhere before it sends the first byte.
READ_SECONDS = 60.0

ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 1.0
# Who asks for a longer pause is told to the user instead: he can come back later, we can't wait for ever.
LONGEST_PAUSE_SECONDS = 60.0
# All attempts of one step together, as long as nothing at all comes.
PATIENCE_SECONDS = 180.0

LATER = "Try again later."
_NETWORK = "Check the name and the network; HTTPS_PROXY and NO_PROXY are honoured."
_T = TypeVar("_T")


class Interrupted(Exception):
    """What may go well when tried again: a connection that broke off, a server that is busy. The text says what.

    `retry_after` is the server's own wish, in seconds.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NoTls(RegistryUnavailable):
    """The server's answer to https isn't TLS, or not a TLS that we speak."""


@contextmanager
def connection_faults(origin: Origin, *, reached: bool) -> Iterator[None]:
    """What urllib3 raises, in our words. A server that was `reached` before may be on its way back.

    Raises Interrupted for what may pass, RegistryUnavailable for what won't.
    """
    from urllib3 import exceptions

    try:
        yield
    except exceptions.SSLError as error:
        raise _tls_fault(origin, error, reached) from error
    except (exceptions.NewConnectionError, exceptions.ConnectTimeoutError, exceptions.ProxyError) as error:
        cause = error.original_error if isinstance(error, exceptions.ProxyError) else error
        by = " by way of the proxy that the environment names" if isinstance(error, exceptions.ProxyError) else ""
        if isinstance(cause, exceptions.SSLError):
            raise _tls_fault(origin, cause, reached) from error
        what = f"{origin} can't be reached{by}: {_reason(cause)}"
        if reached:
            raise Interrupted(what) from error
        raise RegistryUnavailable(what, remedy=_NETWORK) from error
    except exceptions.ReadTimeoutError as error:
        raise Interrupted(f"{origin} sent nothing for {READ_SECONDS:g} s") from error
    except (exceptions.ProtocolError, exceptions.InvalidHeader) as error:
        raise Interrupted(f"the connection to {origin} broke off ({_reason(error)})") from error
    except exceptions.HTTPError as error:
        raise RegistryUnavailable(f"{origin} can't be asked: {type(error).__name__}", remedy=_NETWORK) from error


def _tls_fault(origin: Origin, error: Exception, reached: bool) -> Exception:
    cause = error.args[0] if error.args else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return RegistryUnavailable(
            f"the certificate of {origin} can't be verified: {cause.verify_message}",
            remedy="Set SSL_CERT_FILE to its authority, or put that into the registry's folder in /etc/docker/certs.d.",
        )
    reason = getattr(cause, "reason", None) or "the handshake failed"
    if reached:  # most of all: it hung up without a word of TLS
        return Interrupted(f"the connection to {origin} broke off ({reason})")
    return NoTls(f"{origin} speaks no TLS with us: {reason}", remedy="Only a registry on this machine may use http.")


def _reason(error: BaseException) -> str:
    """The system's words, without the addresses and object names around them."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        if isinstance(seen, TimeoutError):
            return f"no answer within {CONNECT_SECONDS:g} s"
        seen = seen.__cause__ or next((a for a in seen.args if isinstance(a, Exception)), None)
    return next((a for a in error.args if isinstance(a, str)), type(error).__name__)[:200]


class Patience:
    """How often one step is tried again: a few times, and not for long while nothing comes."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.progress()

    def progress(self) -> None:
        """Something came: begin to count anew."""
        self._failures = 0
        self._since = time.monotonic()

    def wait(self, reason: Interrupted) -> None:
        """Pause before the next attempt. Raises RegistryUnavailable where there shall be none."""
        self._failures += 1
        pause = FIRST_PAUSE_SECONDS * 2 ** (self._failures - 1) * random.uniform(0.75, 1.25)
        if reason.retry_after is not None:
            pause = max(reason.retry_after, 0.0)
        if pause > LONGEST_PAUSE_SECONDS:
            raise self._fault(f"{reason}; it asks us to come back in {pause:.0f} s") from reason
        if self._failures >= ATTEMPTS or time.monotonic() + pause > self._since + PATIENCE_SECONDS:
            attempts = f" ({self._failures} attempts)" if self._failures > 1 else ""
            raise self._fault(f"{reason}{attempts}") from reason
        time.sleep(pause)

    def _fault(self, reason: str) -> RegistryUnavailable:
        return RegistryUnavailable(f"{self._step}: {reason}", remedy=LATER)


def patiently(step: str, ask: Callable[[], _T]) -> _T:
    """What `ask` gives, tried again while it raises Interrupted. Raises RegistryUnavailable in the end."""
    patience = Patience(step)
    while True:
        try:
            return ask()
        except Interrupted as reason:
            patience.wait(reason)


def seconds_to_wait(retry_after: str | None) -> float | None:
    """The header Retry-After (RFC 9110, 10.2.3): seconds or a date."""
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def raise_if_busy(status: int, retry_after: str | None, origin: Origin) -> None:
    """Raises Interrupted for the statuses that pass: too many requests, and a server's own trouble."""
    if status in (408, 425, 429) or (500 <= status <= 599 and status not in (501, 505)):
        busy = " (too many requests)" if status == 429 else ""
        raise Interrupted(f"{origin} answered {status}{busy}", seconds_to_wait(retry_after))
