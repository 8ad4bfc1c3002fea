"""A large organization, an account in many, and many in the table: the same statements, as fast as in small ones."""

from bench.bench import ACCOUNTS, Bench
from bench.figures import Part
from bench.organizations import Population
from bench.sizes import Side, compare
from bench.tenancy import Tenant, administer, tenant

FEW = Population(organizations=200, members=60, memberships=60)
"""One full page and a second one: what a page costs is not what is compared."""
MANY = Population(organizations=100_000, members=10_000, memberships=1_000)
_COST = 10


def measure(bench: Bench) -> Part:
    sides = []
    for name, population in (("few_tenants", FEW), ("many_tenants", MANY)):
        installation = bench.installation(name, ACCOUNTS, bcrypt_cost=_COST)
        bench.found(installation, population)
        sides.append(side_of(tenant(installation), population))
    return compare(bench, *sides).part("tenants")


def side_of(tenant: Tenant, population: Population) -> Side:
    return Side(
        installation=tenant.installation,
        amount=f"{population}, {population.members:,} members",
        live=lambda visitor, name: administer(visitor, tenant, name),
    )
