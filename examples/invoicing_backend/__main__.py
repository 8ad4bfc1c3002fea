"""`python -m examples.invoicing_backend`: reads its configuration from the environment, and serves."""

import json
import os
from uuid import UUID

import httpx
import uvicorn

from examples.invoicing_backend.access import PorticoAccess
from examples.invoicing_backend.app import create_app
from examples.invoicing_backend.tokens import PorticoKeys, PorticoTokens


def main() -> None:
    portico = httpx.Client(base_url=os.environ["PORTICO_URL"], timeout=2.0)
    tokens = PorticoTokens(PorticoKeys.of(portico), issuer=os.environ["PORTICO_ISSUER"], audience="invoicing")
    keys = {UUID(organization): key for organization, key in json.loads(os.environ["PORTICO_KEYS"]).items()}
    uvicorn.run(create_app(tokens, PorticoAccess(portico, keys)), port=int(os.environ.get("PORT", "9000")))


main()
