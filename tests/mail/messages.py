"""What the relay promises each template, and what the tests of several mailers send."""

from adapters.mail.rendering import Renderer
from application.ports.mail import OutgoingMail
from domain.accounts import EmailAddress

VALUES_BY_TEMPLATE = {
    "verification": {"public_url", "link", "token", "hours"},
    "account_exists": {"public_url"},
    "password_reset": {"public_url", "link", "token", "minutes"},
    "email_change": {"public_url", "link", "token", "hours"},
    "email_change_taken": {"public_url"},
    "invitation": {"public_url", "link", "token", "hours", "organization"},
    "email_code": {"public_url", "code", "minutes"},
    "password_changed": {"public_url"},
    "email_change_requested": {"public_url"},
    "email_changed": {"public_url"},
    "refresh_reused": {"public_url"},
    "account_suspended": {"public_url"},
    "account_reactivated": {"public_url"},
    "account_closed": {"public_url"},
    "factors_changed": {"public_url"},
    "factors_reset": {"public_url"},
    "factors_locked": {"public_url"},
    "recovery_code_used": {"public_url"},
    "passkey_cloned": {"public_url"},
    "webhook_disabled": {"public_url", "host", "webhook_id"},
}

TOKEN, CODE = "ab3.dG9rZW4", "047311"
VALUES = {
    "public_url": "https://portico.example",
    "link": f"https://portico.example/verify#token={TOKEN}",
    "token": TOKEN,
    "code": CODE,
    "hours": "24",
    "minutes": "30",
    "organization": "Löwe & Söhne",
    "host": "receiver",
    "webhook_id": "01a20677-494e-72a1-b22a-a86e85706e05",
}

renderer = Renderer(product="Example & Co")


def a_mail(template: str = "verification", *, to: str = "ada@example.com", **values: str) -> OutgoingMail:
    """With exactly the values that the template was promised, but for those given."""
    promised = {name: VALUES[name] for name in VALUES_BY_TEMPLATE.get(template, ())}
    return OutgoingMail(to=EmailAddress(to), template=template, values={**promised, **values})
