# Of API 6.7.11.0, written by python -m bus.client.stubs
from schemas.typed import CtpStruct
from schemas.typed import Tick as Tick
from schemas.typed import InputOrder as InputOrder
from schemas.typed import InputOrderAction as InputOrderAction
from schemas.typed import Instrument as Instrument
from schemas.typed import InstrumentStatus as InstrumentStatus
from schemas.typed import InvestorPosition as InvestorPosition
from schemas.typed import Order as Order
from schemas.typed import OrderAction as OrderAction
from schemas.typed import RspUserLogin as RspUserLogin
from schemas.typed import SpecificInstrument as SpecificInstrument
from schemas.typed import Trade as Trade
from schemas.typed import TradingAccount as TradingAccount

DepthMarketData = Tick

class Accountregister(CtpStruct, frozen=True, gc=False):
    trade_day: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    bank_account: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    account_id: str = ""
    id_card_type: str = ""
    identified_card_no: str = ""
    customer_name: str = ""
    currency_id: str = ""
    open_or_destroy: str = ""
    reg_date: str = ""
    out_date: str = ""
    tid: int = 0
    cust_type: str = ""
    bank_acc_type: str = ""
    long_customer_name: str = ""

class BatchOrderAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    order_action_ref: int = 0
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    action_date: str = ""
    action_time: str = ""
    trader_id: str = ""
    install_id: int = 0
    action_local_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    business_unit: str = ""
    order_action_status: str = ""
    user_id: str = ""
    status_msg: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    ip_address: str = ""

class BrokerTradingAlgos(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    exchange_id: str = ""
    handle_position_algo_id: str = ""
    find_margin_rate_algo_id: str = ""
    handle_trading_account_algo_id: str = ""
    instrument_id: str = ""

class BrokerTradingParams(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    margin_price_type: str = ""
    algorithm: str = ""
    avail_include_close_profit: str = ""
    currency_id: str = ""
    option_royalty_price_type: str = ""
    account_id: str = ""

class Bulletin(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    trading_day: str = ""
    bulletin_id: int = 0
    sequence_no: int = 0
    news_type: str = ""
    news_urgency: str = ""
    send_time: str = ""
    abstract: str = ""
    come_from: str = ""
    content: str = ""
    url_link: str = ""
    market_id: str = ""

class CFMMCTradingAccountKey(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    participant_id: str = ""
    account_id: str = ""
    key_id: int = 0
    current_key: str = ""

class CFMMCTradingAccountToken(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    participant_id: str = ""
    account_id: str = ""
    key_id: int = 0
    token: str = ""

class CancelAccount(CtpStruct, frozen=True, gc=False):
    trade_code: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    trade_date: str = ""
    trade_time: str = ""
    bank_serial: str = ""
    trading_day: str = ""
    plate_serial: int = 0
    last_fragment: str = ""
    session_id: int = 0
    customer_name: str = ""
    id_card_type: str = ""
    identified_card_no: str = ""
    gender: str = ""
    country_code: str = ""
    cust_type: str = ""
    address: str = ""
    zip_code: str = ""
    telephone: str = ""
    mobile_phone: str = ""
    fax: str = ""
    e_mail: str = ""
    money_account_status: str = ""
    bank_account: str = ""
    bank_pass_word: str = ""
    account_id: str = ""
    password: str = ""
    install_id: int = 0
    verify_cert_no_flag: str = ""
    currency_id: str = ""
    cash_exchange_code: str = ""
    digest: str = ""
    bank_acc_type: str = ""
    device_id: str = ""
    bank_secu_acc_type: str = ""
    broker_id_by_bank: str = ""
    bank_secu_acc: str = ""
    bank_pwd_flag: str = ""
    secu_pwd_flag: str = ""
    oper_no: str = ""
    tid: int = 0
    user_id: str = ""
    error_id: int = 0
    error_msg: str = ""
    long_customer_name: str = ""

class CancelOffsetSetting(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    instrument_id: str = ""
    underlying_instr_id: str = ""
    product_id: str = ""
    offset_type: str = ""
    volume: int = 0
    is_offset: int = 0
    request_id: int = 0
    user_id: str = ""
    exchange_id: str = ""
    ip_address: str = ""
    mac_address: str = ""
    exchange_inst_id: str = ""
    exchange_serial_no: str = ""
    exchange_product_id: str = ""
    trader_id: str = ""
    install_id: int = 0
    participant_id: str = ""
    client_id: str = ""
    order_action_status: str = ""
    status_msg: str = ""
    action_local_id: str = ""
    action_date: str = ""
    action_time: str = ""

class ChangeAccount(CtpStruct, frozen=True, gc=False):
    trade_code: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    trade_date: str = ""
    trade_time: str = ""
    bank_serial: str = ""
    trading_day: str = ""
    plate_serial: int = 0
    last_fragment: str = ""
    session_id: int = 0
    customer_name: str = ""
    id_card_type: str = ""
    identified_card_no: str = ""
    gender: str = ""
    country_code: str = ""
    cust_type: str = ""
    address: str = ""
    zip_code: str = ""
    telephone: str = ""
    mobile_phone: str = ""
    fax: str = ""
    e_mail: str = ""
    money_account_status: str = ""
    bank_account: str = ""
    bank_pass_word: str = ""
    new_bank_account: str = ""
    new_bank_pass_word: str = ""
    account_id: str = ""
    password: str = ""
    bank_acc_type: str = ""
    install_id: int = 0
    verify_cert_no_flag: str = ""
    currency_id: str = ""
    broker_id_by_bank: str = ""
    bank_pwd_flag: str = ""
    secu_pwd_flag: str = ""
    tid: int = 0
    digest: str = ""
    error_id: int = 0
    error_msg: str = ""
    long_customer_name: str = ""

class CombAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    comb_action_ref: str = ""
    user_id: str = ""
    direction: str = ""
    volume: int = 0
    comb_direction: str = ""
    hedge_flag: str = ""
    action_local_id: str = ""
    exchange_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    trader_id: str = ""
    install_id: int = 0
    action_status: str = ""
    notify_sequence: int = 0
    trading_day: str = ""
    settlement_id: int = 0
    sequence_no: int = 0
    front_id: int = 0
    session_id: int = 0
    user_product_info: str = ""
    status_msg: str = ""
    mac_address: str = ""
    com_trade_id: str = ""
    branch_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""
    ip_address: str = ""

class CombInstrumentGuard(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    guarant_ratio: float | None = None
    exchange_id: str = ""
    instrument_id: str = ""

class CombLeg(CtpStruct, frozen=True, gc=False):
    comb_instrument_id: str = ""
    leg_id: int = 0
    leg_instrument_id: str = ""
    direction: str = ""
    leg_multiple: int = 0
    imply_level: int = 0

class CombPromotionParam(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    instrument_id: str = ""
    comb_hedge_flag: str = ""
    xparameter: float | None = None

class ContractBank(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    bank_id: str = ""
    bank_brch_id: str = ""
    bank_name: str = ""

class EWarrantOffset(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    direction: str = ""
    hedge_flag: str = ""
    volume: int = 0
    invest_unit_id: str = ""
    instrument_id: str = ""

class ErrorConditionalOrder(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    order_ref: str = ""
    user_id: str = ""
    order_price_type: str = ""
    direction: str = ""
    comb_offset_flag: str = ""
    comb_hedge_flag: str = ""
    limit_price: float | None = None
    volume_total_original: int = 0
    time_condition: str = ""
    gtd_date: str = ""
    volume_condition: str = ""
    min_volume: int = 0
    contingent_condition: str = ""
    stop_price: float | None = None
    force_close_reason: str = ""
    is_auto_suspend: int = 0
    business_unit: str = ""
    request_id: int = 0
    order_local_id: str = ""
    exchange_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    trader_id: str = ""
    install_id: int = 0
    order_submit_status: str = ""
    notify_sequence: int = 0
    trading_day: str = ""
    settlement_id: int = 0
    order_sys_id: str = ""
    order_source: str = ""
    order_status: str = ""
    order_type: str = ""
    volume_traded: int = 0
    volume_total: int = 0
    insert_date: str = ""
    insert_time: str = ""
    active_time: str = ""
    suspend_time: str = ""
    update_time: str = ""
    cancel_time: str = ""
    active_trader_id: str = ""
    clearing_part_id: str = ""
    sequence_no: int = 0
    front_id: int = 0
    session_id: int = 0
    user_product_info: str = ""
    status_msg: str = ""
    user_force_close: int = 0
    active_user_id: str = ""
    broker_order_seq: int = 0
    relative_order_sys_id: str = ""
    zce_total_traded_volume: int = 0
    error_id: int = 0
    error_msg: str = ""
    is_swap_order: int = 0
    branch_id: str = ""
    invest_unit_id: str = ""
    account_id: str = ""
    currency_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""
    ip_address: str = ""

class Exchange(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    exchange_name: str = ""
    exchange_property: str = ""

class ExchangeMarginRate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    hedge_flag: str = ""
    long_margin_ratio_by_money: float | None = None
    long_margin_ratio_by_volume: float | None = None
    short_margin_ratio_by_money: float | None = None
    short_margin_ratio_by_volume: float | None = None
    exchange_id: str = ""
    instrument_id: str = ""

class ExchangeMarginRateAdjust(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    hedge_flag: str = ""
    long_margin_ratio_by_money: float | None = None
    long_margin_ratio_by_volume: float | None = None
    short_margin_ratio_by_money: float | None = None
    short_margin_ratio_by_volume: float | None = None
    exch_long_margin_ratio_by_money: float | None = None
    exch_long_margin_ratio_by_volume: float | None = None
    exch_short_margin_ratio_by_money: float | None = None
    exch_short_margin_ratio_by_volume: float | None = None
    no_long_margin_ratio_by_money: float | None = None
    no_long_margin_ratio_by_volume: float | None = None
    no_short_margin_ratio_by_money: float | None = None
    no_short_margin_ratio_by_volume: float | None = None
    instrument_id: str = ""

class ExchangeRate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    from_currency_id: str = ""
    from_currency_unit: float | None = None
    to_currency_id: str = ""
    exchange_rate: float | None = None

class ExecOrder(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exec_order_ref: str = ""
    user_id: str = ""
    volume: int = 0
    request_id: int = 0
    business_unit: str = ""
    offset_flag: str = ""
    hedge_flag: str = ""
    action_type: str = ""
    posi_direction: str = ""
    reserve_position_flag: str = ""
    close_flag: str = ""
    exec_order_local_id: str = ""
    exchange_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    trader_id: str = ""
    install_id: int = 0
    order_submit_status: str = ""
    notify_sequence: int = 0
    trading_day: str = ""
    settlement_id: int = 0
    exec_order_sys_id: str = ""
    insert_date: str = ""
    insert_time: str = ""
    cancel_time: str = ""
    exec_result: str = ""
    clearing_part_id: str = ""
    sequence_no: int = 0
    front_id: int = 0
    session_id: int = 0
    user_product_info: str = ""
    status_msg: str = ""
    active_user_id: str = ""
    broker_exec_order_seq: int = 0
    branch_id: str = ""
    invest_unit_id: str = ""
    account_id: str = ""
    currency_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""
    ip_address: str = ""

class ExecOrderAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exec_order_action_ref: int = 0
    exec_order_ref: str = ""
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    exec_order_sys_id: str = ""
    action_flag: str = ""
    action_date: str = ""
    action_time: str = ""
    trader_id: str = ""
    install_id: int = 0
    exec_order_local_id: str = ""
    action_local_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    business_unit: str = ""
    order_action_status: str = ""
    user_id: str = ""
    action_type: str = ""
    status_msg: str = ""
    branch_id: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""

class ForQuote(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    for_quote_ref: str = ""
    user_id: str = ""
    for_quote_local_id: str = ""
    exchange_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    trader_id: str = ""
    install_id: int = 0
    insert_date: str = ""
    insert_time: str = ""
    for_quote_status: str = ""
    front_id: int = 0
    session_id: int = 0
    status_msg: str = ""
    active_user_id: str = ""
    broker_for_quto_seq: int = 0
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""
    ip_address: str = ""

class ForQuoteRsp(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    for_quote_sys_id: str = ""
    for_quote_time: str = ""
    action_day: str = ""
    exchange_id: str = ""
    instrument_id: str = ""

class InputBatchOrderAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    order_action_ref: int = 0
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    user_id: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    ip_address: str = ""

class InputCombAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    comb_action_ref: str = ""
    user_id: str = ""
    direction: str = ""
    volume: int = 0
    comb_direction: str = ""
    hedge_flag: str = ""
    exchange_id: str = ""
    mac_address: str = ""
    invest_unit_id: str = ""
    front_id: int = 0
    session_id: int = 0
    instrument_id: str = ""
    ip_address: str = ""

class InputExecOrder(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exec_order_ref: str = ""
    user_id: str = ""
    volume: int = 0
    request_id: int = 0
    business_unit: str = ""
    offset_flag: str = ""
    hedge_flag: str = ""
    action_type: str = ""
    posi_direction: str = ""
    reserve_position_flag: str = ""
    close_flag: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    account_id: str = ""
    currency_id: str = ""
    client_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""

class InputExecOrderAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exec_order_action_ref: int = 0
    exec_order_ref: str = ""
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    exec_order_sys_id: str = ""
    action_flag: str = ""
    user_id: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""

class InputForQuote(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    for_quote_ref: str = ""
    user_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""

class InputOffsetSetting(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    instrument_id: str = ""
    underlying_instr_id: str = ""
    product_id: str = ""
    offset_type: str = ""
    volume: int = 0
    is_offset: int = 0
    request_id: int = 0
    user_id: str = ""
    exchange_id: str = ""
    ip_address: str = ""
    mac_address: str = ""

class InputOptionSelfClose(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    option_self_close_ref: str = ""
    user_id: str = ""
    volume: int = 0
    request_id: int = 0
    business_unit: str = ""
    hedge_flag: str = ""
    opt_self_close_flag: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    account_id: str = ""
    currency_id: str = ""
    client_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""

class InputOptionSelfCloseAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    option_self_close_action_ref: int = 0
    option_self_close_ref: str = ""
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    option_self_close_sys_id: str = ""
    action_flag: str = ""
    user_id: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""

class InputQuote(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    quote_ref: str = ""
    user_id: str = ""
    ask_price: float | None = 0.0
    bid_price: float | None = 0.0
    ask_volume: int = 0
    bid_volume: int = 0
    request_id: int = 0
    business_unit: str = ""
    ask_offset_flag: str = ""
    bid_offset_flag: str = ""
    ask_hedge_flag: str = ""
    bid_hedge_flag: str = ""
    ask_order_ref: str = ""
    bid_order_ref: str = ""
    for_quote_sys_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    client_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""
    replace_sys_id: str = ""
    time_condition: str = ""
    order_memo: str = ""
    session_req_seq: int = 0

class InputQuoteAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    quote_action_ref: int = 0
    quote_ref: str = ""
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    quote_sys_id: str = ""
    action_flag: str = ""
    user_id: str = ""
    invest_unit_id: str = ""
    client_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""
    order_memo: str = ""
    session_req_seq: int = 0

class InstrumentCommissionRate(CtpStruct, frozen=True, gc=False):
    investor_range: str = ""
    broker_id: str = ""
    investor_id: str = ""
    open_ratio_by_money: float | None = None
    open_ratio_by_volume: float | None = None
    close_ratio_by_money: float | None = None
    close_ratio_by_volume: float | None = None
    close_today_ratio_by_money: float | None = None
    close_today_ratio_by_volume: float | None = None
    exchange_id: str = ""
    biz_type: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class InstrumentMarginRate(CtpStruct, frozen=True, gc=False):
    investor_range: str = ""
    broker_id: str = ""
    investor_id: str = ""
    hedge_flag: str = ""
    long_margin_ratio_by_money: float | None = None
    long_margin_ratio_by_volume: float | None = None
    short_margin_ratio_by_money: float | None = None
    short_margin_ratio_by_volume: float | None = None
    is_relative: int = 0
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class InstrumentOrderCommRate(CtpStruct, frozen=True, gc=False):
    investor_range: str = ""
    broker_id: str = ""
    investor_id: str = ""
    hedge_flag: str = ""
    order_comm_by_volume: float | None = None
    order_action_comm_by_volume: float | None = None
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""
    order_comm_by_trade: float | None = None
    order_action_comm_by_trade: float | None = None

class InvestUnit(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    invest_unit_id: str = ""
    investor_unit_name: str = ""
    investor_group_id: str = ""
    comm_model_id: str = ""
    margin_model_id: str = ""
    account_id: str = ""
    currency_id: str = ""

class Investor(CtpStruct, frozen=True, gc=False):
    investor_id: str = ""
    broker_id: str = ""
    investor_group_id: str = ""
    investor_name: str = ""
    identified_card_type: str = ""
    identified_card_no: str = ""
    is_active: int = 0
    telephone: str = ""
    address: str = ""
    open_date: str = ""
    mobile: str = ""
    comm_model_id: str = ""
    margin_model_id: str = ""
    is_order_freq: str = ""
    is_open_vol_limit: str = ""

class InvestorCommodityGroupSPMMMargin(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    commodity_group_id: str = ""
    margin_before_discount: float | None = None
    margin_no_discount: float | None = None
    long_risk: float | None = None
    short_risk: float | None = None
    close_frozen_margin: float | None = None
    inter_commodity_rate: float | None = None
    mini_margin_ratio: float | None = None
    adjust_ratio: float | None = None
    intra_commodity_discount: float | None = None
    inter_commodity_discount: float | None = None
    exch_margin: float | None = None
    investor_margin: float | None = None
    frozen_commission: float | None = None
    commission: float | None = None
    frozen_cash: float | None = None
    cash_in: float | None = None
    strike_frozen_margin: float | None = None

class InvestorCommoditySPMMMargin(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    commodity_id: str = ""
    margin_before_discount: float | None = None
    margin_no_discount: float | None = None
    long_pos_risk: float | None = None
    long_open_frozen_risk: float | None = None
    long_close_frozen_risk: float | None = None
    short_pos_risk: float | None = None
    short_open_frozen_risk: float | None = None
    short_close_frozen_risk: float | None = None
    intra_commodity_rate: float | None = None
    option_discount_rate: float | None = None
    pos_discount: float | None = None
    open_frozen_discount: float | None = None
    net_risk: float | None = None
    close_frozen_margin: float | None = None
    frozen_commission: float | None = None
    commission: float | None = None
    frozen_cash: float | None = None
    cash_in: float | None = None
    strike_frozen_margin: float | None = None

class InvestorInfoCommRec(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    instrument_id: str = ""
    order_count: int = 0
    order_action_count: int = 0
    for_quote_cnt: int = 0
    info_comm: float | None = None
    is_opt_series: int = 0
    product_id: str = ""
    info_cnt: int = 0

class InvestorPortfMarginRatio(CtpStruct, frozen=True, gc=False):
    investor_range: str = ""
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    margin_ratio: float | None = None
    product_group_id: str = ""

class InvestorPortfSetting(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    hedge_flag: str = ""
    use_portf: int = 0

class InvestorPositionCombineDetail(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    open_date: str = ""
    exchange_id: str = ""
    settlement_id: int = 0
    broker_id: str = ""
    investor_id: str = ""
    com_trade_id: str = ""
    trade_id: str = ""
    hedge_flag: str = ""
    direction: str = ""
    total_amt: int = 0
    margin: float | None = None
    exch_margin: float | None = None
    margin_rate_by_money: float | None = None
    margin_rate_by_volume: float | None = None
    leg_id: int = 0
    leg_multiple: int = 0
    trade_group_id: int = 0
    invest_unit_id: str = ""
    instrument_id: str = ""
    comb_instrument_id: str = ""

class InvestorPositionDetail(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    hedge_flag: str = ""
    direction: str = ""
    open_date: str = ""
    trade_id: str = ""
    volume: int = 0
    open_price: float | None = None
    trading_day: str = ""
    settlement_id: int = 0
    trade_type: str = ""
    exchange_id: str = ""
    close_profit_by_date: float | None = None
    close_profit_by_trade: float | None = None
    position_profit_by_date: float | None = None
    position_profit_by_trade: float | None = None
    margin: float | None = None
    exch_margin: float | None = None
    margin_rate_by_money: float | None = None
    margin_rate_by_volume: float | None = None
    last_settlement_price: float | None = None
    settlement_price: float | None = None
    close_volume: int = 0
    close_amount: float | None = None
    time_first_volume: int = 0
    invest_unit_id: str = ""
    spec_posi_type: str = ""
    instrument_id: str = ""
    comb_instrument_id: str = ""

class InvestorProdRCAMSMargin(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    comb_product_id: str = ""
    hedge_flag: str = ""
    product_group_id: str = ""
    risk_before_discount: float | None = None
    intra_instr_risk: float | None = None
    b_pos_risk: float | None = None
    s_pos_risk: float | None = None
    intra_prod_risk: float | None = None
    net_risk: float | None = None
    inter_prod_risk: float | None = None
    short_opt_risk_adj: float | None = None
    option_royalty: float | None = None
    mmsa_close_frozen_margin: float | None = None
    close_comb_frozen_margin: float | None = None
    close_frozen_margin: float | None = None
    mmsa_open_frozen_margin: float | None = None
    delivery_open_frozen_margin: float | None = None
    open_frozen_margin: float | None = None
    use_frozen_margin: float | None = None
    mmsa_exch_margin: float | None = None
    delivery_exch_margin: float | None = None
    comb_exch_margin: float | None = None
    exch_margin: float | None = None
    use_margin: float | None = None

class InvestorProdRULEMargin(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    prod_family_code: str = ""
    instrument_class: str = ""
    commodity_group_id: int = 0
    b_std_position: float | None = None
    s_std_position: float | None = None
    b_std_open_frozen: float | None = None
    s_std_open_frozen: float | None = None
    b_std_close_frozen: float | None = None
    s_std_close_frozen: float | None = None
    intra_prod_std_position: float | None = None
    net_std_position: float | None = None
    inter_prod_std_position: float | None = None
    single_std_position: float | None = None
    intra_prod_margin: float | None = None
    inter_prod_margin: float | None = None
    single_margin: float | None = None
    non_comb_margin: float | None = None
    add_on_margin: float | None = None
    exch_margin: float | None = None
    add_on_frozen_margin: float | None = None
    open_frozen_margin: float | None = None
    close_frozen_margin: float | None = None
    margin: float | None = None
    frozen_margin: float | None = None

class InvestorProdSPBMDetail(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    prod_family_code: str = ""
    intra_instr_margin: float | None = None
    b_collecting_margin: float | None = None
    s_collecting_margin: float | None = None
    intra_prod_margin: float | None = None
    net_margin: float | None = None
    inter_prod_margin: float | None = None
    single_margin: float | None = None
    add_on_margin: float | None = None
    delivery_margin: float | None = None
    call_option_min_risk: float | None = None
    put_option_min_risk: float | None = None
    option_min_risk: float | None = None
    option_value_offset: float | None = None
    option_royalty: float | None = None
    real_option_value_offset: float | None = None
    margin: float | None = None
    exch_margin: float | None = None

class InvestorProductGroupMargin(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    trading_day: str = ""
    settlement_id: int = 0
    frozen_margin: float | None = None
    long_frozen_margin: float | None = None
    short_frozen_margin: float | None = None
    use_margin: float | None = None
    long_use_margin: float | None = None
    short_use_margin: float | None = None
    exch_margin: float | None = None
    long_exch_margin: float | None = None
    short_exch_margin: float | None = None
    close_profit: float | None = None
    frozen_commission: float | None = None
    commission: float | None = None
    frozen_cash: float | None = None
    cash_in: float | None = None
    position_profit: float | None = None
    offset_amount: float | None = None
    long_offset_amount: float | None = None
    short_offset_amount: float | None = None
    exch_offset_amount: float | None = None
    long_exch_offset_amount: float | None = None
    short_exch_offset_amount: float | None = None
    hedge_flag: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    product_group_id: str = ""

class MMInstrumentCommissionRate(CtpStruct, frozen=True, gc=False):
    investor_range: str = ""
    broker_id: str = ""
    investor_id: str = ""
    open_ratio_by_money: float | None = None
    open_ratio_by_volume: float | None = None
    close_ratio_by_money: float | None = None
    close_ratio_by_volume: float | None = None
    close_today_ratio_by_money: float | None = None
    close_today_ratio_by_volume: float | None = None
    instrument_id: str = ""

class MMOptionInstrCommRate(CtpStruct, frozen=True, gc=False):
    investor_range: str = ""
    broker_id: str = ""
    investor_id: str = ""
    open_ratio_by_money: float | None = None
    open_ratio_by_volume: float | None = None
    close_ratio_by_money: float | None = None
    close_ratio_by_volume: float | None = None
    close_today_ratio_by_money: float | None = None
    close_today_ratio_by_volume: float | None = None
    strike_ratio_by_money: float | None = None
    strike_ratio_by_volume: float | None = None
    instrument_id: str = ""

class MulticastInstrument(CtpStruct, frozen=True, gc=False):
    topic_id: int = 0
    instrument_no: int = 0
    code_price: float | None = None
    volume_multiple: int = 0
    price_tick: float | None = None
    instrument_id: str = ""

class Notice(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    content: str = ""
    sequence_label: str = ""

class NotifyQueryAccount(CtpStruct, frozen=True, gc=False):
    trade_code: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    trade_date: str = ""
    trade_time: str = ""
    bank_serial: str = ""
    trading_day: str = ""
    plate_serial: int = 0
    last_fragment: str = ""
    session_id: int = 0
    customer_name: str = ""
    id_card_type: str = ""
    identified_card_no: str = ""
    cust_type: str = ""
    bank_account: str = ""
    bank_pass_word: str = ""
    account_id: str = ""
    password: str = ""
    future_serial: int = 0
    install_id: int = 0
    user_id: str = ""
    verify_cert_no_flag: str = ""
    currency_id: str = ""
    digest: str = ""
    bank_acc_type: str = ""
    device_id: str = ""
    bank_secu_acc_type: str = ""
    broker_id_by_bank: str = ""
    bank_secu_acc: str = ""
    bank_pwd_flag: str = ""
    secu_pwd_flag: str = ""
    oper_no: str = ""
    request_id: int = 0
    tid: int = 0
    bank_use_amount: float | None = None
    bank_fetch_amount: float | None = None
    error_id: int = 0
    error_msg: str = ""
    long_customer_name: str = ""

class OffsetSetting(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    instrument_id: str = ""
    underlying_instr_id: str = ""
    product_id: str = ""
    offset_type: str = ""
    volume: int = 0
    is_offset: int = 0
    request_id: int = 0
    user_id: str = ""
    exchange_id: str = ""
    ip_address: str = ""
    mac_address: str = ""
    exchange_inst_id: str = ""
    exchange_serial_no: str = ""
    exchange_product_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    trader_id: str = ""
    install_id: int = 0
    order_submit_status: str = ""
    trading_day: str = ""
    settlement_id: int = 0
    insert_date: str = ""
    insert_time: str = ""
    cancel_time: str = ""
    exec_result: str = ""
    sequence_no: int = 0
    front_id: int = 0
    session_id: int = 0
    status_msg: str = ""
    active_user_id: str = ""
    broker_offset_setting_seq: int = 0
    apply_src: str = ""

class OpenAccount(CtpStruct, frozen=True, gc=False):
    trade_code: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    trade_date: str = ""
    trade_time: str = ""
    bank_serial: str = ""
    trading_day: str = ""
    plate_serial: int = 0
    last_fragment: str = ""
    session_id: int = 0
    customer_name: str = ""
    id_card_type: str = ""
    identified_card_no: str = ""
    gender: str = ""
    country_code: str = ""
    cust_type: str = ""
    address: str = ""
    zip_code: str = ""
    telephone: str = ""
    mobile_phone: str = ""
    fax: str = ""
    e_mail: str = ""
    money_account_status: str = ""
    bank_account: str = ""
    bank_pass_word: str = ""
    account_id: str = ""
    password: str = ""
    install_id: int = 0
    verify_cert_no_flag: str = ""
    currency_id: str = ""
    cash_exchange_code: str = ""
    digest: str = ""
    bank_acc_type: str = ""
    device_id: str = ""
    bank_secu_acc_type: str = ""
    broker_id_by_bank: str = ""
    bank_secu_acc: str = ""
    bank_pwd_flag: str = ""
    secu_pwd_flag: str = ""
    oper_no: str = ""
    tid: int = 0
    user_id: str = ""
    error_id: int = 0
    error_msg: str = ""
    long_customer_name: str = ""

class OptionInstrCommRate(CtpStruct, frozen=True, gc=False):
    investor_range: str = ""
    broker_id: str = ""
    investor_id: str = ""
    open_ratio_by_money: float | None = None
    open_ratio_by_volume: float | None = None
    close_ratio_by_money: float | None = None
    close_ratio_by_volume: float | None = None
    close_today_ratio_by_money: float | None = None
    close_today_ratio_by_volume: float | None = None
    strike_ratio_by_money: float | None = None
    strike_ratio_by_volume: float | None = None
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class OptionInstrTradeCost(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    hedge_flag: str = ""
    fixed_margin: float | None = None
    mini_margin: float | None = None
    royalty: float | None = None
    exch_fixed_margin: float | None = None
    exch_mini_margin: float | None = None
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class OptionSelfClose(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    option_self_close_ref: str = ""
    user_id: str = ""
    volume: int = 0
    request_id: int = 0
    business_unit: str = ""
    hedge_flag: str = ""
    opt_self_close_flag: str = ""
    option_self_close_local_id: str = ""
    exchange_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    trader_id: str = ""
    install_id: int = 0
    order_submit_status: str = ""
    notify_sequence: int = 0
    trading_day: str = ""
    settlement_id: int = 0
    option_self_close_sys_id: str = ""
    insert_date: str = ""
    insert_time: str = ""
    cancel_time: str = ""
    exec_result: str = ""
    clearing_part_id: str = ""
    sequence_no: int = 0
    front_id: int = 0
    session_id: int = 0
    user_product_info: str = ""
    status_msg: str = ""
    active_user_id: str = ""
    broker_option_self_close_seq: int = 0
    branch_id: str = ""
    invest_unit_id: str = ""
    account_id: str = ""
    currency_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""
    ip_address: str = ""

class OptionSelfCloseAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    option_self_close_action_ref: int = 0
    option_self_close_ref: str = ""
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    option_self_close_sys_id: str = ""
    action_flag: str = ""
    action_date: str = ""
    action_time: str = ""
    trader_id: str = ""
    install_id: int = 0
    option_self_close_local_id: str = ""
    action_local_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    business_unit: str = ""
    order_action_status: str = ""
    user_id: str = ""
    status_msg: str = ""
    branch_id: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""

class ParkedOrder(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    order_ref: str = ""
    user_id: str = ""
    order_price_type: str = ""
    direction: str = ""
    comb_offset_flag: str = ""
    comb_hedge_flag: str = ""
    limit_price: float | None = 0.0
    volume_total_original: int = 0
    time_condition: str = ""
    gtd_date: str = ""
    volume_condition: str = ""
    min_volume: int = 0
    contingent_condition: str = ""
    stop_price: float | None = 0.0
    force_close_reason: str = ""
    is_auto_suspend: int = 0
    business_unit: str = ""
    request_id: int = 0
    user_force_close: int = 0
    exchange_id: str = ""
    parked_order_id: str = ""
    user_type: str = ""
    status: str = ""
    error_id: int = 0
    error_msg: str = ""
    is_swap_order: int = 0
    account_id: str = ""
    currency_id: str = ""
    client_id: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""

class ParkedOrderAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    order_action_ref: int = 0
    order_ref: str = ""
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    order_sys_id: str = ""
    action_flag: str = ""
    limit_price: float | None = 0.0
    volume_change: int = 0
    user_id: str = ""
    parked_order_action_id: str = ""
    user_type: str = ""
    status: str = ""
    error_id: int = 0
    error_msg: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""

class Product(CtpStruct, frozen=True, gc=False):
    product_name: str = ""
    exchange_id: str = ""
    product_class: str = ""
    volume_multiple: int = 0
    price_tick: float | None = None
    max_market_order_volume: int = 0
    min_market_order_volume: int = 0
    max_limit_order_volume: int = 0
    min_limit_order_volume: int = 0
    position_type: str = ""
    position_date_type: str = ""
    close_deal_type: str = ""
    trade_currency_id: str = ""
    mortgage_fund_use_range: str = ""
    underlying_multiple: float | None = None
    product_id: str = ""
    exchange_product_id: str = ""
    open_limit_control_level: str = ""
    order_freq_control_level: str = ""

class ProductExchRate(CtpStruct, frozen=True, gc=False):
    quote_currency_id: str = ""
    exchange_rate: float | None = None
    exchange_id: str = ""
    product_id: str = ""

class ProductGroup(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    product_id: str = ""
    product_group_id: str = ""

class QryAccountregister(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    account_id: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    currency_id: str = ""

class QryBrokerTradingAlgos(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    exchange_id: str = ""
    instrument_id: str = ""

class QryBrokerTradingParams(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    currency_id: str = ""
    account_id: str = ""

class QryCFMMCTradingAccountKey(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""

class QryClassifiedInstrument(CtpStruct, frozen=True, gc=False):
    instrument_id: str = ""
    exchange_id: str = ""
    exchange_inst_id: str = ""
    product_id: str = ""
    trading_type: str = ""
    class_type: str = ""

class QryCombAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryCombInstrumentGuard(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    exchange_id: str = ""
    instrument_id: str = ""

class QryCombLeg(CtpStruct, frozen=True, gc=False):
    leg_instrument_id: str = ""

class QryCombPromotionParam(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    instrument_id: str = ""

class QryContractBank(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    bank_id: str = ""
    bank_brch_id: str = ""

class QryDepthMarketData(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    instrument_id: str = ""
    product_class: str = ""

class QryEWarrantOffset(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryExchange(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""

class QryExchangeMarginRate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    hedge_flag: str = ""
    exchange_id: str = ""
    instrument_id: str = ""

class QryExchangeMarginRateAdjust(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    hedge_flag: str = ""
    instrument_id: str = ""

class QryExchangeRate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    from_currency_id: str = ""
    to_currency_id: str = ""

class QryExecOrder(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    exec_order_sys_id: str = ""
    insert_time_start: str = ""
    insert_time_end: str = ""
    instrument_id: str = ""

class QryForQuote(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    insert_time_start: str = ""
    insert_time_end: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryInstrument(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""
    product_id: str = ""

class QryInstrumentCommissionRate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryInstrumentMarginRate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    hedge_flag: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryInstrumentOrderCommRate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    instrument_id: str = ""

class QryInvestUnit(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    invest_unit_id: str = ""

class QryInvestor(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""

class QryInvestorCommodityGroupSPMMMargin(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    commodity_group_id: str = ""

class QryInvestorCommoditySPMMMargin(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    commodity_id: str = ""

class QryInvestorInfoCommRec(CtpStruct, frozen=True, gc=False):
    investor_id: str = ""
    instrument_id: str = ""
    broker_id: str = ""

class QryInvestorPortfMarginRatio(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    product_group_id: str = ""

class QryInvestorPortfSetting(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""

class QryInvestorPosition(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryInvestorPositionCombineDetail(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    comb_instrument_id: str = ""

class QryInvestorPositionDetail(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryInvestorProdRCAMSMargin(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    comb_product_id: str = ""
    product_group_id: str = ""

class QryInvestorProdRULEMargin(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    prod_family_code: str = ""
    commodity_group_id: int = 0

class QryInvestorProdSPBMDetail(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    prod_family_code: str = ""

class QryInvestorProductGroupMargin(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    hedge_flag: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    product_group_id: str = ""

class QryMMInstrumentCommissionRate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    instrument_id: str = ""

class QryMMOptionInstrCommRate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    instrument_id: str = ""

class QryMaxOrderVolume(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    direction: str = ""
    offset_flag: str = ""
    hedge_flag: str = ""
    max_volume: int = 0
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryNotice(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""

class QryOffsetSetting(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    product_id: str = ""
    offset_type: str = ""

class QryOptionInstrCommRate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryOptionInstrTradeCost(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    hedge_flag: str = ""
    input_price: float | None = 0.0
    underlying_price: float | None = 0.0
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryOptionSelfClose(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    option_self_close_sys_id: str = ""
    insert_time_start: str = ""
    insert_time_end: str = ""
    instrument_id: str = ""

class QryOrder(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    order_sys_id: str = ""
    insert_time_start: str = ""
    insert_time_end: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryParkedOrder(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryParkedOrderAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryProduct(CtpStruct, frozen=True, gc=False):
    product_class: str = ""
    exchange_id: str = ""
    product_id: str = ""

class QryProductExchRate(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    product_id: str = ""

class QryProductGroup(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    product_id: str = ""

class QryQuote(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    quote_sys_id: str = ""
    insert_time_start: str = ""
    insert_time_end: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryRCAMSCombProductInfo(CtpStruct, frozen=True, gc=False):
    product_id: str = ""
    comb_product_id: str = ""
    product_group_id: str = ""

class QryRCAMSInstrParameter(CtpStruct, frozen=True, gc=False):
    product_id: str = ""

class QryRCAMSInterParameter(CtpStruct, frozen=True, gc=False):
    product_group_id: str = ""
    comb_product1: str = ""
    comb_product2: str = ""

class QryRCAMSIntraParameter(CtpStruct, frozen=True, gc=False):
    comb_product_id: str = ""

class QryRCAMSInvestorCombPosition(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    instrument_id: str = ""
    comb_instrument_id: str = ""

class QryRCAMSShortOptAdjustParam(CtpStruct, frozen=True, gc=False):
    comb_product_id: str = ""

class QryRULEInstrParameter(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    instrument_id: str = ""

class QryRULEInterParameter(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    leg1_prod_family_code: str = ""
    leg2_prod_family_code: str = ""
    commodity_group_id: int = 0

class QryRULEIntraParameter(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    prod_family_code: str = ""

class QryRiskSettleInvstPosition(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    instrument_id: str = ""

class QryRiskSettleProductStatus(CtpStruct, frozen=True, gc=False):
    product_id: str = ""

class QrySPBMAddOnInterParameter(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    leg1_prod_family_code: str = ""
    leg2_prod_family_code: str = ""

class QrySPBMFutureParameter(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    instrument_id: str = ""
    prod_family_code: str = ""

class QrySPBMInterParameter(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    leg1_prod_family_code: str = ""
    leg2_prod_family_code: str = ""

class QrySPBMIntraParameter(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    prod_family_code: str = ""

class QrySPBMInvestorPortfDef(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""

class QrySPBMOptionParameter(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    instrument_id: str = ""
    prod_family_code: str = ""

class QrySPBMPortfDefinition(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    portfolio_def_id: int = 0
    prod_family_code: str = ""

class QrySPMMInstParam(CtpStruct, frozen=True, gc=False):
    instrument_id: str = ""

class QrySPMMProductParam(CtpStruct, frozen=True, gc=False):
    product_id: str = ""

class QrySecAgentACIDMap(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    user_id: str = ""
    account_id: str = ""
    currency_id: str = ""

class QrySecAgentCheckMode(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""

class QrySecAgentTradeInfo(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    broker_sec_agent_id: str = ""

class QrySettlementInfo(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    trading_day: str = ""
    account_id: str = ""
    currency_id: str = ""

class QrySettlementInfoConfirm(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    account_id: str = ""
    currency_id: str = ""

class QryTrade(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    trade_id: str = ""
    trade_time_start: str = ""
    trade_time_end: str = ""
    invest_unit_id: str = ""
    instrument_id: str = ""

class QryTraderOffer(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    participant_id: str = ""
    trader_id: str = ""

class QryTradingAccount(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    currency_id: str = ""
    biz_type: str = ""
    account_id: str = ""

class QryTradingCode(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    exchange_id: str = ""
    client_id: str = ""
    client_id_type: str = ""
    invest_unit_id: str = ""

class QryTradingNotice(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    invest_unit_id: str = ""

class QryTransferBank(CtpStruct, frozen=True, gc=False):
    bank_id: str = ""
    bank_brch_id: str = ""

class QryTransferSerial(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    account_id: str = ""
    bank_id: str = ""
    currency_id: str = ""

class QryUserSession(CtpStruct, frozen=True, gc=False):
    front_id: int = 0
    session_id: int = 0
    broker_id: str = ""
    user_id: str = ""

class QueryCFMMCTradingAccountToken(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    invest_unit_id: str = ""

class Quote(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    quote_ref: str = ""
    user_id: str = ""
    ask_price: float | None = None
    bid_price: float | None = None
    ask_volume: int = 0
    bid_volume: int = 0
    request_id: int = 0
    business_unit: str = ""
    ask_offset_flag: str = ""
    bid_offset_flag: str = ""
    ask_hedge_flag: str = ""
    bid_hedge_flag: str = ""
    quote_local_id: str = ""
    exchange_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    trader_id: str = ""
    install_id: int = 0
    notify_sequence: int = 0
    order_submit_status: str = ""
    trading_day: str = ""
    settlement_id: int = 0
    quote_sys_id: str = ""
    insert_date: str = ""
    insert_time: str = ""
    cancel_time: str = ""
    quote_status: str = ""
    clearing_part_id: str = ""
    sequence_no: int = 0
    ask_order_sys_id: str = ""
    bid_order_sys_id: str = ""
    front_id: int = 0
    session_id: int = 0
    user_product_info: str = ""
    status_msg: str = ""
    active_user_id: str = ""
    broker_quote_seq: int = 0
    ask_order_ref: str = ""
    bid_order_ref: str = ""
    for_quote_sys_id: str = ""
    branch_id: str = ""
    invest_unit_id: str = ""
    account_id: str = ""
    currency_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    exchange_inst_id: str = ""
    ip_address: str = ""
    replace_sys_id: str = ""
    time_condition: str = ""
    order_memo: str = ""
    session_req_seq: int = 0

class QuoteAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    quote_action_ref: int = 0
    quote_ref: str = ""
    request_id: int = 0
    front_id: int = 0
    session_id: int = 0
    exchange_id: str = ""
    quote_sys_id: str = ""
    action_flag: str = ""
    action_date: str = ""
    action_time: str = ""
    trader_id: str = ""
    install_id: int = 0
    quote_local_id: str = ""
    action_local_id: str = ""
    participant_id: str = ""
    client_id: str = ""
    business_unit: str = ""
    order_action_status: str = ""
    user_id: str = ""
    status_msg: str = ""
    branch_id: str = ""
    invest_unit_id: str = ""
    mac_address: str = ""
    instrument_id: str = ""
    ip_address: str = ""
    order_memo: str = ""
    session_req_seq: int = 0

class RCAMSCombProductInfo(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    product_id: str = ""
    comb_product_id: str = ""
    product_group_id: str = ""

class RCAMSInstrParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    product_id: str = ""
    hedge_rate: float | None = None

class RCAMSInterParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    product_group_id: str = ""
    priority: int = 0
    credit_rate: float | None = None
    comb_product1: str = ""
    comb_product2: str = ""

class RCAMSIntraParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    comb_product_id: str = ""
    hedge_rate: float | None = None

class RCAMSInvestorCombPosition(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    instrument_id: str = ""
    hedge_flag: str = ""
    posi_direction: str = ""
    comb_instrument_id: str = ""
    leg_id: int = 0
    exchange_inst_id: str = ""
    total_amt: int = 0
    exch_margin: float | None = None
    margin: float | None = None

class RCAMSShortOptAdjustParam(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    comb_product_id: str = ""
    hedge_flag: str = ""
    adjust_value: float | None = None

class RULEInstrParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    instrument_id: str = ""
    instrument_class: str = ""
    std_instrument_id: str = ""
    b_spec_ratio: float | None = None
    s_spec_ratio: float | None = None
    b_hedge_ratio: float | None = None
    s_hedge_ratio: float | None = None
    b_add_on_margin: float | None = None
    s_add_on_margin: float | None = None
    commodity_group_id: int = 0

class RULEInterParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    spread_id: int = 0
    inter_rate: float | None = None
    leg1_prod_family_code: str = ""
    leg2_prod_family_code: str = ""
    leg1_prop_factor: int = 0
    leg2_prop_factor: int = 0
    commodity_group_id: int = 0
    commodity_group_name: str = ""

class RULEIntraParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    prod_family_code: str = ""
    std_instrument_id: str = ""
    std_instr_margin: float | None = None
    usual_intra_rate: float | None = None
    delivery_intra_rate: float | None = None

class RemoveParkedOrder(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    parked_order_id: str = ""
    invest_unit_id: str = ""

class RemoveParkedOrderAction(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    parked_order_action_id: str = ""
    invest_unit_id: str = ""

class ReqAuthenticate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    user_id: str = ""
    user_product_info: str = ""
    auth_code: str = ""
    app_id: str = ""

class ReqGenUserCaptcha(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    broker_id: str = ""
    user_id: str = ""

class ReqGenUserText(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    broker_id: str = ""
    user_id: str = ""

class ReqQueryAccount(CtpStruct, frozen=True, gc=False):
    trade_code: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    trade_date: str = ""
    trade_time: str = ""
    bank_serial: str = ""
    trading_day: str = ""
    plate_serial: int = 0
    last_fragment: str = ""
    session_id: int = 0
    customer_name: str = ""
    id_card_type: str = ""
    identified_card_no: str = ""
    cust_type: str = ""
    bank_account: str = ""
    bank_pass_word: str = ""
    account_id: str = ""
    password: str = ""
    future_serial: int = 0
    install_id: int = 0
    user_id: str = ""
    verify_cert_no_flag: str = ""
    currency_id: str = ""
    digest: str = ""
    bank_acc_type: str = ""
    device_id: str = ""
    bank_secu_acc_type: str = ""
    broker_id_by_bank: str = ""
    bank_secu_acc: str = ""
    bank_pwd_flag: str = ""
    secu_pwd_flag: str = ""
    oper_no: str = ""
    request_id: int = 0
    tid: int = 0
    long_customer_name: str = ""

class ReqRepeal(CtpStruct, frozen=True, gc=False):
    repeal_time_interval: int = 0
    repealed_times: int = 0
    bank_repeal_flag: str = ""
    broker_repeal_flag: str = ""
    plate_repeal_serial: int = 0
    bank_repeal_serial: str = ""
    future_repeal_serial: int = 0
    trade_code: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    trade_date: str = ""
    trade_time: str = ""
    bank_serial: str = ""
    trading_day: str = ""
    plate_serial: int = 0
    last_fragment: str = ""
    session_id: int = 0
    customer_name: str = ""
    id_card_type: str = ""
    identified_card_no: str = ""
    cust_type: str = ""
    bank_account: str = ""
    bank_pass_word: str = ""
    account_id: str = ""
    password: str = ""
    install_id: int = 0
    future_serial: int = 0
    user_id: str = ""
    verify_cert_no_flag: str = ""
    currency_id: str = ""
    trade_amount: float | None = None
    future_fetch_amount: float | None = None
    fee_pay_flag: str = ""
    cust_fee: float | None = None
    broker_fee: float | None = None
    message: str = ""
    digest: str = ""
    bank_acc_type: str = ""
    device_id: str = ""
    bank_secu_acc_type: str = ""
    broker_id_by_bank: str = ""
    bank_secu_acc: str = ""
    bank_pwd_flag: str = ""
    secu_pwd_flag: str = ""
    oper_no: str = ""
    request_id: int = 0
    tid: int = 0
    transfer_status: str = ""
    long_customer_name: str = ""

class ReqTransfer(CtpStruct, frozen=True, gc=False):
    trade_code: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    trade_date: str = ""
    trade_time: str = ""
    bank_serial: str = ""
    trading_day: str = ""
    plate_serial: int = 0
    last_fragment: str = ""
    session_id: int = 0
    customer_name: str = ""
    id_card_type: str = ""
    identified_card_no: str = ""
    cust_type: str = ""
    bank_account: str = ""
    bank_pass_word: str = ""
    account_id: str = ""
    password: str = ""
    install_id: int = 0
    future_serial: int = 0
    user_id: str = ""
    verify_cert_no_flag: str = ""
    currency_id: str = ""
    trade_amount: float | None = 0.0
    future_fetch_amount: float | None = 0.0
    fee_pay_flag: str = ""
    cust_fee: float | None = 0.0
    broker_fee: float | None = 0.0
    message: str = ""
    digest: str = ""
    bank_acc_type: str = ""
    device_id: str = ""
    bank_secu_acc_type: str = ""
    broker_id_by_bank: str = ""
    bank_secu_acc: str = ""
    bank_pwd_flag: str = ""
    secu_pwd_flag: str = ""
    oper_no: str = ""
    request_id: int = 0
    tid: int = 0
    transfer_status: str = ""
    long_customer_name: str = ""

class ReqUserAuthMethod(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    broker_id: str = ""
    user_id: str = ""

class RiskSettleInvstPosition(CtpStruct, frozen=True, gc=False):
    instrument_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    posi_direction: str = ""
    hedge_flag: str = ""
    position_date: str = ""
    yd_position: int = 0
    position: int = 0
    long_frozen: int = 0
    short_frozen: int = 0
    long_frozen_amount: float | None = None
    short_frozen_amount: float | None = None
    open_volume: int = 0
    close_volume: int = 0
    open_amount: float | None = None
    close_amount: float | None = None
    position_cost: float | None = None
    pre_margin: float | None = None
    use_margin: float | None = None
    frozen_margin: float | None = None
    frozen_cash: float | None = None
    frozen_commission: float | None = None
    cash_in: float | None = None
    commission: float | None = None
    close_profit: float | None = None
    position_profit: float | None = None
    pre_settlement_price: float | None = None
    settlement_price: float | None = None
    trading_day: str = ""
    settlement_id: int = 0
    open_cost: float | None = None
    exchange_margin: float | None = None
    comb_position: int = 0
    comb_long_frozen: int = 0
    comb_short_frozen: int = 0
    close_profit_by_date: float | None = None
    close_profit_by_trade: float | None = None
    today_position: int = 0
    margin_rate_by_money: float | None = None
    margin_rate_by_volume: float | None = None
    strike_frozen: int = 0
    strike_frozen_amount: float | None = None
    abandon_frozen: int = 0
    exchange_id: str = ""
    yd_strike_frozen: int = 0
    invest_unit_id: str = ""
    position_cost_offset: float | None = None
    tas_position: int = 0
    tas_position_cost: float | None = None

class RiskSettleProductStatus(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    product_id: str = ""
    product_status: str = ""

class RspAuthenticate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    user_id: str = ""
    user_product_info: str = ""
    app_id: str = ""
    app_type: str = ""

class RspGenUserCaptcha(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    user_id: str = ""
    captcha_info_len: int = 0
    captcha_info: str = ""

class RspGenUserText(CtpStruct, frozen=True, gc=False):
    user_text_seq: int = 0

class RspRepeal(CtpStruct, frozen=True, gc=False):
    repeal_time_interval: int = 0
    repealed_times: int = 0
    bank_repeal_flag: str = ""
    broker_repeal_flag: str = ""
    plate_repeal_serial: int = 0
    bank_repeal_serial: str = ""
    future_repeal_serial: int = 0
    trade_code: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    trade_date: str = ""
    trade_time: str = ""
    bank_serial: str = ""
    trading_day: str = ""
    plate_serial: int = 0
    last_fragment: str = ""
    session_id: int = 0
    customer_name: str = ""
    id_card_type: str = ""
    identified_card_no: str = ""
    cust_type: str = ""
    bank_account: str = ""
    bank_pass_word: str = ""
    account_id: str = ""
    password: str = ""
    install_id: int = 0
    future_serial: int = 0
    user_id: str = ""
    verify_cert_no_flag: str = ""
    currency_id: str = ""
    trade_amount: float | None = None
    future_fetch_amount: float | None = None
    fee_pay_flag: str = ""
    cust_fee: float | None = None
    broker_fee: float | None = None
    message: str = ""
    digest: str = ""
    bank_acc_type: str = ""
    device_id: str = ""
    bank_secu_acc_type: str = ""
    broker_id_by_bank: str = ""
    bank_secu_acc: str = ""
    bank_pwd_flag: str = ""
    secu_pwd_flag: str = ""
    oper_no: str = ""
    request_id: int = 0
    tid: int = 0
    transfer_status: str = ""
    error_id: int = 0
    error_msg: str = ""
    long_customer_name: str = ""

class RspTransfer(CtpStruct, frozen=True, gc=False):
    trade_code: str = ""
    bank_id: str = ""
    bank_branch_id: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    trade_date: str = ""
    trade_time: str = ""
    bank_serial: str = ""
    trading_day: str = ""
    plate_serial: int = 0
    last_fragment: str = ""
    session_id: int = 0
    customer_name: str = ""
    id_card_type: str = ""
    identified_card_no: str = ""
    cust_type: str = ""
    bank_account: str = ""
    bank_pass_word: str = ""
    account_id: str = ""
    password: str = ""
    install_id: int = 0
    future_serial: int = 0
    user_id: str = ""
    verify_cert_no_flag: str = ""
    currency_id: str = ""
    trade_amount: float | None = None
    future_fetch_amount: float | None = None
    fee_pay_flag: str = ""
    cust_fee: float | None = None
    broker_fee: float | None = None
    message: str = ""
    digest: str = ""
    bank_acc_type: str = ""
    device_id: str = ""
    bank_secu_acc_type: str = ""
    broker_id_by_bank: str = ""
    bank_secu_acc: str = ""
    bank_pwd_flag: str = ""
    secu_pwd_flag: str = ""
    oper_no: str = ""
    request_id: int = 0
    tid: int = 0
    transfer_status: str = ""
    error_id: int = 0
    error_msg: str = ""
    long_customer_name: str = ""

class RspUserAuthMethod(CtpStruct, frozen=True, gc=False):
    usable_auth_method: int = 0

class SPBMAddOnInterParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    spread_id: int = 0
    add_on_inter_rate_z2: float | None = None
    leg1_prod_family_code: str = ""
    leg2_prod_family_code: str = ""

class SPBMFutureParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    instrument_id: str = ""
    prod_family_code: str = ""
    cvf: int = 0
    time_range: str = ""
    margin_rate: float | None = None
    lock_rate_x: float | None = None
    add_on_rate: float | None = None
    pre_settlement_price: float | None = None
    add_on_lock_rate_x2: float | None = None

class SPBMInterParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    spread_id: int = 0
    inter_rate_z: float | None = None
    leg1_prod_family_code: str = ""
    leg2_prod_family_code: str = ""

class SPBMIntraParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    prod_family_code: str = ""
    intra_rate_y: float | None = None
    add_on_intra_rate_y2: float | None = None

class SPBMInvestorPortfDef(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    broker_id: str = ""
    investor_id: str = ""
    portfolio_def_id: int = 0

class SPBMOptionParameter(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    exchange_id: str = ""
    instrument_id: str = ""
    prod_family_code: str = ""
    cvf: int = 0
    down_price: float | None = None
    delta: float | None = None
    slimi_delta: float | None = None
    pre_settlement_price: float | None = None

class SPBMPortfDefinition(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    portfolio_def_id: int = 0
    prod_family_code: str = ""
    is_spbm: int = 0

class SPMMInstParam(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    instrument_id: str = ""
    inst_margin_cal_id: str = ""
    commodity_id: str = ""
    commodity_group_id: str = ""

class SPMMProductParam(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    product_id: str = ""
    commodity_id: str = ""
    commodity_group_id: str = ""

class SecAgentACIDMap(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    user_id: str = ""
    account_id: str = ""
    currency_id: str = ""
    broker_sec_agent_id: str = ""

class SecAgentCheckMode(CtpStruct, frozen=True, gc=False):
    investor_id: str = ""
    broker_id: str = ""
    currency_id: str = ""
    broker_sec_agent_id: str = ""
    check_self_account: int = 0

class SecAgentTradeInfo(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    broker_sec_agent_id: str = ""
    investor_id: str = ""
    long_customer_name: str = ""

class SettlementInfo(CtpStruct, frozen=True, gc=False):
    trading_day: str = ""
    settlement_id: int = 0
    broker_id: str = ""
    investor_id: str = ""
    sequence_no: int = 0
    content: str = ""
    account_id: str = ""
    currency_id: str = ""

class SettlementInfoConfirm(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    confirm_date: str = ""
    confirm_time: str = ""
    settlement_id: int = 0
    account_id: str = ""
    currency_id: str = ""

class TraderOffer(CtpStruct, frozen=True, gc=False):
    exchange_id: str = ""
    trader_id: str = ""
    participant_id: str = ""
    password: str = ""
    install_id: int = 0
    order_local_id: str = ""
    trader_connect_status: str = ""
    connect_request_date: str = ""
    connect_request_time: str = ""
    last_report_date: str = ""
    last_report_time: str = ""
    connect_date: str = ""
    connect_time: str = ""
    start_date: str = ""
    start_time: str = ""
    trading_day: str = ""
    broker_id: str = ""
    max_trade_id: str = ""
    max_order_message_reference: str = ""
    order_cancel_alg: str = ""

class TradingAccountPasswordUpdate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    account_id: str = ""
    old_password: str = ""
    new_password: str = ""
    currency_id: str = ""

class TradingCode(CtpStruct, frozen=True, gc=False):
    investor_id: str = ""
    broker_id: str = ""
    exchange_id: str = ""
    client_id: str = ""
    is_active: int = 0
    client_id_type: str = ""
    branch_id: str = ""
    biz_type: str = ""
    invest_unit_id: str = ""

class TradingNotice(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_range: str = ""
    investor_id: str = ""
    sequence_series: int = 0
    user_id: str = ""
    send_time: str = ""
    sequence_no: int = 0
    field_content: str = ""
    invest_unit_id: str = ""

class TradingNoticeInfo(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    investor_id: str = ""
    send_time: str = ""
    field_content: str = ""
    sequence_series: int = 0
    sequence_no: int = 0
    invest_unit_id: str = ""

class TransferBank(CtpStruct, frozen=True, gc=False):
    bank_id: str = ""
    bank_brch_id: str = ""
    bank_name: str = ""
    is_active: int = 0

class TransferSerial(CtpStruct, frozen=True, gc=False):
    plate_serial: int = 0
    trade_date: str = ""
    trading_day: str = ""
    trade_time: str = ""
    trade_code: str = ""
    session_id: int = 0
    bank_id: str = ""
    bank_branch_id: str = ""
    bank_acc_type: str = ""
    bank_account: str = ""
    bank_serial: str = ""
    broker_id: str = ""
    broker_branch_id: str = ""
    future_acc_type: str = ""
    account_id: str = ""
    investor_id: str = ""
    future_serial: int = 0
    id_card_type: str = ""
    identified_card_no: str = ""
    currency_id: str = ""
    trade_amount: float | None = None
    cust_fee: float | None = None
    broker_fee: float | None = None
    availability_flag: str = ""
    operator_code: str = ""
    bank_new_account: str = ""
    error_id: int = 0
    error_msg: str = ""

class UserLogout(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    user_id: str = ""

class UserPasswordUpdate(CtpStruct, frozen=True, gc=False):
    broker_id: str = ""
    user_id: str = ""
    old_password: str = ""
    new_password: str = ""

class UserSession(CtpStruct, frozen=True, gc=False):
    front_id: int = 0
    session_id: int = 0
    broker_id: str = ""
    user_id: str = ""
    login_date: str = ""
    login_time: str = ""
    user_product_info: str = ""
    interface_product_info: str = ""
    protocol_info: str = ""
    mac_address: str = ""
    login_remark: str = ""
    ip_address: str = ""
