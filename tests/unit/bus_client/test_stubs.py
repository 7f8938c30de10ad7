"""What an editor is told of structs and requests is what there is."""

from __future__ import annotations

import ast
import keyword
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.client import structs, stubs
from bus.client.ctp import Ctp
from bus.client.kinds import acts, inserts, methods
from schemas import catalogue as catalogues
from schemas.typed import ALL, ctp_name, decode, encode, named
from schemas.typed.named import attribute, fields_of

CATALOGUE = catalogues.load()


@pytest.mark.parametrize(("path", "text"), stubs.stubs(CATALOGUE).items(), ids=str)
def test_the_stubs_are_those_of_the_catalogue(path: Path, text: str) -> None:
    written = path.read_text("utf-8")
    if written.splitlines()[0] + "\n" != stubs.head(CATALOGUE):
        pytest.skip("they are of another version of the API")
    assert written == text, "python -m bus.client.stubs writes them anew"


def test_every_request_but_the_login_is_a_method() -> None:
    account: Any = type("Account", (), {"catalogue": CATALOGUE})()
    ctp = Ctp(account)
    there = set(dir(ctp))
    assert CATALOGUE.td.requests.keys() - there == {
        *(name for name in CATALOGUE.td.requests if name.startswith("ReqUserLogin")),
        "ReqUserLogout",
    }
    assert all(callable(getattr(ctp, name)) for name in there)
    with pytest.raises(AttributeError, match="ReqNothing"):
        _ = ctp.ReqNothing  # type: ignore[attr-defined]
    listed = stubs.stubs(CATALOGUE)
    for path in (path for path in listed if path.name == "ctp.pyi"):
        (cls,) = (each for each in ast.parse(listed[path]).body if isinstance(each, ast.ClassDef))
        found = {
            each.name
            for each in cls.body
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert found - {"__init__"} == there


@pytest.mark.parametrize(
    ("name", "inserted", "acted"),
    [
        ("ReqOrderInsert", True, False),
        ("ReqParkedOrderInsert", True, False),
        ("ReqQuoteInsert", True, False),
        ("ReqOrderAction", False, True),
        ("ReqParkedOrderAction", False, False),
        ("ReqRemoveParkedOrderAction", False, False),
        ("ReqSettlementInfoConfirm", False, False),
        ("ReqFromBankToFutureByFuture", False, True),
        ("ReqQueryBankAccountMoneyByFuture", False, False),
        ("ReqQryOrder", False, False),
    ],
)
def test_a_request_is_of_a_kind_by_its_name(name: str, inserted: bool, acted: bool) -> None:
    request = methods(CATALOGUE)[name]
    assert (inserts(request), acts(request)) == (inserted, acted)


@pytest.mark.parametrize("name", sorted(CATALOGUE.layouts))
def test_every_struct_is_typed_and_its_bytes_come_back(name: str) -> None:
    cls = named(CATALOGUE, name)
    made = cls()
    assert decode(cls, encode(made, CATALOGUE), CATALOGUE) is not None
    attributes = [attribute(field.name) for field in fields_of(CATALOGUE, name)]
    assert len(set(attributes)) == len(attributes)
    assert not any(map(keyword.iskeyword, attributes))
    if cls not in ALL:
        assert list(cls.__struct_fields__) == attributes
        fields = [field.name for field in fields_of(CATALOGUE, name)]
        assert list(cls.__struct_encode_fields__) == fields


def test_the_written_structs_have_the_names_that_would_be_made() -> None:
    for cls in ALL:
        for name, ctp in zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True):
            assert attribute(ctp) == name
            assert ctp_name(name) == ctp


def test_a_request_sends_zero_where_nothing_is_given_and_no_value_is_told_as_none() -> None:
    quote = structs.InputQuote()
    assert quote.ask_price == 0.0
    assert structs.InstrumentMarginRate().long_margin_ratio_by_money is None


def test_a_struct_that_is_not_there_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="NoStruct"):
        _ = structs.NoStruct  # type: ignore[attr-defined]
    assert "QryInstrument" in dir(structs)


def test_secrets_in_a_struct_do_not_print() -> None:
    change = structs.UserPasswordUpdate(user_id="7", old_password="abc", new_password="xyz")
    assert "user_id='7'" in repr(change)
    assert "abc" not in f"{change} {change!r} {[change]}"
    assert "xyz" not in repr(change)
    assert msgspec.structs.asdict(change)["new_password"] == "xyz"
