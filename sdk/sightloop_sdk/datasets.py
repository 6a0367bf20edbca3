"""Datasets, their versions, and COCO in and out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from sightloop_sdk import calls, files
from sightloop_sdk.errors import JobFailed, SightloopError
from sightloop_sdk.ids import Ref, id_of, is_id
from sightloop_sdk.jobs import until, wait_for_job
from sightloop_sdk.listing import Listing, missing, named
from sightloop_sdk.transport import Transport
from sightloop_sdk.values import Asset, Dataset, DatasetVersion, Difference

_PATH = "/api/feedback/v1"
_PAGE = 200
_MINUTE = 60.0


class _Accepted(msgspec.Struct, frozen=True):
    job: UUID


class Datasets:
    """`client.datasets`. A version is named by its id or as `dataset/version`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Listing[Dataset]:
        """All datasets, the newest first."""
        return self._listing("/datasets", Dataset)

    def get(self, name_or_id: Ref) -> Dataset:
        """One dataset. Raises NotThere."""
        if is_id(name_or_id):
            path = f"{_PATH}/datasets/{id_of(name_or_id, 'dataset')}"
            return self._transport.ask(calls.get(path, Dataset))
        return named(iter(self.list()), name_or_id, "dataset")

    def create(self, name: str, *, description: str = "") -> Dataset:
        """Make a dataset. Raises Conflict: the name is taken."""
        body = {"name": name, "description": description}
        return self._transport.ask(calls.send("POST", f"{_PATH}/datasets", Dataset, body=body))

    def versions(self, dataset: Ref) -> Listing[DatasetVersion]:
        """The versions of a dataset, the newest first."""
        return self._listing(f"/datasets/{self.get(dataset).id}/versions", DatasetVersion)

    def create_version(
        self, dataset: Ref, version: str, *, task: str, labels: Sequence[str] = ()
    ) -> DatasetVersion:
        """Make an empty version. `task`: CLASSIFICATION, OBJECT_DETECTION or SEGMENTATION. Without
        labels it takes those of its first import."""
        body = {"version": version, "type": task, "labels": [*labels]}
        path = f"{_PATH}/datasets/{self.get(dataset).id}/versions"
        return self._transport.ask(calls.send("POST", path, DatasetVersion, body=body))

    def version(self, name_or_id: Ref) -> DatasetVersion:
        """One version. Raises NotThere."""
        if is_id(name_or_id):
            path = f"{_PATH}/versions/{id_of(name_or_id, 'version')}"
            return self._transport.ask(calls.get(path, DatasetVersion))
        dataset, slash, version = str(name_or_id).rpartition("/")
        if not slash:
            raise SightloopError(f"name a version as dataset/version, not {name_or_id!r}")
        for one in self.versions(dataset):
            if one.version == version:
                return one
        raise missing("version", version, [one.version for one in self.versions(dataset)])

    def assets(self, version: Ref) -> Listing[Asset]:
        """The images of a version with their annotations, the newest first."""
        return self._listing(f"/versions/{self._id(version)}/assets", Asset)

    def difference(self, version: Ref, *, base: Ref) -> Difference:
        """How the version `base` became this one."""
        path = f"{_PATH}/versions/{self._id(version)}/difference"
        return self._transport.ask(calls.get(path, Difference, base=str(self._id(base))))

    def import_coco(
        self,
        version: Ref,
        annotations: str | Path,
        images: str | Path,
        *,
        timeout: float = 60 * _MINUTE,
        progress: bool = False,
    ) -> DatasetVersion:
        """Import COCO annotations and their pictures (a zip or a folder): all of it, or nothing.

        Returns the version once it has settled.

        Raises:
            JobFailed: nothing was imported; the message names what is missing or wrong.
        """
        into = self._id(version)
        with ExitStack() as stack:
            archive = stack.enter_context(files.zipped(images))

            def opened() -> dict[str, Any]:
                coco = stack.enter_context(Path(annotations).open("rb"))
                pictures = stack.enter_context(archive.open("rb"))
                return {
                    "annotations": ("annotations.json", coco, "application/json"),
                    "images": ("images.zip", pictures, "application/zip"),
                }

            path = f"{_PATH}/versions/{into}/imports/coco"
            job = self._transport.ask(calls.upload(path, _Accepted, files=opened)).job
        wait_for_job(
            self._transport, "feedback", job, what="import", timeout=timeout, progress=progress
        )
        settled = until(lambda: self.version(into), lambda one: one.settled, timeout=_MINUTE)
        if not settled.settled:
            raise JobFailed("the import is done, but the version has not settled within a minute")
        return settled

    def export_coco(self, version: Ref, to: str | Path) -> Path:
        """Write the annotations into `annotations.json` of the folder `to`; returns its path."""
        path = f"{_PATH}/versions/{self._id(version)}/exports/coco"
        return files.download(self._transport, path, Path(to) / "annotations.json")

    def _id(self, version: Ref) -> UUID:
        return id_of(version, "version") if is_id(version) else self.version(version).id

    def _listing(self, path: str, kind: Any) -> Listing[Any]:
        return Listing(
            self._transport,
            lambda cursor: calls.page(f"{_PATH}{path}", kind, cursor=cursor, limit=_PAGE),
            row=calls.row,
        )
