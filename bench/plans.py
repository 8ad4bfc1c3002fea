"""Which statements a call makes, as PostgreSQL's own log has them, and how they are executed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from bench.database import Cluster

LOGGED = "options=-c%20log_statement%3Dall"
"""Part of a database URL: what goes through those connections is logged."""

_STATEMENT = re.compile(r"^\w+>LOG:  statement: (.*(?:\n\t.*)*)", re.MULTILINE)
_HAS_A_PLAN = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}

# They hold as much whether there are a thousand accounts or a million. The keys are read every five seconds, by
# whichever call comes first.
_OF_FIXED_SIZE = {"operators", "signing_keys", "permissions", "built_in_roles", "alembic_version"}


@dataclass(slots=True)
class StatementLog:
    """What was logged since the last look."""

    cluster: Cluster
    position: int = field(default=0)

    def since(self) -> list[str]:
        with self.cluster.log.open() as log:
            log.seek(self.position)
            text = log.read()
            self.position = log.tell()
        statements = [statement.replace("\n\t", "\n") for statement in _STATEMENT.findall(text)]
        return [statement for statement in statements if "FROM signing_keys" not in statement]


@dataclass(frozen=True, slots=True)
class Plan:
    statement: str
    steps: list[str]
    buffers: int | None
    """Pages looked at; None for what could not be run twice."""
    sequential: list[str]
    """Tables read from end to end that grow with the accounts."""


def explain(url: str, statements: Sequence[str]) -> list[Plan]:
    """Each is run once more, and rolled back."""
    connection = psycopg2.connect(url)
    try:
        plans = []
        with connection.cursor() as cursor:
            for statement in statements:
                if statement.upper().split()[0] not in _HAS_A_PLAN:
                    continue
                try:
                    cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement)
                except psycopg2.IntegrityError:  # the row that it inserted is there, or what that belonged to is gone
                    connection.rollback()
                    cursor.execute("EXPLAIN (FORMAT JSON) " + statement)
                [(result,)] = cursor.fetchall()
                connection.rollback()
                plans.append(_plan(statement, result[0]["Plan"]))
        return plans
    finally:
        connection.close()


def _plan(statement: str, root: dict[str, Any]) -> Plan:
    nodes = list(_nodes(root))
    sequential = [node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"]
    return Plan(
        statement=" ".join(statement.split()),
        steps=[_described(node) for node in nodes],
        buffers=root["Shared Hit Blocks"] + root["Shared Read Blocks"] if "Shared Hit Blocks" in root else None,
        sequential=[table for table in sequential if table not in _OF_FIXED_SIZE and not table.startswith("pg_")],
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _described(node: dict[str, Any]) -> str:
    index, table = node.get("Index Name"), node.get("Relation Name")
    return f"{node['Node Type']}" + (f" using {index}" if index else "") + (f" on {table}" if table else "")


def to_json(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    return [{"statement": _without_data(plan.statement), "plan": plan.steps, "buffers": plan.buffers} for plan in plans]


def _without_data(statement: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "'…'", statement)[:400]
