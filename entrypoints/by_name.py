"""A use case says in its fields what it needs, and is given what goes by these names.

So a list of use cases says of each only what is its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any, cast


class Unwired(TypeError):
    """A use case was not given what it needs, or was given what it has no field for."""


def arguments(use_case: Callable[..., object], usual: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields of `use_case` take: all of `own`, and of `usual` what else they name. Raise Unwired unless that
    is enough, and each of `own` has a field."""
    needs = _needs(use_case)
    if strange := [name for name in own if name not in needs]:
        raise Unwired(f"{use_case.__name__} has no field {_listed(strange)}.")
    found = {name: usual[name] for name in needs if name in usual} | dict(own)
    if lacking := [name for name, is_needed in needs.items() if is_needed and name not in found]:
        raise Unwired(f"{use_case.__name__} needs {_listed(lacking)}: not among what is usual, and not given.")
    return found


@cache
def _needs(use_case: Callable[..., object]) -> dict[str, bool]:
    """Its fields, and whether each has to be given."""
    return {each.name: _is_needed(each) for each in fields(cast(Any, use_case)) if each.init}


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _listed(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
