"""The trading panel: what an administrator orders for an account, and what becomes of it.

forms       an order as it is typed in, to CTP's InputOrder. No I/O
tickets     what is known of an order that was placed here. No I/O
book        the orders and trades of an account's day. No I/O
listed      what each instrument is
desk        one account at td_worker
"""
