// Small helpers of the stand-in front.
#pragma once
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace front {

inline int64_t mono_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return int64_t(t.tv_sec) * 1000000000LL + t.tv_nsec;
}

inline double env_num(const char *name, double otherwise) {
    const char *text = getenv(name);
    return text && *text ? atof(text) : otherwise;
}

inline std::string env_text(const char *name) {
    const char *text = getenv(name);
    return text ? text : "";
}

// A text into a char array: cut to fit, the rest of the array NUL.
template <size_t N> inline void put(char (&to)[N], const char *from) {
    size_t n = from ? strnlen(from, N - 1) : 0;
    if (n) memcpy(to, from, n);
    memset(to + n, 0, N - n);
}

// The two structs may differ from API version to API version: a field is set where there is one.
#define PUT_IF(object, field, text) \
    [&](auto &o) { if constexpr (requires { o.field; }) put(o.field, text); }(object)
#define SET_IF(object, field, value) \
    [&](auto &o) { if constexpr (requires { o.field; }) o.field = value; }(object)
#define TEXT_OF(object, field) \
    [](const auto &o) -> const char * { \
        if constexpr (requires { o.field; }) return o.field; else return ""; }(object)

template <size_t N> inline void put_date(char (&to)[N]) {
    time_t now = time(nullptr);
    tm local;
    localtime_r(&now, &local);
    strftime(to, N, "%Y%m%d", &local);
}

template <size_t N> inline void put_time(char (&to)[N]) {
    time_t now = time(nullptr);
    tm local;
    localtime_r(&now, &local);
    strftime(to, N, "%H:%M:%S", &local);
}

inline std::string hex(const void *data, size_t size) {
    static const char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * size);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = static_cast<const unsigned char *>(data)[i];
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

inline std::vector<char> unhex(const std::string &text) {
    std::vector<char> bytes(text.size() / 2);
    for (size_t i = 0; i < bytes.size(); i++) {
        char two[3] = {text[2 * i], text[2 * i + 1], 0};
        bytes[i] = char(strtol(two, nullptr, 16));
    }
    return bytes;
}

// One line into a file that several threads and processes append to.
inline void append_line(const std::string &path, std::string line) {
    line += '\n';
    if (FILE *file = fopen(path.c_str(), "a")) {
        fwrite(line.data(), 1, line.size(), file);  // one write: the file is unshared and small
        fclose(file);
    }
}

} // namespace front
