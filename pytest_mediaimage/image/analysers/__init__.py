"""What is learnt about files while their layer is read once. An analyser is one small module here, and a line below."""

from __future__ import annotations

from . import archived_media, dos_scripts, elf, kernel, kind, loader_config, media, secrets, shell_scripts, small_files

BUILT_IN = (
    media.MediaFiles(),
    archived_media.ArchivedMedia(),
    kernel.KernelDrivers(),
    elf.ElfFiles(),
    kind.Kinds(),
    loader_config.LoaderConfigs(),
    small_files.SmallFiles(),
    secrets.Secrets(),
    dos_scripts.DosScripts(),
    shell_scripts.ShellScripts(),
)
