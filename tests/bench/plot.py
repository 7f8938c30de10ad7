"""Pictures for the documents. matplotlib is needed only here (the extra ``bench``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Curve:
    name: str
    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False


def lines(file: Path, title: str, x_name: str, y_name: str, curves: Sequence[Curve]) -> None:
    """Both axes logarithmic. A dashed curve has the colour of the one before it."""
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "ctpbus"  # the same figures give the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    colour = None
    for curve in curves:
        style, same = ("--", colour) if curve.dashed else ("-", None)
        (drawn,) = axes.plot(curve.x, curve.y, style, marker="o", color=same, label=curve.name)
        colour = drawn.get_color()
    axes.set(xscale="log", yscale="log", title=title, xlabel=x_name, ylabel=y_name)
    axes.grid(True, which="both", alpha=0.3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    figure.legend(loc="outside right center")
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
    pyplot.close(figure)
