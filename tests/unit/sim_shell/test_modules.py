"""What a program imports in the place of the binding's modules."""

from __future__ import annotations

import pytest

from schemas import binding
from sim import mdapi, tdapi


def test_they_are_the_binding_s_but_for_the_api_classes() -> None:
    real = binding.load()
    assert mdapi.CThostFtdcMdSpi is real.mdapi.CThostFtdcMdSpi
    assert tdapi.CThostFtdcTraderSpi is real.tdapi.CThostFtdcTraderSpi
    assert tdapi.CThostFtdcInputOrderField is real.tdapi.CThostFtdcInputOrderField
    assert mdapi.CThostFtdcMdApi is not real.mdapi.CThostFtdcMdApi
    assert tdapi.CThostFtdcTraderApi is not real.tdapi.CThostFtdcTraderApi


def test_what_the_binding_does_not_have_is_no_attribute() -> None:
    with pytest.raises(AttributeError):
        _ = tdapi.CThostFtdcNothing
