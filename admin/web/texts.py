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
        "The audit log cannot be written: {why}",
        "无法写入审计日志：{why}",
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
    # -- basic information
    "info.title": ("Information", "基本信息"),
    "info.version": ("Software version", "软件版本"),
    "info.architecture": ("Architecture", "系统架构"),
    "info.system": ("Operating system", "操作系统"),
    "info.path": ("Path", "当前路径"),
    "info.file": ("Group's file", "配置文件"),
    "info.data": ("Data", "数据目录"),
    "info.customer": ("Customer", "客户名称"),
    "info.account": ("Customer's account", "客户账号"),
    "info.deployed": ("Deployed on", "部署日期"),
    "info.login": ("Gateway address", "网关地址"),
    "info.quote": ("Quote service", "行情服务"),
    "info.trade": ("Trading service", "交易系统"),
    "info.key": ("Key version", "密钥版本"),
    "info.counted": ("OFX since the start of tcp_edge", "tcp_edge 启动以来的 OFX 报文"),
    "info.requests": ("Requests by command", "请求（按命令）"),
    "info.replies": ("Replies by stat", "应答（按 stat）"),
    "info.lines": ("Connections and lines", "连接与报文行"),
    # -- client accounts
    "clients.title": ("Clients", "客户端账号"),
    "clients.hint": (
        "OFX clients log in with these. Authcodes are counted since the login service started.",
        "OFX 客户端用这些账号登录。授权码从登录服务启动起计数。",
    ),
    "clients.name": ("Name", "用户名"),
    "clients.state": ("State", "状态"),
    "clients.on": ("enabled", "已启用"),
    "clients.off": ("disabled", "已禁用"),
    "clients.rights": ("Rights", "权限"),
    "clients.quote_right": ("quotes", "行情"),
    "clients.trade_right": ("trading", "交易"),
    "clients.account": ("Trading account", "交易账号"),
    "clients.quote": ("Quote route", "行情路由"),
    "clients.trade": ("Trade route", "交易路由"),
    "clients.quote_address": ("Quote server HOST:PORT", "行情路由 HOST:PORT"),
    "clients.trade_address": ("Trade server HOST:PORT", "交易路由 HOST:PORT"),
    "clients.sessions": ("Sessions", "会话"),
    "clients.authcodes": ("Authcodes", "授权码"),
    "clients.last_login": ("Last login", "最近登录"),
    "clients.never": ("never", "从未"),
    "clients.add": ("Add account", "添加账号"),
    "clients.change": ("Change", "修改"),
    "clients.passwd": ("Password", "密码"),
    "clients.enable": ("Enable", "启用"),
    "clients.disable": ("Disable", "禁用"),
    "clients.delete": ("Delete", "删除"),
    "clients.disable_sure": (
        "Disable {name}? All authcodes of this account end within a second.",
        "禁用 {name}？其所有授权码将在一秒内失效。",
    ),
    "clients.delete_sure": (
        "Delete {name}? All authcodes of this account end within a second.",
        "删除 {name}？其所有授权码将在一秒内失效。",
    ),
    # -- settings
    "settings.title": ("Settings", "服务器设置"),
    "settings.server": ("Server", "服务器"),
    "settings.ofx_key": ("OFX key", "OFX 密钥"),
    "settings.md_front": ("Counter's quote front", "柜台行情前置"),
    "settings.td_front": ("Counter's trade front", "柜台交易前置"),
    "settings.accounts": ("Counter's accounts", "柜台账号"),
    "settings.auth_code": ("Trade key (auth code)", "交易密钥（认证码）"),
    "settings.login": ("Login service listens on", "登录服务监听地址"),
    "settings.quote": ("Quote service listens on", "行情服务监听地址"),
    "settings.trade": ("Trading service listens on", "交易服务监听地址"),
    "settings.ws": ("WebSocket listens on", "WebSocket 监听地址"),
    "settings.all": ("All settings", "全部设置"),
    "settings.hint": (
        "From {file}, read only. Faint: a default. Secrets are never shown.",
        "来自 {file}，只读。浅色为默认值。密钥与密码从不显示。",
    ),
    "settings.section": ("Section", "小节"),
    "settings.key": ("Key", "键"),
    "settings.value": ("Value", "值"),
    "settings.faulty": ("The file cannot be read: {why}", "配置文件无法读取：{why}"),
    # -- logs
    "logs.title": ("Logs", "日志"),
    "logs.program": ("Process", "进程"),
    "logs.wanted": ("Only lines with", "只看包含"),
    "logs.follow": ("Follow", "跟随"),
    "logs.hint": ("the newest {lines} lines", "最新 {lines} 行"),
    # -- audit
    "audit.title": ("Audit", "审计"),
    "audit.hint": (
        "What administrators did, newest first: the last {most}.",
        "管理员的操作，最新在前，最多 {most} 条。",
    ),
    "audit.at": ("Time", "时间"),
    "audit.who": ("Who", "管理员"),
    "audit.peer": ("From", "来源"),
    "audit.what": ("What", "操作"),
    "audit.on": ("On", "对象"),
    "audit.outcome": ("Outcome", "结果"),
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
