"""The settlement statement that a client confirms, as text."""

from sim.exchange.account import Account
from sim.exchange.values import yuan


def statement(account: Account, broker: str, day: str) -> str:
    """Yesterday's statement in the layout of the brokers' own, cut down to what is simulated."""
    lines = [
        f"{'交易结算单(盯市) Settlement Statement(MTM)':^60}",
        f"经纪公司 Broker: {broker}    客户号 Client ID: {account.user}    日期 Date: {day}",
        "-" * 72,
        f"期初结存 Balance b/f: {yuan(account.pre_balance):>18.2f}",
        f"期末结存 Balance c/f: {yuan(account.pre_balance):>18.2f}",
        f"保证金占用 Margin Occupied: {yuan(account.pre_margin):>12.2f}",
        f"可用资金 Fund Avail.: {yuan(account.pre_balance - account.pre_margin):>18.2f}",
        "-" * 72,
    ]
    return "\r\n".join(lines) + "\r\n"
