"""`config.secrets`: credentials of exact forms wherever the configuration holds them, and never in what is said."""

from __future__ import annotations

import json
import random
import string
import subprocess
from pathlib import Path

import pytest
from config_images import Judge, findings, judge, said

from pytest_mediaimage.image.build import Item

__all__ = ["judge"]

ITEMS = [Item("app", b"x")]


def chance(length: int, letters: str = string.ascii_letters + string.digits, seed: int = 1) -> str:
    """Characters that nobody has as a secret: made here, of a known seed."""
    return "".join(random.Random(seed).choices(letters, k=length))


BASE32 = string.ascii_uppercase + "234567"
SECRETS = {
    "an AWS secret access key": f"AWS_SECRET_ACCESS_KEY={chance(40)}",
    "a GitHub token": f"TOKEN=ghp_{chance(36)}",
    "a GitHub token of the newer kind": f"TOKEN=github_pat_{chance(22)}_{chance(59)}",
    "a GitLab token": f"CI=glpat-{chance(20)}",
    "a Slack token": f"SLACK=xoxb-{chance(12, string.digits)}-{chance(24)}",
    "a Stripe live key": f"STRIPE=sk_live_{chance(24)}",
    "an npm token": f"NPM=npm_{chance(36)}",
    "a PyPI token": f"TWINE=pypi-AgEIcHlwaS5vcmc{chance(80)}",
    "a Hugging Face token": f"HF_HOME_X=hf_{chance(34, string.ascii_letters)}",
    "a password in a URL": f"PIP_INDEX_URL=https://build:{chance(20)}@pypi.corp.net/simple",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_credential_in_the_environment_fails_and_is_not_shown(judge: Judge, kind: str) -> None:
    variable = SECRETS[kind]
    result = judge("config.secrets", ITEMS, Env=["PATH=/bin", variable])
    ((severity, message),) = findings(result)
    assert severity == "error"
    assert message.startswith(kind.removesuffix(" of the newer kind")) and "stands in the environment" in message
    assert chance(20)[4:] not in said(result) and chance(12, string.digits)[4:] not in said(result)
    assert result.measured == 1


PLACES = {
    "a label": ({"Labels": {"build": "ghp_{}"}}, None, "the label build"),
    "the command": ({"Cmd": ["run", "--token=ghp_{}"]}, None, "the command"),
    "the entry point": ({"Entrypoint": ["run", "ghp_{}"]}, None, "the entry point"),
    "a build argument": ({}, "RUN |2 A=1 TOKEN=ghp_{} /bin/sh -c make # buildkit", "step 1 of the history"),
    "a command of the build": ({}, "/bin/sh -c curl -H 'Authorization: Bearer ghp_{}' x", "step 1 of the history"),
}


@pytest.mark.parametrize("name", PLACES)
def test_it_is_found_wherever_it_stands(judge: Judge, name: str) -> None:
    config, step, place = PLACES[name]
    token = chance(36)
    filled = json.loads(json.dumps(config).replace("ghp_{}", f"ghp_{token}"))
    history = [{"created_by": step.replace("{}", token)}] if step else None
    result = judge("config.secrets", ITEMS, history=history, **filled)
    ((severity, message),) = findings(result)
    assert severity == "error" and place in message and token[4:] not in said(result)


def test_one_secret_in_several_places_is_one_finding(judge: Judge) -> None:
    token = f"glpat-{chance(20)}"
    steps = [{"created_by": f"ENV TOKEN={token}", "empty_layer": True}, {"created_by": "COPY . /"}]
    result = judge("config.secrets", ITEMS, history=steps, Env=[f"TOKEN={token}"])
    ((_, message),) = findings(result)
    assert message == "a GitLab token (glpa…) stands in the environment (TOKEN), step 1 of the history"
    assert result.findings[0].created_by == "ENV TOKEN=glpa…" and "take it out of `ENV TOKEN`" in result.findings[0].fix


@pytest.mark.parametrize("step", ["ENV A=1 TOKEN={}", "/bin/sh -c #(nop)  ENV TOKEN={}", "LABEL TOKEN=x", None])
def test_the_instruction_that_set_it_is_named(judge: Judge, step: str | None) -> None:
    token = f"npm_{chance(36)}"
    history = (
        [{"created_by": step.replace("{}", "***"), "empty_layer": True}, {"created_by": "COPY . /"}] if step else None
    )
    (found,) = judge("config.secrets", ITEMS, history=history, Env=[f"TOKEN={token}"]).findings
    assert found.created_by == (step.replace("{}", "***") if step and "ENV" in step else None)


def test_its_fingerprint_outlives_a_rebuild_and_tells_secrets_apart(judge: Judge) -> None:
    def mark(seed: int, name: str) -> str:
        result = judge("config.secrets", ITEMS, Env=[f"{name}=npm_{chance(36, seed=seed)}"])
        return result.findings[0].fingerprint("config.secrets")

    assert mark(1, "A") == mark(1, "B") != mark(2, "A")


def test_a_private_key_and_a_service_account(judge: Judge, tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-out", tmp_path / "key"], check=True, capture_output=True
    )
    key = (tmp_path / "key").read_text()
    account = json.dumps({"type": "service_account", "private_key": key})
    for value in (key, account):
        result = judge("config.secrets", ITEMS, Env=[f"ACCOUNT={value}"])
        ((severity, message),) = findings(result)
        assert (severity, message) == ("error", "a PKCS#8 private key stands in the environment (ACCOUNT)")
        assert key.splitlines()[3] not in said(result)


def test_logins_of_a_registry(judge: Judge) -> None:
    value = 'DOCKER_AUTH_CONFIG={"auths":{"registry.corp.net":{"auth":"Y2k6aHVudGVyMi1sb25n"}}}'
    ((severity, message),) = findings(judge("config.secrets", ITEMS, Env=[value]))
    assert severity == "error" and message.startswith("credentials of a registry")


def test_an_aws_key_id_alone_may_be_harmless(judge: Judge) -> None:
    key = f"AWS_ACCESS_KEY_ID=AKIA{chance(16, BASE32)}"
    assert [severity for severity, _ in findings(judge("config.secrets", ITEMS, Env=[key]))] == ["warning"]


WARNED = {
    "API_TOKEN": f"API_TOKEN={chance(20)}",
    "a database in a compose file": "DATABASE_URL=postgres://app:s3cret-w0rd@db/app",
    "a JSON web token": f"KEY=eyJhbGciOiJIUzI1NiJ9.eyJ{chance(30)}.{chance(43)}",
}


@pytest.mark.parametrize("name", WARNED)
def test_what_may_be_meant_to_be_seen_warns(judge: Judge, name: str) -> None:
    ((severity, _),) = findings(judge("config.secrets", ITEMS, Env=[WARNED[name]]))
    assert severity == "warning"


def test_a_build_argument_that_is_secret_by_its_name_warns(judge: Judge) -> None:
    step = f"RUN |2 VERSION=1.2.3 DEPLOY_TOKEN={chance(24)} /bin/sh -c ./fetch # buildkit"
    result = judge("config.secrets", ITEMS, history=[{"created_by": step}])
    ((severity, message),) = findings(result)
    assert severity == "warning" and "the value of DEPLOY_TOKEN" in message and chance(24)[4:] not in said(result)


HARMLESS = [
    "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
    "PYTHON_SHA256=ae665bc678abd9ab6a6e1573d2481625a53719bc517e9a634ed2b9fefae3817f",
    "PYTHON_PIP_VERSION=24.0",
    "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY}",
    "TOKEN=changeme",
    "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    f"STRIPE_KEY=sk_test_{chance(24)}",
    "DATABASE_URL=postgres://postgres:postgres@db:5432/app",
    "HTTP_PROXY=http://proxy.corp.net:3128",
    "PIP_INDEX_URL=https://user:${PIP_TOKEN}@pypi.corp.net/simple",
    "URL=https://example.com/path:with@sign",
    "DB_PASSWORD=password",
    "DB_PASSWORD_FILE=/run/secrets/db1",
    "API_TOKEN=/run/secrets/token1",
    "API_KEY=",
    "IMAGE=registry.corp.net/app@sha256:ae665bc678abd9ab6a6e1573d2481625a53719bc517e9a634ed2b9fefae3817f",
    "KEY=-----BEGIN PRIVATE KEY----- not one -----END PRIVATE KEY-----",
    "NPM_CONFIG=npm_config_registry_is_set_to_https_for_all",
]


@pytest.mark.parametrize("variable", HARMLESS)
def test_what_only_looks_like_one(judge: Judge, variable: str) -> None:
    result = judge(
        "config.secrets", ITEMS, Env=[variable], Labels={"x": variable}, history=[{"created_by": f"ENV {variable}"}]
    )
    assert findings(result) == [] and result.measured == 0
