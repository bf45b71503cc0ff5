"""`contents.*`: what doesn't belong in an image, told by content and not by name. A module per rule."""

from __future__ import annotations

from .host_libraries import host_libraries
from .kernel import kernel_drivers
from .leftovers import leftovers
from .media import media
from .models import models
from .secrets import secrets
from .setuid import setuid
from .toolchain import toolchain

CHECKS = (
    media,
    kernel_drivers,
    host_libraries,
    toolchain,
    leftovers,
    models,
    secrets,
    setuid,
)
