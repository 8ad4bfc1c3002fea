"""What a key costs beside a token, a question beside `GET /v1/me`, and a hundred questions beside one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.bench import Bench
from bench.figures import Figure, Part
from bench.installation import Installation, SignedIn, dealt
from bench.load import Sample, Script, drive, request
from bench.machine import Server
from bench.parts.me import CONNECTIONS
from bench.scripts import Asking, Reading
from domain.kernel import AccountId, MembershipId
from domain.memberships import Membership
from domain.roles import MEMBER
from entrypoints.container import Container

_CHECK, _CHECKS = "/v1/access/check", 100
_PERMISSION = "members:read"


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody with a key, and an organization of their own."""

    signed_in: SignedIn
    key: str
    organization: str

    def question(self, about: AccountId | None = None) -> dict[str, str]:
        asked = {"permission": _PERMISSION, "organization_id": self.organization}
        return asked if about is None else asked | {"principal_id": str(about)}


def measure(bench: Bench) -> Part:
    people = owners(bench.portico)
    tokens = [owner.signed_in.access_token for owner in people]
    first, others = people[0], [owner.signed_in.account_id for owner in people[1 : _CHECKS + 1]]
    let_in(bench.portico, first, others)

    by_token: list[Script] = [Reading("/v1/me", hand) for hand in dealt(tokens, CONNECTIONS)]
    by_key: list[Script] = [Reading("/v1/me", hand) for hand in dealt([owner.key for owner in people], CONNECTIONS)]
    questions: list[Script] = [
        Asking([asking(_CHECK, owner.signed_in, owner.question()) for owner in people[player::CONNECTIONS]])
        for player in range(CONNECTIONS)
    ]
    many_of = {"checks": [first.question(other) for other in others]}
    one: list[Script] = [Asking([asking(_CHECK, first.signed_in, first.question(others[0]))])]
    many: list[Script] = [Asking([asking(f"{_CHECK}-many", first.signed_in, many_of)])]

    with bench.portico.serving() as server:

        def load(scripts: Sequence[Script]) -> Callable[[], Sample]:
            return lambda: drive(server, scripts, seconds=bench.seconds)

        warm_up(server, [by_token, by_key, questions, one, many])
        keys = bench.interleaved("by key, by token", load(by_key), load(by_token))
        checks = bench.interleaved("check, me", load(questions), load(by_token))
        hundred = bench.interleaved("a hundred checks, one", load(many), load(one))
    return Part(
        name="access",
        figures=[
            rates("GET /v1/me by an API key, against by a token", keys, ("by key, /s", "by token, /s"), at_least=0.9),
            rates(f"POST {_CHECK}, against GET /v1/me", checks, ("check, /s", "me, /s"), at_least=0.75),
            Figure(
                name=f"{_CHECKS} checks in one call, against one",
                rounds=[hundred_of.p50 / one_of.p50 for hundred_of, one_of in hundred],
                target=("at most", 5.0),
                of={
                    f"{_CHECKS}, ms": median(hundred_of.p50 for hundred_of, _ in hundred),
                    "one, ms": median(one_of.p50 for _, one_of in hundred),
                },
            ),
        ],
    )


def asking(path: str, signed_in: SignedIn, body: object) -> bytes:
    return request("POST", path, token=signed_in.access_token, body=body)


def warm_up(server: Server, loads: Sequence[Sequence[Script]]) -> None:
    """A key that is used writes so, once a minute at most: the first use of each does not count."""
    for scripts in loads:
        drive(server, scripts, seconds=1.0)


def rates(name: str, pairs: list[tuple[Sample, Sample]], of: tuple[str, str], *, at_least: float) -> Figure:
    return Figure(
        name=f"{name}, requests/s",
        rounds=[this.rate / that.rate for this, that in pairs],
        target=("at least", at_least),
        of={of[0]: median(this.rate for this, _ in pairs), of[1]: median(that.rate for _, that in pairs)},
    )


def owners(installation: Installation) -> list[Owner]:
    people = installation.sign_in(aal=2)
    with installation.container() as container:
        return [owner_of(container, number, signed_in) for number, signed_in in enumerate(people)]


def owner_of(container: Container, number: int, signed_in: SignedIn) -> Owner:
    principal = container.authenticate()(signed_in.access_token)[0].person()
    organization = container.make_organization()(principal=principal, name=f"Organization {number}")
    made = container.make_personal_key()(principal=principal, actor=None, name="bench", scopes=(), expires_at=None)
    return Owner(signed_in, made.secret, str(organization.id))


def let_in(installation: Installation, owner: Owner, accounts: Sequence[AccountId]) -> None:
    """Without inviting them one by one."""
    with installation.container() as container, container.unit_of_work()() as uow:
        [organization] = uow.memberships.owned_by(owner.signed_in.account_id)
        for account_id in accounts:
            uow.memberships.add(
                Membership.begin(
                    id=MembershipId(container.ids().new()),
                    organization_id=organization,
                    account_id=account_id,
                    role=MEMBER,
                    at=container.clock().now(),
                )
            )
