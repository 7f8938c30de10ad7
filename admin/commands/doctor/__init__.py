"""``ctpbus doctor``: what is wrong here, and what to do about it.

finding   one thing that was looked at
machine   locale, binding, clock, disk, open files: of this machine
files     who may read the secrets; the CURVE keys
network   ports, fronts, the processes
command   all of it
"""

from .command import command

__all__ = ["command"]
