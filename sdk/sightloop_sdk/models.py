"""Models: versions up, files down."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from sightloop_sdk import calls, files
from sightloop_sdk.errors import NotThere, SightloopError
from sightloop_sdk.ids import Ref, id_of, is_id
from sightloop_sdk.listing import Listing, named
from sightloop_sdk.transport import Transport
from sightloop_sdk.values import Model, ModelVersion

_PATH = "/api/deployer/v1"
_PAGE = 200
LATEST = "model-latest"


class Models:
    """`client.models`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Listing[Model]:
        """All models, the newest first."""
        return Listing(
            self._transport,
            lambda cursor: calls.page(f"{_PATH}/models", Model, cursor=cursor, limit=_PAGE),
            row=calls.row,
        )

    def get(self, name_or_id: Ref) -> Model:
        """One model. Raises NotThere."""
        if is_id(name_or_id):
            path = f"{_PATH}/models/{id_of(name_or_id, 'model')}"
            return self._transport.ask(calls.get(path, Model))
        return named(iter(self.list()), name_or_id, "model")

    def create(self, name: str, *, task: str) -> Model:
        """Make a model. `task`: CLASSIFICATION, OBJECT_DETECTION or SEGMENTATION."""
        body = {"name": name, "type": task}
        return self._transport.ask(calls.send("POST", f"{_PATH}/models", Model, body=body))

    def versions(self, model: Ref) -> Listing[ModelVersion]:
        """The versions of a model, the newest first."""
        path = f"{_PATH}/models/{self.get(model).id}/versions"
        return Listing(
            self._transport,
            lambda cursor: calls.page(path, ModelVersion, cursor=cursor, limit=_PAGE),
            row=calls.row,
        )

    def version(self, version: Ref) -> ModelVersion:
        """One version."""
        path = f"{_PATH}/versions/{id_of(version, 'version')}"
        return self._transport.ask(calls.get(path, ModelVersion))

    def upload(
        self,
        model: Ref,
        onnx: str | Path | None,
        *,
        labels: Sequence[str] | None = None,
        name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        trained_on: Mapping[str, Ref] | None = None,
        threshold: float | None = None,
    ) -> ModelVersion:
        """Upload an ONNX file as the next version; None: a version that runs at the client's.

        `labels`: in the order of the classes, by default those in the file. `trained_on`: dataset
        versions by alias.

        Raises:
            Invalid: it is no ONNX of this task, or the labels do not fit.
        """
        document = {
            "name": name,
            "labels": None if labels is None else [*labels],
            "parameters": dict(parameters or {}),
            "trained_on": [
                {"alias": alias, "dataset_version": str(id_of(one, alias))}
                for alias, one in (trained_on or {}).items()
            ],
            "threshold": threshold,
        }
        text = msgspec.json.encode({k: v for k, v in document.items() if v is not None})
        with ExitStack() as stack:

            def opened() -> dict[str, Any]:
                form: dict[str, Any] = {"version": (None, text, "application/json")}
                if onnx is not None:
                    file = stack.enter_context(Path(onnx).open("rb"))
                    form["model"] = ("model.onnx", file, "application/octet-stream")
                return form

            path = f"{_PATH}/models/{self.get(model).id}/versions"
            return self._transport.ask(calls.upload(path, ModelVersion, files=opened))

    def publish(self, model: Ref, experiment: Ref) -> ModelVersion:
        """Make what an experiment trained the next version; twice is the same version."""
        body = {"experiment": str(id_of(experiment, "experiment"))}
        path = f"{_PATH}/models/{self.get(model).id}/versions/from-experiment"
        return self._transport.ask(calls.send("POST", path, ModelVersion, body=body, again=True))

    def download(self, version: Ref, to: str | Path, *, file: str = LATEST) -> Path:
        """Fetch a file of a version, its checksum compared; into a folder as `<name>.onnx`.

        Raises:
            NotThere: the version has no such file. SightloopError: the file arrived broken.
        """
        of = self.version(version)
        known = next((one for one in of.files if one.name == file), None)
        if known is None:
            there = ", ".join(one.name for one in of.files) or "none"
            raise NotThere(f"version {of.name} has no file {file!r}; it has: {there}")
        path = Path(to)
        if path.is_dir():
            path /= files.safe_name(file) + (".onnx" if file == LATEST else "")
        written = files.download(self._transport, f"{_PATH}/versions/{of.id}/files/{file}", path)
        if _sha256(written) != known.sha256:
            written.unlink()
            raise SightloopError(f"{file} arrived with another checksum: fetch it again")
        return written


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()
