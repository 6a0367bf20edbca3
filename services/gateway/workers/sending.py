"""One attempt to tell a receiver: over HTTP to an address that was checked, or by mail."""

import asyncio
import base64
import smtplib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address

import httpx
from sqlalchemy import RowMapping

from services.gateway.core.addresses import Address, Network, allowed, literal, port_of, read_url
from services.gateway.core.delivery import Kind, Outcome, chat_message, signed
from services.gateway.settings import GatewaySettings, MailSecurity

_READ_BYTES = 4096
_SHOWN = 200
_GONE = 410
_PERMANENT = 500
_LOGGED_IN = 235


class AddressRefused(Exception):
    """A name that leads into our own network, or nowhere a receiver may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """How receivers are told. `tls`, and `mail_tls` of mail servers: made once, it takes longer
    than a request."""

    settings: GatewaySettings
    public_url: str
    tls: ssl.SSLContext
    mail_tls: ssl.SSLContext

    async def send(self, row: RowMapping, *, now: datetime) -> Outcome:
        """Try once, within the time that is set. What goes wrong is the outcome."""
        try:
            async with asyncio.timeout(self.settings.delivery_timeout):
                return await self._send(row, now=now)
        except TimeoutError:
            seconds = self.settings.delivery_timeout
            return Outcome(ok=False, status=None, detail=f"no answer within {seconds:g} s")
        except AddressRefused as error:
            return Outcome(ok=False, status=None, detail=str(error), final=True)
        except smtplib.SMTPResponseException as error:
            text = error.smtp_error
            words = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
            return _of_mail(error.smtp_code, words)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            return _of_mail(code, text.decode(errors="replace"))
        except (httpx.HTTPError, smtplib.SMTPException, OSError) as error:
            detail = str(error) or type(error).__name__
            return Outcome(ok=False, status=None, detail=detail[:_SHOWN])

    async def _send(self, row: RowMapping, *, now: datetime) -> Outcome:
        link = None
        if row["deployment"] is not None:
            link = f"{self.public_url}/deployments/{row['deployment']}"
        kind = Kind(row["kind"])
        if kind is Kind.EMAIL:
            message = _mail(self.settings, row, link=link, now=now)
            return await asyncio.to_thread(_send_mail, self.settings, self.mail_tls, message)
        if kind is Kind.SLACK:
            body, headers = chat_message(row["text"], link=link), _json("application/json")
        else:
            body, headers = row["body"], _json("application/cloudevents+json")
            headers |= signed(row["secret"], body, event=row["event"], time=now)
        return await self._post(row["target"], body, headers)

    async def _post(self, target: str, body: bytes, headers: dict[str, str]) -> Outcome:
        """POST to one of the addresses that the name has now, and to none other.

        The name is resolved once and the connection is made to the address that was looked at,
        so that a name cannot change between the check and the connection. No redirect is
        followed, and no proxy of the environment asked: both would go elsewhere.
        """
        url = read_url(target)
        host = url.hostname
        assert host is not None
        addresses = await resolved(host, port_of(url), self.settings.delivery_networks)
        headers["host"] = url.netloc
        fault: httpx.HTTPError | None = None
        limit = self.settings.delivery_timeout
        async with httpx.AsyncClient(verify=self.tls, trust_env=False, timeout=limit) as client:
            for address in addresses:
                at = httpx.URL(target).copy_with(host=str(address))
                request = client.build_request(
                    "POST", at, content=body, headers=headers, extensions={"sni_hostname": host}
                )
                try:
                    response = await client.send(request, stream=True)
                except httpx.ConnectError as error:
                    fault = error
                    continue
                try:
                    return await _of_response(response)
                finally:
                    await response.aclose()
        assert fault is not None
        raise fault


def mail_context(settings: GatewaySettings) -> ssl.SSLContext:
    """What a mail server's certificate is checked against: the machine's authorities and ours."""
    context = ssl.create_default_context()
    if settings.smtp_ca_file is not None:
        context.load_verify_locations(settings.smtp_ca_file)
    return context


async def resolved(host: str, port: int, networks: Sequence[Network]) -> list[Address]:
    """The addresses of a host that a receiver may be at. Raises AddressRefused where none is."""
    written = literal(host)
    if written is not None:
        found = [written]
    else:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise OSError(f"the name {host} is not known: {error}") from error
        found = [ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    good = list(dict.fromkeys(one for one in found if allowed(one, networks)))
    if not good:
        raise AddressRefused(
            f"{host} is {found[0] if found else 'nowhere'}, an address that is not public; "
            "SIGHTLOOP_GATEWAY_DELIVERY_NETWORKS can allow it"
        )
    return good


async def _of_response(response: httpx.Response) -> Outcome:
    read = b""
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) >= _READ_BYTES:
            break
    words = "".join(c if c.isprintable() else " " for c in read.decode(errors="replace"))
    status = response.status_code
    return Outcome(
        ok=response.is_success,
        status=status,
        detail=f"{response.reason_phrase} {words[:_SHOWN]}".strip(),
        final=status == _GONE,
    )


def _json(kind: str) -> dict[str, str]:
    return {"content-type": kind, "user-agent": "sightloop", "accept-encoding": "identity"}


def _mail(
    settings: GatewaySettings, row: RowMapping, *, link: str | None, now: datetime
) -> EmailMessage:
    """The message; what is told again has the same id, so that a mailbox can tell."""
    message = EmailMessage()
    message["From"] = settings.smtp_from
    message["To"] = row["target"]
    message["Subject"] = " ".join(row["text"].split())[:_SHOWN]
    message["Date"] = format_datetime(now)
    domain = settings.smtp_from.rpartition("@")[2].strip("> ")
    message["Message-ID"] = f"<{row['event']}.{row['receiver']}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    lines = [row["text"], ""]
    if link is not None:
        lines += [link, ""]
    lines.append(f"Told by Sightloop to {row['name']}: {row['type']}.")
    message.set_content("\n".join(lines))
    return message


def _send_mail(settings: GatewaySettings, tls: ssl.SSLContext, message: EmailMessage) -> Outcome:
    """Hand a message to the mail server; blocking."""
    if settings.smtp_host is None:
        detail = "no mail server is set: SIGHTLOOP_GATEWAY_SMTP_HOST"
        return Outcome(ok=False, status=None, detail=detail, final=True)
    at = settings.smtp_host, settings.smtp_port
    limit = settings.delivery_timeout
    secured = settings.smtp_security
    server = (
        smtplib.SMTP_SSL(*at, timeout=limit, context=tls)
        if secured is MailSecurity.TLS
        else smtplib.SMTP(*at, timeout=limit)
    )
    with server:
        if secured is MailSecurity.STARTTLS:
            server.starttls(context=tls)
        if settings.smtp_user is not None:
            password = settings.smtp_password
            _log_in(server, settings.smtp_user, password.get_secret_value() if password else "")
        server.send_message(message)
    return Outcome(ok=True, status=250, detail="taken by the mail server")


def _log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    """Log in. smtplib speaks ASCII only; beyond it PLAIN is UTF-8 (RFC 4616)."""
    if (user + password).isascii():
        server.login(user, password)
        return
    server.ehlo_or_helo_if_needed()
    secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    code, said = server.docmd("AUTH", f"PLAIN {secret}")
    if code != _LOGGED_IN:
        raise smtplib.SMTPAuthenticationError(code, said)


def _of_mail(code: int, text: str) -> Outcome:
    return Outcome(ok=False, status=code, detail=text[:_SHOWN], final=code >= _PERMANENT)


def lease(settings: GatewaySettings) -> timedelta:
    """How long an attempt may hold a delivery: its time, and some to write down what came."""
    return timedelta(seconds=settings.delivery_timeout + 30)
