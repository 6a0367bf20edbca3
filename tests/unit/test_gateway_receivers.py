"""Receivers: where they may be, how requests are signed, how often they are tried."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address
from uuid import uuid4

import pytest

from libs.schemas.envelope import Meta
from libs.schemas.events import AlertFired, Severity
from services.gateway.core.addresses import BadTarget, allowed, port_of, read_url
from services.gateway.core.delivery import (
    EVENTS,
    Retries,
    chat_message,
    cloud_event,
    new_secret,
    sentence,
    signed,
)
from services.gateway.workers.sending import AddressRefused, resolved

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1",
        "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(text):
    assert not allowed(ip_address(text), [])


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_allowed(text):
    assert allowed(ip_address(text), [])


def test_an_operator_may_allow_a_network():
    networks = [IPv4Network("10.0.0.0/8"), IPv6Network("fd00::/8")]
    assert allowed(ip_address("10.1.2.3"), networks)
    assert allowed(ip_address("::ffff:10.1.2.3"), networks)
    assert allowed(ip_address("fd12::1"), networks)
    assert not allowed(ip_address("192.168.1.1"), networks)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "0x7f.1", "::1"])
async def test_no_spelling_of_a_host_leads_home(host):
    with pytest.raises(AddressRefused, match="not public"):
        await resolved(host, 80, [])


@pytest.mark.parametrize(
    "text",
    [
        "", "hook", "ftp://a.example/x", "file:///etc/passwd", "http://", "https:///x",
        "http://user:pass@a.example/", "http://a.example:99999/", "http://a.example:0/",
        "http://a b.example/", "http://a.example/\n", "http://[::1", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_receiver_is_refused(text):
    with pytest.raises(BadTarget):
        read_url(text)


def test_a_port_is_the_schemes_where_none_is_written():
    assert port_of(read_url("https://a.example/x?y=1")) == 443
    assert port_of(read_url("http://a.example")) == 80
    assert port_of(read_url("http://[2606:4700::1111]:8080/")) == 8080


def test_a_signature_covers_id_time_and_body():
    secret, body, event = new_secret(), b'{"a": 1}', uuid4()
    headers = signed(secret, body, event=event, time=NOW)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == str(event)
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert new_secret() != secret


def test_pauses_grow_and_end():
    policy = Retries(tries=9, pause=timedelta(seconds=10))
    pauses = [policy.after(tried) for tried in range(1, 10)]
    seconds = [None if pause is None else pause.total_seconds() for pause in pauses]
    assert seconds == [10, 30, 90, 270, 810, 2430, 7290, 21600, None]


def fired() -> AlertFired:
    return AlertFired(
        alert=uuid4(),
        deployment=uuid4(),
        kind="metric",
        severity=Severity.CRITICAL,
        since=NOW,
        fired_time=NOW,
        text="latency is <!channel> & more",
    )


def test_a_cloud_event_says_all_that_the_record_on_the_bus_said():
    event = fired()
    meta = Meta(id=uuid4(), source="/sightloop/metrics", time=NOW, organization=uuid4())
    document = json.loads(cloud_event(event, meta))
    assert document["specversion"] == "1.0"
    assert document["type"] == "sightloop.alert.fired.v1"
    assert document["id"] == str(meta.id)
    assert document["subject"] == str(event.deployment)
    assert document["data"]["alert"] == str(event.alert)
    assert set(document) <= {
        "specversion", "id", "source", "type", "time", "datacontenttype", "organization", "subject",
        "data",
    }  # fmt: skip


def test_people_are_told_in_a_sentence_in_which_nothing_is_markup():
    text = sentence(fired(), deployment="Dock")
    assert text == "Dock: CRITICAL: latency is <!channel> & more"
    body = json.loads(chat_message(text, link="https://sight.example/deployments/1"))
    assert "&lt;!channel&gt; &amp; more" in body["text"]
    assert body["text"].endswith("<https://sight.example/deployments/1|Open>")
    assert "alert.fired" in EVENTS
