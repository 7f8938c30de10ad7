"""The names of values, against the structs of the same binding."""

from __future__ import annotations

from schemas import catalogue, values

VOCABULARY = values.load()


def test_the_values_of_a_flag_have_ctps_names() -> None:
    assert VOCABULARY.types["InputOrder"]["Direction"] == "Direction"
    assert VOCABULARY.values["Direction"] == {"Buy": "0", "Sell": "1"}
    assert VOCABULARY.values["OrderStatus"]["Canceled"] == "5"


def test_every_field_has_a_type_and_fields_of_one_type_one_size() -> None:
    sizes: dict[str, set[tuple[str, int]]] = {}
    for name, layout in catalogue.load().layouts.items():
        for field in layout.fields:
            kind = VOCABULARY.types[name][field.name]
            sizes.setdefault(kind, set()).add((field.kind, field.size))
    assert not [kind for kind, found in sizes.items() if len(found) > 1]


def test_every_flag_has_values_and_they_differ() -> None:
    flags = {
        VOCABULARY.types[name][field.name]
        for name, layout in catalogue.load().layouts.items()
        for field in layout.fields
        if field.kind == "c"
    }
    without = flags - VOCABULARY.values.keys()
    assert without == {"NewsUrgency"}
    for kind in flags - without:
        found = VOCABULARY.values[kind].values()
        assert len(set(found)) == len(found), kind
