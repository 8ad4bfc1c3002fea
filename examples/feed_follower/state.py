"""What the backend knows, and how far it has read: in one database, so that neither is ever without the other."""

import sqlite3
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS place (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    cursor TEXT,
    events INTEGER NOT NULL,
    digest TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS members (
    membership_id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    role TEXT NOT NULL
);
INSERT OR IGNORE INTO place VALUES (1, NULL, 0, '');
"""


class State:
    """`digest` is over the ids of all events in their order: two who have read the same have the same."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file)
        self._connection.executescript(_TABLES)

    @property
    def cursor(self) -> str | None:
        cursor: str | None = self._connection.execute("SELECT cursor FROM place").fetchone()[0]
        return cursor

    def apply(self, events: Iterable[dict[str, Any]], next_cursor: str) -> None:
        """All of it, or, whatever happens in between, nothing."""
        with self._connection:
            count, digest = self._connection.execute("SELECT events, digest FROM place").fetchone()
            for event in events:
                self._happened(event)
                count, digest = count + 1, sha256(f"{digest}{event['id']}".encode()).hexdigest()
            self._connection.execute(
                "UPDATE place SET cursor = ?, events = ?, digest = ?", (next_cursor, count, digest)
            )

    def _happened(self, event: dict[str, Any]) -> None:
        """By the aggregate, never by the account: whoever leaves and comes back has another membership, and between two
        aggregates the feed promises no order."""
        membership, data = event["aggregate_id"], event["data"]
        match event["type"]:
            case "member.added" | "member.role_changed":
                row = (membership, data["account_id"], data["role"])
                self._connection.execute("INSERT OR REPLACE INTO members VALUES (?, ?, ?)", row)
            case "member.removed":
                self._connection.execute("DELETE FROM members WHERE membership_id = ?", (membership,))

    def dump(self) -> str:
        """All of it, but for the cursor, which also counts what is not ours."""
        events, digest = self._connection.execute("SELECT events, digest FROM place").fetchone()
        members = self._connection.execute("SELECT * FROM members ORDER BY membership_id").fetchall()
        return "\n".join([f"{events} {digest}", *(" ".join(row) for row in members)])

    def members(self) -> dict[str, str]:
        """Account and role."""
        return dict(self._connection.execute("SELECT account_id, role FROM members").fetchall())

    def close(self) -> None:
        self._connection.close()
