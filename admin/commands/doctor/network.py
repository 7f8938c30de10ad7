"""Ports, fronts, and the processes of the group."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from deploy import members, ports
from deploy.plan import Plan
from deploy.supervision import Supervisor
from ws_edge.config import is_loopback

from ..group import Opened
from ..status import supervised
from .finding import Finding

_CONNECT_S: Final = 4.0
_MOST_AT_ONCE: Final = 16


class Use(NamedTuple):
    """``key``: where the port stands in the group's file."""

    key: str
    host: str
    port: int


def uses(group: Opened) -> list[Use]:
    """Ports that the group listens on."""
    plan, found = group.plan, []
    found.append(Use("ws_edge.port", plan.edge.host, plan.edge.port))
    if plan.tcp is not None:
        for name in ("login",) if plan.tcp.single_port else plan.tcp.services:
            listener = plan.tcp.listener(name)
            found.append(Use(f"tcp_edge.{name}.port", listener.host, listener.port))
    if "admin" in plan.programs:
        found.append(Use("admin.port", group.loaded.own.host, group.loaded.own.port))
    for key in plan.bus.__struct_fields__:
        address = getattr(plan.bus, key)
        if isinstance(address, str) and address.startswith("tcp://"):
            host, _, port = address[len("tcp://") :].rpartition(":")
            if port.isdigit():
                found.append(Use(f"bus.{key}", "" if host == "*" else host.strip("[]"), int(port)))
    return [use for use in found if use.port]


def of_ports(group: Opened) -> Iterator[Finding]:
    """Free, or held by this very group."""
    ours = members.find(group.plan.run)
    for key, host, port in uses(group):
        fault = ports.fault(host, port)
        if _is_elsewhere(key, fault):
            continue
        if fault is None:
            yield Finding("port", "ok", f"{port} on {host or 'all addresses'} is free ({key})")
        elif ports.held_by(port, ours):
            yield Finding("port", "ok", f"{port} is held by this group ({key})")
        else:
            remedy = f"end who holds it, or choose another: {group.plan.config}, {key}"
            yield Finding("port", "fault", f"{fault} ({key})", remedy)


def of_doors(plan: Plan) -> Iterator[Finding]:
    """Who can come in by WebSocket from another machine."""
    edge = plan.edge
    if is_loopback(edge.host):
        return
    where, key = edge.host or "all addresses", f"{plan.config}, ws_edge"
    if edge.in_the_clear:
        text = f"WebSocket on {where} without TLS: passwords and orders can be read and changed"
        yield Finding("door", "warning", text, f"cert_file and key_file in {key}")
    if not (edge.tokens or edge.users):
        text = f"whoever reaches WebSocket on {where} may try to log in and sees market data"
        yield Finding("door", "warning", text, f"users or tokens in {key}")


def _is_elsewhere(key: str, fault: str | None) -> bool:
    """Whether an address of the bus is one of another machine, where its worker runs."""
    return key.startswith("bus.") and fault is not None and "is taken" not in fault


def of_bus(group: Opened) -> Iterator[Finding]:
    """Sockets of other machines."""
    for key, host, port in uses(group):
        if _is_elsewhere(key, ports.fault(host, port)):
            what = f"{key} at {host}:{port}"
            try:
                socket.create_connection((host, port), _CONNECT_S).close()
            except OSError as exc:
                remedy = f"does its program run there? {_way_to(exc)}"
                yield Finding("bus", "fault", f"{what} is not reached: {_why(exc)}", remedy)
            else:
                yield Finding("bus", "ok", f"{what} takes connections")


def of_fronts(plan: Plan) -> Iterator[Finding]:
    """One that answers is enough for a worker, so the others are warnings."""
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        for kind, fronts in (("md", plan.md_fronts), ("td", plan.td_fronts)):
            found = list(pool.map(lambda front, kind=kind: _of_front(kind, front), fronts))
            reached = any(finding.level == "ok" for finding in found)
            for finding in found:
                bad = finding.level != "ok" and reached
                yield Finding(
                    "front",
                    "warning" if bad else finding.level,
                    finding.text,
                    finding.remedy,
                )


def _of_front(kind: str, front: str) -> Finding:
    address = urlsplit(front)
    what = f"{kind} front {front}"
    if address.scheme == "sim":
        return Finding("front", "ok", f"{what}: the embedded exchange, which the group starts")
    if address.scheme == "replay":
        return _of_folder(what, Path(f"{address.netloc}{address.path}"))
    began = time.monotonic()
    try:
        host, port = address.hostname or "", address.port or 0
        socket.create_connection((host, port), _CONNECT_S).close()
    except OSError as exc:
        return Finding("front", "fault", f"{what} is not reached: {_why(exc)}", _way_to(exc))
    taken_ms = (time.monotonic() - began) * 1000
    return Finding("front", "ok", f"{what} takes connections ({taken_ms:.0f} ms)")


def _of_folder(what: str, folder: Path) -> Finding:
    if folder.exists():
        return Finding("front", "ok", f"{what}: a recorded day")
    return Finding("front", "fault", f"{what}: {folder} is not there", "ctpbus export writes one")


def _why(exc: OSError) -> str:
    if isinstance(exc, TimeoutError):
        return f"no answer within {_CONNECT_S:.0f} s"
    return exc.strerror or str(exc)


def _way_to(exc: OSError) -> str:
    if isinstance(exc, socket.gaierror):
        return "the name is not known: check the address in the file, and the machine's DNS"
    if isinstance(exc, ConnectionRefusedError):
        return (
            "the machine is there and nobody listens: outside of the front's hours that is usual, "
            "else the port in the file is wrong"
        )
    return (
        "no way there: check the address, the firewall, the VPN or leased line to the broker, and "
        "whether this machine may go out at all"
    )


def of_processes(plan: Plan) -> Iterator[Finding]:
    """Nothing is left behind, and supervisord answers."""
    found = supervised(Supervisor(plan))
    left = members.find(plan.run) - {os.getpid()}
    if found.supervisord == "silent":
        text = "supervisord is there and does not answer"
        yield Finding("processes", "fault", text, "ctpbus down ends the group, then ctpbus up")
    elif found.supervisord == "gone" and left:
        text = f"supervisord is gone and has left {len(left)} processes behind"
        yield Finding("processes", "fault", text, "ctpbus up ends them and starts the group")
    elif found.supervisord == "gone":
        yield Finding("processes", "ok", "the group does not run")
    else:
        bad = [name for name, row in found.programs.items() if row.state != "RUNNING"]
        for name in bad:
            text = f"{name} is {found.programs[name].state}"
            remedy = f"{plan.log / name}.log says why; ctpbus up starts it again"
            yield Finding("processes", "fault", text, remedy)
        if not bad:
            yield Finding("processes", "ok", f"{len(found.programs)} programs run")
