// What both fronts have in common: the way of a request, faults, flow control, raised callbacks and
// the report. Spi is the callback class.
#pragma once
#include "ThostFtdcUserApiStruct.h"
#include "control.h"
#include "engine.h"

namespace front {

inline CThostFtdcRspInfoField info(int id, const char *text) {
    CThostFtdcRspInfoField e{};
    e.ErrorID = id;
    put(e.ErrorMsg, text);
    return e;
}
inline CThostFtdcRspInfoField fine() { return info(0, "正确"); }

struct Call {
    const char *name;
    bool query;
    const void *data;
    size_t size;
    int id;
};

// The bytes of one struct for a raised callback, or a null pointer.
class Bytes {
public:
    Bytes() {}
    explicit Bytes(const std::string &text) : given_(text != "-") {
        if (given_) bytes_ = unhex(text);
    }
    template <class T> T *as() const {
        if (!given_) return nullptr;
        bytes_.resize(sizeof(T));
        return reinterpret_cast<T *>(bytes_.data());
    }

private:
    bool given_ = false;
    mutable std::vector<char> bytes_;
};

struct Raised {
    std::string callback;
    Bytes field, info;
    int id = 0;
    bool last = true;
};

template <class Spi> class Front : public Engine, public Listener {
public:
    explicit Front(const char *name) : Engine(name), name_(name) {
        flow_ = int(env_num("FRONT_FLOW", 0));
        query_hz_ = env_num("FRONT_QRY_FREQ", flow_ == 1 ? 1 : 1000);
        query_delay_us_ = env_num("FRONT_QRY_DELAY_MS", 0) * 1000;
        requests_file_ = env_text("FRONT_REQUESTS");
        Control::get().add(this);
    }

    void command(const Words &words) override {
        const std::string &verb = words[0];
        auto number = [&words](size_t i, double otherwise) {
            return i < words.size() ? atof(words[i].c_str()) : otherwise;
        };
        if (verb == "disconnect") {
            double seconds = number(1, 1.0);
            int reason = int(number(2, 0x1001));
            post([this, seconds, reason] { drop(reason, seconds); });
        } else if (verb == "raise" && words.size() == 6) {
            // raise CALLBACK FIELD INFO NUMBER LAST; a struct is hex or "-" for a null pointer
            Raised raised{words[1], Bytes(words[2]), Bytes(words[3]), int(number(4, 0)),
                          number(5, 1) != 0};
            post([this, raised] { raise(raised); });
        } else if (verb == "report" && words.size() == 2) {
            std::string path = words[1];
            post([this, path] { append_line(path, report()); });
        } else {
            double value = number(1, 0);
            post([this, verb, value] { tune(verb, value); });
        }
    }

protected:
    virtual bool raise(const Raised &raised) = 0;
    virtual void tune(const std::string &, double) {}
    virtual std::string figures() { return ""; }

    // Every request comes through here. `serve` and `refuse` run on the callback thread.
    int take(const Call &call, std::function<void()> serve,
             std::function<void(CThostFtdcRspInfoField)> refuse) {
        if (!requests_file_.empty())
            append_line(requests_file_, std::string(call.name) + " " + std::to_string(call.id) +
                                            " " + hex(call.data, call.size));
        if (!connected()) return -1;
        if (call.query)
            if (int status = gate()) return status;
        // Only what goes out meets a fault: a call that came too early leaves it for the next.
        Fault fault = Control::get().take(call.name);
        if (fault.kind == "return") {
            if (call.query) answered();
            return fault.number;
        }
        bool query = call.query;
        int id = call.id;
        post([this, serve, refuse, fault, query, id] {
            if (query) nap(query_delay_us_);
            if (fault.kind.empty()) return serve();
            if (query) answered();
            CThostFtdcRspInfoField error = info(fault.number, fault.text.c_str());
            if (fault.kind == "error") refuse(error);
            if (fault.kind == "rsperror")
                tell("OnRspError", [&](Spi *s) { s->OnRspError(&error, id, true); });
        });
        return 0;
    }

    // The query in flight has its last row; called before that row is handed over.
    void answered() { if (outstanding_ > 0) outstanding_--; }
    void forget_queries() { outstanding_ = 0; }

    template <class F> void tell(const std::string &callback, F call) {
        counts_[callback]++;
        if (Spi *spi = spi_.load()) call(spi);
    }

    // Rows of a reply; none are one call with nothing.
    template <class F>
    void rows(const char *callback, std::vector<F> all, int id,
              void (Spi::*method)(F *, CThostFtdcRspInfoField *, int, bool)) {
        if (all.empty()) {
            answered();
            tell(callback, [&](Spi *s) { (s->*method)(nullptr, nullptr, id, true); });
        }
        for (size_t i = 0; i < all.size() && !stopping(); i++) {
            bool last = i + 1 == all.size();
            if (last) answered();
            tell(callback, [&](Spi *s) { (s->*method)(&all[i], nullptr, id, last); });
        }
    }

    void end() {
        Control::get().remove(this);
        stop();
        std::string path = env_text("FRONT_REPORT");
        if (!path.empty()) append_line(path, report());
    }

    static void nap(double us) { if (us > 0) usleep(useconds_t(us)); }

    std::atomic<Spi *> spi_{nullptr};
    double query_hz_ = 0;

private:
    // FRONT_FLOW 1: -2 while a query is unanswered, -3 for one that comes too soon; 2: only -2.
    int gate() {
        if (flow_ >= 1 && outstanding_ > 0) return -2;
        int64_t now = mono_ns();
        if (flow_ == 1 && last_query_ && now - last_query_ < int64_t(1e9 / query_hz_)) return -3;
        last_query_ = now;
        outstanding_++;
        return 0;
    }

    std::string report() {
        std::string line = "{\"front\":\"" + std::string(name_) + "\"" + figures();
        for (auto &count : counts_)
            line += ",\"" + count.first + "\":" + std::to_string(count.second);
        return line + "}";
    }

    const char *name_;
    int flow_;
    double query_delay_us_;
    std::string requests_file_;
    std::atomic<int> outstanding_{0};
    std::atomic<int64_t> last_query_{0};
    std::map<std::string, long> counts_;  // of the callback thread
};

} // namespace front
