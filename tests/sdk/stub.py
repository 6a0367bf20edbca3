"""A server of the monitor protocol whose faults are chosen: what a real one cannot be asked to do.

It keeps the first prediction of each id, as the real one does. The wire is the real one's: the
tests in test_sdk_platform.py run the same client against the platform.
"""

import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid5

DEPLOYMENT = UUID("0190a000-0000-7000-8000-000000000001")
INFO = {
    "id": str(DEPLOYMENT), "name": "belt", "type": "OBJECT_DETECTION", "state": "ACTIVE",
    "threshold": 0.4, "sample_rate": 1.0,
    "champion": {
        "version": str(DEPLOYMENT), "model": str(DEPLOYMENT), "name": "m", "number": 1,
        "labels": ["bolt", "nut", "washer"],
    },
}  # fmt: skip
Fault = Callable[[dict[str, Any]], int | None]


@dataclass
class Stub:
    """What the server has seen. `line_fault`: a status for a line, None: accept it.

    `document`: of every GET, or a function of its path. `answer`: a status for whole requests,
    None: none. `most_lines`: in a batch, else 413. `requests`: (method, path) of each; `resumed`:
    the event id that each GET goes on from.
    """

    url: str = ""
    order: list[str] = field(default_factory=list)
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeated: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)
    resumed: list[str | None] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)
    line_fault: Fault = field(default=lambda _: None)
    answer: int | None = None
    document: Any = field(default_factory=lambda: INFO)
    most_lines: int = 10_000
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, line: dict[str, Any]) -> dict[str, Any]:
        status = self.line_fault(line)
        if status is not None:
            problem = {"type": "/problems/chosen", "status": status, "detail": f"chosen {status}"}
            return {"status": status, "problem": problem}
        named = line["prediction_id"]
        with self.lock:
            self.order.append(named)
            if named in self.stored:
                self.repeated += 1
            else:
                self.stored[named] = line
                if line.get("image"):
                    self.pictures[named] = base64.b64decode(line["image"])
        return {"status": 201, "id": named, "data": str(uuid5(DEPLOYMENT, named))}


@contextlib.contextmanager
def serving(stub: Stub, port: int = 0) -> Iterator[Stub]:
    """The stub, listening until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            stub.requests.append(("GET", self.path))
            stub.resumed.append(self.headers["Last-Event-ID"])
            chosen = stub.document(self.path) if callable(stub.document) else stub.document
            if isinstance(chosen, bytes):
                self._write(200, chosen)
            else:
                self._reply(stub.answer or 200, _problem(stub.answer) if stub.answer else chosen)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            stub.requests.append(("POST", self.path))
            if stub.answer is not None:
                self._reply(stub.answer, _problem(stub.answer))
            elif self.path.endswith("/batch"):
                lines = [json.loads(line) for line in body.split(b"\n") if line]
                if len(lines) > stub.most_lines:
                    self._reply(413, _problem(413))
                    return
                stub.batches.append(len(lines))
                answers = [{"line": n, **stub.take(line)} for n, line in enumerate(lines)]
                self._write(200, b"".join(json.dumps(a).encode() + b"\n" for a in answers))
            else:
                taken = stub.take(self._document(body))
                self._reply(taken["status"], taken.get("problem", taken))

        def _document(self, body: bytes) -> dict[str, Any]:
            kind = self.headers["Content-Type"]
            if kind == "application/json":
                found: dict[str, Any] = json.loads(body)
                return found
            head = b"Content-Type: " + kind.encode() + b"\r\n\r\n"
            message: Any = BytesParser().parsebytes(head + body)
            parts: dict[Any, Any] = {
                part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
                for part in message.get_payload()
            }
            found = json.loads(parts["prediction"])
            stub.pictures[found["prediction_id"]] = parts["image"]
            return found

        def _reply(self, status: int, document: Any) -> None:
            self._write(status, json.dumps(document).encode())

        def _write(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """A client that went away is a part of the tests."""

    with Server(("127.0.0.1", port), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()


def until(look: Callable[[], bool], what: str, *, within: float = 60.0) -> None:
    """Return once it looks good."""
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.005)


def _problem(status: int) -> dict[str, Any]:
    return {"type": "/problems/chosen", "status": status, "detail": f"chosen {status}"}
