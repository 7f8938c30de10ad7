/* The clients: one process that reads many WebSocket connections at little cost.

   sink FD...

The connections are open already and inherited. Frames are counted, pings answered. Lines on stdin:

clear           forget the figures
wait N          answer when N data frames have come since "clear"
report          answer now: {"frames", "bytes", "reads", "fewest", "most", "lost", "closed"};
                fewest and most are the frames of one client, lost those without a stamp on the record
stamps on|off   read each tick: when it began (Turnover, monotonic ns), what it is of, its Volume
keep NUMBER     keep the latencies of this many clients only, evenly chosen (0: all)
dump FILE       the ticks read so far: client u32, Volume u32, latency i64 (ns), little-endian
last FILE       a line for each client and instrument: client, instrument, last Volume, ticks,
                and how often the Volume fell */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 256 << 10, INSTRUMENTS = 64, RECORDS = 4 << 20, EVENTS = 256 };

struct record {
    uint32_t client, volume;
    int64_t latency_ns;
};
struct last {
    uint32_t volume;
    uint64_t ticks, falls;
};
struct client {
    int fd;
    size_t held;      /* bytes of an unfinished frame */
    char *rest;       /* where they are kept */
    uint64_t frames;
    struct last *last; /* by instrument */
};

static struct client *clients;
static int count, stamps, keep_every = 1, closed;
static uint64_t frames, bytes, reads, lost, waited_for, kept;
static struct record *records;
static char names[INSTRUMENTS][32];
static int known;

static int64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static int instrument_of(const char *name, size_t size) {
    for (int i = 0; i < known; i++)
        if (!strncmp(names[i], name, size) && !names[i][size]) return i;
    if (known == INSTRUMENTS || size >= sizeof names[0]) return -1;
    memcpy(names[known], name, size);
    return known++;
}

static const char *value_of(const char *text, size_t size, const char *key) {
    const char *at = memmem(text, size, key, strlen(key));
    return at ? at + strlen(key) : NULL;
}

static void read_tick(struct client *client, const char *text, size_t size, int64_t now) {
    const char *stamp = value_of(text, size, "\"Turnover\":");
    const char *name = value_of(text, size, "\"InstrumentID\":\"");
    const char *volume = value_of(text, size, "\"Volume\":");
    const char *end = name ? memchr(name, '"', text + size - name) : NULL;
    if (!stamp || !volume || !end) {
        lost++;
        return;
    }
    int instrument = instrument_of(name, end - name);
    uint32_t number = strtoul(volume, NULL, 10);
    if (instrument >= 0) {
        struct last *last = &client->last[instrument];
        last->falls += number < last->volume;
        last->volume = number;
        last->ticks++;
    }
    uint32_t index = client - clients;
    if (index % keep_every) return;
    if (kept == RECORDS) {
        lost++;
        return;
    }
    records[kept++] = (struct record){index, number, now - (int64_t)strtod(stamp, NULL)};
}

/* A pong with the mask 0, which leaves the payload as it is. */
static void pong(int fd, const char *payload, size_t size) {
    char frame[6 + 125] = {(char)0x8A, (char)(0x80 | size)};
    memcpy(frame + 6, payload, size);
    if (write(fd, frame, 6 + size) < 0) perror("pong");
}

/* How many bytes the whole frames at the beginning take. */
static size_t read_frames(struct client *client, const char *data, size_t size, int64_t now) {
    size_t at = 0;
    while (size - at >= 2) {
        const unsigned char *head = (const unsigned char *)data + at;
        size_t begin = 2, length = head[1] & 0x7F;
        if (length == 126) begin = 4;
        if (length == 127) begin = 10;
        if (size - at < begin) break;
        if (begin > 2) {
            length = 0;
            for (size_t i = 2; i < begin; i++) length = length << 8 | head[i];
        }
        if (size - at < begin + length) break;
        const char *payload = data + at + begin;
        int opcode = head[0] & 0x0F;
        if (opcode == 9) pong(client->fd, payload, length);
        if (opcode == 1 || opcode == 2) {
            frames++;
            client->frames++;
            if (stamps) read_tick(client, payload, length, now);
        }
        at += begin + length;
    }
    return at;
}

static void read_client(struct client *client) {
    static char buffer[BUFFER];
    memcpy(buffer, client->rest, client->held);
    ssize_t got = read(client->fd, buffer + client->held, BUFFER - client->held);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        closed++;
        close(client->fd);
        return;
    }
    reads++;
    bytes += got;
    size_t size = client->held + got, done = read_frames(client, buffer, size, now_ns());
    client->held = size - done;
    if (client->held) {
        client->rest = realloc(client->rest, client->held);
        memcpy(client->rest, buffer + done, client->held);
    }
}

static void report(void) {
    uint64_t fewest = UINT64_MAX, most = 0;
    for (int i = 0; i < count; i++) {
        if (clients[i].frames < fewest) fewest = clients[i].frames;
        if (clients[i].frames > most) most = clients[i].frames;
    }
    printf("{\"frames\":%llu,\"bytes\":%llu,\"reads\":%llu,\"fewest\":%llu,\"most\":%llu,"
           "\"lost\":%llu,\"closed\":%d}\n",
           (unsigned long long)frames, (unsigned long long)bytes, (unsigned long long)reads,
           (unsigned long long)fewest, (unsigned long long)most, (unsigned long long)lost, closed);
    fflush(stdout);
}

static void clear(void) {
    frames = bytes = reads = lost = kept = waited_for = 0;
    for (int i = 0; i < count; i++) {
        clients[i].frames = 0;
        memset(clients[i].last, 0, INSTRUMENTS * sizeof *clients[i].last);
    }
}

static void write_last(FILE *file) {
    for (int i = 0; i < count; i++)
        for (int j = 0; j < known; j++)
            fprintf(file, "%d %s %u %llu %llu\n", i, names[j], clients[i].last[j].volume,
                    (unsigned long long)clients[i].last[j].ticks,
                    (unsigned long long)clients[i].last[j].falls);
}

static void obey(char *line) {
    char word[16] = "", value[4096] = "";
    sscanf(line, "%15s %4095s", word, value);
    if (!strcmp(word, "clear")) clear();
    if (!strcmp(word, "stamps")) stamps = !strcmp(value, "on");
    if (!strcmp(word, "keep")) keep_every = atoi(value) > 0 ? (count + atoi(value) - 1) / atoi(value) : 1;
    if (!strcmp(word, "wait")) {
        waited_for = strtoull(value, NULL, 10);
        return;
    }
    if (!strcmp(word, "dump") || !strcmp(word, "last")) {
        FILE *file = fopen(value, "wb");
        if (!file) exit(1);
        if (*word == 'd') fwrite(records, sizeof *records, kept, file);
        else write_last(file);
        fclose(file);
    }
    report();
}

/* Whether stdin is still open. */
static int read_commands(void) {
    static char held[8192];
    static size_t size;
    ssize_t got = read(0, held + size, sizeof held - 1 - size);
    if (got <= 0) return 0;
    held[size += got] = 0;
    char *line = held, *end;
    while ((end = strchr(line, '\n'))) {
        *end = 0;
        obey(line);
        line = end + 1;
    }
    size = strlen(line);
    memmove(held, line, size + 1);
    return 1;
}

int main(int argc, char **argv) {
    count = argc - 1;
    int poll = epoll_create1(0);
    clients = calloc(count, sizeof *clients);
    records = malloc(RECORDS * sizeof *records);
    for (int i = 0; i < count; i++) {
        clients[i].fd = atoi(argv[i + 1]);
        clients[i].last = calloc(INSTRUMENTS, sizeof *clients[i].last);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &event)) return perror("epoll_ctl"), 1;
    }
    struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, 0, &commands);
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) read_client(events[i].data.ptr);
            else if (!read_commands()) return 0;
        }
        if (waited_for && frames >= waited_for) {
            waited_for = 0;
            report();
        }
    }
}
