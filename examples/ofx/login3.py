"""Logs in at the gateway. Python 3, with cryptography."""

import json
import socket

import config
from mods import octkeypass

with socket.create_connection((config.host, config.port), 10) as client:
    print("connected")
    account = {"username": config.username, "password": config.password}
    # The manual writes 000001, which Python 3 and JSON do not allow; it is the number 1.
    request = json.dumps({"cmd": 1, "params": account})
    client.sendall(octkeypass.encrypt(config.superkey, request).encode() + b"\r\n")
    with client.makefile() as replies:
        reply = replies.readline()

if not reply:
    raise SystemExit("closed without a reply: the key is another one, or this clock is wrong")
print(octkeypass.extract(reply))
