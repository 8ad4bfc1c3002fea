"""A thousand accounts against a million: the same statements, every access by an index, and as fast."""

from bench.bench import Bench
from bench.figures import Part
from bench.life import World, live, world
from bench.organizations import Population
from bench.sizes import Side, compare

FEW, MANY = 1_000, 1_000_000
_COST = 10
"""Of bcrypt: the least that production takes, so that there is something else to see."""


def measure(bench: Bench) -> Part:
    few = bench.installation("few", FEW, bcrypt_cost=_COST)
    many = bench.installation("many", MANY // (10 if bench.quick else 1), bcrypt_cost=_COST)
    for side in (few, many):
        bench.found(side, Population(organizations=side.accounts // 10, members=100, memberships=10))
    with world(few) as small, world(many) as large:
        return compare(bench, side_of(small), side_of(large)).part("scale")


def side_of(world: World) -> Side:
    return Side(
        installation=world.installation,
        amount=f"{world.installation.accounts:,} accounts",
        live=lambda visitor, name: live(visitor, world, name),
    )
