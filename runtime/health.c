#include "health.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "admin.h"
#include "base/log.h"
#include "base/reference.h"
#include "gw.h"
#include "io/address.h"

enum { BACKLOG = 16, TIMEOUT_SECONDS = 3, PATH_SIZE = 200, ANSWER_SIZE = 64 };

/* "@apigw-NAME", or "@apigw-NAME-ADDRESS". */
static bool socket_address(struct address *address, struct str name, struct str suffix)
{
    char path[PATH_SIZE];
    int len = snprintf(path, sizeof path, "@apigw-%.*s%s%.*s", STR_ARG(str_head(name, 40)),
                       suffix.len > 0 ? "-" : "", STR_ARG(str_head(suffix, 48)));

    return address_unix(address, (struct str){path, (size_t)len});
}

/* ---- answering ---- */

static int open_at(struct str name, struct str suffix)
{
    struct address address;
    int fd;

    if (!socket_address(&address, name, suffix))
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&address.at, address.len) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int health_open(struct str name, struct str address)
{
    int fd = open_at(name, STR(""));

    if (fd < 0 && errno == EADDRINUSE)
        fd = open_at(name, address);
    if (fd < 0)
        log_warn("--healthcheck will find no socket: %s", strerror(errno));
    return fd;
}

void health_answer(int fd)
{
    struct str answer = admin_is_ready() ? STR("ready\n") : STR("not ready\n");
    int peer;

    while ((peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (send(peer, answer.at, answer.len, MSG_NOSIGNAL) < 0)
            log_debug("a health check left: %s", strerror(errno));
        close(peer);
    }
}

/* ---- asking ---- */

/* "[::]:80" and "0.0.0.0:80" are reached at the loopback. */
static struct str reachable(struct pool *pool, struct str text)
{
    if (str_starts(text, STR("[::]:")))
        return pool_printf(pool, "[::1]:%.*s", STR_ARG(str_from(text, 5)));
    if (str_starts(text, STR("0.0.0.0:")))
        return pool_printf(pool, "127.0.0.1:%.*s", STR_ARG(str_from(text, 8)));
    if (str_starts(text, STR(":")))
        return pool_printf(pool, "[::1]%.*s", STR_ARG(text));
    return text;
}

/* A connected, blocking socket with time limits; -1 with errno. */
static int connect_to(const struct address *address)
{
    struct timeval limit = {.tv_sec = TIMEOUT_SECONDS};
    int fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&address->at, address->len) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* Sends the question and compares the answer's beginning. */
static bool ask(int fd, struct str question, struct str expected)
{
    char answer[ANSWER_SIZE];
    size_t len = 0;
    ssize_t got;

    if (question.len > 0 &&
        send(fd, question.at, question.len, MSG_NOSIGNAL) != (ssize_t)question.len)
        return false;
    while (len < expected.len && (got = recv(fd, answer + len, sizeof answer - len, 0)) > 0)
        len += (size_t)got;
    return str_starts((struct str){answer, len}, expected);
}

static int complain(const char *what)
{
    fprintf(stderr, "%.*s: not ready: %s\n", STR_ARG(gateway.name), what);
    return 1;
}

static int verdict(int fd, struct str question, struct str expected)
{
    bool ready;

    if (fd < 0)
        return complain(strerror(errno));
    ready = ask(fd, question, expected);
    close(fd);
    return ready ? 0 : complain("it answers, but not that it is ready");
}

static int check_http(struct pool *pool, struct str where, const struct gw_text *token)
{
    struct address address;
    struct str value = {0}, why, question;
    int fd;

    if (!address_parse(&address, reachable(pool, where), 0))
        return complain("its status address is not one");
    if (token && !reference_read(token, pool, &value, &why))
        return complain(why.at);
    question = pool_printf(pool,
                           "GET /readyz HTTP/1.1\r\nHost: localhost\r\n%s%.*s%s"
                           "Connection: close\r\n\r\n",
                           value.at ? "Authorization: Bearer " : "", STR_ARG(value),
                           value.at ? "\r\n" : "");
    fd = connect_to(&address);
    if (fd < 0 && str_starts(where, STR("[::]:")) && /* a machine without IPv6 */
        address_parse(&address, pool_printf(pool, "127.0.0.1:%.*s", STR_ARG(str_from(where, 5))),
                      0))
        fd = connect_to(&address);
    return verdict(fd, question, STR("HTTP/1.1 200 "));
}

static int check_socket(struct str listen)
{
    char text[ADDRESS_TEXT];
    struct address at;
    int fd = -1;

    if (address_parse(&at, listen, 0) && socket_address(&at, gateway.name, address_text(&at, text)))
        fd = connect_to(&at);
    if (fd < 0 && socket_address(&at, gateway.name, STR("")))
        fd = connect_to(&at);
    return verdict(fd, STR(""), STR("ready\n"));
}

/* A port that only the running gateway knows cannot be asked. */
static bool has_port(struct str address)
{
    return address.len > 0 &&
           (address.len < 2 || !str_eq(str_from(address, address.len - 2), STR(":0")));
}

int health_check(const struct options *options)
{
    struct str status = options->status.len > 0 ? options->status : gateway.status.address;
    struct pool pool;
    int result;

    pool_open(&pool, NULL);
    if (has_port(status))
        result = check_http(&pool, status, NULL);
    else if (status.len == 0 && has_port(gateway.admin.address))
        result = check_http(&pool, gateway.admin.address, &gateway.admin.token);
    else
        result = check_socket(options->listen.count > 0 ? options->listen.at[0] : STR(""));
    pool_close(&pool);
    return result;
}
