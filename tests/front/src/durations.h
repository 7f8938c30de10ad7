// How long callbacks took: mean, worst and percentiles to within 50 ns.
#pragma once
#include "util.h"
#include <algorithm>

namespace front {

class Durations {
public:
    void add(int64_t ns) {
        count_++;
        sum_ += ns;
        worst_ = std::max(worst_, ns);
        buckets_[std::min<int64_t>(ns / WIDTH, BUCKETS - 1)]++;
    }
    void clear() { *this = Durations(); }
    int64_t count() const { return count_; }
    int64_t mean() const { return count_ ? sum_ / count_ : 0; }
    int64_t worst() const { return worst_; }
    int64_t quantile(double part) const {
        int64_t left = int64_t(double(count_) * part);
        for (int i = 0; i < BUCKETS; i++)
            if ((left -= buckets_[i]) < 0) return i * WIDTH + WIDTH / 2;
        return worst_;
    }

private:
    static constexpr int WIDTH = 50, BUCKETS = 20000;  // up to 1 ms
    int64_t count_ = 0, sum_ = 0, worst_ = 0;
    std::vector<int64_t> buckets_ = std::vector<int64_t>(BUCKETS);
};

} // namespace front
