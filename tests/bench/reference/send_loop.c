/* The least that fan-out can cost: the same bytes to N sockets, one send each.

   send_loop FRAME CLIENTS [STAMP_AT STAMP_WIDTH]

FRAME is a file with one whole WebSocket frame. The program listens on loopback, prints its port,
takes CLIENTS connections and prints "ready". Then each line on stdin, "RATE COUNT", is COUNT rounds
at RATE a second (0: one after the other), answered by one line: the CPU time of the process and the
duration, both in ns.

With STAMP_AT the rounds begin in another process, as ticks do: it writes the monotonic time to a
unix socket when a round is due, and the loop copies it into the frame, as STAMP_WIDTH digits.

SO_SNDBUF and TCP_NODELAY are what ws_edge sets. A full socket blocks. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(clockid_t clock) {
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void wait_until(int64_t due) {
    struct timespec at = {due / 1000000000LL, due % 1000000000LL};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void check(int good, const char *what) {
    if (good) return;
    perror(what);
    exit(1);
}

static int listen_on_loopback(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    check(bind(listener, (void *)&address, size) == 0, "bind");
    check(listen(listener, 4096) == 0, "listen");
    getsockname(listener, (void *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    return listener;
}

static int take_client(int listener) {
    int client = accept(listener, NULL, NULL), on = 1, buffer = 64 << 10;
    check(client >= 0, "accept");
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(client, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    return client;
}

/* The other process: a line "RATE COUNT" is passed on to it, it writes a time for each round. */
static int start_source(void) {
    int ends[2];
    check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0, "socketpair");
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid > 0) {
        close(ends[1]);
        return ends[0];
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    double order[2];
    while (read(ends[1], order, sizeof order) == sizeof order) {
        int64_t due = now_ns(CLOCK_MONOTONIC);
        for (long round = 0; round < (long)order[1]; round++) {
            wait_until(due);
            int64_t stamp = now_ns(CLOCK_MONOTONIC);
            check(write(ends[1], &stamp, sizeof stamp) == sizeof stamp, "write");
            if (order[0] > 0) due += (int64_t)(1e9 / order[0]);
        }
    }
    _exit(0);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    static char frame[1 << 16];
    FILE *file = fopen(argv[1], "rb");
    check(file != NULL, argv[1]);
    size_t size = fread(frame, 1, sizeof frame, file);
    fclose(file);
    int count = atoi(argv[2]);
    int source = argc > 4 ? start_source() : -1;
    char *stamp_at = argc > 4 ? frame + atoi(argv[3]) : NULL;
    int width = argc > 4 ? atoi(argv[4]) : 0;
    int *clients = calloc(count, sizeof *clients), listener = listen_on_loopback();
    for (int i = 0; i < count; i++) clients[i] = take_client(listener);
    printf("ready\n");
    char line[100];
    double order[2];
    while (fgets(line, sizeof line, stdin) && sscanf(line, "%lf %lf", &order[0], &order[1]) == 2) {
        int64_t began = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        int64_t due = began;
        if (source >= 0) check(write(source, order, sizeof order) == sizeof order, "write");
        for (long round = 0; round < (long)order[1]; round++) {
            if (source >= 0) {
                int64_t stamp;
                char digits[40];
                check(read(source, &stamp, sizeof stamp) == sizeof stamp, "read");
                snprintf(digits, sizeof digits, "%0*lld", width, (long long)stamp);
                memcpy(stamp_at, digits, width);
            } else if (order[0] > 0) {
                wait_until(due);
                due += (int64_t)(1e9 / order[0]);
            }
            for (int i = 0; i < count; i++)
                check(send(clients[i], frame, size, MSG_NOSIGNAL) == (ssize_t)size, "send");
        }
        printf("%lld %lld\n", (long long)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu),
               (long long)(now_ns(CLOCK_MONOTONIC) - began));
    }
    return 0;
}
