"""Real receivers for what the gateway tells: an HTTP server and a mail server."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass
class Hooks:
    """An HTTP server. It answers with the first of `answers`, then with 204. `url`: where."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines if x)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append((first.split()[1], headers, body))
        status, extra = self.answers.pop(0) if self.answers else (204, "")
        writer.write(f"HTTP/1.1 {status} X\r\n{extra}Content-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def hooks() -> AsyncIterator[Hooks]:
    """An HTTP server until the block ends."""
    found = Hooks()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield found


@dataclass
class Mailbox:
    """A mail server. It refuses as often as `refusals` says, with these lines; then it takes."""

    port: int = 0
    refusals: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refusals:
            return self.refusals.pop(0)
        content: Any = envelope.content
        self.mails.append(message_from_bytes(content, policy=default))
        return "250 taken"


@asynccontextmanager
async def mailbox(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    login: tuple[bytes, bytes] | None = None,
) -> AsyncIterator[Mailbox]:
    """A mail server until the block ends.

    `starttls`: it takes mail over TLS only, begun by STARTTLS; `tls`: from the first byte on.
    `login`: who may send, and the password.
    """
    found = Mailbox()
    loop = asyncio.get_running_loop()

    def accepts(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        found.logins.append((given.login, given.password))
        return AuthResult(success=(given.login, given.password) == login, handled=False)

    def serve() -> SMTP:
        with warnings.catch_warnings():
            # It knows of STARTTLS only, and warns of logins without it where all is TLS already.
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(
                found,
                hostname="mail.example",
                loop=loop,
                enable_SMTPUTF8=True,
                tls_context=starttls,
                require_starttls=starttls is not None,
                auth_required=login is not None,
                auth_require_tls=tls is None,
                authenticator=accepts,
            )

    server = await loop.create_server(serve, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found
