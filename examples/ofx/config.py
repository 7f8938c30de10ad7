# encoding: UTF-8
# What the gateway's administrator told you. Keep this file to yourself: the key is a secret.
host = "127.0.0.1"
port = 11027
superkey = "the OFX key"
username = "demo"
password = "demo"
