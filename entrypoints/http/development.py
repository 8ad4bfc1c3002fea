"""What only development serves: the password form for `/docs`, the mails that went to the console, and a page that
tries out passkeys and second factors."""

from html import escape
from pathlib import Path
from typing import Annotated, Self

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel
from starlette.responses import FileResponse, HTMLResponse, Response

from application.ports.mail import Mailbox, SentMail
from application.signing_in import SecondFactorDue, SignIn
from domain.accounts import InvalidEmail
from domain.attempts import TooManyAttempts
from domain.sessions import InvalidCredentials
from entrypoints.http.caller import Caller
from entrypoints.http.deps import HashingDep, use
from entrypoints.http.operations import NOBODY, operation
from entrypoints.http.problems import INTERNAL_ERROR, MALFORMED, TOO_LARGE, documented
from entrypoints.http.routing import router
from entrypoints.http.schemas import Timestamp, answer
from entrypoints.http.sessions import Tokens
from entrypoints.settings import Settings

token = router("sessions")
mailbox = router("development")
pages = router("development")


class OAuthError(BaseModel):
    error: str
    error_description: str


@token.post(
    "/v1/token",
    response_model=Tokens,
    summary="Sign in from /docs",
    **operation(
        SignIn,
        TooManyAttempts,
        needs=NOBODY,
        hashes=True,
        body=False,  # no JSON, that is: what is no form is an empty one, and so a 422
        also={
            400: {"model": OAuthError, **documented(400, ["invalid_grant", MALFORMED.code])},
            413: documented(413, [TOO_LARGE.code]),
        },
    )
    | {"description": "The OAuth2 password form, in development only, so that `/docs` can sign in."},
)
async def sign_in_by_form(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    caller: Caller,
    hashing: HashingDep,
    sign_in: Annotated[SignIn, use(lambda c: c.sign_in())],
) -> Response:
    try:
        signed_in = await hashing.run(
            lambda: sign_in(email=form.username, password=form.password, client=caller.client_seen)
        )
    except (InvalidCredentials, InvalidEmail) as refused:
        # RFC 6749 section 5.2: what an OAuth client expects.
        return answer(OAuthError(error="invalid_grant", error_description=refused.detail), 400, secret=True)
    if isinstance(signed_in, SecondFactorDue):  # the form has no place for it: paste a bearer
        detail = "A second factor is due: sign in at POST /v1/sessions, and paste the access token."
        return answer(OAuthError(error="invalid_grant", error_description=detail), 400, secret=True)
    return answer(Tokens.of(signed_in), secret=True)


class MailOut(BaseModel):
    to: str
    subject: str
    text: str
    at: Timestamp
    token: str | None

    @classmethod
    def of(cls, mail: SentMail) -> Self:
        return cls(to=mail.to.value, subject=mail.subject, text=mail.text, at=mail.at, token=mail.token)


class MailsOut(BaseModel):
    items: list[MailOut]


@mailbox.get(
    "/dev/mailbox.json",
    response_model=MailsOut,
    summary="The newest mails, newest first",
    responses={500: documented(500, [INTERNAL_ERROR.code])},
)
async def mails(mailbox: Annotated[Mailbox, use(lambda c: c.console_mailer())]) -> Response:
    """In development only: what would have been sent by mail."""
    return answer(MailsOut(items=[MailOut.of(mail) for mail in mailbox.newest()]), secret=True)


@mailbox.get("/dev/mailbox", include_in_schema=False)
async def mailbox_page(mailbox: Annotated[Mailbox, use(lambda c: c.console_mailer())]) -> HTMLResponse:
    mails = "".join(
        f"<article><h2>{escape(mail.subject)}</h2><p>to {escape(mail.to.value)}, {mail.at:%H:%M:%S} UTC</p>"
        f"<pre>{escape(mail.text)}</pre></article>"
        for mail in mailbox.newest()
    )
    return HTMLResponse(_PAGE.replace("{mails}", mails or "<p>No mail yet. Sign up, and look again.</p>"))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Mailbox</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
article { border: 1px solid #8888; border-radius: .5rem; padding: 0 1rem; margin: 1rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; user-select: text; }
</style></head>
<body><h1>Mailbox</h1><p>What this server would have sent. It shows itself in development only.</p>
<nav><a href="/dev/passkeys">Passkeys and second factors</a></nav>{mails}</body></html>
"""


_PAGES = Path(__file__).parent / "pages"
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src data:",  # the QR code, as the API gives it
            "form-action 'none'",  # without its script, no password gets into an address
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "require-trusted-types-for 'script'",
        )
    ),
}


@pages.get("/dev/passkeys", include_in_schema=False)
async def passkeys_page(request: Request, settings: Annotated[Settings, use(lambda c: c.settings())]) -> HTMLResponse:
    """It says so where its address is none that passkeys belong to: 127.0.0.1 never is, being no domain."""
    is_at_home = f"{request.url.scheme}://{request.url.netloc}" in settings.relying_party_origins
    page = (_PAGES / "passkeys.html").read_text(encoding="utf-8")
    notice = "" if is_at_home else _ASTRAY.replace("{home}", escape(settings.relying_party_origins[0]))
    return HTMLResponse(page.replace("{notice}", notice), headers=_PAGE_HEADERS)


@pages.get("/dev/passkeys.js", include_in_schema=False)
async def passkeys_script() -> FileResponse:
    return FileResponse(_PAGES / "passkeys.js", headers=_PAGE_HEADERS, media_type="text/javascript")


@pages.get("/dev/passkeys.css", include_in_schema=False)
async def passkeys_style() -> FileResponse:
    return FileResponse(_PAGES / "passkeys.css", headers=_PAGE_HEADERS, media_type="text/css")


_ASTRAY = """<p class="told" data-kind="refused">Passkeys of this server belong to
<a href="{home}/dev/passkeys">{home}</a>, as PUBLIC_URL and PASSKEY_ORIGINS say: here they are refused.</p>"""
