# encoding: UTF-8
# Logs in at the gateway. Python 2.7, with cryptography 3.3.2.
import json
import socket

import config
from mods import octkeypass

client = socket.create_connection((config.host, config.port), 10)
print 'connected'

account = {'username': config.username, 'password': config.password}
# 000001 is the manual's way to write it: to Python 2 it is the number 1.
request = json.dumps({'cmd': 000001, 'params': account})
client.sendall(octkeypass.encrypt(config.superkey, request) + '\r\n')

reply = client.makefile().readline()
if not reply:
    raise SystemExit('closed without a reply: the key is another one, or this clock is wrong')
print octkeypass.extract(reply)
client.close()
