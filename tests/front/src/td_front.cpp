// Stand-in for the trader API library.
#include "counter.h"
#include "instruments.h"
#include "td_requests.h"

namespace {
using namespace front;

using Guard = std::lock_guard<std::mutex>;

bool same(const char *wanted, const char *have) { return !*wanted || !strcmp(wanted, have); }

class TdFront final : public Requests, public Session {
public:
    TdFront() {
        put_date(day_);
        order_delay_us_ = env_num("FRONT_ORDER_DELAY_US", 0);
        Guard guard(counter_.mutex);
        counter_.sessions.insert(this);
    }

    void Release() override {
        {
            Guard guard(counter_.mutex);
            counter_.sessions.erase(this);
        }
        end();
        delete this;
    }
    void Init() override { start(); }
    int Join() override { return wait_done(); }
    const char *GetTradingDay() override { return logged_ ? day_ : "19800100"; }
#ifdef FRONT_HAS_GetFrontInfo
    void GetFrontInfo(CThostFtdcFrontInfoField *f) override {
        *f = {};
        put(f->FrontAddr, "tcp://127.0.0.1:1");
        f->QryFreq = int(query_hz_);
        f->FTDPkgFreq = int(env_num("FRONT_PKG_FREQ", 1000));
    }
#endif
    void RegisterSpi(CThostFtdcTraderSpi *spi) override { spi_ = spi; }
    void SubscribePrivateTopic(THOST_TE_RESUME_TYPE type) override { resume_ = type; }

    // Called on another session's thread, with the counter locked.
    void hear(const std::string &user, const Return &what) override {
        if (logged_ && user == user_) post([this, what] { hand_over(what); });
    }

protected:
    void on_connected() override {
        tell("OnFrontConnected", [](Spi *s) { s->OnFrontConnected(); });
    }
    void on_disconnected(int reason) override {
        logged_ = false;
        forget_queries();
        tell("OnFrontDisconnected", [&](Spi *s) { s->OnFrontDisconnected(reason); });
    }

    void onReqAuthenticate(const CThostFtdcReqAuthenticateField &q, int id) override {
        CThostFtdcRspAuthenticateField f{};
        put(f.BrokerID, q.BrokerID);
        put(f.UserID, q.UserID);
        PUT_IF(f, AppID, TEXT_OF(q, AppID));
        SET_IF(f, AppType, '1');
        CThostFtdcRspInfoField e = strcmp(q.AuthCode, "bad") ? fine() : info(63, "CTP:客户端认证失败");
        tell("OnRspAuthenticate", [&](Spi *s) { s->OnRspAuthenticate(&f, &e, id, true); });
    }

    void onReqUserLogin(const CThostFtdcReqUserLoginField &q, int id) override { login(q, id); }
    void onReqUserLoginWithCaptcha(const CThostFtdcReqUserLoginWithCaptchaField &q,
                                   int id) override { login(q, id); }
    void onReqUserLoginWithText(const CThostFtdcReqUserLoginWithTextField &q, int id) override {
        login(q, id);
    }
    void onReqUserLoginWithOTP(const CThostFtdcReqUserLoginWithOTPField &q, int id) override {
        login(q, id);
    }
    void onReqUserLogout(const CThostFtdcUserLogoutField &q, int id) override {
        CThostFtdcUserLogoutField f = q;
        CThostFtdcRspInfoField e = fine();
        logged_ = false;
        tell("OnRspUserLogout", [&](Spi *s) { s->OnRspUserLogout(&f, &e, id, true); });
    }

    void onReqUserPasswordUpdate(const CThostFtdcUserPasswordUpdateField &q, int id) override {
        CThostFtdcUserPasswordUpdateField f = q;
        CThostFtdcRspInfoField e = fine();
        if (!password_is(q.UserID, q.OldPassword)) e = info(14, "CTP:原口令不匹配");
        else if (!strcmp(q.OldPassword, q.NewPassword))
            e = info(142, "CTP:修改密码失败。新密码不允许与旧密码相同");
        else {
            Guard guard(counter_.mutex);
            counter_.passwords[q.UserID] = q.NewPassword;
        }
        tell("OnRspUserPasswordUpdate",
             [&](Spi *s) { s->OnRspUserPasswordUpdate(&f, &e, id, true); });
    }

    void onReqSettlementInfoConfirm(const CThostFtdcSettlementInfoConfirmField &q,
                                    int id) override {
        CThostFtdcSettlementInfoConfirmField f = q;
        put_date(f.ConfirmDate);
        put_time(f.ConfirmTime);
        CThostFtdcRspInfoField e = fine();
        {
            Guard guard(counter_.mutex);
            counter_.confirmed.insert(user_);
        }
        tell("OnRspSettlementInfoConfirm",
             [&](Spi *s) { s->OnRspSettlementInfoConfirm(&f, &e, id, true); });
    }
    void onReqQrySettlementInfoConfirm(const CThostFtdcQrySettlementInfoConfirmField &,
                                       int id) override {
        std::vector<CThostFtdcSettlementInfoConfirmField> all;
        {
            Guard guard(counter_.mutex);
            if (counter_.confirmed.count(user_)) all.emplace_back();
        }
        for (auto &f : all) {
            put(f.BrokerID, broker_.c_str());
            put(f.InvestorID, user_.c_str());
            put_date(f.ConfirmDate);
            put_time(f.ConfirmTime);
        }
        rows("OnRspQrySettlementInfoConfirm", all, id, &Spi::OnRspQrySettlementInfoConfirm);
    }
    // A real statement comes in pieces of 500 bytes that end anywhere, also inside a character.
    void onReqQrySettlementInfo(const CThostFtdcQrySettlementInfoField &q, int id) override {
        std::string text = "交易结算单";
        while (text.size() < 1200) text += " 客户号 " + user_ + " 期末结存 20000123.45\r\n";
        std::vector<CThostFtdcSettlementInfoField> all;
        for (size_t at = 0; at < text.size(); at += sizeof all[0].Content - 1) {
            CThostFtdcSettlementInfoField f{};
            put(f.TradingDay, q.TradingDay);
            put(f.BrokerID, broker_.c_str());
            put(f.InvestorID, user_.c_str());
            f.SettlementID = 1;
            f.SequenceNo = int(all.size()) + 1;
            put(f.Content, text.c_str() + at);
            all.push_back(f);
        }
        rows("OnRspQrySettlementInfo", all, id, &Spi::OnRspQrySettlementInfo);
    }

    void onReqQryInstrument(const CThostFtdcQryInstrumentField &q, int id) override {
        std::vector<CThostFtdcInstrumentField> all;
        for (auto &f : instruments())
            if (same(q.InstrumentID, f.InstrumentID) && same(q.ExchangeID, f.ExchangeID) &&
                same(q.ProductID, f.ProductID))
                all.push_back(f);
        rows("OnRspQryInstrument", all, id, &Spi::OnRspQryInstrument);
    }
    void onReqQryInvestorPosition(const CThostFtdcQryInvestorPositionField &q, int id) override {
        std::vector<CThostFtdcInvestorPositionField> all;
        for (size_t i = 0; i < 5 && i < instruments().size(); i++)
            if (same(q.InstrumentID, instruments()[i].InstrumentID)) all.push_back(position(int(i)));
        rows("OnRspQryInvestorPosition", all, id, &Spi::OnRspQryInvestorPosition);
    }
    void onReqQryTradingAccount(const CThostFtdcQryTradingAccountField &, int id) override {
        CThostFtdcTradingAccountField f{};
        put(f.BrokerID, broker_.c_str());
        put(f.AccountID, user_.c_str());
        put(f.CurrencyID, "CNY");
        put(f.TradingDay, day_);
        f.PreBalance = 20000000;
        f.Balance = 20000123.45;
        f.Available = 19000000.5;
        f.CurrMargin = 1000122.95;
        f.CloseProfit = 200;
        f.PositionProfit = -76.55;
        f.Commission = 3.21;
        f.SettlementID = 1;
        rows("OnRspQryTradingAccount", std::vector{f}, id, &Spi::OnRspQryTradingAccount);
    }
    void onReqQryOrder(const CThostFtdcQryOrderField &q, int id) override {
        std::vector<CThostFtdcOrderField> all;
        {
            Guard guard(counter_.mutex);
            for (auto &f : counter_.orders)
                if (user_ == f.UserID && same(q.InstrumentID, f.InstrumentID) &&
                    same(q.OrderSysID, f.OrderSysID))
                    all.push_back(f);
        }
        rows("OnRspQryOrder", all, id, &Spi::OnRspQryOrder);
    }
    void onReqQryTrade(const CThostFtdcQryTradeField &q, int id) override {
        std::vector<CThostFtdcTradeField> all;
        {
            Guard guard(counter_.mutex);
            for (auto &f : counter_.trades)
                if (user_ == f.UserID && same(q.InstrumentID, f.InstrumentID)) all.push_back(f);
        }
        rows("OnRspQryTrade", all, id, &Spi::OnRspQryTrade);
    }

    void onReqOrderInsert(const CThostFtdcInputOrderField &q, int id) override {
        CThostFtdcRspInfoField e = order_error(q);
        if (e.ErrorID == 0) return accept(q, id);
        CThostFtdcInputOrderField f = q;
        tell("OnRspOrderInsert", [&](Spi *s) { s->OnRspOrderInsert(&f, &e, id, true); });
        f = q;
        tell("OnErrRtnOrderInsert", [&](Spi *s) { s->OnErrRtnOrderInsert(&f, &e); });
    }

    void onReqOrderAction(const CThostFtdcInputOrderActionField &q, int id) override {
        CThostFtdcOrderField o;
        bool found = false, open = false;
        {
            Guard guard(counter_.mutex);
            for (auto &f : counter_.orders) {
                if (user_ != f.UserID || !names(q, f)) continue;
                found = true;
                open = f.OrderStatus == '3';
                if (open) {
                    f.OrderStatus = '5';
                    f.NotifySequence++;
                    put(f.StatusMsg, "已撤单");
                    put_time(f.CancelTime);
                }
                o = f;
                break;
            }
        }
        if (open) return publish(o);
        CThostFtdcRspInfoField e = found ? info(26, "CTP:报单已全成交或已撤销，不能再撤")
                                         : info(25, "CTP:撤单找不到相应报单");
        CThostFtdcInputOrderActionField f = q;
        tell("OnRspOrderAction", [&](Spi *s) { s->OnRspOrderAction(&f, &e, id, true); });
        CThostFtdcOrderActionField a = order_action(q, e);
        tell("OnErrRtnOrderAction", [&](Spi *s) { s->OnErrRtnOrderAction(&a, &e); });
    }

private:
    bool password_is(const char *user, const char *password) {
        Guard guard(counter_.mutex);
        auto changed = counter_.passwords.find(user);
        return changed == counter_.passwords.end() ? strcmp(password, "bad") != 0
                                                   : changed->second == password;
    }

    // Some passwords stand for a state of the account, until it has another.
    CThostFtdcRspInfoField login_error(const char *user, const char *password) {
        if (!password_is(user, password)) return info(3, "CTP:不合法的登录");
        if (!strcmp(password, "weak"))
            return info(131, "CTP：您当前密码为弱密码，请修改成强密码后重新登录");
        if (!strcmp(password, "first"))
            return info(140, "CTP:首次登录必须修改密码，请修改密码后重新登录");
        if (!strcmp(password, "expired")) return info(141, "CTP:您当前密码已过期，请修改后登录");
        return fine();
    }

    template <class Q> void login(const Q &q, int id) {
        CThostFtdcRspUserLoginField f{};
        put(f.BrokerID, q.BrokerID);
        put(f.UserID, q.UserID);
        CThostFtdcRspInfoField e = login_error(q.UserID, q.Password);
        if (e.ErrorID == 0) {
            put_date(f.TradingDay);
            put_time(f.LoginTime);
            put(f.SystemName, "交易替身");
            PUT_IF(f, SysVersion, "v" FRONT_BINDING_VERSION);
            put_time(f.SHFETime);
            put_time(f.DCETime);
            put_time(f.CZCETime);
            put_time(f.FFEXTime);
            put(f.INETime, "--:--:--");
            PUT_IF(f, GFEXTime, "--:--:--");
            put(f.MaxOrderRef, "1");
            f.FrontID = 1;
            Guard guard(counter_.mutex);
            f.SessionID = session_ = 1000 + ++counter_.logins;
            broker_ = q.BrokerID;
            user_ = q.UserID;
            last_ref_ = 1;
            logged_ = true;
        }
        tell("OnRspUserLogin", [&](Spi *s) { s->OnRspUserLogin(&f, &e, id, true); });
        if (logged_) begin_streams();
    }

    // After a login: the state of every product, and in RESTART mode the day's returns again.
    void begin_streams() {
        for (const Product &p : products()) {
            CThostFtdcInstrumentStatusField f{};
            put(f.ExchangeID, p.exchange);
            put(f.InstrumentID, p.id);
            f.InstrumentStatus = '2';
            f.TradingSegmentSN = 1;
            put(f.EnterTime, "09:00:00");
            f.EnterReason = '1';
            tell("OnRtnInstrumentStatus", [&](Spi *s) { s->OnRtnInstrumentStatus(&f); });
        }
        if (resume_ != THOST_TERT_RESTART) return;
        std::vector<Return> all;
        {
            Guard guard(counter_.mutex);
            all = counter_.returns;
        }
        for (auto &one : all)
            if (std::visit([this](auto &f) { return user_ == f.UserID; }, one)) hand_over(one);
    }

    void hand_over(Return one) {
        if (auto *order = std::get_if<CThostFtdcOrderField>(&one))
            tell("OnRtnOrder", [&](Spi *s) { s->OnRtnOrder(order); });
        if (auto *trade = std::get_if<CThostFtdcTradeField>(&one))
            tell("OnRtnTrade", [&](Spi *s) { s->OnRtnTrade(trade); });
    }

    // The private stream: every session of the user hears it, this one first.
    void publish(const Return &what) {
        hand_over(what);
        Guard guard(counter_.mutex);
        counter_.returns.push_back(what);
        for (Session *session : counter_.sessions)
            if (session != this) session->hear(user_, what);
    }

    CThostFtdcInvestorPositionField position(int i) {
        CThostFtdcInvestorPositionField f{};
        put(f.BrokerID, broker_.c_str());
        put(f.InvestorID, user_.c_str());
        put(f.InstrumentID, instruments()[size_t(i)].InstrumentID);
        put(f.ExchangeID, instruments()[size_t(i)].ExchangeID);
        put(f.TradingDay, day_);
        f.PosiDirection = i % 2 ? '3' : '2';
        f.HedgeFlag = '1';
        f.PositionDate = i % 2 ? '2' : '1';
        f.Position = i + 1;
        f.YdPosition = i;
        f.TodayPosition = 1;
        f.UseMargin = 1000.5 * (i + 1);
        f.PositionCost = f.OpenCost = 30000.0 * (i + 1);
        f.PositionProfit = -12.25 * i;
        f.PreSettlementPrice = 3000;
        f.SettlementPrice = DBL_MAX;
        return f;
    }

    CThostFtdcRspInfoField order_error(const CThostFtdcInputOrderField &q) {
        if (!logged_) return info(6, "CTP:还没有登录");
        {
            Guard guard(counter_.mutex);
            if (!counter_.confirmed.count(user_)) return info(42, "CTP:结算结果未确认");
        }
        if (!find_instrument(q.InstrumentID)) return info(16, "CTP:找不到合约");
        bool limit = q.OrderPriceType == '2';
        if (q.VolumeTotalOriginal <= 0 || (limit && !(q.LimitPrice > 0 && q.LimitPrice < 1e9)))
            return info(15, "CTP:报单字段有误");
        long ref = *q.OrderRef ? atol(q.OrderRef) : last_ref_ + 1;
        if (ref <= last_ref_) return info(22, "CTP:报单错误：不允许重复报单");
        last_ref_ = ref;
        return fine();
    }

    void accept(const CThostFtdcInputOrderField &q, int id) {
        CThostFtdcOrderField o = new_order(q, id);
        size_t at;
        {
            Guard guard(counter_.mutex);
            int n = ++counter_.orders_made;
            o.BrokerOrderSeq = o.SequenceNo = n;
            snprintf(o.OrderSysID, sizeof o.OrderSysID, "%12d", n);
            snprintf(o.OrderLocalID, sizeof o.OrderLocalID, "%12d", n);
            at = counter_.orders.size();
            counter_.orders.push_back(o);
        }
        nap(order_delay_us_);
        publish(o);
        if (o.OrderPriceType == '2' && o.LimitPrice == 1.0) return;  // rests until it is cancelled
        o.OrderStatus = '0';
        o.VolumeTraded = o.VolumeTotalOriginal;
        o.VolumeTotal = 0;
        o.NotifySequence = 2;
        put(o.StatusMsg, "全部成交");
        put_time(o.UpdateTime);
        CThostFtdcTradeField t = new_trade(o);
        {
            Guard guard(counter_.mutex);
            t.SequenceNo = ++counter_.trades_made;
            snprintf(t.TradeID, sizeof t.TradeID, "%12d", t.SequenceNo);
            counter_.orders[at] = o;
            counter_.trades.push_back(t);
        }
        nap(order_delay_us_);
        publish(o);
        publish(t);
    }

    CThostFtdcOrderField new_order(const CThostFtdcInputOrderField &q, int id) {
        CThostFtdcOrderField o{};
        put(o.BrokerID, q.BrokerID);
        put(o.InvestorID, q.InvestorID);
        put(o.UserID, user_.c_str());
        put(o.OrderRef, q.OrderRef);
        if (!*o.OrderRef) snprintf(o.OrderRef, sizeof o.OrderRef, "%12ld", last_ref_);
        put(o.InstrumentID, q.InstrumentID);
        put(o.ExchangeInstID, q.InstrumentID);
        put(o.ExchangeID, find_instrument(q.InstrumentID)->ExchangeID);
        o.OrderPriceType = q.OrderPriceType;
        o.Direction = q.Direction;
        put(o.CombOffsetFlag, q.CombOffsetFlag);
        put(o.CombHedgeFlag, q.CombHedgeFlag);
        o.LimitPrice = q.LimitPrice;
        o.VolumeTotalOriginal = o.VolumeTotal = q.VolumeTotalOriginal;
        o.TimeCondition = q.TimeCondition;
        o.VolumeCondition = q.VolumeCondition;
        o.MinVolume = q.MinVolume;
        o.ContingentCondition = q.ContingentCondition;
        o.StopPrice = q.StopPrice;
        o.ForceCloseReason = q.ForceCloseReason;
        o.RequestID = id;
        put(o.TradingDay, day_);
        o.SettlementID = 1;
        o.OrderSource = '0';
        o.OrderType = '0';
        put_date(o.InsertDate);
        put_time(o.InsertTime);
        o.FrontID = 1;
        o.SessionID = session_;
        put(o.AccountID, q.AccountID);
        put(o.CurrencyID, "CNY");
        put(o.InvestUnitID, q.InvestUnitID);
        PUT_IF(o, OrderMemo, TEXT_OF(q, OrderMemo));
        o.OrderSubmitStatus = '3';
        o.OrderStatus = '3';
        o.NotifySequence = 1;
        put(o.StatusMsg, "未成交");
        return o;
    }

    CThostFtdcTradeField new_trade(const CThostFtdcOrderField &o) {
        CThostFtdcTradeField t{};
        put(t.BrokerID, o.BrokerID);
        put(t.InvestorID, o.InvestorID);
        put(t.UserID, o.UserID);
        put(t.OrderRef, o.OrderRef);
        put(t.InstrumentID, o.InstrumentID);
        put(t.ExchangeInstID, o.InstrumentID);
        put(t.ExchangeID, o.ExchangeID);
        put(t.OrderSysID, o.OrderSysID);
        put(t.OrderLocalID, o.OrderLocalID);
        t.Direction = o.Direction;
        t.OffsetFlag = o.CombOffsetFlag[0];
        t.HedgeFlag = o.CombHedgeFlag[0];
        t.TradingRole = '1';
        t.Price = o.OrderPriceType == '1' ? 3000 : o.LimitPrice;
        t.Volume = o.VolumeTraded;
        t.TradeType = '0';
        t.PriceSource = '0';
        t.TradeSource = '0';
        put_date(t.TradeDate);
        put_time(t.TradeTime);
        put(t.TradingDay, day_);
        t.SettlementID = 1;
        t.BrokerOrderSeq = o.BrokerOrderSeq;
        return t;
    }

    static bool names(const CThostFtdcInputOrderActionField &q, const CThostFtdcOrderField &o) {
        if (*q.OrderSysID) return !strcmp(o.OrderSysID, q.OrderSysID);
        return *q.OrderRef && !strcmp(o.OrderRef, q.OrderRef) && o.FrontID == q.FrontID &&
               o.SessionID == q.SessionID;
    }

    CThostFtdcOrderActionField order_action(const CThostFtdcInputOrderActionField &q,
                                            const CThostFtdcRspInfoField &e) {
        CThostFtdcOrderActionField a{};
        put(a.BrokerID, q.BrokerID);
        put(a.InvestorID, q.InvestorID);
        put(a.OrderRef, q.OrderRef);
        put(a.OrderSysID, q.OrderSysID);
        put(a.InstrumentID, q.InstrumentID);
        put(a.ExchangeID, q.ExchangeID);
        a.ActionFlag = q.ActionFlag;
        a.FrontID = q.FrontID;
        a.SessionID = q.SessionID;
        put(a.UserID, user_.c_str());
        put(a.StatusMsg, e.ErrorMsg);
        a.OrderActionStatus = 'c';
        return a;
    }

    Counter &counter_ = Counter::get();
    char day_[9];
    std::string broker_, user_;
    std::atomic<bool> logged_{false};
    THOST_TE_RESUME_TYPE resume_ = THOST_TERT_RESTART;
    int session_ = 0;
    long last_ref_ = 0;
    double order_delay_us_ = 0;
};
} // namespace

CThostFtdcTraderApi *CThostFtdcTraderApi::CreateFtdcTraderApi(FRONT_CREATE_PARAMETERS) {
    return new TdFront();
}
const char *CThostFtdcTraderApi::GetApiVersion() { return "v" FRONT_BINDING_VERSION "_standin"; }
