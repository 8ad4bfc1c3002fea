"""Following the event feed: how many pages, how late, and what those who wait cost the others."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from threading import Event, Thread
from urllib.parse import quote

from bench.bench import Bench
from bench.database import query
from bench.figures import Figure, Part
from bench.installation import Installation, SignedIn, dealt
from bench.load import Clients, Sample, Script, drive, percentile, request, run
from bench.machine import Server
from bench.parts.access import rates
from bench.parts.me import CONNECTIONS
from bench.scripts import Asking, Reading
from bench.visitor import Visitor

_PAGES = 50
_CATCHING_UP = 8
_WAITING = 200
_EVENTS_A_SECOND = 500
_BURSTS_A_SECOND = 10
_SECONDS = 60


def measure(bench: Bench) -> Part:
    operator = bench.portico.appoint()
    with bench.portico.serving() as server:
        figures = [pages(bench, server, operator), waiting(bench, server, operator)]
        figures.append(lag(bench, server, operator))
    return Part(name="feed", figures=figures)


def pages(bench: Bench, server: Server, operator: SignedIn) -> Figure:
    """Of a hundred events, by a few connections: backends that catch up."""
    with Visitor(server.port, lambda *_: None) as visitor:
        cursor, paths = "", []
        for _ in range(_PAGES):
            paths.append(f"/v1/events?limit=100{cursor}")
            page = visitor.call("GET", paths[-1], token=operator.access_token)
            cursor = f"&after={quote(page['next_cursor'])}"
    asked = [request("GET", path, token=operator.access_token) for path in paths]
    scripts = [Asking(asked) for _ in range(_CATCHING_UP)]
    samples = [
        drive(server, scripts, seconds=bench.seconds)
        for _ in bench.progress.track(range(bench.pairs), description="pages")
    ]
    return Figure(
        name="pages of 100 events", rounds=[sample.rate for sample in samples], target=("at least", 300), unit="/s"
    )


def waiting(bench: Bench, server: Server, operator: SignedIn) -> Figure:
    """`GET /v1/me` while 200 wait on the feed, against when nobody does."""
    tokens = [one.access_token for one in bench.portico.sign_in()]
    scripts: list[Script] = [Reading("/v1/me", hand) for hand in dealt(tokens, CONNECTIONS)]
    path = f"/v1/events?wait=30&after={quote(head(server, operator))}"
    asked = request("GET", path, token=operator.access_token)

    def beside() -> Sample:
        return run(observed_beside(server, scripts, asked, seconds=bench.seconds))

    drive(server, scripts, seconds=bench.seconds)
    pairs = bench.interleaved("/v1/me beside who waits", beside, lambda: drive(server, scripts, seconds=bench.seconds))
    return rates(
        f"GET /v1/me while {_WAITING} wait on the feed, against idle",
        pairs,
        ("beside, /s", "idle, /s"),
        at_least=0.9,
    )


def head(server: Server, operator: SignedIn) -> str:
    """The cursor of the feed's end, once everything has its place."""
    cursor = ""
    with Visitor(server.port, lambda *_: None) as visitor:
        while True:
            path = f"/v1/events?limit=100&wait=1{cursor and f'&after={quote(cursor)}'}"
            page = visitor.call("GET", path, token=operator.access_token)
            cursor = page["next_cursor"]
            if not page["items"]:
                return str(cursor)


async def observed_beside(server: Server, scripts: Sequence[Script], asked: bytes, *, seconds: float) -> Sample:
    waiting = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(_WAITING)]
    try:
        for _, writer in waiting:
            writer.write(asked)
        async with Clients(server.port, scripts) as clients:
            await clients.warm_up(0.5)
            return await clients.observe(seconds)
    finally:
        for _, writer in waiting:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def lag(bench: Bench, server: Server, operator: SignedIn) -> Figure:
    """From an event's commit to its place in the answer of who follows, while 500 a second are written for a minute."""
    seconds = 5 if bench.quick else _SECONDS
    cursor, lags, written = head(server, operator), [], Event()
    writer = Thread(target=write, args=(bench.portico, seconds, written))
    writer.start()
    with Visitor(server.port, lambda *_: None) as visitor:
        while True:
            path = f"/v1/events?limit=100&wait=2&after={quote(cursor)}"
            page = visitor.call("GET", path, token=operator.access_token)
            heard = time.time()
            lags += [heard - float(each["data"]["written"]) for each in page["items"] if "written" in each["data"]]
            cursor = page["next_cursor"]
            if not page["items"] and written.is_set():
                break
    writer.join()
    if len(lags) != seconds * _EVENTS_A_SECOND:
        raise RuntimeError(f"{len(lags)} events arrived of {seconds * _EVENTS_A_SECOND}.")
    return Figure(
        name=f"lag of the feed at {_EVENTS_A_SECOND} events/s for {seconds} s, p99",
        rounds=[percentile(sorted(lags), 99)],
        target=("at most", 1.0),
        unit="s",
        of={"median, s": percentile(sorted(lags), 50), "most, s": max(lags), "events": len(lags)},
    )


def write(installation: Installation, seconds: int, done: Event) -> None:
    """Straight into the database, each with its audit entry: how late the order is made is measured, not who writes."""
    for _ in range(seconds * _BURSTS_A_SECOND):
        started = time.monotonic()
        query(installation.url, _BURST, {"events": _EVENTS_A_SECOND // _BURSTS_A_SECOND, "now": str(time.time())})
        time.sleep(max(0.0, 1 / _BURSTS_A_SECOND - (time.monotonic() - started)))
    done.set()


_BURST = """
    WITH happened AS (
        INSERT INTO outbox (owner_id, id, aggregate_id, version, name, data, at)
        SELECT id, uuidv7(), id, 2, 'account.renamed', jsonb_build_object('written', %(now)s), now()
        FROM (SELECT id FROM accounts OFFSET floor(random() * 90000) LIMIT %(events)s)
        RETURNING owner_id, at
    )
    INSERT INTO audit_entries (chain_id, id, at, action, outcome, target_id, request_id, details)
    SELECT owner_id, uuidv7(), at, 'account.renamed', 'succeeded', owner_id, '', '{}' FROM happened
"""
