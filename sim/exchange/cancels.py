"""ReqOrderAction and ReqBatchOrderAction: finding the orders, and refusing."""

from sim.exchange.desk import Desk
from sim.exchange.events import Event
from sim.exchange.floor import Floor
from sim.exchange.orders import Order
from sim.exchange.refusals import RefusedError
from sim.exchange.sessions import Session
from sim.exchange.values import Fields, text, whole

from . import days

CANCEL = "0"
REJECTED = "c"


class Cancels:
    """Order actions of one trading day; only cancelling exists."""

    def __init__(self, desk: Desk, floor: Floor, front_id: int) -> None:
        self._desk = desk
        self._floor = floor
        self._front_id = front_id

    def act(self, session: Session, fields: Fields, request_id: int, now_ns: int) -> list[Event]:
        """ReqOrderAction: an answer only when it is refused, else the order's return."""
        try:
            order = self._cancellable(session, fields)
        except RefusedError as refusal:
            return self._refuse(session, fields, "OrderAction", request_id, refusal, now_ns)
        return [self._desk.cancel(order, now_ns)]

    def act_on_all(
        self, session: Session, fields: Fields, request_id: int, now_ns: int
    ) -> list[Event]:
        """ReqBatchOrderAction: cancel all orders of a session at one exchange."""
        try:
            self._desk.intake.check_owner(session, fields)
        except RefusedError as refusal:
            return self._refuse(session, fields, "BatchOrderAction", request_id, refusal, now_ns)
        wanted = (whole(fields, "FrontID"), whole(fields, "SessionID"))
        return [
            self._desk.cancel(order, now_ns)
            for order in self._floor.orders
            if order.is_live
            and order.user == session.user
            and order.instrument.exchange == text(fields, "ExchangeID")
            and wanted in ((0, 0), (self._front_id, order.fields["SessionID"]))
        ]

    def _cancellable(self, session: Session, fields: Fields) -> Order:
        self._desk.intake.check_owner(session, fields)
        if text(fields, "ActionFlag") != CANCEL:
            raise RefusedError(23)
        order = self._referred(fields)
        if order is None or order.user != session.user:
            raise RefusedError(25)
        if not order.is_live:
            raise RefusedError(26)
        return order

    def _referred(self, fields: Fields) -> Order | None:
        """The order that an action names: by the exchange's number, else by its session's."""
        if sys_id := text(fields, "OrderSysID").strip():
            return self._floor.by_sys_id.get((text(fields, "ExchangeID"), sys_id))
        if whole(fields, "FrontID") != self._front_id:
            return None
        key = (whole(fields, "SessionID"), text(fields, "OrderRef").strip())
        return self._floor.by_ref.get(key)

    def _refuse(
        self,
        session: Session,
        fields: Fields,
        name: str,
        request_id: int,
        refusal: RefusedError,
        now_ns: int,
    ) -> list[Event]:
        error = refusal.error_id, refusal.error_msg
        told: Fields = {**fields, "RequestID": request_id}
        returned: Fields = {
            **told,
            "UserID": session.user,
            "ActionDate": days.compact(days.local(now_ns).date()),
            "ActionTime": days.clock(now_ns // 10**9),
            "OrderActionStatus": REJECTED,
            "StatusMsg": refusal.error_msg,
        }
        answer = Event(session.number, None, f"OnRsp{name}", told, *error, request_id)
        copy = Event(None, session.user, f"OnErrRtn{name}", returned, *error)
        return [answer, self._floor.streams.add(copy)]
