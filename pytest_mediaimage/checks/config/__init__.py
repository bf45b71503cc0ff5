"""`config.*`: what the image configuration asks of the runtime. A module per rule."""

from __future__ import annotations

from .entrypoint import entrypoint
from .env import env
from .secrets import secrets
from .user import user

CHECKS = (user, env, entrypoint, secrets)
