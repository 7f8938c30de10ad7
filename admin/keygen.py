"""``ctpbus keygen``: keys for tcp between machines. bus/security.py says what they are for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
import zmq
from rich.console import Console

from bus.errors import ConfigError
from bus.roles import ROLES
from bus.security import SERVERS, read_public_key, read_secret_key, role_of

_LONGEST_NAME: Final = 64


class Report(msgspec.Struct, frozen=True):
    """``machines``: the files that the folder of keys holds on each machine, by key."""

    keys: str
    made: list[str]
    kept: list[str]
    machines: dict[str, list[str]]


def make(folder: Path, names: list[str]) -> Report:
    """Make the keys that are missing. Raises ConfigError."""
    for name in names:
        _check_name(name)
    made: list[str] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o022:
            raise ConfigError(f"others may add keys to {folder}: chmod 700 {folder}")
        for name in names:
            made += _make_pair(folder, name)
    except OSError as exc:
        raise ConfigError(f"{exc.filename}: {exc.strerror}") from None
    kept = [f"{name}.{kind}" for name in names for kind in ("key", "pub")]
    kept = [file for file in kept if file not in made and (folder / file).exists()]
    return Report(str(folder), made, kept, machines(folder))


def machines(folder: Path) -> dict[str, list[str]]:
    """What to copy where, for every key of the folder."""
    public = sorted(path.stem for path in folder.glob("*.pub") if role_of(path.name))
    files: dict[str, list[str]] = {}
    for name in sorted(path.stem for path in folder.glob("*.key") if role_of(path.name)):
        role = role_of(name)
        known = {server for server in SERVERS if ROLES[role] & _sockets(server)} - {role}
        if "edge_pub" in ROLES[role]:  # there may be several, each with a key of its own
            known |= {peer for peer in public if role_of(peer) == "edge"}
        if role in SERVERS:
            known |= {peer for peer in public if ROLES[role_of(peer)] & _sockets(role)}
        files[name] = [f"{name}.key", *(f"{peer}.pub" for peer in sorted(known & {*public}))]
    return files


def _sockets(server: str) -> set[str]:
    return {f"{SERVERS[server]}_{kind}" for kind in ("pub", "rpc")}


def _make_pair(folder: Path, name: str) -> list[str]:
    """The files that were made."""
    secret_file, public_file = folder / f"{name}.key", folder / f"{name}.pub"
    if secret_file.exists():
        public = zmq.curve_public(read_secret_key(secret_file).reveal().encode()).decode()
        if not public_file.exists():
            _write(public_file, public, 0o644)
            return [public_file.name]
        if _public(public_file) != public:
            raise ConfigError(f"{public_file} is not the public part of {secret_file}")
        return []
    if public_file.exists():
        return []  # copied from the machine that has the secret
    public_key, secret_key = zmq.curve_keypair()
    _write(secret_file, secret_key.decode(), 0o600)
    _write(public_file, public_key.decode(), 0o644)
    return [secret_file.name, public_file.name]


def _public(path: Path) -> str:
    try:
        return read_public_key(path)
    except ValueError as exc:
        raise ConfigError(str(exc)) from None


def _write(path: Path, text: str, mode: int) -> None:
    """Never over a file that is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), mode)  # whatever the umask says
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def _check_name(name: str) -> None:
    plain = name.replace(".", "").replace("_", "").replace("-", "")
    if not role_of(name) or not plain.isascii() or not plain.isalnum() or name.endswith("."):
        raise ConfigError(f"{name!r} is no key: ROLE or ROLE.NAME, with ROLE of {', '.join(ROLES)}")
    if len(name) > _LONGEST_NAME:
        raise ConfigError(f"{name!r} is too long")


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="ROLE", help="ROLE or ROLE.NAME; none: every role once."),
    ] = None,
    keys: Annotated[Path, typer.Option(metavar="DIR", help="The folder of keys.")] = Path("keys"),
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Make the keys that are missing, and say which machine needs which files.

    Nothing is overwritten. Secrets (.key) are readable by their owner alone.
    """
    report = make(keys.absolute(), names or list(ROLES))
    if json:
        print(msgspec.json.encode(report).decode())
        return
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"{report.keys}: made {len(report.made)} files, kept {len(report.kept)}")
    for name, files in report.machines.items():
        console.print(f"  where {name} runs: {' '.join(files)}")
    console.print("A .key goes nowhere else. Copy with mode 0600, the folder with 0700.")
