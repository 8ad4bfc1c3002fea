"""The backend: invoices of organizations, kept in memory because that is not what it shows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse

from examples.invoicing_backend.callers import Access, Caller, Forbidden, TokenRefused, Tokens, Unavailable


class InvoiceNotFound(Exception):
    """No such invoice, or of another organization: deliberately not told apart."""

    def __init__(self) -> None:
        super().__init__("There is no such invoice.")


class NewInvoice(BaseModel):
    customer: str


class Invoice(NewInvoice):
    id: UUID
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Invoices:
    """Every look is within one organization."""

    rows: dict[tuple[UUID, UUID], Invoice] = field(default_factory=dict)

    def all(self, organization_id: UUID) -> list[Invoice]:
        return [invoice for (owner, _), invoice in self.rows.items() if owner == organization_id]

    def get(self, organization_id: UUID, id: UUID) -> Invoice:
        """Raise InvoiceNotFound."""
        invoice = self.rows.get((organization_id, id))
        if invoice is None:
            raise InvoiceNotFound
        return invoice

    def put(self, organization_id: UUID, invoice: Invoice) -> Invoice:
        self.rows[organization_id, invoice.id] = invoice
        return invoice


def create_app(tokens: Tokens, access: Access) -> FastAPI:
    app = FastAPI(title="Invoicing")
    invoices = Invoices()

    def the_caller(request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise TokenRefused
        return tokens.caller(token)

    of_token = Depends(the_caller)

    @app.get("/invoices")
    def list_invoices(caller: Annotated[Caller, of_token]) -> list[Invoice]:
        caller.must("invoices:read")
        return invoices.all(caller.organization_id)

    @app.post("/invoices", status_code=201)
    def write_invoice(body: NewInvoice, caller: Annotated[Caller, of_token]) -> Invoice:
        caller.must("invoices:write")
        return invoices.put(caller.organization_id, Invoice(id=uuid4(), customer=body.customer))

    @app.post("/invoices/{id}/send")
    def send_invoice(id: UUID, caller: Annotated[Caller, of_token]) -> Invoice:
        """What was sent cannot be called back: so Portico is asked, at this very moment."""
        access.must(caller, "invoices:send", resource=f"invoice {id}")
        invoice = invoices.get(caller.organization_id, id)
        return invoices.put(caller.organization_id, invoice.model_copy(update={"sent": True}))

    for refusal, status in ((TokenRefused, 401), (Forbidden, 403), (InvoiceNotFound, 404), (Unavailable, 503)):
        app.add_exception_handler(refusal, _answering(status))
    return app


def _answering(status: int) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None

    async def answer(_: Request, refusal: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(refusal)}, status, headers)

    return answer
