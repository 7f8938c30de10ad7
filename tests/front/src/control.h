// What a test tells the fronts of a process while it runs: lines appended to the file FRONT_CONTROL.
#pragma once
#include "util.h"
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace front {

// What happens to the next `times` calls of one request.
struct Fault {
    std::string request, kind;  // kind: return, error, rsperror, lose
    int times = 0, number = 0;  // the return value or the ErrorID
    std::string text;
};

using Words = std::vector<std::string>;
class Listener {
public:
    virtual void command(const Words &words) = 0;
    virtual ~Listener() {}
};

// One per library and process. Lines that were there before the first API object hold from the
// start (faults) or find nobody (disconnect, raise).
class Control {
public:
    static Control &get() {
        static Control *one = new Control;  // never destroyed: its thread may run until the end
        return *one;
    }

    void add(Listener *listener) {
        std::lock_guard<std::mutex> guard(mutex_);
        listeners_.insert(listener);
    }
    void remove(Listener *listener) {
        std::lock_guard<std::mutex> guard(mutex_);
        listeners_.erase(listener);
    }

    // The fault that the next call of this request meets; kind is empty when there is none.
    Fault take(const std::string &request) {
        std::lock_guard<std::mutex> guard(mutex_);
        for (auto i = faults_.begin(); i != faults_.end(); ++i) {
            if (i->request != request && i->request != "*") continue;
            Fault fault = *i;
            if (--i->times == 0) faults_.erase(i);
            return fault;
        }
        return {};
    }

private:
    Control() : path_(env_text("FRONT_CONTROL")) {
        if (path_.empty()) return;
        read();
        std::thread([this] {
            for (;;) {
                usleep(10000);
                read();
            }
        }).detach();
    }

    void read() {
        struct stat now;
        if (stat(path_.c_str(), &now) || now.st_size <= offset_) return;
        FILE *file = fopen(path_.c_str(), "r");
        if (!file) return;
        fseek(file, offset_, SEEK_SET);
        std::string line;
        for (int c; (c = fgetc(file)) != EOF;) {
            if (c != '\n') {
                line += char(c);
                continue;
            }
            offset_ += long(line.size()) + 1;  // a line without its end waits for the next time
            obey(line);
            line.clear();
        }
        fclose(file);
    }

    void obey(const std::string &line) {
        std::istringstream in(line);
        Words words;
        for (std::string word; in >> word;) words.push_back(word);
        if (words.empty()) return;
        std::lock_guard<std::mutex> guard(mutex_);
        if (words[0] == "fault" && words.size() >= 4) {
            // fault REQUEST KIND TIMES [NUMBER [TEXT]]
            Fault fault{words[1], words[2], atoi(words[3].c_str()), 0, ""};
            if (words.size() > 4) fault.number = atoi(words[4].c_str());
            for (size_t i = 5; i < words.size(); i++) fault.text += (i > 5 ? " " : "") + words[i];
            faults_.push_back(fault);
        } else {
            for (Listener *listener : listeners_) listener->command(words);
        }
    }

    std::string path_;
    long offset_ = 0;
    std::mutex mutex_;
    std::list<Fault> faults_;
    std::set<Listener *> listeners_;
};

} // namespace front
