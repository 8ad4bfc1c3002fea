"""What somebody may do at this moment: Portico is asked."""

from collections.abc import Mapping
from uuid import UUID

import httpx

from examples.invoicing_backend.callers import Access, Caller, Forbidden, Unavailable


class PorticoAccess(Access):
    """By the keys of our service accounts: each organization that uses us has made one, and gave us its key."""

    def __init__(self, portico: httpx.Client, keys: Mapping[UUID, str]) -> None:
        self._portico = portico
        self._keys = keys

    def must(self, caller: Caller, permission: str, *, resource: str) -> None:
        key = self._keys.get(caller.organization_id)
        if key is None:
            raise Forbidden("That organization has given us no key.")
        asked = {
            "permission": permission,
            "organization_id": str(caller.organization_id),
            "principal_id": str(caller.account_id),
            "resource": resource,
        }
        try:
            answer = self._portico.post("/v1/access/check", json=asked, headers={"Authorization": f"Bearer {key}"})
            decision = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            raise Unavailable("Portico does not say whether you may.") from None
        if decision["allowed"] is not True:
            raise Forbidden(decision["because"][-1]["detail"])
