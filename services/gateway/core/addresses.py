"""Where a receiver may be: never in our own network, unless an operator says so."""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}


class BadTarget(ValueError):
    """What is no address of a receiver."""


def read_url(text: str) -> SplitResult:
    """An absolute http or https URL without a user. Raises BadTarget."""
    if any(c.isspace() or not c.isprintable() for c in text):
        raise BadTarget("a URL has no spaces")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise BadTarget(f"no URL: {error}") from error
    if url.scheme not in _PORTS:
        raise BadTarget("a URL that begins with https:// or http://")
    if not url.hostname:
        raise BadTarget("the URL names no host")
    if url.username is not None or url.password is not None:
        raise BadTarget("a URL without user and password")
    if port == 0:
        raise BadTarget("no port is 0")
    return url


def port_of(url: SplitResult) -> int:
    return url.port or _PORTS[url.scheme]


def literal(host: str) -> Address | None:
    """The address that a host is written as; None: it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether a receiver may be there: in public, or in one of `networks`.

    An IPv4 address within an IPv6 one (mapped, 6to4, Teredo, NAT64) is judged as what it is.
    """
    address = inner(address)
    if any(address.version == one.version and address in one for one in networks):
        return True
    return address.is_global and not address.is_multicast


def inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
