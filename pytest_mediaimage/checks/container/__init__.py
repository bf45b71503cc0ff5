"""`container.*`: how the image's own command behaves when it is stopped, and when it fails."""

from __future__ import annotations

from .exit_code import exit_code
from .stop import stop

CHECKS = (stop, exit_code)
