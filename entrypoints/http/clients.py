"""Where a request comes from: the address of its connection, or what a trusted proxy says of it."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from domain.sessions import Client

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddresses:
    """Reads `X-Forwarded-For` from the right, past trusted proxies only: the rest of it anybody may write."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks: list[_Network] = [
            network
            for text in trusted
            for network in map(ipaddress.ip_network, ("0.0.0.0/0", "::/0") if text == "*" else (text,))
        ]

    def client(self, scope: Scope) -> Client:
        headers = Headers(scope=scope)
        return Client.seen(user_agent=headers.get("user-agent", ""), address=self.address(scope, headers))

    def address(self, scope: Scope, headers: Headers) -> str:
        peer: Any = scope.get("client")
        address: str = peer[0] if peer else ""
        if not self._networks or not self._trusts(address):
            return address
        for hop in map(_without_port, reversed(",".join(headers.getlist("x-forwarded-for")).split(","))):
            if _parsed(hop) is None:
                break
            address = hop
            if not self._trusts(hop):
                break
        return address

    def _trusts(self, address: str) -> bool:
        ip = _parsed(address)
        return ip is not None and any(ip in network for network in self._networks)


def _without_port(hop: str) -> str:
    """Some proxies write 192.0.2.1:4711 and [2001:db8::1]:4711."""
    hop = hop.strip()
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None if it is no address. A socket for both versions calls 192.0.2.1 ::ffff:192.0.2.1."""
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None) or ip
