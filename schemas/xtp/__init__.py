"""XTP's structures as OFX clients know them, and what they are at a CTP counter; no I/O.

structs       keys of every record, in order, with their "nothing"
enums         members of every enumeration in each generation of XTP's headers
markets       names and numbers of markets; instruments: what a code stands for
times         17-digit times
ticks         a tick; tick_json: the same as finished JSON, quickly
orders        orders, trades and refusals; order_ids: their numbers
account       assets and positions
insert        an order of a client for the counter; price_types, sides: its tables

Values of the counter are those that ``Codec.unpack`` gives: text decoded, None where a double has
no value. Everything here raises ``XtpError`` for what a client got wrong, and nothing else.
"""

from .errors import XtpError

__all__ = ["XtpError"]
