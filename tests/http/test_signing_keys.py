from typing import Any

from jose import jwt

from tests.builders import MINUTE
from tests.http.service import Service, SignedIn

SECONDS = MINUTE / 60


def published(service: Service) -> dict[str, dict[str, str]]:
    response = service.get("/.well-known/jwks.json")
    assert response.status_code == 200
    assert "max-age=600" in response.headers["cache-control"]
    return {key["kid"]: key for key in response.json()["keys"]}


def key_of(device: SignedIn) -> str:
    return str(jwt.get_unverified_header(device.tokens["access_token"])["kid"])


def test_active_and_standby_are_published_without_a_private_part(service: Service) -> None:
    keys = published(service)
    assert len(keys) == 2
    for key in keys.values():
        assert set(key) == {"kty", "use", "alg", "kid", "crv", "x", "y"}
        assert (key["kty"], key["use"], key["alg"], key["crv"]) == ("EC", "sig", "ES256", "P-256")


def test_a_backend_verifies_offline(service: Service) -> None:
    account = service.sign_up()
    ada = service.sign_in()
    token = ada.tokens["access_token"]
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}  # the clock of the tests stands still
    claims: dict[str, Any] = jwt.decode(
        token,
        published(service)[key_of(ada)],
        algorithms=["ES256"],
        audience="portico",
        issuer="http://localhost:8000",
        options=options,
    )
    assert (claims["sub"], claims["sid"]) == (account["id"], ada.session_id)
    assert claims["exp"] - claims["iat"] == 600
    assert (claims["amr"], claims["acr"]) == (["pwd"], "aal1")
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"


def test_a_rotation_under_way_refuses_nobody(service: Service) -> None:
    ada = service.ada()
    before = published(service)
    service.clock.advance(16 * MINUTE)
    old = service.sign_in()
    service.container.rotate_keys()(force=False)
    service.clock.advance(6 * SECONDS)  # a process reads the keys anew after five seconds
    new = service.sign_in()
    assert key_of(old) == key_of(ada) != key_of(new)
    assert key_of(new) in before, "it was published before it signed"
    assert service.get("/v1/me", by=old).status_code == 200
    assert service.get("/v1/me", by=new).status_code == 200
    assert {key_of(old), key_of(new)} < set(published(service))


def test_a_revoked_key_is_out_within_five_seconds(service: Service) -> None:
    ada = service.ada()
    service.container.revoke_key()(
        key_id=next(k.id for k in service.container.list_keys()() if str(k.id) == key_of(ada))
    )
    service.clock.advance(5 * SECONDS)
    assert service.get("/v1/me", by=ada).status_code == 401
    assert key_of(ada) not in published(service)
    refreshed = service.post("/v1/sessions/refresh", {"refresh_token": ada.refresh_token})
    assert service.get("/v1/me", by=SignedIn(refreshed.json())).status_code == 200
