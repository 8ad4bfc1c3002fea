"""What a site of somebody else can do with a passkey of this one: nothing."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Frame, Page

from tests.browser.person import Person

_USE_PASSKEY = """async () => {
    const post = (path, body) => fetch(path, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body),
    });
    const { challenge, options } = await (await post("/v1/passkey-sessions/options")).json();
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    const passkey = (await navigator.credentials.get({ publicKey })).toJSON();
    const answer = await post("/v1/passkey-sessions", { challenge, passkey });
    const said = Uint8Array.fromBase64(passkey.response.clientDataJSON, { alphabet: "base64url" });
    return {
        status: answer.status,
        code: (await answer.json()).code ?? null,
        crossOrigin: JSON.parse(new TextDecoder().decode(said)).crossOrigin,
    };
}"""
"""Signs in as any page of the right origin may, and tells what the browser said and what the server made of it."""


@pytest.fixture
def stranger(url: str) -> str:
    """Another origin, and another site, on this machine: so the browser trusts it as it trusts localhost."""
    return url.replace("localhost", "127.0.0.1")


def serve(context: BrowserContext, address: str, html: str) -> None:
    """A page that the server does not have, as if it had."""
    context.route(address, lambda route: route.fulfill(content_type="text/html", body=f"<!doctype html>{html}"))


def embedded(page: Page, address: str) -> Frame:
    frame = page.frame(url=address)
    assert frame is not None
    return frame


@pytest.fixture
def unguarded(ada: Person, url: str) -> str:
    """A page of the right origin that, unlike all real ones, lets itself be embedded; Ada has a passkey for it."""
    ada.with_passkey()
    address = f"{url}/unguarded"
    serve(ada.page.context, address, "<title>Unguarded</title>")
    return address


def embed(page: Page, stranger: str, address: str, *, allow: str) -> Frame:
    serve(page.context, f"{stranger}/", f'<iframe src="{address}" allow="{allow}"></iframe>')
    page.goto(f"{stranger}/")
    return embedded(page, address)


def use_passkey(where: Page | Frame) -> dict[str, Any]:
    outcome: dict[str, Any] = where.evaluate(_USE_PASSKEY)
    return outcome


def test_a_page_that_nobody_embeds_signs_in(page: Page, unguarded: str) -> None:
    page.goto(unguarded)
    assert use_passkey(page) == {"status": 201, "code": None, "crossOrigin": False}


def test_an_embedded_page_is_refused_even_where_the_browser_is_told_to_let_it(
    page: Page, unguarded: str, stranger: str
) -> None:
    frame = embed(page, stranger, unguarded, allow="publickey-credentials-get *")
    assert use_passkey(frame) == {"status": 403, "code": "passkey_wrong", "crossOrigin": True}


def test_the_browser_lets_no_embedded_page_by_itself(page: Page, unguarded: str, stranger: str) -> None:
    frame = embed(page, stranger, unguarded, allow="")
    assert "NotAllowedError" in frame.evaluate(f"({_USE_PASSKEY})().catch(String)")


def test_the_browser_gives_a_page_of_another_origin_no_passkey_of_this_one(
    page: Page, unguarded: str, stranger: str
) -> None:
    serve(page.context, f"{stranger}/", "<title>Stranger</title>")
    page.goto(f"{stranger}/")
    assert "SecurityError" in page.evaluate(f"({_USE_PASSKEY})().catch(String)")


def test_the_real_page_cannot_be_embedded(context: BrowserContext, url: str, stranger: str) -> None:
    page = context.new_page()  # its browser complains, as it should
    serve(context, f"{stranger}/", f'<iframe src="{url}/dev/passkeys"></iframe>')
    page.goto(f"{stranger}/")
    [frame] = page.main_frame.child_frames
    assert frame.url.startswith("chrome-error:")
