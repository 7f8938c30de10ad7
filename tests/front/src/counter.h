// What the counter itself holds: shared by every session of this process, gone with the process.
#pragma once
#include "ThostFtdcUserApiStruct.h"
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace front {

using Return = std::variant<CThostFtdcOrderField, CThostFtdcTradeField>;

// One logged-in session, as far as the others need it.
class Session {
public:
    virtual void hear(const std::string &user, const Return &what) = 0;
    virtual ~Session() {}
};

struct Counter {
    std::mutex mutex;
    std::vector<CThostFtdcOrderField> orders;   // current state
    std::vector<CThostFtdcTradeField> trades;
    std::vector<Return> returns;                // the private stream of the day, all users
    std::map<std::string, std::string> passwords;  // of those who changed theirs
    std::set<std::string> confirmed;            // settlement, by user
    std::set<Session *> sessions;
    int orders_made = 0, trades_made = 0, logins = 0;

    static Counter &get() {
        static Counter *one = new Counter;
        return *one;
    }
};

} // namespace front
