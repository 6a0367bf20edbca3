"""The manifests of deploy/k8s as kustomize renders them, and what a kubelet would make of them."""

import base64
import re
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sightloop.dev.kustomize import Kustomize

MANIFESTS = Path(__file__).parents[2] / "deploy" / "k8s"

Document = dict[str, Any]


def copy_manifests(into: Path, secrets: Mapping[str, str] | None) -> Path:
    """A copy of the folder, with the trial's secrets as a user would have written them."""
    shutil.copytree(MANIFESTS, into, ignore=shutil.ignore_patterns("secret.env"))
    if secrets is not None:
        lines = [f"{name}={' '.join(value.split())}\n" for name, value in secrets.items()]
        (into / "overlays/trial/secret.env").write_text("".join(lines))
    return into


def rendered(folder: Path) -> list[Document]:
    """The documents of a folder, new ones for each call. Raises PartFailed."""
    return list(yaml.safe_load_all(_text(folder)))


def with_component(manifests: Path, component: str) -> Path:
    """A folder that takes the base and a component, as a production overlay does."""
    folder = manifests / "overlays" / f"with-{component}"
    folder.mkdir(exist_ok=True)
    text = {"resources": ["../../base"], "components": [f"../../components/{component}"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(text))
    return folder


def named(documents: list[Document], kind: str) -> dict[str, Document]:
    """Those of a kind, by name."""
    return {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}


def environment_of(owner: Document, documents: list[Document]) -> dict[str, str]:
    """The variables of the only container, as the kubelet would set them.

    A `$(NAME)` stands for a variable that comes before; KeyError where none does.
    """
    [container] = owner["spec"]["template"]["spec"]["containers"]
    given: dict[str, str] = {}
    for source in container["envFrom"]:
        given |= named(documents, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    for variable in container["env"]:
        if "value" in variable:
            value = re.sub(r"\$\((\w+)\)", lambda found: given[found[1]], variable["value"])
        elif "fieldRef" in variable["valueFrom"]:
            assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
            value = f"{owner['metadata']['name']}-0"
        else:
            wanted = variable["valueFrom"]["secretKeyRef"]
            secret = named(documents, "Secret")[wanted["name"]]["data"]
            if wanted["key"] not in secret and wanted.get("optional"):
                continue
            value = base64.b64decode(secret[wanted["key"]]).decode()
        given[variable["name"]] = value
    return given


def pod_of(owner: Document) -> Document:
    """The first pod of a Deployment, StatefulSet or Job, not yet named by a controller.

    A claim's volume, which a controller adds, is an empty folder.
    """
    template = owner["spec"]["template"]
    claims = [claim["metadata"]["name"] for claim in owner["spec"].get("volumeClaimTemplates", [])]
    volumes = [
        *template["spec"].get("volumes", []),
        *({"name": name, "emptyDir": {}} for name in claims),
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": owner["metadata"]["name"]},
        "spec": {**template["spec"], "volumes": volumes},
    }


@cache
def _text(folder: Path) -> str:
    return Kustomize.build(folder)
