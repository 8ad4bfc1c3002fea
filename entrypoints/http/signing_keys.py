"""The public keys, for whoever verifies access tokens offline."""

from typing import Annotated

from pydantic import BaseModel, Field
from starlette.responses import Response

from application.signing_keys import PublishKeys
from entrypoints.http.deps import use
from entrypoints.http.operations import NOBODY, operation
from entrypoints.http.routing import router

routes = router("signing keys")

_MAX_AGE_SECONDS = 600


class Jwk(BaseModel):
    kty: str
    use: str
    alg: str
    kid: str
    crv: str
    x: str
    y: str


class Jwks(BaseModel):
    keys: list[Jwk] = Field(description="Standby, active and retiring.")


@routes.get(
    "/.well-known/jwks.json",
    response_model=Jwks,
    summary="Public keys",
    **operation(PublishKeys, needs=NOBODY, body=False),
)
def publish_keys(publish: Annotated[PublishKeys, use(lambda c: c.publish_keys())]) -> Response:
    jwks = Jwks(keys=[Jwk.model_validate(key) for key in publish()])
    headers = {"Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}"}
    return Response(jwks.model_dump_json(), headers=headers, media_type="application/json")
