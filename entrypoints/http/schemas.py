"""What the schemas of all concepts share."""

import base64
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from domain.kernel import CursorInvalid
from domain.passwords import LONGEST_HASHED

T = TypeVar("T")

_MOST_MEMBERS = 64


class Input(BaseModel):
    """A body. An unknown field is refused: it is a typing error, or belongs to another version."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_few_members(cls, given: Any) -> Any:
        """Each unknown field is an error of its own, and a body has room for a hundred thousand of them."""
        if isinstance(given, dict) and len(given) > _MOST_MEMBERS:
            raise PydanticCustomError("too_many_members", f"An object may have at most {_MOST_MEMBERS} members")
        return given


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


Timestamp = Annotated[datetime, PlainSerializer(_rfc3339, when_used="json"), Field(description="RFC 3339, UTC.")]

Address = Annotated[str, StringConstraints(max_length=320), Field(examples=["ada@example.com"])]
Secret = Annotated[str, StringConstraints(max_length=LONGEST_HASHED)]
"""A password or token as presented. It is judged further inside; longer ones are not even read."""
Name = Annotated[str, StringConstraints(max_length=400), Field(examples=["Ada Lovelace"])]

GivenRole = Annotated[str, StringConstraints(max_length=400), Field(examples=["member"])]

Limit = Annotated[int, Query(ge=1, le=100, description="How many items at most.")]
Cursor = Annotated[str | None, Query(max_length=512, description="The `next_cursor` of the page before.")]


class Page(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(description="Where the next page starts; null on the last one.")


def to_cursor(after: str | None) -> str | None:
    return base64.urlsafe_b64encode(after.encode()).decode().rstrip("=") if after else None


def from_cursor(cursor: str | None) -> str | None:
    """Raise CursorInvalid."""
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise CursorInvalid from None


def answer(model: BaseModel, status: int = 200, *, secret: bool = False) -> Response:
    """The response itself, built once: FastAPI would validate and serialise the model a second time."""
    headers = {"Cache-Control": "no-store"} if secret else None
    return Response(model.model_dump_json(), status, headers, "application/json")


NO_CONTENT = 204


def no_content() -> Response:
    return Response(status_code=NO_CONTENT)
