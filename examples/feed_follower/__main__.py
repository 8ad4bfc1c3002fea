"""`python -m examples.feed_follower`: reads its configuration from the environment, and follows."""

import os
from pathlib import Path

import httpx

from examples.feed_follower.follower import WAIT, Follower
from examples.feed_follower.state import State


def main() -> None:
    portico = httpx.Client(
        base_url=os.environ["PORTICO_URL"],
        headers={"Authorization": f"Bearer {os.environ['PORTICO_KEY']}"},
        timeout=WAIT + 10,
    )
    Follower(portico=portico, state=State(Path(os.environ.get("STATE", "members.sqlite3")))).follow()


main()
