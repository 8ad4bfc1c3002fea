"""How a route gets a use case. Async: a look-up must not cost a worker thread."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request

from entrypoints.container import Container
from entrypoints.hashing import HashingExecutor


class Provided:
    """What a parameter is taken from. FastAPI calls it as a dependency; our Route asks `pick` by itself."""

    def __init__(self, pick: Callable[[Container], Any]) -> None:
        self.pick = pick

    async def __call__(self, request: Request) -> Any:
        return self.pick(request.app.state.container)


def use(pick: Callable[[Container], Any]) -> Any:
    """A parameter that the container provides: `Annotated[SignIn, use(lambda c: c.sign_in())]`."""
    return Depends(Provided(pick))


HashingDep = Annotated[HashingExecutor, use(lambda c: c.hashing_executor())]
