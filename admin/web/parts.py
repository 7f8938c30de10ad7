"""What several pages are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from .frame import Context


class _Cell(TextElement):
    def __init__(self, text: str) -> None:
        super().__init__(tag="td", text=text)


@contextmanager
def table(
    titles: Sequence[str], numeric: Sequence[int] = (), wide: Sequence[int] = ()
) -> Iterator[Element]:
    """Inside come its rows. Without ``titles`` it has no head. ``numeric``: columns that stand to
    the right; ``wide``: for which a phone has no place, see the class of the same name."""
    with ui.element("table").classes("cb-table"):
        if titles:
            with ui.element("thead"), ui.element("tr"):
                for number, title in enumerate(titles):
                    head = ui.element("th").classes("num" if number in numeric else "")
                    with head.classes("wide" if number in wide else ""):
                        ui.label(title)
        with ui.element("tbody") as body:
            yield body


def row(classes: str = "") -> Element:
    return ui.element("tr").classes(classes)


def cell(text: str = "", classes: str = "") -> _Cell:
    """Shows text as it is, whatever is in it."""
    return _Cell(text).classes(classes)


def panel(title: str = "") -> Element:
    # A div: in a dialog nothing else takes the mouse.
    found = ui.element("div").classes("cb-panel")
    if title:
        with found, ui.element("h2"):
            ui.label(title)
    return found


async def confirm(context: Context, question: str, action: str, **values: object) -> bool:
    """Whether the user means it. ``question``, ``action``: keys of texts."""
    with context.place, ui.element("div") as holder, ui.dialog() as dialog, panel():
        ui.label(context.text(question, **values))
        with ui.element("div").classes("cb-row"):
            ui.button(context.text(action), on_click=lambda: dialog.submit(True)).mark("sure")
            ui.button(context.text("common.cancel"), on_click=lambda: dialog.submit(False)).props(
                "flat"
            )
    try:
        return bool(await dialog)
    finally:
        holder.delete()
