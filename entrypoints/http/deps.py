"""How a route gets a use case. Async: a look-up must not cost a worker thread."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request

from entrypoints.container import Container
from entrypoints.hashing import HashingExecutor


def use(pick: Callable[[Container], Any]) -> Any:
    """A parameter that the container provides: `Annotated[SignIn, use(lambda c: c.sign_in())]`."""

    async def take(request: Request) -> Any:
        return pick(request.app.state.container)

    return Depends(take)


HashingDep = Annotated[HashingExecutor, use(lambda c: c.hashing_executor())]
