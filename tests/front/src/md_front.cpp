// Stand-in for the market-data API library.
#include "durations.h"
#include "md_requests.h"
#include <cfloat>
#include <unordered_map>

namespace {
using namespace front;

class MdFront final : public Requests {
public:
    MdFront() {
        rate_ = env_num("FRONT_TICK_RATE", 10);
        limit_ = int64_t(env_num("FRONT_TICK_COUNT", 0));
        burst_ = std::max(1, int(env_num("FRONT_TICK_BURST", 1)));
        delay_ms_ = env_num("FRONT_TICK_DELAY_MS", 0);
        put_date(day_);
    }

    void Release() override {
        end();
        delete this;
    }
    void Init() override { start(); }
    int Join() override { return wait_done(); }
    const char *GetTradingDay() override { return logged_ ? day_ : "19800100"; }
    void RegisterSpi(CThostFtdcMdSpi *spi) override { spi_ = spi; }

    int SubscribeMarketData(char *ids[], int n) override {
        return change(ids, n, "OnRspSubMarketData", &Spi::OnRspSubMarketData,
                      [this](const std::string &id) { add(id); });
    }
    int UnSubscribeMarketData(char *ids[], int n) override {
        return change(ids, n, "OnRspUnSubMarketData", &Spi::OnRspUnSubMarketData,
                      [this](const std::string &id) { remove(id); });
    }
    int SubscribeForQuoteRsp(char *ids[], int n) override {
        return change(ids, n, "OnRspSubForQuoteRsp", &Spi::OnRspSubForQuoteRsp,
                      [](const std::string &) {});
    }
    int UnSubscribeForQuoteRsp(char *ids[], int n) override {
        return change(ids, n, "OnRspUnSubForQuoteRsp", &Spi::OnRspUnSubForQuoteRsp,
                      [](const std::string &) {});
    }

protected:
    void onReqUserLogin(const CThostFtdcReqUserLoginField &q, int id) override {
        CThostFtdcRspUserLoginField f{};
        put(f.BrokerID, q.BrokerID);
        put(f.UserID, q.UserID);
        CThostFtdcRspInfoField e = fine();
        if (!strcmp(q.Password, "bad")) {
            e = info(3, "CTP:不合法的登录");
        } else {
            logged_ = true;
            put_date(f.TradingDay);
            put_time(f.LoginTime);
            put(f.SystemName, "行情替身");
            put(f.MaxOrderRef, "1");
            f.FrontID = 1;
            f.SessionID = 1;
        }
        tell("OnRspUserLogin", [&](Spi *s) { s->OnRspUserLogin(&f, &e, id, true); });
    }
    void onReqUserLogout(const CThostFtdcUserLogoutField &q, int id) override {
        CThostFtdcUserLogoutField f = q;
        CThostFtdcRspInfoField e = fine();
        logged_ = false;
        reset();
        tell("OnRspUserLogout", [&](Spi *s) { s->OnRspUserLogout(&f, &e, id, true); });
    }

    void on_connected() override {
        tell("OnFrontConnected", [](Spi *s) { s->OnFrontConnected(); });
    }
    void on_disconnected(int reason) override {
        logged_ = false;
        reset();
        tell("OnFrontDisconnected", [&](Spi *s) { s->OnFrontDisconnected(reason); });
    }

    // rate N, count N, clear (the figures)
    void tune(const std::string &verb, double value) override {
        if (verb == "rate") rate_ = value;
        if (verb == "count") {
            limit_ = int64_t(value);
            sent_ = 0;
        }
        if (verb == "clear") {
            durations_.clear();
            late_ = 0;
        }
        due_ = 0;
        begin_ = mono_ns();
    }

    int64_t pump() override {
        if (order_.empty() || !logged_ || rate_ < 0 || !more()) return 0;
        int64_t now = mono_ns();
        if (now < begin_) return begin_;
        if (rate_ == 0) {
            for (int i = 0; i < 64 && more(); i++) tick(mono_ns());
            return now;
        }
        if (due_ == 0) due_ = now;
        for (int groups = 0; due_ <= now && groups < 64 && more(); groups++) {
            for (int i = 0; i < burst_ && more(); i++) tick(due_);
            due_ += int64_t(1e9 * burst_ / rate_);
        }
        return more() ? due_ : 0;
    }

    std::string figures() override {
        char text[300];
        snprintf(text, sizeof text,
                 ",\"subscribed\":%zu,\"ticks\":%lld,\"callback_ns_mean\":%lld,\"callback_ns_p50\":%lld,"
                 "\"callback_ns_p99\":%lld,\"callback_ns_max\":%lld,\"late_ns_max\":%lld",
                 order_.size(), (long long)durations_.count(), (long long)durations_.mean(),
                 (long long)durations_.quantile(.5), (long long)durations_.quantile(.99),
                 (long long)durations_.worst(), (long long)late_);
        return text;
    }

private:
    struct Feed {
        CThostFtdcDepthMarketDataField f{};
        double base = 0;
        int64_t n = 0;
    };
    using Reply = void (Spi::*)(CThostFtdcSpecificInstrumentField *, CThostFtdcRspInfoField *, int,
                                bool);

    int change(char *ids[], int n, const char *callback, Reply reply,
               std::function<void(const std::string &)> apply) {
        if (!connected()) return -1;
        std::vector<std::string> names(ids, ids + n);
        Fault fault = Control::get().take(callback);
        if (fault.kind == "return") return fault.number;
        post([this, names, callback, reply, apply, fault] {
            if (fault.kind == "lose") return;
            CThostFtdcRspInfoField e = logged_ ? fine() : info(6, "CTP:还没有登录");
            if (fault.kind == "error") e = info(fault.number, fault.text.c_str());
            for (size_t i = 0; i < names.size(); i++) {
                if (e.ErrorID == 0) apply(names[i]);
                CThostFtdcSpecificInstrumentField f{};
                put(f.InstrumentID, names[i].c_str());
                bool last = i + 1 == names.size();
                tell(callback, [&](Spi *s) { (s->*reply)(&f, &e, 0, last); });
            }
            begin_ = mono_ns() + int64_t(delay_ms_ * 1e6);
            due_ = 0;
        });
        return 0;
    }

    void add(const std::string &id) {
        if (feeds_.count(id)) return;
        Feed &feed = feeds_[id];
        feed.base = 3000 + 10.0 * double(order_.size() % 100);
        order_.push_back(id);
        auto &f = feed.f;
        put_date(f.TradingDay);
        put_date(f.ActionDay);
        put(f.InstrumentID, id.c_str());
        put(f.ExchangeID, "SHFE");
        f.PreSettlementPrice = feed.base;
        f.PreClosePrice = feed.base - 1;
        f.PreOpenInterest = 123456;
        f.OpenPrice = feed.base + 2;
        f.HighestPrice = feed.base + 50;
        f.LowestPrice = feed.base - 50;
        f.UpperLimitPrice = feed.base * 1.1;
        f.LowerLimitPrice = feed.base * 0.9;
        f.AveragePrice = feed.base + 0.25;
        f.ClosePrice = f.SettlementPrice = f.PreDelta = f.CurrDelta = DBL_MAX;
        f.BidPrice2 = f.BidPrice3 = f.BidPrice4 = f.BidPrice5 = DBL_MAX;
        f.AskPrice2 = f.AskPrice3 = f.AskPrice4 = f.AskPrice5 = DBL_MAX;
    }

    void remove(const std::string &id) {
        feeds_.erase(id);
        std::erase(order_, id);
        next_ = 0;
    }

    void reset() {
        feeds_.clear();
        order_.clear();
        next_ = 0;
        due_ = 0;
        sent_ = 0;
    }

    bool more() const { return !stopping() && (limit_ <= 0 || sent_ < limit_); }

    // Turnover: CLOCK_MONOTONIC ns when the callback begins; OpenInterest: when the tick was due;
    // Volume: its number since the subscriptions began.
    void tick(int64_t due) {
        Feed &feed = feeds_[order_[next_]];
        next_ = (next_ + 1) % order_.size();
        static const double steps[8] = {0, 1, 2, 1, 0, -1, -2, -1};
        feed.n++;
        CThostFtdcDepthMarketDataField f = feed.f;
        f.LastPrice = feed.base + steps[feed.n & 7];
        f.BidPrice1 = f.LastPrice - 1;
        f.AskPrice1 = f.LastPrice + 1;
        f.BidVolume1 = 10 + int(feed.n % 7);
        f.AskVolume1 = 20 + int(feed.n % 5);
        f.Volume = int(++sent_);
        timespec wall;
        clock_gettime(CLOCK_REALTIME, &wall);
        if (wall.tv_sec != clock_second_) {
            clock_second_ = wall.tv_sec;
            put_time(clock_);
        }
        put(f.UpdateTime, clock_);
        f.UpdateMillisec = int(wall.tv_nsec / 1000000);
        Spi *spi = spi_.load();
        if (!spi) return;
        int64_t begin = mono_ns();
        f.OpenInterest = double(due);
        f.Turnover = double(begin);
        spi->OnRtnDepthMarketData(&f);
        durations_.add(mono_ns() - begin);
        late_ = std::max(late_, begin - due);
    }

    char day_[9];
    std::atomic<bool> logged_{false};
    std::unordered_map<std::string, Feed> feeds_;
    std::vector<std::string> order_;
    size_t next_ = 0;
    double rate_, delay_ms_;
    int burst_;
    int64_t limit_, sent_ = 0, due_ = 0, begin_ = 0, late_ = 0;
    Durations durations_;
    time_t clock_second_ = 0;
    char clock_[9] = "";
};
} // namespace

CThostFtdcMdApi *CThostFtdcMdApi::CreateFtdcMdApi(FRONT_CREATE_PARAMETERS) { return new MdFront(); }
const char *CThostFtdcMdApi::GetApiVersion() { return "v" FRONT_BINDING_VERSION "_standin"; }
