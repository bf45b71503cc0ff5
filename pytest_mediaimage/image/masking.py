"""No credential of an image in what is told of it: reports are read by more people than may pull the image."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from .analysers.credentials import is_named_secret, masked, secret_spans, shown

if TYPE_CHECKING:
    from .config import Config

# Long values are cut where they are shown: this much of a secret's beginning is taken for it.
_RECOGNISED = 16
# Shorter ones, which other words may hold, are masked only where they stand as a secret.
_SHORTEST = 8


def mask(text: str, config: Config) -> str:
    """The text without the secrets that this configuration holds, and without credentials of its own.

    Only for what people read: `Layer.created_by` and `Config` stay as they are.
    """
    env = tuple(config.env.items())
    others = (*config.labels.values(), " ".join(config.entrypoint), " ".join(config.cmd), *config.history)
    for secret in _secrets(env, others):
        text = _without(text, secret)
    return masked(text)


@lru_cache(maxsize=16)
def _secrets(env: tuple[tuple[str, str], ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The longest first: one may hold another."""
    found = {value for name, value in env if is_named_secret(name, value)}
    for text in (*(f"{name}={value}" for name, value in env), *others):
        found |= {text[start:end] for start, end in secret_spans(text)}
    return tuple(
        sorted((secret for secret in found if len(secret) >= _SHORTEST), key=lambda secret: (-len(secret), secret))
    )


def _without(text: str, secret: str) -> str:
    beginning = secret[:_RECOGNISED]
    pieces, at = [], 0
    while (start := text.find(beginning, at)) >= 0:
        end = start + len(beginning)
        while end < len(text) and end - start < len(secret) and text[end] == secret[end - start]:
            end += 1
        pieces += [text[at:start], shown(secret)]
        at = end
    return "".join([*pieces, text[at:]])
