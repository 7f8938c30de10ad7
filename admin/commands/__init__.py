"""The commands of ``ctpbus`` that look at a group or use it, one module for each:

    up, down       starting and stopping, as deploy/up and deploy/down
    webctp         a group from a configuration file of webctp
    status         what runs
    top            the same, live
    doctor/        what is wrong with the machine or the configuration, and what to do
    config         ``config check``
    login          ``login test``
    ticks          market data as it comes
    order, cancel  one order, and its end; orders: those of the day
    bench          how long the ways through the running group take
    schema         docs/schema, made by admin/schema

beside ``group`` (the file, and how to the bus) and ``output`` (tables and JSON). The exit statuses
stand in ``admin.main``.
"""
