// Prints ticks, and proves that none is missing or old: see bus/PROTOCOL.md.
//   g++ -std=c++17 -O2 -Wall -Wextra -Werror subscriber.cpp -lzmq -o subscriber
//   ./subscriber ipc:///srv/ctpbus/var/run/md_pub rb2610 au2612
#include <zmq.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#if __has_include("ThostFtdcUserApiStruct.h")  // the vendor's, of version 6.7.11
#include "ThostFtdcUserApiStruct.h"
using Tick = CThostFtdcDepthMarketDataField;
#else  // of the same struct what we need
struct Tick {
  char a[80]; double LastPrice; char b[48]; int Volume; char c[68], UpdateTime[9];
  int UpdateMillisec; char d[177], InstrumentID[81], e[102];
};
#endif
static_assert(sizeof(Tick) == 584 && offsetof(Tick, InstrumentID) == 401, "not 6.7.11");
#pragma pack(push, 1)
struct Header { uint32_t epoch; uint64_t seq, recv_ns, sent_ns; uint16_t type, layout, flags; };
#pragma pack(pop)
constexpr uint16_t TICK = 0x90F1, BEAT = 0xA9A2, LAYOUT = 0x670B, HAS_FIELD = 1;
using Clock = std::chrono::steady_clock;
struct Stream {
  uint32_t epoch = 0; unsigned long long seq = 0;
  Clock::time_point heard = Clock::now(); bool silent = false;
};

static void take(const char* topic, Stream& s, const Header& h, const char* body, size_t size) {
  static uint32_t newest = 0;  // start of the publisher, which all topics have in common
  if (h.epoch < newest) return;  // of one that is gone
  newest = h.epoch;
  const uint64_t before = h.type == BEAT ? h.seq : h.seq - 1;  // so many came before this message
  if (s.silent) printf("BACK %s\n", topic);
  s.silent = false, s.heard = Clock::now();
  if (h.epoch > s.epoch) {
    if (s.epoch) printf("RESTARTED %s epoch %u after %u\n", topic, h.epoch, s.epoch);
    s.seq = s.epoch ? 0 : before, s.epoch = h.epoch;  // what was before we came is no loss
  }
  if (before > s.seq) printf("GAP %s lost %llu\n", topic, before - s.seq), s.seq = before;
  if (h.type == BEAT || h.seq <= s.seq) return;
  s.seq = h.seq;
  if (h.type != TICK || h.layout != LAYOUT || !(h.flags & HAS_FIELD) || size < sizeof(Tick)) return;
  Tick t;
  memcpy(&t, body, sizeof t);  // where it lies in the frame it is not aligned
  printf("TICK %s %s.%03d price %.10g volume %d epoch %u seq %llu\n", t.InstrumentID, t.UpdateTime,
         t.UpdateMillisec, t.LastPrice, t.Volume, s.epoch, s.seq);
}

int main(int argc, char** argv) {
  if (argc < 3) return fprintf(stderr, "usage: subscriber PUB INSTRUMENT...\n"), 2;
  setvbuf(stdout, nullptr, _IOLBF, 0);
  void* sub = zmq_socket(zmq_ctx_new(), ZMQ_SUB);
  const int many = 100000, wait_ms = 250;
  zmq_setsockopt(sub, ZMQ_RCVHWM, &many, sizeof many);  // messages that wait for us
  zmq_setsockopt(sub, ZMQ_SNDHWM, &many, sizeof many);  // subscriptions; more would be lost
  zmq_setsockopt(sub, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
  std::map<std::string, Stream> streams;
  for (int i = 2; i < argc; i++) {
    const std::string topic = "tick/" + std::string(argv[i]) + "/";
    streams[topic] = Stream();
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, topic.data(), topic.size());
  }
  if (zmq_connect(sub, argv[1])) return perror(argv[1]), 1;
  for (char frame[4096];;) {
    const int size = zmq_recv(sub, frame, sizeof frame, 0);
    const bool whole = size > 0 && size <= int(sizeof frame);  // what is longer is none of ours
    const char* end = whole ? static_cast<char*>(memchr(frame, 0, size)) : nullptr;
    Header h;
    if (end && frame + size - end - 1 >= int(sizeof h)) {
      memcpy(&h, end + 1, sizeof h);
      const char* body = end + 1 + sizeof h;
      if (auto s = streams.find(frame); s != streams.end())
        take(frame, s->second, h, body, frame + size - body);
    }
    for (auto& [topic, s] : streams)
      if (!s.silent && (s.silent = Clock::now() - s.heard > std::chrono::seconds(3)))
        printf("SILENT %s\n", topic.c_str());
  }
}
