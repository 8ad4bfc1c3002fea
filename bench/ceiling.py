"""The ceiling: the least that a Python process can do and still give Portico's answers.

A bare ASGI callable under the same uvicorn, as many threads, raw psycopg2, the same key check with the same remembering
of checked tokens, the same row read or changed, and the answer put together from strings. It has no layers, no
validation, no log, no request ids and no errors. How near Portico comes to it is what the rest costs.
"""

import asyncio
import base64
import hmac
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk, jws

from adapters.sql.sessions import SessionRow
from bench.database import query
from bench.machine import ROOT, Server, free_port, serving

_LIFETIME = 600
_SECRET = "BENCH_CEILING_SECRET"

_COLUMNS = [column.name for column in SessionRow.__table__.columns]
_SESSION = ", ".join(f"sessions.{column}" for column in _COLUMNS)
_READ = f"""
SELECT {_SESSION}, accounts.id, email, email_verified_at, display_name, password_hash, credentials_epoch, is_operator,
       state, state_since, accounts.created_at, version
FROM sessions JOIN accounts ON sessions.account_id = accounts.id
WHERE sessions.account_id = %s AND sessions.id = %s
"""
_ADVANCE = f"""
UPDATE sessions
SET generation = generation + 1, replays = 0, rotated_at = %s, user_agent = %s, network = %s, last_seen_at = %s,
    idle_expires_at = %s, idle_expiry_hour = %s
WHERE account_id = %s AND id = %s AND generation = %s AND idle_expires_at > %s AND expires_at > %s
RETURNING {_SESSION}
"""
_WIDTH = len(_COLUMNS)
_IDLE_EXPIRES_AT = _COLUMNS.index("idle_expires_at")


class Ceiling:
    def __init__(self, *, url: str, secret: bytes, threads: int) -> None:
        self._secret = secret
        self._own = threading.local()
        self._url = url
        self._threads = ThreadPoolExecutor(threads)
        self._verifying = {
            id: jwk.construct(pem, "ES256") for id, pem in query(url, "SELECT id::text, public_pem FROM signing_keys")
        }
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._signing = jwk.construct(pem.decode(), "ES256")
        self._remembered: dict[str, dict[str, Any]] = {}

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] != "http":
            return
        loop = asyncio.get_running_loop()
        if scope["path"] == "/v1/me":
            token = next(value for name, value in scope["headers"] if name == b"authorization")[7:].decode()
            body = await loop.run_in_executor(self._threads, self._me, token)
        elif scope["path"] == "/v1/sessions/refresh":
            message = await receive()
            body = await loop.run_in_executor(self._threads, self._refresh, message["body"])
        else:
            body = b"{}"
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _me(self, token: str) -> bytes:
        claims = self._remembered.get(token)
        if not claims or claims["exp"] <= time.time():
            header = jws.get_unverified_header(token)
            claims = json.loads(jws.verify(token, self._verifying[header["kid"]], algorithms=["ES256"]))
            if not (claims["aud"] == "portico" and claims["exp"] > time.time()):
                raise ValueError("That token is over.")
            self._remembered[token] = claims
        row = self._execute(_READ, (claims["sub"], claims["sid"]))
        now = datetime.now(UTC)
        idle_expires_at, expires_at = row[_IDLE_EXPIRES_AT : _IDLE_EXPIRES_AT + 2]
        id, email, verified_at, display_name, _, _, is_operator, state, _, created_at, _ = row[_WIDTH:]
        if not (now < idle_expires_at and now < expires_at and state == "active"):
            raise ValueError("That session is over.")
        return (
            f'{{"id":"{id}","email":{json.dumps(email)},"email_verified_at":"{verified_at.isoformat()}",'
            f'"display_name":{json.dumps(display_name)},"state":"{state}",'
            f'"is_operator":{"true" if is_operator else "false"},"created_at":"{created_at.isoformat()}"}}'
        ).encode()

    def _refresh(self, body: bytes) -> bytes:
        packed = base64.urlsafe_b64decode(json.loads(body)["refresh_token"])
        payload, mac = packed[:-32], packed[-32:]
        if not hmac.compare_digest(mac, hmac.digest(self._secret, payload, "sha256")):
            raise ValueError("That is no refresh token.")
        account_id, session_id = UUID(bytes=payload[:16]), UUID(bytes=payload[16:32])
        now = datetime.now(UTC)
        hour, week = now.replace(minute=0, second=0, microsecond=0), timedelta(days=7)
        changed = (now, "bench", "127.0.0.1/32", hour, now + week, hour + week)
        row = self._execute(
            _ADVANCE, (*changed, str(account_id), str(session_id), int.from_bytes(payload[32:]), now, now)
        )
        _, _, created_at, authenticated_at, amr, aal, generation, *_ = row
        issued_at = int(now.timestamp())
        claims = {
            "iss": "http://localhost:8000",
            "aud": "portico",
            "client_id": "portico",
            "sub": str(account_id),
            "sid": str(session_id),
            "jti": str(uuid4()),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + _LIFETIME,
            "auth_time": int(authenticated_at.timestamp()),
            "amr": amr.split(),
            "acr": f"aal{aal}",
            "scope": "*",
        }
        access_token = jws.sign(claims, self._signing, headers={"typ": "at+jwt", "kid": "ceiling"}, algorithm="ES256")
        return (
            f'{{"access_token":"{access_token}","token_type":"Bearer","expires_in":{_LIFETIME},'
            f'"refresh_token":"{refresh_token(self._secret, account_id, session_id, generation)}","device_token":null,'
            f'"session":{{"id":"{session_id}","created_at":"{created_at.isoformat()}",'
            f'"authenticated_at":"{authenticated_at.isoformat()}"}}}}'
        ).encode()

    def _execute(self, statement: str, parameters: tuple[object, ...]) -> tuple[Any, ...]:
        """One connection a thread, in autocommit, for ever."""
        if not hasattr(self._own, "cursor"):
            connection = psycopg2.connect(self._url)
            connection.autocommit = True
            self._own.cursor = connection.cursor()
        self._own.cursor.execute(statement, parameters)
        row: tuple[Any, ...] | None = self._own.cursor.fetchone()
        if row is None:
            raise LookupError("There is no such session.")
        return row


def refresh_token(secret: bytes, account_id: UUID, session_id: UUID, generation: int = 0) -> str:
    payload = account_id.bytes + session_id.bytes + generation.to_bytes(8)
    return base64.urlsafe_b64encode(payload + hmac.digest(secret, payload, "sha256")).decode()


@contextmanager
def serving_ceiling(url: str, secret: str, *, threads: int, log: Path) -> Iterator[Server]:
    port = free_port()
    environment = {"DATABASE_URL": url, "PORT": str(port), "THREADS": str(threads), _SECRET: secret}
    with serving(
        [sys.executable, "-m", "bench.ceiling"], environment, port=port, folder=ROOT, log=log, ready="/"
    ) as server:
        yield server


def main() -> None:
    ceiling = Ceiling(
        url=os.environ["DATABASE_URL"], secret=os.environ[_SECRET].encode(), threads=int(os.environ["THREADS"])
    )
    uvicorn.run(ceiling, port=int(os.environ["PORT"]), access_log=False, log_config=None, lifespan="off")


if __name__ == "__main__":
    main()
