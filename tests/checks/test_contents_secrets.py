"""`contents.secrets`: keys that parse and credentials that are real, in every layer; never in what is said."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from config_images import Judge, findings, judge, said

from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.result import Status

__all__ = ["judge"]

TOKEN = "ghp_" + "Zk4" * 5 + "0aQ7wE9rT2yU5iO8pLmNb"
# In two parts, so that no scanner takes this file for a leak.
AWS = "[default]\naws_access_key_id = AKIA" + "Z4X7Q2MN3BV5CKLT\naws_secret_access_key = "
AWS += "q8Vb1nMz3Xc5La7Ks9Jd" + "2Hf4Gg6Pw0Oe+Ru/TyIi\n"


def made(*argv: str | Path) -> None:
    program = shutil.which(str(argv[0]))
    if program is None:
        pytest.skip(f"there is no {argv[0]} to make keys with")
    subprocess.run([program, *argv[1:]], check=True, capture_output=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Real keys of every form, by openssl and ssh-keygen."""
    folder = tmp_path_factory.mktemp("keys")

    def path(name: str) -> Path:
        return folder / name

    made("openssl", "genrsa", "-out", path("pkcs8"), "2048")
    made("openssl", "rsa", "-in", path("pkcs8"), "-traditional", "-out", path("pkcs1"))
    made("openssl", "pkcs8", "-topk8", "-in", path("pkcs8"), "-passout", "pass:x", "-out", path("pkcs8-encrypted"))
    made(
        "openssl",
        "rsa",
        "-in",
        path("pkcs8"),
        "-traditional",
        "-aes128",
        "-passout",
        "pass:x",
        "-out",
        path("pkcs1-enc"),
    )
    made("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path("ec"))
    made("openssl", "genpkey", "-algorithm", "ed25519", "-out", path("ed25519"))
    made("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path("openssh"))
    made("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "x", "-f", path("openssh-encrypted"))
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix != ".pub"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pkcs1", "an RSA private key"),
        ("pkcs8", "a PKCS#8 private key"),
        ("ec", "an EC private key"),
        ("ed25519", "a PKCS#8 private key"),
        ("openssh", "an OpenSSH private key"),
    ],
)
def test_a_key_fails_whatever_its_file_is_called(judge: Judge, keys: dict[str, bytes], name: str, kind: str) -> None:
    result = judge("contents.secrets", [Item("app/settings.dat", b"# ours\n" + keys[name])])
    ((severity, message),) = findings(result)
    assert (severity, message) == ("error", f"/app/settings.dat holds {kind}")
    assert keys[name].splitlines()[1].decode() not in said(result)
    assert result.findings[0].created_by == "COPY rootfs /" and ".dockerignore" in result.findings[0].fix


@pytest.mark.parametrize("step", ["RUN ssh-keygen -f /app/key", "COPY --from=build /key /app/key"])
def test_what_did_not_come_from_the_build_context_is_not_to_be_ignored(
    judge: Judge, keys: dict[str, bytes], step: str
) -> None:
    (found,) = judge("contents.secrets", [layer([Item("app/key", keys["pkcs8"])], step)]).findings
    assert ".dockerignore" not in found.fix


@pytest.mark.parametrize("name", ["pkcs8-encrypted", "pkcs1-enc", "openssh-encrypted"])
def test_a_key_with_a_passphrase_is_a_note(judge: Judge, keys: dict[str, bytes], name: str) -> None:
    ((severity, message),) = findings(judge("contents.secrets", [Item("app/key.pem", keys[name])]))
    assert severity == "note" and "as safe as its passphrase" in message


def test_a_key_behind_a_chain_of_certificates_is_found(judge: Judge, keys: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(keys["pkcs8"])
    made("openssl", "req", "-x509", "-key", tmp_path / "key", "-subj", "/CN=x", "-out", tmp_path / "certificate")
    chain = (tmp_path / "certificate").read_bytes() * 5
    assert len(chain) > 4096
    assert judge("contents.secrets", [Item("etc/nginx/all.pem", chain + keys["pkcs8"])]).status is Status.FAILED
    assert findings(judge("contents.secrets", [Item("etc/nginx/all.pem", chain)])) == []


def test_a_deleted_key_still_travels(judge: Judge, keys: dict[str, bytes]) -> None:
    layers = [
        layer([Item("root/.ssh/id_ed25519", keys["openssh"])], "COPY id_ed25519 /root/.ssh/"),
        layer([Item("root/.ssh/.wh.id_ed25519")], "RUN rm /root/.ssh/id_ed25519"),
    ]
    result = judge("contents.secrets", layers)
    ((severity, message),) = findings(result)
    assert severity == "error"
    assert message.endswith("an OpenSSH private key, deleted or replaced by layer 2 but still pulled")
    assert result.findings[0].created_by == "COPY id_ed25519 /root/.ssh/"


def test_host_keys_and_snakeoil(judge: Judge, keys: dict[str, bytes]) -> None:
    host = judge("contents.secrets", [Item("etc/ssh/ssh_host_ed25519_key", keys["openssh"])])
    assert findings(host)[0][0] == "error" and "every container has the same host key" in findings(host)[0][1]
    dropbear = judge("contents.secrets", [Item("etc/dropbear/dropbear_rsa_host_key", b"\0\0\0\x07ssh-rsa" + bytes(99))])
    assert findings(dropbear)[0][0] == "error"
    snakeoil = judge("contents.secrets", [Item("etc/ssl/private/ssl-cert-snakeoil.key", keys["pkcs8"])])
    assert findings(snakeoil)[0][0] == "warning"


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/python3/site-packages/tornado/test/test.key",
        "usr/lib/python3.11/test/certdata/keycert.pem",
        "usr/share/nodejs/https-proxy-agent/test/ssl-cert-snakeoil.key",
        "app/node_modules/public-encrypt/tests/fixtures/1024.priv",
        "usr/share/doc/libnet-ssleay-perl/examples/server_key.pem",
    ],
)
def test_keys_that_everybody_has_are_none(judge: Judge, keys: dict[str, bytes], path: str) -> None:
    result = judge("contents.secrets", [Item(path, keys["pkcs8"])])
    assert findings(result) == [] and result.measured == 0


@pytest.mark.parametrize("path", ["usr/lib/python3/dist-packages/lib/key.pem", "app/crypto.py", "app/README.md"])
def test_keys_in_packages_and_source_texts_warn(judge: Judge, keys: dict[str, bytes], path: str) -> None:
    assert findings(judge("contents.secrets", [Item(path, keys["pkcs8"])]))[0][0] == "warning"


def test_what_only_looks_like_a_key(judge: Judge, keys: dict[str, bytes]) -> None:
    """An ELF that knows the words, as every ffmpeg; a certificate; a key cut short, or damaged; a public one; words."""
    lines = keys["pkcs1"].splitlines(keepends=True)
    other = base64.b64encode(os.urandom(1200)).decode()
    items = [
        Item("usr/bin/ffmpeg", b"\x7fELF" + bytes(60) + keys["pkcs8"], mode=0o755),
        Item("a/cut.pem", b"".join(lines[:10])),
        Item("a/short.pem", b"".join(lines[:10] + lines[-1:])),
        Item("a/other.pem", f"-----BEGIN RSA PRIVATE KEY-----\n{other}\n-----END RSA PRIVATE KEY-----\n".encode()),
        Item("a/words.pem", b"-----BEGIN PRIVATE KEY-----\nyour key goes here\n-----END PRIVATE KEY-----\n"),
        Item("a/mixed.pem", keys["pkcs1"].replace(b"RSA PRIVATE", b"EC PRIVATE")),
        Item("a/public.pem", keys["pkcs8"].replace(b"PRIVATE", b"PUBLIC")),
        Item("a/lib.py", b'if line.startswith("-----BEGIN RSA PRIVATE KEY-----"): ...\n'),
    ]
    result = judge("contents.secrets", items)
    assert findings(result) == [] and result.measured == 0


def kubeconfig(keys: dict[str, bytes]) -> str:
    return f"users:\n- name: a\n  user:\n    client-key-data: {base64.b64encode(keys['ec']).decode()}\n"


LOGIN = base64.b64encode(b"ci:hunter2-and-more").decode()
FILES = {
    "root/.aws/credentials": (AWS, "an AWS secret access key"),
    "root/.docker/config.json": (json.dumps({"auths": {"r.corp.net": {"auth": LOGIN}}}), "credentials of a registry"),
    "root/.npmrc": ("//registry.npmjs.org/:_authToken=1f0e-4b7d-9c55\n", "an npm token"),
    "root/.netrc": ("machine git.corp.net login ci password hunter2-and-more\n", "a password"),
    "etc/apt/auth.conf.d/corp.conf": ("machine apt.corp.net\nlogin ci\npassword hunter2-and-more\n", "a password"),
    "root/.git-credentials": ("https://ci:hunter2-and-more@git.corp.net\n", "a password in a URL"),
    "app/.git/config": (f"[http]\n\textraheader = AUTHORIZATION: basic {LOGIN}\n", "an authorization header"),
    "root/.pypirc": ("[pypi]\nusername = __token__\npassword = hunter2-and-more\n", "a password or token of a package"),
    "etc/pip.conf": ("[global]\nindex-url = https://ci:hunter2-and-more@pypi.corp.net/simple\n", "a password in a URL"),
    "root/.config/rclone/rclone.conf": ("[s3]\ntype = s3\nsecret_access_key = 9f8e7d6c5b4a\n", "a secret key"),
    "app/.env": (f"DEBUG=1\nGITHUB_TOKEN={TOKEN}\n", "a GitHub token"),
    "app/.env.production": (f"GITHUB_TOKEN={TOKEN}\n", "a GitHub token"),
    "root/.pgpass": ("db:5432:app:ci:hunter2-and-more\n", "a password"),
    "root/.config/gcloud/application_default_credentials.json": (
        json.dumps({"type": "authorized_user", "refresh_token": "1//0gX7q2mN3bV5"}),
        "a refresh token of a Google account",
    ),
}


@pytest.mark.parametrize("path", FILES)
def test_a_file_of_credentials_fails_and_is_not_shown(judge: Judge, path: str) -> None:
    text, words = FILES[path]
    result = judge("contents.secrets", [Item(path, text.encode())])
    ((severity, message),) = findings(result)
    assert severity == "error" and message.startswith(f"/{path} holds {words}")
    for secret in (TOKEN, LOGIN, "hunter2-and-more", "q8Vb1nMz3Xc5", "1f0e-4b7d", "9f8e7d6c", "0gX7q2m"):
        assert secret not in said(result)


def test_a_key_of_a_cluster_and_of_a_service_account(judge: Judge, keys: dict[str, bytes]) -> None:
    account = json.dumps({"type": "service_account", "private_key": keys["pkcs8"].decode()})
    items = [Item("root/.kube/config", kubeconfig(keys).encode()), Item("app/gcp.json", account.encode())]
    assert findings(judge("contents.secrets", items)) == [
        ("error", "/root/.kube/config holds a client key of a Kubernetes cluster"),
        ("error", "/app/gcp.json holds a PKCS#8 private key"),
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("root/.aws/credentials", "[default]\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"),
        ("root/.docker/config.json", '{"auths": {"r.corp.net": {}}, "credsStore": "desktop"}'),
        ("root/.docker/config.json", "not JSON"),
        ("root/.npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\nfund=false\n"),
        ("root/.netrc", "# machine x login y password z0123456\n"),
        ("app/.git/config", "[remote]\n\turl = https://git.corp.net/app.git\n"),
        ("app/.env", "DEBUG=1\nTOKEN=changeme\nHOST=db\n"),
        ("app/.env.example", f"GITHUB_TOKEN={TOKEN}\n"),
        ("etc/pip.conf", "[global]\nindex-url = https://pypi.corp.net/simple\n"),
        ("root/.kube/config", "users:\n- user:\n    client-key-data: Y2hhbmdlbWU=\n"),
        ("etc/apt/sources.list", "deb https://deb.debian.org/debian bookworm main\n"),
        ("usr/share/credentials", AWS),
    ],
)
def test_a_file_without_a_real_value_is_none(judge: Judge, path: str, text: str) -> None:
    assert findings(judge("contents.secrets", [Item(path, text.encode())])) == []


def test_many_keys_are_a_finding_each(judge: Judge, keys: dict[str, bytes]) -> None:
    result = judge("contents.secrets", [Item(f"keys/{n:02}.pem", keys["ec"]) for n in range(30)])
    assert result.measured == 30 and len(result.findings) == 30


def test_what_contents_allow_names_may_still_hold_no_key(judge: Judge, keys: dict[str, bytes]) -> None:
    result = judge("contents.secrets", [Item("app/clips/key.pem", keys["ec"])], contents_allow=("/app/clips/*",))
    assert result.status is Status.FAILED
