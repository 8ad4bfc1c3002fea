"""Connections to checked addresses, and to nothing else."""

import asyncio
import socket
import ssl
from collections.abc import Collection, Sequence
from pathlib import Path

from adapters.webhooks.addresses import is_public
from adapters.webhooks.exchange import Exchange
from adapters.webhooks.resolving import Resolve
from adapters.webhooks.targets import Origin

_KEPT_OPEN = 3.0
"""Seconds for which an idle connection waits: less than servers do, which close after 5 at the soonest as a rule, so
that a call seldom meets one that is just being closed."""

_PER_ADDRESS = 1.5
"""Seconds until the next address is tried, so that one family that leads nowhere does not cost the call."""


class Refused(Exception):
    """An address that may not be called."""


class Unresolved(Exception):
    """The host has no address."""


class Connections:
    """Those that are idle, by origin. What is taken from here was connected to an address that was checked when it was
    made; that a name points elsewhere meanwhile changes nothing about it.

    `allowed` are hosts that may be private and unencrypted, with or without a port.
    """

    def __init__(self, *, resolve: Resolve, allowed: Collection[str], trust: ssl.SSLContext, most_idle: int) -> None:
        self._resolve = resolve
        self._allowed = frozenset(name.lower() for name in allowed)
        self._trust = trust
        self._most_idle = most_idle
        self._idle: dict[Origin, dict[Exchange, asyncio.TimerHandle]] = {}
        self._count = 0

    async def take(self, origin: Origin) -> Exchange:
        """Raise Refused, Unresolved, or OSError, of which ssl.SSLError is one."""
        while kept := self._idle.get(origin):
            connection = next(reversed(kept))  # the last used, so that those that are too many grow old
            self._forget(origin, connection)
            if connection.is_reusable:
                return connection
        return await self._connect(origin)

    def give_back(self, origin: Origin, connection: Exchange) -> None:
        if self._count >= self._most_idle:
            connection.close()
        if connection.is_reusable:
            expiry = asyncio.get_running_loop().call_later(_KEPT_OPEN, self._expire, origin, connection)
            self._idle.setdefault(origin, {})[connection] = expiry
            self._count += 1

    def close(self) -> None:
        for origin, kept in list(self._idle.items()):
            for connection in list(kept):
                self._expire(origin, connection)

    def _expire(self, origin: Origin, connection: Exchange) -> None:
        self._forget(origin, connection)
        connection.close()

    def _forget(self, origin: Origin, connection: Exchange) -> None:
        self._idle[origin].pop(connection).cancel()
        self._count -= 1
        if not self._idle[origin]:
            del self._idle[origin]

    async def _connect(self, origin: Origin) -> Exchange:
        addresses = await self._checked(origin)
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(_PER_ADDRESS):
                    return await self._connect_to(address, origin)
            except ssl.SSLError:
                raise
            except OSError:  # a time-out is one
                continue
        return await self._connect_to(addresses[-1], origin)

    async def _checked(self, origin: Origin) -> Sequence[str]:
        is_allowed = not self._allowed.isdisjoint(origin.names)
        if not (origin.is_encrypted or is_allowed):
            raise Refused
        try:
            addresses = await self._resolve(origin.host, origin.port)
        except (socket.gaierror, UnicodeError):
            raise Unresolved from None
        if not addresses:
            raise Unresolved
        # One bad address refuses all: who mixes them waits for the day when the good ones do not answer.
        if not (is_allowed or all(map(is_public, addresses))):
            raise Refused
        return addresses

    async def _connect_to(self, address: str, origin: Origin) -> Exchange:
        _, connection = await asyncio.get_running_loop().create_connection(
            Exchange,
            address,
            origin.port,
            flags=socket.AI_NUMERICHOST,  # nothing is looked up again
            ssl=self._trust if origin.is_encrypted else None,
            server_hostname=origin.host.rstrip(".") if origin.is_encrypted else None,
        )
        return connection


def system_trust() -> ssl.SSLContext:
    """The certificate authorities that this system came with, or certifi's where it has none. `ssl`'s own defaults
    would let the environment name others, and a file for the keys of every conversation."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    paths = ssl.get_default_verify_paths()
    if Path(paths.openssl_cafile).is_file():
        trust.load_verify_locations(cafile=paths.openssl_cafile)
    elif any(Path(paths.openssl_capath).glob("*.0")):
        trust.load_verify_locations(capath=paths.openssl_capath)
    else:
        import certifi

        trust.load_verify_locations(cafile=certifi.where())
    return trust
