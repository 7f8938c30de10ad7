"""The ``ctpbus`` command, the web page, health, metrics and alarms. Nothing depends on them.

app, alarms   the two programs of a group: the web page with /metrics and /readyz, and the alarms
watch/        what the processes say of themselves, as lights, metrics and alarms
web/          the page, over live/ (quotes and rates), desk/ (the trading panel), day/ (records)
main          the command itself. Each of its commands is a module of its own, which holds what it
              does as plain functions and, at its end, the few lines that typer needs; those that
              look at a group or use it are in commands/
schema/       ``ctpbus schema``
"""
