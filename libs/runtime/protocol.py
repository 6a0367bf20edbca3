"""HTTP/1.1 by httptools, and by h11 from a connection's first `XGET` on.

The existing client has a method of its own, which httptools refuses and h11 accepts. h11 for
everything would answer a third of the requests.
"""

from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_XGET = b"XGET "


class XgetProtocol(HttpToolsProtocol):
    """uvicorn's protocol that hands its connection over when a request opens with `XGET `.

    Only between requests: what a body says is never looked at.
    """

    _inside = False
    _opening = b""

    def data_received(self, data: bytes) -> None:
        if not self._inside:
            data, self._opening = self._opening + data, b""
            if data.startswith(_XGET) and self._is_idle():
                self._hand_over(data)
                return
            if data.startswith(_XGET) or _XGET.startswith(data):
                # A method in two packets; or the client has its whole answer, whose end the app
                # has not told yet. The keep-alive timer still runs.
                self._opening = data
                if not self._is_idle():
                    self.flow.pause_reading()
                return
        super().data_received(data)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._opening.startswith(_XGET) and self._is_idle() and not self.transport.is_closing():
            data, self._opening = self._opening, b""
            self._hand_over(data)

    def on_message_begin(self) -> None:
        self._inside = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._inside = False
        super().on_message_complete()

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return not self.pipeline and (cycle is None or cycle.response_complete)

    def _hand_over(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        options: dict[str, Any] = {
            "config": self.config, "server_state": self.server_state, "app_state": self.app_state,
        }  # fmt: skip
        other = H11Protocol(**options, _loop=self.loop)
        other.connection_made(self.transport)
        self.transport.set_protocol(other)
        other.data_received(data)
