"""Every text of the web page, in English and Chinese, by its key."""

from __future__ import annotations

from typing import Final, Literal

Lang = Literal["en", "zh"]

TEXTS: Final[dict[str, tuple[str, str]]] = {
    # -- the frame
    "app.title": ("ctpbus gateway", "ctpbus 交易网关"),
    "frame.logout": ("Log out", "退出"),
    "frame.password": ("Change password", "修改密码"),
    "frame.all_green": ("all is well", "一切正常"),
    "frame.no_lights": ("not known yet", "尚未得知"),
    "frame.language": ("中文", "English"),
    "common.cancel": ("Cancel", "取消"),
    "common.save": ("Save", "保存"),
    "common.refresh": ("Refresh", "刷新"),
    "common.done": ("Done: {what}", "已完成：{what}"),
    "common.failed": ("Failed: {why}", "失败：{why}"),
    "common.not_audited": (
        "Not done: the audit log cannot be written ({why})",
        "未执行：无法写入审计日志（{why}）",
    ),
    # -- login
    "login.title": ("Administrator login", "管理员登录"),
    "login.name": ("Name", "用户名"),
    "login.password": ("Password", "密码"),
    "login.enter": ("Log in", "登录"),
    "login.wrong": ("Name or password is wrong.", "用户名或密码错误。"),
    "login.wait": (
        "Too many failed tries: wait {seconds} s.",
        "失败次数过多，请等待 {seconds} 秒。",
    ),
    "login.stale": ("The form was too old; please try again.", "表单已过期，请重试。"),
    "login.over": (
        "The session has ended. Please log in again.",
        "会话已结束，请重新登录。",
    ),
    # -- change of the administrator's password
    "password.old": ("Old password", "原密码"),
    "password.new": ("New password", "新密码"),
    "password.again": ("New password again", "再次输入新密码"),
    "password.wrong": ("The old password is wrong", "原密码错误"),
    "password.differ": ("The two new passwords differ", "两次输入的新密码不一致"),
    "password.short": ("At least {least} characters", "至少 {least} 个字符"),
    # -- services
    "services.title": ("Services", "服务"),
    "services.name": ("Service", "服务名"),
    "services.program": ("Process", "进程"),
    "services.state": ("State", "状态"),
    "services.uptime": ("Uptime", "运行时间"),
    "services.memory": ("Memory", "内存"),
    "services.action": ("Action", "操作"),
    "services.start": ("Start", "启动"),
    "services.stop": ("Stop", "停止"),
    "services.start_all": ("Start all", "全部启动"),
    "services.stop_all": ("Stop all", "全部停止"),
    "services.stop_all_sure": (
        "Stop all services? Clients lose their connections. This page stays.",
        "停止全部服务？客户端连接将断开，本管理页面保持运行。",
    ),
    "services.stop_sure": ("Stop {name}?", "停止 {name}？"),
    "services.ours": ("Further processes", "其他进程"),
    "services.absent": ("not in this group", "未配置"),
    "services.this_page": ("this page", "本页面"),
    "services.unknown": ("supervisord does not answer", "supervisord 无响应"),
    "service.login": ("Front: single sign-on", "前端服务：单点登陆"),
    "service.quote": ("Front: quotes", "前端服务：行情查询"),
    "service.trade": ("Front: trading", "前端服务：交易委托"),
    "service.md": ("Back: quote interface", "后端服务：行情接口"),
    "service.td": ("Back: trade interface", "后端服务：交易接口"),
    "service.ticks": ("Queue: quotes received", "队列服务：行情接收"),
    "service.order_events": ("Queue: order events", "队列服务：委托回调"),
    "service.trade_events": ("Queue: trade events", "队列服务：成交回调"),
    "service.orders": ("Queue: order queries", "队列服务：委托查询"),
    "service.trades": ("Queue: trade queries", "队列服务：成交查询"),
    "service.assets": ("Queue: asset queries", "队列服务：资产查询"),
    "service.positions": ("Queue: position queries", "队列服务：持仓查询"),
    "service.monitor": ("Manage: memory monitor", "管理服务：内存监控"),
    "state.RUNNING": ("running", "运行中"),
    "state.STARTING": ("starting", "启动中"),
    "state.STOPPING": ("stopping", "停止中"),
    "state.STOPPED": ("stopped", "已停止"),
    "state.BACKOFF": ("fails, tries again", "启动失败，重试中"),
    "state.EXITED": ("ended", "已退出"),
    "state.FATAL": ("failed", "启动失败"),
    "state.UNKNOWN": ("not known", "未知"),
}


def text(lang: Lang, key: str, **values: object) -> str:
    """Raises KeyError for a key that there is not."""
    english, chinese = TEXTS[key]
    found = chinese if lang == "zh" else english
    return found.format(**values) if values else found


def preferred(accepted: str) -> Lang:
    """Of an Accept-Language header: Chinese when it is named before English."""
    for part in accepted.lower().split(","):
        tag = part.split(";")[0].strip()
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "en"
