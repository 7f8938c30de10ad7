"""The flow-clearing restart of a counter within the day (ctp_facts section 6).

It gets its orders and trades back from the exchanges, so the exchanges' numbers survive; what the
counter itself had given out does not: stream positions, FrontID + SessionID + OrderRef, RequestID.
"""

from sim.exchange.events import Event, Streams
from sim.exchange.floor import Floor, padded
from sim.exchange.values import text


def clear_flow(floor: Floor, session_id: int) -> None:
    """Forget the streams and build new ones; orders get references of a session of nobody.

    Sessions must have been logged out before.
    """
    floor.streams = Streams()
    floor.by_ref.clear()
    for number, order in enumerate(floor.orders, 1):
        order.fields = {
            **order.fields,
            "SessionID": session_id,
            "OrderRef": padded(number),
            "RequestID": 0,
            "RelativeOrderSysID": "",
        }
        if text(order.fields, "OrderSysID"):
            floor.by_ref[session_id, str(number)] = order
            floor.streams.add(Event(None, order.user, "OnRtnOrder", order.fields))
    for user, trade in floor.trades:
        floor.streams.add(Event(None, user, "OnRtnTrade", trade))
