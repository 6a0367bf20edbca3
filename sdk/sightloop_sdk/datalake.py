"""The Datalake: every image that was ever logged or uploaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sightloop_sdk import calls, files
from sightloop_sdk.errors import SightloopError
from sightloop_sdk.ids import Ref, id_of
from sightloop_sdk.jobs import wait_for_job
from sightloop_sdk.listing import Listing
from sightloop_sdk.progress import Progress
from sightloop_sdk.transport import Transport
from sightloop_sdk.values import Data, Place, Registration, RegistrationError

_PATH = "/api/ingest/v1/data"
_REGISTRATIONS = "/api/ingest/v1/registrations"
_PAGE = 200
_HOUR = 3600.0


@dataclass
class Uploaded:
    """What became of `upload_many`: what is there now, and why some are not."""

    data: list[Data] = field(default_factory=list)
    refused: list[tuple[Path, SightloopError]] = field(default_factory=list)


class Datalake:
    """`client.data`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Listing[Data]:
        """All images, the newest first."""
        return Listing(
            self._transport,
            lambda cursor: calls.page(_PATH, Data, cursor=cursor, limit=_PAGE),
            row=calls.row,
        )

    def get(self, data: Ref) -> Data:
        """One image."""
        return self._transport.ask(calls.get(f"{_PATH}/{id_of(data, 'data')}", Data))

    def upload(self, path: str | Path, *, source: str = "upload", tags: Sequence[str] = ()) -> Data:
        """Upload a PNG, JPEG or WebP. Raises ApiError: it is refused."""
        given = Path(path)
        content = given.read_bytes()
        ask = calls.upload(
            _PATH,
            Data,
            files=lambda: {"file": (given.name, content, "application/octet-stream")},
            data={"source": source, "tags": [*tags]},
        )
        return self._transport.ask(ask)

    def upload_many(
        self,
        paths: Iterable[str | Path],
        *,
        source: str = "upload",
        tags: Sequence[str] = (),
        progress: bool = False,
        at_once: int = 4,
    ) -> Uploaded:
        """Upload files, and the pictures in folders. What is refused is told, not raised."""
        found = files.pictures_in(paths)
        done = Uploaded()

        def one(path: Path) -> Data | SightloopError:
            try:
                return self.upload(path, source=source, tags=tags)
            except SightloopError as error:
                return error

        with Progress("pictures", len(found), shown=progress) as bar:
            with ThreadPoolExecutor(at_once) as pool:
                for path, result in zip(found, pool.map(one, found), strict=True):
                    if isinstance(result, Data):
                        done.data.append(result)
                    else:
                        done.refused.append((path, result))
                    bar.forward()
        return done

    def places(self) -> Sequence[Place]:
        """Where the server may register images from: its settings name them."""
        path = f"{_REGISTRATIONS}/places"
        return self._transport.ask(calls.get(path, calls.Page[Place])).items

    def register(
        self,
        place: str,
        path: str = "",
        *,
        source: str = "registration",
        tags: Sequence[str] = (),
        wait: bool = True,
        timeout: float = _HOUR,
        progress: bool = False,
    ) -> Registration:
        """Let the server take what lies at `path` of one of its places; bytes that are there make
        no other image. `path`: a folder or a file; in a bucket, how keys begin.

        Returns when it is done, or at once without `wait`.

        Raises:
            JobFailed: it failed, was cancelled, or has not ended after `timeout` seconds.
        """
        body = {"place": place, "path": path, "source": source, "tags": [*tags]}
        ask = calls.send("POST", _REGISTRATIONS, Registration, body=body)
        made = self._transport.ask(ask)
        if not wait:
            return made
        wait_for_job(
            self._transport, "ingest", made.id, what=place, timeout=timeout, progress=progress
        )
        return self.registration(made.id)

    def registrations(self) -> Listing[Registration]:
        """What was registered, the newest first."""
        return Listing(
            self._transport,
            lambda cursor: calls.page(_REGISTRATIONS, Registration, cursor=cursor, limit=_PAGE),
            row=calls.row,
        )

    def registration(self, registration: Ref) -> Registration:
        """One, as far as it is."""
        path = f"{_REGISTRATIONS}/{id_of(registration, 'registration')}"
        return self._transport.ask(calls.get(path, Registration))

    def registration_errors(self, registration: Ref) -> Listing[RegistrationError]:
        """The files that could not be taken, and why; of a registration's the first 10,000."""
        path = f"{_REGISTRATIONS}/{id_of(registration, 'registration')}/errors"
        return Listing(
            self._transport,
            lambda cursor: calls.page(path, RegistrationError, cursor=cursor, limit=_PAGE),
            row=calls.row,
        )

    def download(self, data: Ref, to: str | Path) -> Path:
        """Fetch the picture into a file; into a folder under the image's own name."""
        named = id_of(data, "data")
        path = Path(to)
        if path.is_dir():
            path /= files.safe_name(self.get(named).filename)
        return files.download(self._transport, f"{_PATH}/{named}/picture", path)

    def delete(self, data: Ref, *, erase: bool = False) -> None:
        """Delete an image. `erase`: its copies in datasets, too."""
        path = f"{_PATH}/{id_of(data, 'data')}"
        self._transport.ask(calls.nothing("DELETE", path, erase="true" if erase else "false"))
