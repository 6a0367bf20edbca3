"""What deploy/ promises, read as text: no cluster, no engine, no kustomize."""

import fnmatch
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from libs.api.tokens import read_private_key, read_public_key
from libs.runtime.settings import BadSettings, Platform, names
from libs.runtime.settings import load as load_settings
from libs.runtime.tasks import STOP_SECONDS
from sightloop.targets import SERVICES, schema_of, settings_of

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "k8s/base"
TRIAL = DEPLOY / "k8s/overlays/trial"
DOCKERFILE = DEPLOY / "docker/Dockerfile"
EXAMPLES = (TRIAL / "secret.env.example", DEPLOY / "compose/secret.env.example")
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.name != "secret.env")
SECRETS = {
    "SIGHTLOOP_BLOBS_URL", "SIGHTLOOP_BOOTSTRAP_TOKEN", "SIGHTLOOP_DATABASE_URL",
    "SIGHTLOOP_GATEWAY_SIGNING_KEY", "SIGHTLOOP_SERVICE_TOKEN", "SIGHTLOOP_TOKEN_PUBLIC_KEY",
    "POSTGRES_PASSWORD", "ROOT_SECRET_KEY", "S3_SECRET_KEY",
}  # fmt: skip
# Stages of the orderly end that may each take the supervisor's limit: HTTP, work, relays twice
# (what is waiting, then they themselves), tables.
STAGES = 5


def load(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def pod(document: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = document["spec"]["template"]["spec"]
    return spec


def container(document: dict[str, Any]) -> dict[str, Any]:
    only: dict[str, Any]
    [only] = pod(document)["containers"]
    return only


def settings_file() -> dict[str, str]:
    lines = (BASE / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def compose() -> dict[str, Any]:
    return load(DEPLOY / "compose/compose.yaml")[0]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_deployment_a_service_and_a_budget(name: str) -> None:
    deployment, service, budget = load(BASE / f"{name}.yaml")

    assert [d["kind"] for d in (deployment, service, budget)] == [
        "Deployment", "Service", "PodDisruptionBudget",
    ]  # fmt: skip
    assert container(deployment)["args"] == ["serve", name]
    assert container(deployment)["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in container(deployment)["resources"]["limits"]
    assert deployment["spec"]["template"]["metadata"]["labels"].items() >= (
        service["spec"]["selector"].items()
    )


def test_the_base_applies_the_common_parts_to_every_process() -> None:
    [kustomization] = load(BASE / "kustomization.yaml")
    targets = {patch["path"]: patch["target"]["kind"] for patch in kustomization["patches"]}

    assert {f"{name}.yaml" for name in SERVICES} < set(kustomization["resources"])
    assert targets == {"process.yaml": "Deployment|Job", "service.yaml": "Deployment"}


def test_no_process_is_root_writes_to_its_image_or_reaches_the_cluster() -> None:
    [process] = load(BASE / "process.yaml")
    common, own = pod(process), container(process)["securityContext"]

    assert common["securityContext"]["runAsNonRoot"] is True
    assert common["securityContext"]["runAsUser"] > 0
    assert common["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert common["automountServiceAccountToken"] is False
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_variables_of_services_are_not_put_among_the_settings() -> None:
    [process] = load(BASE / "process.yaml")
    assert pod(process)["enableServiceLinks"] is False


def test_every_service_is_asked_how_it_is() -> None:
    [service] = load(BASE / "service.yaml")
    probes = {
        name: value["httpGet"]["path"]
        for name, value in container(service).items()
        if name.endswith("Probe")
    }
    assert probes == {
        "startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz",
    }  # fmt: skip


def test_a_pod_is_given_the_time_that_an_orderly_end_may_take() -> None:
    [service] = load(BASE / "service.yaml")
    needed = float(settings_file()["SIGHTLOOP_DRAIN_SECONDS"]) + STAGES * STOP_SECONDS

    assert pod(service)["terminationGracePeriodSeconds"] >= needed


def test_the_ingress_sends_each_service_its_own_paths_and_the_rest_to_the_gateway() -> None:
    [ingress] = load(BASE / "ingress.yaml")
    [rule] = ingress["spec"]["rules"]
    sent = {p["path"]: p["backend"]["service"]["name"] for p in rule["http"]["paths"]}

    assert sent == {f"/api/{name}/v1": name for name in SERVICES} | {"/": "gateway"}


def test_the_gateway_knows_where_every_other_service_is() -> None:
    wanted = {name: f"http://{name}:8000" for name in SERVICES if name != "gateway"}
    told = compose()["services"]["gateway"]["environment"]["SIGHTLOOP_GATEWAY_UPSTREAMS"]

    assert yaml.safe_load(settings_file()["SIGHTLOOP_GATEWAY_UPSTREAMS"]) == wanted
    assert yaml.safe_load(told) == wanted


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_variable_is_a_setting(path: Path) -> None:
    used = set(re.findall(r"SIGHTLOOP_[A-Z_]+", path.read_text()))
    assert used <= set(names(settings_of()))


def test_a_database_is_made_for_every_service_that_has_one() -> None:
    made = set(re.findall(r"CREATE DATABASE (\w+);", (TRIAL / "databases.sql").read_text()))
    assert made == {f"sightloop_{name}" for name in SERVICES if schema_of(name) is not None}


def test_the_examples_of_secrets_are_empty() -> None:
    for path in EXAMPLES:
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        assert lines
        assert [line for line in lines if not re.fullmatch(r"[A-Z0-9_]+=", line)] == []


def test_a_secret_left_empty_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "BUS_URL", "BLOBS_URL", "TOKEN_PUBLIC_KEY"):
        monkeypatch.setenv(f"SIGHTLOOP_{name}", "given")
    monkeypatch.setenv("SIGHTLOOP_SERVICE_TOKEN", "")

    with pytest.raises(BadSettings, match="SIGHTLOOP_SERVICE_TOKEN"):
        load_settings(Platform)
    for read in (read_private_key, read_public_key):
        with pytest.raises(ValueError, match="PEM"):
            read("")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_no_file_holds_a_secret(path: Path) -> None:
    text = path.read_text()
    assert "PRIVATE KEY" not in text
    assert "eyJ" not in text
    if path.suffix == ".yaml":
        assert [said for document in load(path) for said in _secrets_in(document)] == []


def test_git_passes_over_the_secrets_of_a_user() -> None:
    for path in EXAMPLES:
        assert (path.parent / ".gitignore").read_text().split() == ["secret.env"]


def test_every_image_is_pinned() -> None:
    used = [
        value
        for path in FILES
        if path.suffix == ".yaml"
        for value in re.findall(r"^\s*-? ?image: (\S+)$", path.read_text(), re.MULTILINE)
    ]
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    # Ours has its release in the kustomizations.
    unpinned = [image for image in [*used, *stages] if not re.search(r":v?\d+\.\d+", image)]

    assert set(unpinned) <= {"sightloop"}


def test_what_the_image_copies_exists_and_is_in_the_context() -> None:
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE.read_text(), re.MULTILINE)
        for source in line.split()[:-1]
    ]
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}

    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert set(sources) == sent
    assert not any(fnmatch.fnmatch(source, "**/__pycache__") for source in sources)


def test_the_image_is_not_root_and_sends_no_telemetry() -> None:
    text = DOCKERFILE.read_text()
    [user] = re.findall(r"^USER (\d+):\d+$", text, re.MULTILINE)
    [process] = load(BASE / "process.yaml")

    assert int(user) == pod(process)["securityContext"]["runAsUser"]
    assert "ORT_DISABLE_TELEMETRY=1" in text
    assert "--require-hashes" in text


def test_compose_runs_every_service_after_the_migration() -> None:
    services = compose()["services"]
    for name in SERVICES:
        assert services[name]["command"] == ["serve", name]
        assert services[name]["depends_on"]["migrate"] == {
            "condition": "service_completed_successfully"
        }


def test_compose_names_only_what_it_has() -> None:
    document = compose()
    services, volumes = document["services"], set(document["volumes"])
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            source, _, target = volume.partition(":")
            if source.startswith(".."):
                assert (DEPLOY / "compose" / source).exists()
            else:
                assert source in volumes or not target


def test_compose_is_reached_on_this_machine_only() -> None:
    published = [p for s in compose()["services"].values() for p in s.get("ports", [])]
    assert published == ["127.0.0.1:${PORT:-8000}:8000"]


def _secrets_in(node: Any) -> list[str]:
    """Secret variables that are given a value: not a reference, nor made of other variables."""
    said = []
    match node:
        case {"name": str(name), "value": str(value)} if name in SECRETS:
            said = [] if _refers(value) else [name]
        case dict():
            said = [
                name for name, value in node.items()
                if name in SECRETS and isinstance(value, str) and not _refers(value)
            ]  # fmt: skip
            said += [found for value in node.values() for found in _secrets_in(value)]
        case list():
            said = [found for value in node for found in _secrets_in(value)]
    return said


def _refers(value: str) -> bool:
    return "$(" in value or ":?" in value
