"""What is learnt about files while their layer is read once. An analyser is one small module here."""

from __future__ import annotations

from . import kernel, media

BUILT_IN = (media.MediaFiles(), kernel.KernelDrivers())
