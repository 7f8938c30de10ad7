"""The ``ctpbus`` command.

main.py is the command itself; each of its commands is a module of its own, which holds what it does
as plain functions and, at its end, the few lines that typer needs. Those that look at a group or
use it are in commands/.
"""
