"""What is masked in texts for people, and what is left as it is."""

from __future__ import annotations

import json
import random
import string

import pytest

from pytest_mediaimage.image.analysers.credentials import masked
from pytest_mediaimage.image.config import Config
from pytest_mediaimage.image.digest import Digest
from pytest_mediaimage.image.masking import mask


def chance(length: int, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=length))


TOKEN = f"ghp_{chance(36)}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"RUN |1 TOKEN={TOKEN} /bin/sh -c make", "RUN |1 TOKEN=ghp_… /bin/sh -c make"),
        ("ENV DB_PASSWORD='h4rd t0' A=1", "ENV DB_PASSWORD='h4rd t0' A=1"),
        ("ENV DB_PASSWORD='h4rdt0gu3ss' A=1", "ENV DB_PASSWORD='h…' A=1"),
        ('ENV DB_PASSWORD=h4rd"t0gu3ss A=1', "ENV DB_PASSWORD=h… A=1"),
        ("curl https://x.corp.net/?token=h4rdt0gu3ss", "curl https://x.corp.net/?token=h…"),
        ("pip -i https://a:h4rdt0gu3ss@pypi.corp.net/x", "pip -i https://a:h…@pypi.corp.net/x"),
        ('echo {\\"auth\\": \\"dXNlcjpoNHJkdDBndTNzcw==\\"}', 'echo {\\"auth\\": \\"dXNl…\\"}'),
        (f"-----BEGIN EC PRIVATE KEY-----\\n{chance(80)}", f"-----BEGIN EC PRIVATE KEY-----\\n{chance(80)[:4]}…"),
    ],
)
def test_secrets_are_cut_down_where_they_stand(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "RUN grep -L -e '-----BEGIN RSA PRIVATE KEY-----' -r /etc/ssl/private/a-long-name-of-a-directory-of-keys",
        "RUN TOKEN=$(cat /run/secrets/token) make",
        "ENV GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "ENV SECRET_KEY=/run/secrets/key1 TOKEN=changeme1234",
        "/usr/lib/x86_64-linux-gnu/libavcodec.so.61 is an ELF file",
    ],
)
def test_what_is_no_secret_is_left(text: str) -> None:
    assert masked(text) == text


def config(**fields: object) -> Config:
    document = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}, "config": fields}
    return Config.from_bytes(json.dumps(document).encode(), Digest("sha256:" + "a" * 64))


def test_a_secret_of_the_configuration_is_masked_wherever_it_stands() -> None:
    read = config(Env=["DB_PASSWORD=h4rdt0gu3ss", f"T={TOKEN}"], Cmd=["x"])
    assert mask("LD_PRELOAD names /opt/h4rdt0gu3ss.so", read) == "LD_PRELOAD names /opt/h….so"
    assert mask(f"the label is {TOKEN[:30]}...", read) == "the label is ghp_…..."
    assert mask(f"{TOKEN}{TOKEN[:20]}", read) == "ghp_…ghp_…"


def test_short_values_and_stand_ins_are_not_looked_for_elsewhere() -> None:
    read = config(Env=["DB_PASSWORD=postgres", "URL=https://a:usr@db.corp.net/", "TOKEN=/usr/lib/x86_64"])
    text = "/usr/lib/postgres is a file"
    assert mask(text, read) == text
