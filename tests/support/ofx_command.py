"""A command of a service of tcp_edge, asked without a connection."""

from __future__ import annotations

from tcp_edge.reply import Reply
from tcp_edge.request import Request
from tcp_edge.service import Client, Service


async def reply_to(service: Service, client: Client, request: Request) -> Reply:
    """Raises Failed."""
    answer = service.commands[request.cmd](client, request)
    return answer if isinstance(answer, Reply) else await answer
