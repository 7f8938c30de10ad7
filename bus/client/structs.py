"""The typed struct of every request and callback of the trader API, by CTP's names without
CThostFtdc and Field, and of the market data API's tick:

    from bus.client.structs import QryInstrument, InputQuote

They are made from the catalogue of the installed binding when they are asked for; ``structs.pyi``
lists them for editors and type checkers, of the API's version that it names.
"""

from __future__ import annotations

from functools import cache

from schemas import catalogue as catalogues
from schemas.catalogue import Catalogue
from schemas.typed import CtpStruct, named


def __getattr__(name: str) -> type[CtpStruct]:
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        return named(_catalogue(), name)
    except KeyError:
        raise AttributeError(f"this version of the API has no struct {name}") from None


def __dir__() -> list[str]:
    return sorted(_catalogue().layouts)


@cache
def _catalogue() -> Catalogue:
    return catalogues.load()
