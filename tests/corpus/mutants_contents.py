"""Faults of what lies in the image."""

from __future__ import annotations

import functools
import gzip
import json
import subprocess
import tempfile
import zlib
from pathlib import Path

import real_files
from clean_image import Parts, tool
from mutants import fault, near_miss
from mutants_documents import SECRET
from mutants_sizes import zeros
from support.elf_writer import ElfWriter

from pytest_mediaimage.image.build import Item, tar_of

FTYP = b"\x00\x00\x00\x18ftyp%b\x00\x00\x00\x00mp42isom"


@functools.cache
def _key() -> bytes:
    """A private key that opens nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "key.pem"
        argv = ("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", file)
        subprocess.run(argv, check=True, capture_output=True)
        return file.read_bytes()


@fault("contents.media", also=("layers.waste",))
def a_deleted_film(parts: Parts) -> str:
    parts.top(Item("opt/cut/intro.dat", FTYP % b"mp42" + zeros(parts, 3_000_000)))
    parts.top(Item("opt/.wh.cut", b""))
    return "intro.dat"


@fault("contents.media")
def a_transport_stream_without_a_name(parts: Parts) -> str:
    packet = b"\x47\x1f\xff\x10" + bytes([255]) * 184
    parts.add(Item(path := parts.place("blob"), packet * 16_000))
    return path


@fault("contents.media")
def a_film_in_a_tar(parts: Parts) -> str:
    head = b"\x1aE\xdf\xa3\xa3\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08"
    head += b"\x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02\x18\x53\x80\x67"
    film = Item("a/clip", head + parts.chance.randbytes(2_500_000))
    parts.add(Item(path := parts.place("assets.tar.gz"), gzip.compress(tar_of([film]), 1)))
    return path


@near_miss("contents.media")
def pictures_and_texts_called_mp4(parts: Parts) -> None:
    parts.add(
        Item(parts.place("still.mp4"), FTYP % b"avif" + zeros(parts, 3_000_000)),
        Item(parts.place("notes.mkv"), b"not a film, a list of films\n" * 100_000),
    )


@fault("contents.kernel-drivers")
def a_module_by_another_name(parts: Parts) -> str:
    parts.add(Item(path := parts.place("codec.so"), real_files.kernel_module()))
    return path


@fault("contents.kernel-drivers")
def a_compressed_module(parts: Parts) -> str:
    parts.add(Item(path := "lib/modules/6.1.0-50/extra/crc7.ko.gz", gzip.compress(real_files.kernel_module())))
    return path.split("/extra")[0]


@fault("contents.kernel-drivers")
def a_kernel(parts: Parts) -> str:
    parts.add(Item(path := parts.place("image"), real_files.kernel()))
    return path


@fault("contents.kernel-drivers")
def sources_of_a_driver(parts: Parts) -> str:
    parts.add(Item("usr/src/nvidia-550.54/dkms.conf", b'PACKAGE_NAME="nvidia"\nPACKAGE_VERSION="550.54"\n'))
    return "nvidia-550.54"


@near_miss("contents.kernel-drivers")
def a_text_called_ko(parts: Parts) -> None:
    parts.add(
        Item(parts.place("ko.ko"), b"Korean translation, vermagic=none\n"),
        Item("etc/modprobe.d/media.conf", b"options snd index=0\n"),
        Item("usr/include/linux/videodev2.h", b"#define V4L2 1\n"),
    )


@near_miss("contents.kernel-drivers")
def an_object_that_is_no_module(parts: Parts) -> None:
    parts.add(Item(parts.place("filter.o"), ElfWriter(kind=1, machine=247).write()))


@fault("contents.host-libraries")
def libcuda(parts: Parts) -> str:
    path = parts.place("libcuda.so.1")
    parts.add(Item(path, ElfWriter(soname=b"libcuda.so.1", needed=[b"libc.so.6"]).write()))
    return path


@fault("contents.host-libraries")
def libnvidia_encode_by_another_name(parts: Parts) -> str:
    path = parts.place("libvideo.so.1")
    parts.add(Item(path, ElfWriter(soname=b"libnvidia-encode.so.1", needed=[b"libc.so.6"]).write()))
    return path


@near_miss("contents.host-libraries")
def the_toolkits_stub_and_runtime(parts: Parts) -> None:
    parts.add(
        Item("usr/local/cuda-12.4/lib64/stubs/libcuda.so", ElfWriter(soname=b"libcuda.so.1").write()),
        Item("usr/local/cuda-12.4/compat/libcuda.so.550.54", ElfWriter(soname=b"libcuda.so.1").write()),
        Item("usr/local/cuda-12.4/lib64/libcudart.so.12", ElfWriter(soname=b"libcudart.so.12").write()),
        Item.symlink("usr/lib/x86_64-linux-gnu/libnvcuvid.so.1", "libnvcuvid.so.550"),
    )


@near_miss("contents.host-libraries")
def a_text_of_that_name(parts: Parts) -> None:
    parts.add(Item(parts.place("libcuda.so.1"), b"INPUT(/usr/local/cuda/lib64/stubs/libcuda.so)\n"))


@fault("contents.toolchain", also=("binaries.loadable",))
def an_assembler_and_a_linker(parts: Parts) -> str:
    parts.add(
        Item("usr/bin/x86_64-linux-gnu-as", real_files.program("x86_64-linux-gnu-as"), mode=0o755),
        Item("usr/bin/x86_64-linux-gnu-ld.bfd", real_files.program("x86_64-linux-gnu-ld.bfd"), mode=0o755),
    )
    return "usr/bin"


@fault("contents.toolchain")
def a_compiler(parts: Parts) -> str:
    cc1 = real_files.program("x86_64-linux-gnu-as")
    parts.add(Item("usr/lib/gcc/x86_64-linux-gnu/12/cc1", cc1, mode=0o755))
    return "gcc"


@fault("contents.toolchain")
def static_libraries(parts: Parts) -> str:
    members = b"!<arch>\n" + b"codec.o/        0           0     0     100644  6000000   `\n"
    parts.add(
        *(Item(f"usr/lib/libx{n}.a", members + b"\x7fELF\x02\x01\x01" + zeros(parts, 5_999_993)) for n in range(2))
    )
    return "usr/lib"


@near_miss("contents.toolchain")
def scripts_and_links_called_gcc(parts: Parts) -> None:
    parts.add(
        Item("usr/bin/gcc", b"#!/bin/sh\necho no compiler\n", mode=0o755),
        Item.symlink("usr/bin/as", "busybox"),
        Item("usr/include/stdio.h", b"int puts(const char *);\n" * 1000),
    )


@fault("contents.leftovers")
def lists_of_apt(parts: Parts) -> str:
    name = "var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages"
    parts.add(Item(name, b"Package: ffmpeg\nVersion: 5\n\n" * 100_000))
    return "var/lib/apt/lists"


@fault("contents.leftovers")
def a_debian_package_somewhere(parts: Parts) -> str:
    member = b"debian-binary   1700000000  0     0     100644  4         `\n2.0\n"
    path = parts.place("download")
    parts.add(Item(path, b"!<arch>\n" + member + b"control.tar.xz  1700000000  0     0     100644  2000000   `\n"
                   + parts.chance.randbytes(2_000_000)))  # fmt: skip
    return path.rsplit("/", 1)[0]


@fault("contents.leftovers")
def a_repository(parts: Parts) -> str:
    folder = parts.place("repo") + "/.git"
    blob = zlib.compress(b"blob 300000\0" + parts.chance.randbytes(300_000))
    parts.add(
        Item(f"{folder}/HEAD", b"ref: refs/heads/main\n"),
        Item(f"{folder}/config", b"[core]\n\tbare = false\n"),
        Item(f"{folder}/objects/12/3456789012345678901234567890123456789a", blob),
    )
    return ".git"


@fault("contents.leftovers")
def the_cache_of_pip(parts: Parts) -> str:
    parts.add(Item("root/.cache/pip/http-v2/a/b/c/abc.body", parts.chance.randbytes(1_600_000)))
    return "pip"


@near_miss("contents.leftovers")
def names_like_leftovers(parts: Parts) -> None:
    parts.add(
        Item("usr/share/python-wheels/pip-23.0-py3-none-any.whl", b"PK\x03\x04" + parts.chance.randbytes(1_500_000)),
        Item(parts.place(".gitignore"), b"*.o\n"),
        Item(parts.place("sub/.git"), b"gitdir: ../.git/modules/sub\n"),
        Item(parts.place("cache/profile.bin"), parts.chance.randbytes(1_200_000)),
    )


@fault("contents.models")
def gguf(parts: Parts) -> str:
    parts.add(Item(path := parts.place("speech.dat"), b"GGUF\x03\0\0\0" + bytes(16) + zeros(parts, 6_000_000)))
    return path


@fault("contents.models")
def safetensors(parts: Parts) -> str:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1_500_000], "data_offsets": [0, 6_000_000]}}).encode()
    parts.add(
        Item(path := parts.place("weights"), len(header).to_bytes(8, "little") + header + zeros(parts, 6_000_000))
    )
    return path


@fault("contents.models")
def a_big_data_file(parts: Parts) -> str:
    parts.add(Item(path := parts.place("index.db3"), zeros(parts, 51_000_000)))
    return path


@near_miss("contents.models")
def small_models_and_large_tables(parts: Parts) -> None:
    parts.add(
        Item(parts.place("small.gguf"), b"GGUF\x03\0\0\0" + bytes(16) + zeros(parts, 3_000_000)),
        Item(parts.place("lut.bin"), zeros(parts, 30_000_000)),
        Item(parts.place("GGUF.txt"), b"GGUF is a format of models.\n" * 300_000),
    )


@fault("contents.secrets")
def a_private_key(parts: Parts) -> str:
    parts.add(Item(path := parts.place("server.dat"), _key(), mode=0o600))
    return path


@fault("contents.secrets", also=("layers.waste",))
def a_deleted_key(parts: Parts) -> str:
    parts.top(Item("opt/build/id_rsa", _key(), mode=0o600))
    parts.top(Item("opt/build/.wh.id_rsa", b""))
    return "id_rsa"


@fault("contents.secrets")
def a_login_of_a_registry(parts: Parts) -> str:
    logins = {"auths": {"registry.corp-media.net": {"auth": "YnVpbGRlcjpxN0tkOTJtVngxUGY="}}}
    parts.add(Item("root/.docker/config.json", json.dumps(logins).encode(), mode=0o600))
    return "root/.docker/config.json"


@fault("contents.secrets")
def a_token_of_npm(parts: Parts) -> str:
    token = f"//registry.npmjs.org/:_authToken=npm_{SECRET[4:]}\n".encode()
    parts.add(Item(path := parts.place(".npmrc"), token))
    return path


@near_miss("contents.secrets")
def public_keys_and_placeholders(parts: Parts) -> None:
    key = _key()
    public = subprocess.run(("openssl", "pkey", "-pubout"), input=key, check=True, capture_output=True).stdout
    parts.add(
        Item(parts.place("server.pub"), public),
        Item(parts.place("cut.pem"), key[:700] + b"\n-----END PRIVATE KEY-----\n"),
        Item(parts.place("package/tests/test.key"), key),
        Item(parts.place(".npmrc"), b"//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"),
        Item(parts.place(".env.example"), f"GITHUB_TOKEN={SECRET}\n".encode()),
    )


@fault("contents.setuid")
def a_shell_of_root(parts: Parts) -> str:
    parts.add(Item(path := parts.place("bash"), real_files.program("x86_64-linux-gnu-as"), mode=0o4755))
    return path


@fault("contents.setuid")
def a_tool_with_setgid(parts: Parts) -> str:
    parts.add(Item(path := parts.place("grab"), real_files.program("x86_64-linux-gnu-size"), mode=0o2755))
    return path


@near_miss("contents.setuid")
def what_debian_ships(parts: Parts) -> None:
    parts.add(
        Item("usr/bin/passwd", tool(), mode=0o4755),
        Item.directory("var/local/shared", mode=0o2775),
        Item(parts.place("data.bin"), b"data", mode=0o4644),
    )
