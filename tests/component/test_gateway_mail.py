"""Mail goes out over TLS and with a login, to servers whose certificate is known, or not at all."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr, ValidationError

from services.gateway.core.delivery import Kind, Outcome
from services.gateway.settings import GatewaySettings, MailSecurity
from services.gateway.workers.sending import Sender, mail_context
from tests.support.receivers import Mailbox, mailbox

LOGIN = b"ada", "pässword".encode()


def certificate(folder: Path, name: str, *, host: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate signed by itself for an address, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(host))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, secret


def served(pem: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return context


async def send(box: Mailbox, *, password: bytes = LOGIN[1], **changed: Any) -> Outcome:
    values: dict[str, Any] = {
        "signing_key": SecretStr("none"),
        "smtp_host": "127.0.0.1",
        "smtp_port": box.port,
        "smtp_user": LOGIN[0].decode(),
        "smtp_password": SecretStr(password.decode()),
        "smtp_from": "Sightloop <sight@example.org>",
    }
    settings = GatewaySettings(**(values | changed))
    sender = Sender(
        settings=settings,
        public_url="https://sight.example",
        tls=ssl.create_default_context(),
        mail_tls=mail_context(settings),
    )
    row: Any = {
        "deployment": uuid4(), "kind": Kind.EMAIL, "target": "bob@example.org", "event": uuid4(),
        "receiver": uuid4(), "text": "drift is 0.3", "name": "us", "type": "alert.fired",
    }  # fmt: skip
    return await sender.send(row, now=datetime.now(UTC))


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
async def test_mail_is_sent_over_tls_by_who_has_logged_in(
    tmp_path: Path, security: MailSecurity
) -> None:
    pem, key = certificate(tmp_path, "mail")
    context = served(pem, key)
    sides = {"starttls" if security is MailSecurity.STARTTLS else "tls": context}
    async with mailbox(login=LOGIN, **sides) as box:
        outcome = await send(box, smtp_security=security, smtp_ca_file=pem)
        assert (outcome.ok, outcome.status) == (True, 250), outcome
        assert box.logins == [LOGIN]
        (mail,) = box.mails
        assert (mail["From"], mail["To"]) == ("Sightloop <sight@example.org>", "bob@example.org")
        assert mail["Subject"] == "drift is 0.3"

        wrong = await send(box, smtp_security=security, smtp_ca_file=pem, password=b"no")
        assert (wrong.ok, wrong.status, wrong.final) == (False, 535, True)
        nobody = await send(box, smtp_security=security, smtp_ca_file=pem, smtp_user=None)
        assert (nobody.ok, nobody.status) == (False, 530)
        assert len(box.mails) == 1


async def test_a_server_that_cannot_prove_its_name_gets_neither_password_nor_mail(
    tmp_path: Path,
) -> None:
    pem, key = certificate(tmp_path, "mail")
    other, other_key = certificate(tmp_path, "other", host="127.0.0.9")
    async with mailbox(login=LOGIN, starttls=served(pem, key)) as box:
        unknown = await send(box)
        assert not unknown.ok
        assert "CERTIFICATE_VERIFY_FAILED" in unknown.detail
        stranger = await send(box, smtp_ca_file=other)
        assert not stranger.ok
        assert box.logins == []
    async with mailbox(login=LOGIN, starttls=served(other, other_key)) as box:
        renamed = await send(box, smtp_ca_file=other)
        assert not renamed.ok
        assert "IP address mismatch" in renamed.detail
        assert box.logins == []


async def test_a_server_without_tls_is_told_nothing_where_tls_is_wanted(tmp_path: Path) -> None:
    async with mailbox() as box:
        outcome = await send(box)
        assert not outcome.ok
        assert "STARTTLS" in outcome.detail
        assert (box.logins, box.mails) == ([], [])
    with pytest.raises(ValidationError, match="smtp_ca_file"):
        await send(box, smtp_ca_file=tmp_path / "there is none.pem")
