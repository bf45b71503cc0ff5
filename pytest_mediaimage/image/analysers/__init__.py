"""What is learnt about files while their layer is read once. An analyser is one small module here, and a line below."""

from __future__ import annotations

from . import elf, kernel, kind, media

BUILT_IN = (media.MediaFiles(), kernel.KernelDrivers(), elf.ElfFiles(), kind.Kinds())
