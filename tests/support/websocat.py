"""What the documents use of websocat, for machines without it: ``websocat [-n] URL``.

Lines of stdin are sent as texts, texts that come are printed as lines. At the end of stdin it hangs
up, with ``-n`` it waits for the other side.
"""

from __future__ import annotations

import sys
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect


def show(connection: ClientConnection) -> None:
    try:
        for message in connection:
            print(message, flush=True)
    except ConnectionClosed:
        return


def main() -> None:
    *options, url = sys.argv[1:]
    with connect(url, max_size=None) as connection:
        shower = threading.Thread(target=show, args=(connection,))
        shower.start()
        for line in sys.stdin:
            connection.send(line.rstrip("\n"))
        if "-n" not in options:
            connection.close()
        shower.join()


if __name__ == "__main__":
    main()
