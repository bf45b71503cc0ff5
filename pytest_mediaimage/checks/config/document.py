"""What the image configuration holds beyond `Config`: the environment as a list, and every step of its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...image.config import Config
from ...image.document import array, fields, parse_document, string, strings


@dataclass(frozen=True, slots=True)
class Document:
    """`env` holds (name, value) as they stand there, doubled ones too; `steps` the instructions, empty layers' too."""

    env: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]


def document(config: Config) -> Document:
    """Reads the configuration once more; its form was looked at when the image was opened."""
    own = fields(parse_document(config.raw, blob=config.digest), "config", "history")
    env = strings(fields(own.get("config"), "Env").get("Env"))
    steps = [_created_by(step) for step in array(own.get("history"))]
    return Document(tuple(item.partition("=")[::2] for item in env), tuple(steps))


def _created_by(step: Any) -> str:
    return string(fields(step, "created_by").get("created_by"))
