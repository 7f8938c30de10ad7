"""The end of everything that waits."""

from __future__ import annotations


class Stopped(RuntimeError):
    """``stop`` was called: nothing more comes. In a strategy's thread it ends the strategy."""

    def __init__(self) -> None:
        super().__init__("the strategies have been stopped")
