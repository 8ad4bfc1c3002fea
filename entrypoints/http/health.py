"""For the load balancer and the orchestrator."""

from typing import Annotated, Literal

from pydantic import BaseModel
from starlette.responses import Response

from application.ports.unit_of_work import Persistence
from entrypoints.http.deps import use
from entrypoints.http.problems import INTERNAL_ERROR, Responses, documented
from entrypoints.http.routing import router
from entrypoints.http.schemas import answer

routes = router("health", prefix="/health")

_FAULT: Responses = {500: documented(500, [INTERNAL_ERROR.code])}


class Alive(BaseModel):
    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    status: Literal["ready", "not_ready"]
    failed: Literal["database", "schema"] | None = None


@routes.get("/live", response_model=Alive, summary="Is the process alive", responses=_FAULT)
async def live() -> Response:
    """Answers as long as the process can answer at all. It asks nothing else: restart it only if this fails."""
    return answer(Alive())


@routes.get(
    "/ready",
    response_model=Readiness,
    summary="Can it serve",
    responses={**_FAULT, 503: {"model": Readiness, "description": "Which check failed: send no requests here."}},
)
def ready(persistence: Annotated[Persistence, use(lambda c: c.persistence())]) -> Response:
    """200 only while the database answers and its schema is at head."""
    if failed := persistence.problem():
        return answer(Readiness.model_validate({"status": "not_ready", "failed": failed}), 503)
    return answer(Readiness(status="ready"))
