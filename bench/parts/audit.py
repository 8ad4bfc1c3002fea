"""The audit trail with ten million entries: its newest and its filtered pages, as fast as with ten thousand."""

from dataclasses import dataclass

from bench.bench import Bench
from bench.database import query
from bench.entries import note_down
from bench.figures import Part
from bench.installation import Installation
from bench.life import cursor
from bench.organizations import Population
from bench.sizes import Side, compare
from bench.visitor import Visitor

_ACCOUNTS = 10_000
_FEW, _MANY = 10_000, 10_000_000
_TENANTS = Population(organizations=200, members=60, memberships=60)
_COST = 10
_AGAIN = 5


@dataclass(frozen=True, slots=True)
class Reader:
    """An operator, who owns the oldest organization, and what they look for."""

    token: str
    organization: str
    actor: str
    target: str
    since: str
    last_pages: dict[str, str]
    """Of each list: where its last page begins."""

    def read(self, visitor: Visitor, _name: str) -> None:
        for path, last_page in self.last_pages.items():
            filters = {
                "newest": "",
                "newest, deepest page": f"&cursor={last_page}",
                "of an actor": f"&actor={self.actor}",
                "of an action": "&action=session.started",
                "about a target": f"&target={self.target}",
                "from a time on": f"&since={self.since}",
            }
            called = path.replace(self.organization, "{id}")
            for what, wanted in filters.items():
                for _ in range(_AGAIN):
                    page = f"{path}?limit=50{wanted}"
                    visitor.call("GET", page, token=self.token, name=f"GET {called}, {what}")


def measure(bench: Bench) -> Part:
    sides = []
    for name, entries in (("few_entries", _FEW), ("many_entries", _MANY)):
        installation = bench.installation(name, _ACCOUNTS, bcrypt_cost=_COST)
        bench.found(installation, _TENANTS)
        task = bench.progress.add_task(f"noting down {entries:,} entries", total=None)
        note_down(installation.url, entries)
        bench.progress.remove_task(task)
        sides.append(Side(installation=installation, amount=f"{entries:,} entries", live=reader(installation).read))
    return compare(bench, *sides, growing=frozenset({"audit_entries", "audit_personal"})).part("audit")


def reader(installation: Installation) -> Reader:
    url = installation.url
    operator = installation.appoint()
    ours = "SELECT actor_id::text, target_id::text, chain_id::text FROM audit_entries WHERE organization_id IS NOT NULL"
    [(actor, target, organization)] = query(url, f"{ours} ORDER BY id DESC LIMIT 1")
    [(since,)] = query(url, "SELECT to_char(now() - interval '1 hour', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    oldest = "SELECT id::text FROM audit_entries"
    of_all = query(url, f"{oldest} ORDER BY id LIMIT 51")
    of_one = query(url, f"{oldest} WHERE chain_id = '{organization}' ORDER BY id LIMIT 51")
    last_pages = {
        "/v1/admin/audit": cursor(of_all[-1][0]),
        f"/v1/organizations/{organization}/audit": cursor(of_one[-1][0]),
    }
    return Reader(operator.access_token, organization, actor, target, since, last_pages)
