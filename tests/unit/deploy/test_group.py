"""What deploy/up tells at its end."""

from __future__ import annotations

from pathlib import Path

from deploy.group import where_to_read_on
from deploy.plan import CHECKOUT, read


def told(folder: Path, name: str) -> str:
    text = (CHECKOUT / "deploy" / name).read_text("utf-8")
    file = folder / name
    file.write_text(text.replace("data: var", f"data: {folder}/var"), "utf-8")
    return where_to_read_on(read(file))


def test_the_first_order_of_the_readme_is_for_the_embedded_exchange_only(tmp_path: Path) -> None:
    assert told(tmp_path, "gateway.yaml") == "README.md shows a first tick and a first order"
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    assert "\n## A first tick\n" in readme
    assert "\n## A first order\n" in readme
    assert told(tmp_path, "simnow.yaml") == "ctpbus login test; docs/adding_a_front.md"
    assert (CHECKOUT / "docs" / "adding_a_front.md").exists()
