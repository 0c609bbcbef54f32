/* The least a server can do: each second the same bytes to every open connection, in C with epoll.

   raw PORT DATA: each "0000000000" in DATA stands for the second, in Unix time. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1 << 16, EVENTS = 1024, BACKLOG = 1024, LONGEST = 1 << 16 };

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                           "Connection: close\r\n\r\n";
static const char PLACE[] = "0000000000";

static char is_reader[MOST]; /* by file descriptor: has it been answered? */
static int highest;

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, BACKLOG)) {
        perror("raw");
        exit(1);
    }
    return listener;
}

static int tick_each_second(void) {
    int timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    struct itimerspec when = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = time(NULL) + 1}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
    return timer;
}

static void watch(int poller, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
}

static void leave(int descriptor) {
    is_reader[descriptor] = 0;
    close(descriptor);
}

static void welcome(int poller, int listener) {
    for (int reader; (reader = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        if (reader >= MOST) {
            close(reader);
            continue;
        }
        highest = reader > highest ? reader : highest;
        watch(poller, reader);
    }
}

static void answer(int reader) {
    char request[4096];
    if (recv(reader, request, sizeof request, 0) <= 0)
        leave(reader);
    else if (!is_reader[reader] && send(reader, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL) > 0)
        is_reader[reader] = 1;
}

static void broadcast(const char *data) {
    char frame[LONGEST], second[16];
    struct timespec now; /* time(2) may still show the second before */
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(second, sizeof second, "%010ld", (long)now.tv_sec);
    int size = snprintf(frame, sizeof frame, "id: %s\nevent: sample\ndata: %s\n\n", second, data);
    for (char *place = frame; (place = strstr(place, PLACE));)
        memcpy(place, second, strlen(second));
    for (int reader = 0; reader <= highest; reader++)
        if (is_reader[reader] && send(reader, frame, size, MSG_NOSIGNAL) != size)
            leave(reader);
}

int main(int count, char **arguments) {
    if (count != 3 || strlen(arguments[2]) > LONGEST - 100)
        return 2;
    int poller = epoll_create1(0), listener = listen_on(atoi(arguments[1])), timer = tick_each_second();
    watch(poller, listener);
    watch(poller, timer);
    for (struct epoll_event events[EVENTS];;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            uint64_t expired;
            if (events[i].data.fd == listener)
                welcome(poller, listener);
            else if (events[i].data.fd != timer)
                answer(events[i].data.fd);
            else if (read(timer, &expired, sizeof expired) > 0)
                broadcast(arguments[2]);
        }
    }
}
