"""Who may connect: libzmq asks a handler inside the process for every CURVE handshake.

The protocol is ZAP, https://rfc.zeromq.org/spec/27/: a request has the frames version, request id,
domain, address, identity, mechanism and credentials (the client's public key, 32 bytes), the reply
version, request id, status code, status text, user id and metadata.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import zmq
from zmq.utils import z85
from zmq.utils.monitor import parse_monitor_message

from .log import Sparing
from .wake import Inbox

log = logging.getLogger(__name__)
strangers = Sparing(log)

_ENDPOINT: Final = "inproc://zeromq.zap.01"
_MOST_REMEMBERED: Final = 1000
_FAILED: Final = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
_REASONS: Final = {
    int(zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH): "no key",
    int(zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC): "another server's key, or no CURVE",
}


class Verdict(NamedTuple):
    """``role`` of a peer that is let in; else "", and why not."""

    role: str
    reason: str = ""


Judge = Callable[[str, str], Verdict]  # of a domain and a public key in Z85


def answer(request: Sequence[bytes], judge: Judge) -> tuple[list[bytes], Verdict]:
    """The reply to one request, and what was decided. The key travels as the User-Id of every
    message of the peer, so that it can be judged anew.

    A refusal is 300 (temporary), not 400: after 400 libzmq's client never tries again, and a key
    that is admitted later would need a restart of its owner.
    """
    version, number, domain, _, _, mechanism, *credentials = request
    key = b""
    if mechanism == b"CURVE" and len(credentials) == 1 and len(credentials[0]) == 32:
        key = z85.encode(credentials[0])
        try:
            verdict = judge(domain.decode(), key.decode())
        except Exception:
            log.exception("a key could not be judged")
            verdict = Verdict("", "fault")
    else:
        verdict = Verdict("", "no CURVE")
    status = [b"200", b"OK"] if verdict.role else [b"300", b"refused"]
    return [version, number, *status, key if verdict.role else b"", b""], verdict


class Door(threading.Thread):
    """The handler of one context, and an eye on what fails before it is asked.

    ``refused`` counts handshakes that failed for any reason.
    """

    def __init__(self, context: zmq.Context[Any], judge: Judge) -> None:
        super().__init__(name="zap", daemon=True)
        self.refused = 0
        self._judge = judge
        self._times: dict[tuple[str, ...], int] = {}
        self._socket = context.socket(zmq.REP)
        self._socket.set(zmq.LINGER, 0)
        # Before the first server socket is bound, which would let nobody in without it.
        self._socket.bind(_ENDPOINT)
        self._watched: dict[zmq.Socket[Any], str] = {}
        self._inbox: Inbox[tuple[zmq.Socket[Any], str] | None] = Inbox()
        self.start()

    def watch(self, socket: zmq.Socket[Any], domain: str) -> None:
        """Log and count the handshakes of this socket that fail before a key is known."""
        self._inbox.put((socket.get_monitor_socket(_FAILED), domain))

    def close(self) -> None:
        """After the sockets it has watched."""
        self._inbox.put(None)
        self.join()
        self._inbox.close()

    def run(self) -> None:
        try:
            self._work()
        except Exception:
            # Those who are in stay; nobody else gets in until the process is started anew.
            log.critical("the handler of new connections failed", exc_info=True)
        finally:
            for socket in (self._socket, *self._watched):
                socket.close()

    def _work(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._inbox.fd, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            for item in self._inbox.take():
                if item is None:
                    return
                self._watched[item[0]] = item[1]
                poller.register(item[0], zmq.POLLIN)
            if self._socket in ready:
                self._answer()
            for socket in [socket for socket in self._watched if socket in ready]:
                if not self._take_event(socket):
                    poller.unregister(socket)

    def _answer(self) -> None:
        request = self._socket.recv_multipart()
        reply, verdict = answer(request, self._judge)
        self._socket.send_multipart(reply)
        if not verdict.role:
            address, key = request[3].decode("ascii", "replace"), request[-1]
            shown = z85.encode(key).decode() if len(key) == 32 else ""
            self._count(verdict.reason, request[2].decode(), address, shown)

    def _take_event(self, socket: zmq.Socket[Any]) -> bool:
        """False when it was the last of this socket, which is closed."""
        event = parse_monitor_message(socket.recv_multipart())
        if event["event"] == zmq.EVENT_MONITOR_STOPPED:
            del self._watched[socket]
            socket.close()
            return False
        self._count(_REASONS.get(int(event["value"]), "cut off"), self._watched[socket])
        return True

    def _count(self, reason: str, domain: str, address: str = "", key: str = "") -> None:
        self.refused += 1
        if len(self._times) > _MOST_REMEMBERED:
            self._times.clear()
        peer = (reason, domain, address, key)
        times = self._times[peer] = self._times.get(peer, 0) + 1
        # 1, 2, 4 …: whoever is refused tries again several times a second.
        if times & (times - 1) == 0:
            fields = {"socket": domain, "reason": reason, "count": times}
            if key:
                fields |= {"address": address, "public_key": key}
            strangers.warning("connection refused", fields)
