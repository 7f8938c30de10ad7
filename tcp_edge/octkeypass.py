# encoding: UTF-8
"""Request and reply lines of OFX, sealed with a key that client and gateway share.

One file, for Python 2.7 (with cryptography 3.3.2) and Python 3; copy it into your program, for
example as ``mods/octkeypass.py``. Texts and lines are native ``str`` (on Python 2: UTF-8 bytes).

    line = octkeypass.encrypt("the OFX key", '{"cmd": 1, ...}')     # send it with CRLF behind it
    text = octkeypass.extract(reply_line)

request   base64url( 0x01 | kid:1 | unix_ms:8 | nonce:12 | AES-256-GCM(text) )
          with the AAD "ofx1>" and the ten bytes before the nonce
sealed    "!" and base64url of the same with AES-256-GCM( zlib(text) ) and "ofx1<"
open      base64( zlib(text) )
AES key   PBKDF2-HMAC-SHA256( key, "ofx-oct1" + kid:1 + salt, 600000 rounds, 32 bytes )

AES-256-GCM gives the encrypted text and then the tag of 16 bytes; base64 has its padding. The AES
key is derived once in a process for each key: that takes up to a second on Python 2. Everything
that is wrong raises ``OctKeyError``. A request is good for about 30 seconds, so the clock of this
machine has to be right.
"""

import base64
import binascii
import hashlib
import os
import struct
import threading
import time
import warnings
import zlib

MYPY = False
if MYPY:
    from typing import Dict, List, Optional, Tuple, Union

with warnings.catch_warnings():
    # cryptography 3.3.2 tells at each start that Python 2 has ended.
    warnings.simplefilter("ignore")
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# What the gateway's administrator gave out with the key; the defaults are the gateway's.
KID = 1
SITE_SALT = ""

ROUNDS = 600000
VERSION = 1
HEADER = struct.Struct(">BBQ")
NONCE_SIZE = 12
TAG_SIZE = 16
REQUEST_AAD = b"ofx1>"
REPLY_AAD = b"ofx1<"
# Nobody has to unpack more than this, whoever sent it.
MOST_TEXT = 64 * 1024 * 1024


class OctKeyError(ValueError):
    """A line is not what the other side has sealed, or an argument cannot be used."""


def encrypt(key, text, kid=None, salt=None):
    # type: (str, str, Optional[int], Optional[str]) -> str
    """A request as a line, without its end. Later replies are opened with this key."""
    cipher = _remember(_cipher(key, kid, salt))
    return _seal(cipher, _kid(kid), REQUEST_AAD, _bytes(text))


def decrypt(key, line, kid=None, salt=None):
    # type: (str, str, Optional[int], Optional[str]) -> str
    """The text of a request. Its time and whether it came twice are for the caller to judge."""
    return _native(_open(_cipher(key, kid, salt), _kid(kid), REQUEST_AAD, _line(line)))


def compress(text, key=None, kid=None, salt=None):
    # type: (str, Optional[str], Optional[int], Optional[str]) -> str
    """A reply as a line, without its end: sealed with ``key``, without it only compressed."""
    packed = zlib.compress(_bytes(text), 6)
    if key is None:
        return _native(base64.b64encode(packed))
    return "!" + _seal(_cipher(key, kid, salt), _kid(kid), REPLY_AAD, packed)


def extract(line, key=None, kid=None, salt=None):
    # type: (str, Optional[str], Optional[int], Optional[str]) -> str
    """The text of a reply. Without ``key`` it is opened with that of the last ``encrypt``."""
    raw = _line(line)
    if not raw.startswith(b"!"):
        return _native(_inflate(_unbase(raw, b"+/")))
    cipher = _last() if key is None else _cipher(key, kid, salt)
    return _native(_inflate(_open(cipher, None if key is None else _kid(kid), REPLY_AAD, raw[1:])))


def derive(key, kid, salt):
    # type: (Union[str, bytes], int, Union[str, bytes]) -> bytes
    """The 32 bytes for AES. Takes a good part of a second, by intent."""
    salted = b"ofx-oct1" + struct.pack(">B", kid) + _bytes(salt)
    return hashlib.pbkdf2_hmac("sha256", _bytes(key), salted, ROUNDS, 32)


_ciphers = {}  # type: Dict[Tuple[bytes, int, bytes], AESGCM]
_used = []  # type: List[AESGCM]  # that of the last encrypt
_lock = threading.Lock()


def _cipher(key, kid, salt):
    # type: (str, Optional[int], Optional[str]) -> AESGCM
    name = (_bytes(key), _kid(kid), _bytes(SITE_SALT if salt is None else salt))
    with _lock:
        if name not in _ciphers:
            _ciphers[name] = AESGCM(derive(*name))
        return _ciphers[name]


def _remember(cipher):
    # type: (AESGCM) -> AESGCM
    _used[:] = [cipher]
    return cipher


def _last():
    # type: () -> AESGCM
    if not _used:
        raise OctKeyError("a sealed reply, and no key: nothing has been encrypted before")
    return _used[0]


def _kid(kid):
    # type: (Optional[int]) -> int
    number = KID if kid is None else kid
    if not 0 <= number <= 255:
        raise OctKeyError("a kid is one byte")
    return number


def _seal(cipher, kid, aad, plain):
    # type: (AESGCM, int, bytes, bytes) -> str
    header = HEADER.pack(VERSION, kid, int(time.time() * 1000))
    nonce = os.urandom(NONCE_SIZE)
    sealed = cipher.encrypt(nonce, plain, aad + header)
    return _native(base64.urlsafe_b64encode(header + nonce + sealed))


def _open(cipher, kid, aad, line):
    # type: (AESGCM, Optional[int], bytes, bytes) -> bytes
    raw = _unbase(line, b"-_")
    if len(raw) < HEADER.size + NONCE_SIZE + TAG_SIZE:
        raise OctKeyError("the line is too short")
    version, found, _ = HEADER.unpack_from(raw)
    if version != VERSION:
        raise OctKeyError("the line is of another version")
    if kid is not None and found != kid:
        raise OctKeyError("the line is for another key: kid %d" % found)
    header, nonce = raw[: HEADER.size], raw[HEADER.size : HEADER.size + NONCE_SIZE]
    try:
        return cipher.decrypt(nonce, raw[HEADER.size + NONCE_SIZE :], aad + header)
    except InvalidTag:
        raise OctKeyError("the key is another one, or the line was changed")


def _inflate(packed):
    # type: (bytes) -> bytes
    opener = zlib.decompressobj()
    try:
        # Python 2 does not tell that a stream has its end, but hands back what follows it.
        text = opener.decompress(packed + b"\0", MOST_TEXT + 1)
    except zlib.error:
        raise OctKeyError("the reply is not compressed as it should be")
    if len(text) > MOST_TEXT:
        raise OctKeyError("the reply is larger than 64 MiB")
    if opener.unused_data != b"\0":
        raise OctKeyError("the reply is cut off, or something follows it")
    return text


def _unbase(line, two):
    # type: (bytes, bytes) -> bytes
    """Only the one spelling that an encoder gives: base64 libraries skip what they do not know."""
    try:
        raw = base64.b64decode(line, two)
    except (TypeError, binascii.Error):
        raise OctKeyError("the line is not base64")
    if base64.b64encode(raw, two) != line:
        raise OctKeyError("the line is not base64")
    return raw


def _line(line):
    # type: (str) -> bytes
    raw = _bytes(line)
    if raw.endswith(b"\n"):
        raw = raw[:-1]
    return raw[:-1] if raw.endswith(b"\r") else raw


def _bytes(text):
    # type: (Union[str, bytes]) -> bytes
    if isinstance(text, bytes):
        return text
    try:
        return text.encode("utf-8")
    except (AttributeError, UnicodeEncodeError):
        raise OctKeyError("not a text, or not Unicode")


def _native(raw):
    # type: (bytes) -> str
    if isinstance(raw, str):
        return raw
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise OctKeyError("the text is not UTF-8")
