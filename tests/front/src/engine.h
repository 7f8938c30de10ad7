// The thread of one API object: as in the vendor's library every callback of the object runs on it,
// one at a time, and requests only leave work for it.
#pragma once
#include "util.h"
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <sys/prctl.h>
#include <thread>

namespace front {

class Engine {
public:
    explicit Engine(const char *name) : name_(name) {}
    virtual ~Engine() {}

    void start() {
        std::lock_guard<std::mutex> guard(mutex_);
        if (started_) return;
        started_ = true;
        thread_ = std::thread([this] { loop(); });
    }

    void post(std::function<void()> task) {
        std::lock_guard<std::mutex> guard(mutex_);
        tasks_.push_back(std::move(task));
        wake_.notify_one();
    }

    // Ends the thread; a call on the thread itself (Release in a callback) lets it run out.
    void stop() {
        {
            std::lock_guard<std::mutex> guard(mutex_);
            stop_ = true;
            wake_.notify_all();
        }
        if (thread_.joinable()) {
            if (thread_.get_id() == std::this_thread::get_id()) thread_.detach();
            else thread_.join();
        }
        std::lock_guard<std::mutex> guard(mutex_);
        done_ = true;
        all_done_.notify_all();
    }

    int wait_done() {
        std::unique_lock<std::mutex> lock(mutex_);
        all_done_.wait(lock, [this] { return done_; });
        return 0;
    }

    // The link breaks and is back after some time; blocks the thread, as nothing can happen then.
    void drop(int reason, double seconds) {
        if (!connected_) return;
        connected_ = false;
        on_disconnected(reason);
        int64_t back = mono_ns() + int64_t(seconds * 1e9);
        {
            std::unique_lock<std::mutex> lock(mutex_);
            while (!stop_ && mono_ns() < back) wait_until(lock, back);
        }
        if (!stop_) connect();
    }

protected:
    virtual void on_connected() = 0;
    virtual void on_disconnected(int reason) = 0;
    // What is to do without a task; returns when (monotonic ns) it wants to run again, 0: never.
    virtual int64_t pump() { return 0; }
    bool connected() const { return connected_; }
    bool stopping() const { return stop_; }

private:
    void connect() {
        connected_ = true;
        on_connected();
    }

    void loop() {
        prctl(PR_SET_NAME, name_);
        prctl(PR_SET_TIMERSLACK, 1000UL);
        connect();
        while (!stop_) {
            std::function<void()> task;
            {
                std::lock_guard<std::mutex> guard(mutex_);
                if (!tasks_.empty()) {
                    task = std::move(tasks_.front());
                    tasks_.pop_front();
                }
            }
            if (task) {
                task();
                continue;
            }
            int64_t next = pump();
            std::unique_lock<std::mutex> lock(mutex_);
            if (stop_ || !tasks_.empty()) continue;
            if (next == 0) wake_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
            else if (next > mono_ns()) wait_until(lock, next);
        }
    }

    void wait_until(std::unique_lock<std::mutex> &lock, int64_t mono) {
        auto when = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(mono));
        wake_.wait_until(lock, when);
    }

    const char *name_;
    std::mutex mutex_;
    std::condition_variable wake_, all_done_;
    std::deque<std::function<void()>> tasks_;
    std::thread thread_;
    bool started_ = false, done_ = false;
    std::atomic<bool> stop_{false}, connected_{false};
};

} // namespace front
