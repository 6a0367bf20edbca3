"""Experiments: trainings that the platform runs, and those of one's own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sightloop_sdk import calls, files
from sightloop_sdk.errors import JobFailed
from sightloop_sdk.ids import Ref, id_of, is_id
from sightloop_sdk.jobs import until
from sightloop_sdk.listing import Listing, named
from sightloop_sdk.models import Models
from sightloop_sdk.training import Training
from sightloop_sdk.transport import Transport
from sightloop_sdk.values import Experiment, Logged, LogLine, Project, Series

_PATH = "/api/trainer/v1"
_PAGE = 200
_LOOK_SECONDS = 0.5
ENDED = ("SUCCESS", "FAILED", "CANCELED")


class _Log(msgspec.Struct, frozen=True):
    lines: list[LogLine]
    next: int
    end: bool


class _Metrics(msgspec.Struct, frozen=True):
    series: dict[str, Series]


class _Logs(msgspec.Struct, frozen=True):
    items: list[Logged]


class Experiments:
    """`client.experiments`."""

    def __init__(self, transport: Transport, models: Models) -> None:
        self._transport = transport
        self._models = models

    def list(
        self, *, project: Ref | None = None, deployment: Ref | None = None
    ) -> Listing[Experiment]:
        """Experiments, the newest first: all, of a project, or for a deployment."""
        of = None if project is None else str(self.project(project).id)
        by = None if deployment is None else str(id_of(deployment, "deployment"))
        return Listing(
            self._transport,
            lambda cursor: calls.page(
                f"{_PATH}/experiments", Experiment,
                cursor=cursor, limit=_PAGE, project=of, deployment=by,
            ),
            row=calls.row,
        )  # fmt: skip

    def get(self, experiment: Ref) -> Experiment:
        """One experiment."""
        return self._transport.ask(calls.get(self._at(experiment), Experiment))

    def projects(self) -> Listing[Project]:
        """All projects, the newest first."""
        return Listing(
            self._transport,
            lambda cursor: calls.page(f"{_PATH}/projects", Project, cursor=cursor, limit=_PAGE),
            row=calls.row,
        )

    def project(self, name_or_id: Ref) -> Project:
        """One project. Raises NotThere."""
        if is_id(name_or_id):
            wanted = id_of(name_or_id, "project")
            found = next((one for one in self.projects() if one.id == wanted), None)
            if found is not None:
                return found
        return named(iter(self.projects()), name_or_id, "project")

    def create_project(self, name: str) -> Project:
        """Make a project. Raises Conflict: the name is taken."""
        ask = calls.send("POST", f"{_PATH}/projects", Project, body={"name": name})
        return self._transport.ask(ask)

    def start(
        self,
        project: Ref,
        name: str,
        datasets: Mapping[str, Ref],
        *,
        replay: Sequence[str] = (),
        base_version: Ref | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Experiment:
        """Train on dataset versions (ids by alias) as soon as a worker is free.

        `replay`: aliases of old data, half of each batch. `base_version`: the model version to go
        on from.

        Raises:
            Invalid: `errors` names what is wrong. Conflict: a version is still being filled.
        """
        base = base_version
        body = {
            "name": name,
            "datasets": [
                {"alias": alias, "dataset_version": str(id_of(version, alias))}
                for alias, version in datasets.items()
            ],
            "replay": [*replay],
            "base_version": None if base is None else str(id_of(base, "base_version")),
            "parameters": dict(parameters or {}),
        }
        path = f"{_PATH}/projects/{self.project(project).id}/experiments"
        return self._transport.ask(calls.send("POST", path, Experiment, body=body))

    def begin(
        self,
        project: Ref,
        name: str,
        *,
        datasets: Mapping[str, Ref] | None = None,
        labels: Sequence[str] = (),
        parameters: Mapping[str, Any] | None = None,
        base_version: Ref | None = None,
        description: str = "",
    ) -> Training:
        """Begin a training of your own: your script logs to it, and says how it ended.

        `datasets`: dataset versions (ids by alias) that it learns from, the lineage of its model.
        `labels`: in the order of its classes; by default, as `parameters`, those of `base_version`.

        Raises:
            Invalid: `errors` names what is wrong. Conflict: a version is still being filled.
        """
        base = base_version
        body = {
            "name": name,
            "description": description,
            "datasets": [
                {"alias": alias, "dataset_version": str(id_of(version, alias))}
                for alias, version in (datasets or {}).items()
            ],
            "labels": [*labels],
            "parameters": dict(parameters or {}),
            "base_version": None if base is None else str(id_of(base, "base_version")),
        }
        path = f"{_PATH}/projects/{self.project(project).id}/experiments/external"
        known = self._transport.ask(calls.send("POST", path, Experiment, body=body))
        return Training(self._transport, self._models, known=known)

    def open(self, experiment: Ref) -> Training:
        """Go on with a training of your own that has not ended, from another process."""
        return Training(self._transport, self._models, known=self.get(experiment))

    def logs(self, experiment: Ref) -> dict[str, Logged]:
        """What it logged, by name: values, tables, matrices, lines with their points."""
        ask = calls.get(f"{self._at(experiment)}/logs", _Logs)
        return {one.name: one for one in self._transport.ask(ask).items}

    def follow(self, experiment: Ref) -> Iterator[LogLine]:
        """The lines of its log as they come, to its end."""
        after = 0
        while True:
            log = self._transport.ask(calls.get(f"{self._at(experiment)}/log", _Log, after=after))
            yield from log.lines
            if log.end:
                return
            if log.next == after:
                time.sleep(_LOOK_SECONDS)
            after = log.next

    def metrics(self, experiment: Ref) -> dict[str, Series]:
        """Its series by name, e.g. `loss`."""
        return self._transport.ask(calls.get(f"{self._at(experiment)}/metrics", _Metrics)).series

    def wait(self, experiment: Ref, *, timeout: float = 24 * 3600.0) -> Experiment:
        """The experiment once it has succeeded.

        Raises:
            JobFailed: it failed, was cancelled, or goes on after `timeout` seconds.
        """
        found: Experiment = until(
            lambda: self.get(experiment), lambda one: one.status in ENDED, timeout=timeout
        )
        if found.status != "SUCCESS":
            raise JobFailed(f"experiment {found.name}: {found.status}: {found.error or 'goes on'}")
        return found

    def cancel(self, experiment: Ref) -> Experiment:
        """Ask for its end."""
        ask = calls.send("POST", f"{self._at(experiment)}/cancel", Experiment, again=True)
        return self._transport.ask(ask)

    def download(self, experiment: Ref, artifact: str, to: str | Path) -> Path:
        """Fetch a file that it made; into a folder under the artifact's name."""
        path = Path(to)
        if path.is_dir():
            path /= files.safe_name(artifact)
        return files.download(self._transport, f"{self._at(experiment)}/artifacts/{artifact}", path)

    def _at(self, experiment: Ref) -> str:
        return f"{_PATH}/experiments/{id_of(experiment, 'experiment')}"
