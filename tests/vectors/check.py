# encoding: UTF-8
"""Does octkeypass make and read the lines of ofx_v1.json? For Python 2.7 and 3.

python check.py FOLDER_OF_OCTKEYPASS ofx_v1.json
"""

import binascii
import io
import json
import os
import sys
import time


def native(text):
    # type: (str) -> str
    return text if isinstance(text, str) else text.encode("utf-8")


def main(folder, file):
    # type: (str, str) -> None
    sys.path.insert(0, folder)
    octkeypass = __import__("octkeypass")
    with io.open(file, encoding="ascii") as opened:
        vectors = json.load(opened)
    keys = [(native(k["passphrase"]), k["kid"], native(k["salt"])) for k in vectors["keys"]]

    for vector in vectors["requests"]:
        key = keys[vector["key"]]
        text, line = native(vector["text"]), native(vector["line"])
        nonce, now = binascii.unhexlify(vector["nonce"]), vector["unix_ms"] / 1000.0
        with_fixed(nonce, now)
        assert octkeypass.encrypt(key[0], text, *key[1:]) == line, vector
        opened = octkeypass.decrypt(key[0], line, *key[1:])
        assert opened == text and type(opened) is str, vector

    for vector in vectors["replies"]:
        line, text = native(vector["line"]), native(vector["text"])
        with_key = [] if vector["key"] is None else list(keys[vector["key"]])
        opened = octkeypass.extract(line + "\r\n", *with_key)
        assert opened == text and type(opened) is str, vector
        again = octkeypass.compress(text, *with_key)
        assert octkeypass.extract(again, *with_key) == text, vector

    for vector in vectors["refused_requests"]:
        try:
            octkeypass.decrypt(keys[0][0], native(vector["line"]), *keys[0][1:])
        except octkeypass.OctKeyError:
            continue
        raise AssertionError(vector)
    print("%d requests, %d replies" % (len(vectors["requests"]), len(vectors["replies"])))


def with_fixed(nonce, now):
    # type: (bytes, float) -> None
    os.urandom = lambda size: nonce[:size]
    time.time = lambda: now


if __name__ == "__main__":
    main(*sys.argv[1:])
