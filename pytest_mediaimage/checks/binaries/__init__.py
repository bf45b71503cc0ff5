"""`binaries.*`: whether the programs of an image can start, told from their files; nothing is run.

Judged is what the entry point, the command and FFmpeg's tools reach by their needed libraries. Python's extension
modules, plugins and what else is opened by dlopen aren't followed.
"""

from __future__ import annotations

from .architecture import architecture
from .duplicates import duplicates
from .isa import isa
from .loadable import loadable

CHECKS = (loadable, architecture, duplicates, isa)
