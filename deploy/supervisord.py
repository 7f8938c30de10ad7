"""python -m deploy.supervisord: supervisord, closed to others as our own programs are.

It hands secrets of the environment on to them, so it has these for as long as it runs.
"""

from __future__ import annotations

from supervisor import supervisord  # type: ignore[import-untyped]
from supervisor.options import ServerOptions  # type: ignore[import-untyped]

from bus.membership import join
from bus.memory import close_memory


class Options(ServerOptions):  # type: ignore[misc]
    """Joins the group when it has forked, which gives the lock back, and after each SIGHUP, which
    closes all of its files."""

    def write_pidfile(self) -> None:
        super().write_pidfile()
        join()


def main() -> None:
    join()
    close_memory()
    supervisord.ServerOptions = Options
    supervisord.main()


if __name__ == "__main__":
    main()
