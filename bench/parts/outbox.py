"""What it costs to write down everything that happens, and to put it in order meanwhile."""

from collections import deque
from collections.abc import Sequence

from bench.bench import Bench
from bench.figures import Figure, Part
from bench.installation import Installation, dealt
from bench.load import Answer, Sample, Script, Unexpected, drive, request
from bench.machine import ROOT, Server
from bench.parts.access import rates
from bench.parts.me import CONNECTIONS
from bench.scripts import Patching

_ACCOUNTS = 20_000
_COST = 10
_SESSIONS = 1_000
"""Of them so many accounts have sessions to sign out of."""


def measure(bench: Bench) -> Part:
    return Part(name="outbox", figures=[sign_outs(bench), writers(bench)])


class SigningOut(Script):
    """Each session ends once: the connections of a round share what is left of them."""

    def __init__(self, tokens: deque[str]) -> None:
        self._tokens = tokens

    def ask(self) -> bytes:
        if not self._tokens:
            raise Unexpected("There are no more sessions to sign out of.")
        return request("DELETE", "/v1/sessions/current", token=self._tokens.popleft())

    def hear(self, answer: Answer) -> float:
        if answer.status != 204:
            raise Unexpected(f"{answer.status}: {answer.body[:500]!r}")
        return 0.0


def sign_outs(bench: Bench) -> Figure:
    """With events and audit entries against without, each on a server of its own over one database. The sequencer is
    off: what it takes is measured by itself."""
    tokens: deque[str] = deque()

    def load(server: Server) -> Sample:
        wanted = int(1_500 * (bench.seconds + 0.5))
        while len(tokens) < wanted:
            tokens.extend(one.access_token for one in bench.portico.sign_in(_SESSIONS))
        return drive(server, [SigningOut(tokens) for _ in range(CONNECTIONS)], seconds=bench.seconds)

    off = {"BACKGROUND_WORK": "false"}
    unwritten = {"PERSISTENCE": "bench.unrecorded:database", "PYTHONPATH": str(ROOT)}
    with (
        bench.portico.serving(**off) as recorded,
        bench.portico.serving(**off, **unwritten) as unrecorded,
    ):
        load(recorded), load(unrecorded)
        pairs = bench.interleaved("sign-outs", lambda: load(recorded), lambda: load(unrecorded))
    return rates(
        "sign-outs with their events and entries, against without", pairs, ("with, /s", "without, /s"), at_least=0.75
    )


def writers(bench: Bench) -> Figure:
    """32 connections that change something, on a server that puts it in order meanwhile and on one that does not. Each
    has a database of its own: the one must not work off what the other left."""
    ordered = bench.installation("ordered", _ACCOUNTS, bcrypt_cost=_COST)
    unordered = bench.installation("unordered", _ACCOUNTS, bcrypt_cost=_COST)

    def scripts(installation: Installation) -> Sequence[Script]:
        hands = dealt([one.access_token for one in installation.sign_in()], CONNECTIONS)
        return [Patching("/v1/me", "display_name", hand) for hand in hands]

    with (
        ordered.serving() as ordering,
        unordered.serving(BACKGROUND_WORK="false") as resting,
    ):
        busy, alone = scripts(ordered), scripts(unordered)

        def load(server: Server, writing: Sequence[Script]) -> Sample:
            return drive(server, writing, seconds=bench.seconds)

        load(ordering, busy), load(resting, alone)
        pairs = bench.interleaved("32 writers", lambda: load(ordering, busy), lambda: load(resting, alone))
    return rates(
        f"{CONNECTIONS} writers with the sequencer, against without", pairs, ("with, /s", "without, /s"), at_least=0.8
    )
