"""What most functions of routes take: the caller, a body, and what the container provides."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Annotated, Any, Self, get_args, get_origin

from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from entrypoints.container import Container
from entrypoints.http.caller import Caller
from entrypoints.http.deps import Provided

_JSON = "application/json"
_MISSING = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}


@dataclass(frozen=True, slots=True)
class Taken:
    """Read, checked and provided without FastAPI, in the same way and with the same refusals."""

    body: type[BaseModel] | None
    is_caller_taken: bool
    provided: Mapping[str, Callable[[Container], Any]]

    @classmethod
    def by(cls, endpoint: Callable[..., Any]) -> Self | None:
        """None where something else is taken as well, from the path or the query."""
        body: type[BaseModel] | None = None
        is_caller_taken = False
        provided: dict[str, Callable[[Container], Any]] = {}
        for name, parameter in signature(endpoint, eval_str=True).parameters.items():
            provider = _provider(parameter)
            if provider:
                provided[name] = provider.pick
            elif name == "body" and isinstance(parameter.annotation, type) and parameter.default is Parameter.empty:
                body = parameter.annotation
            elif parameter.annotation is Caller:
                is_caller_taken = True
            else:
                return None
        return cls(body, is_caller_taken, provided)

    async def arguments(self, caller: Caller) -> dict[str, Any]:
        """Raise RequestValidationError, or HTTPException for a body that does not come whole."""
        container = caller.app.state.container
        arguments: dict[str, Any] = {name: pick(container) for name, pick in self.provided.items()}
        if self.is_caller_taken:
            arguments["caller"] = caller
        if self.body:
            arguments["body"] = await _read(caller, self.body)
        return arguments


def _provider(parameter: Parameter) -> Provided | None:
    if get_origin(parameter.annotation) is not Annotated:
        return None
    found = (each.dependency for each in get_args(parameter.annotation)[1:] if isinstance(each, Depends))
    return next((each for each in found if isinstance(each, Provided)), None)


async def _read(caller: Caller, model: type[BaseModel]) -> BaseModel:
    try:
        raw = await caller.body()
        if not raw:
            raise RequestValidationError([_MISSING])
        if not _is_json(caller.headers.get("content-type", "")):
            raise RequestValidationError([], body=raw)
        # Not pydantic's own parser, which refuses a lone surrogate as no JSON at all: which field has it must be told.
        given = json.loads(raw)
    except (ClientDisconnect, ValueError, RecursionError):
        raise HTTPException(400) from None
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from None


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == _JSON or (media_type.startswith("application/") and media_type.endswith("+json"))
