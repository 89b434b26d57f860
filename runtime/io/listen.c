#include "io/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_INHERITED = 3, BACKLOG = 4096, SOCKET_MODE = 0660 };

static bool fail(char text[LISTEN_TEXT], struct str address, const char *why)
{
    snprintf(text, LISTEN_TEXT, "cannot listen on %.*s: %s", STR_ARG(str_head(address, 128)), why);
    return false;
}

static void say(char text[LISTEN_TEXT], int fd)
{
    struct address bound = {.len = sizeof bound.at};

    getsockname(fd, (struct sockaddr *)&bound.at, &bound.len);
    address_text(&bound, text);
}

/* Behind a failure: errno stays what it was. */
static void close_all(const int *fds, unsigned count)
{
    int error = errno;

    while (count > 0)
        close(fds[--count]);
    errno = error;
}

/* Accepted sockets inherit TCP_NODELAY: one system call less for each connection. */
static void set(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof value);
}

static int tcp_socket(const struct address *address)
{
    int fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (address->at.ss_family == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    return fd;
}

static int bind_to(int fd, const struct address *address)
{
    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&address->at, address->len) == 0)
        return fd;
    close_all(&fd, 1);
    return -1;
}

static bool is_any6(const struct address *address)
{
    const struct sockaddr_in6 *at = (const struct sockaddr_in6 *)&address->at;

    return at->sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&at->sin6_addr);
}

/* The first socket claims the address alone: SO_REUSEPORT is set only behind bind(), so that a socket of
 * another process on this address is a conflict even when that one would share. Not listening yet, it can
 * still found the group that the other workers' sockets join. */
static int claim(struct address *address)
{
    int fd = bind_to(tcp_socket(address), address);

    if (fd < 0 && is_any6(address) && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        address_literal(address, STR("0.0.0.0"), address_port(address));
        fd = bind_to(tcp_socket(address), address);
    }
    if (fd < 0)
        return -1;
    set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    /* The port may have been chosen just now. */
    address->len = sizeof address->at;
    getsockname(fd, (struct sockaddr *)&address->at, &address->len);
    return fd;
}

static int join(const struct address *address)
{
    int fd = tcp_socket(address);

    if (fd >= 0)
        set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    return bind_to(fd, address);
}

static bool open_tcp(struct address *address, int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fds[i] = i == 0 ? claim(address) : join(address);
        if (fds[i] < 0 || listen(fds[i], BACKLOG) < 0) {
            close_all(fds, fds[i] < 0 ? i : i + 1);
            return false;
        }
    }
    return true;
}

/* More descriptors of the first `have` queues, for the workers that have none. */
static bool share(int *fds, unsigned have, unsigned count)
{
    for (unsigned i = have; i < count; i++) {
        fds[i] = fcntl(fds[i - have], F_DUPFD_CLOEXEC, FIRST_INHERITED);
        if (fds[i] < 0) {
            close_all(fds, i);
            return false;
        }
    }
    return true;
}

/* Removes a socket that nobody listens on any more. Anything else stays, and bind() will say so. */
static void remove_stale(const struct address *address)
{
    const char *path = ((const struct sockaddr_un *)&address->at)->sun_path;
    struct stat status;
    int fd;

    if (path[0] == '\0' || lstat(path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)&address->at, address->len) < 0 &&
        errno == ECONNREFUSED)
        unlink(path);
    close(fd);
}

static bool open_unix(const struct address *address, int *fds, unsigned count)
{
    const char *path = ((const struct sockaddr_un *)&address->at)->sun_path;
    int fd;

    remove_stale(address);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* The file gets the socket's mode less the umask: never more than SOCKET_MODE, not even for a moment. */
    if (fd >= 0)
        fchmod(fd, SOCKET_MODE);
    fds[0] = bind_to(fd, address);
    if (fds[0] < 0)
        return false;
    if ((path[0] && chmod(path, SOCKET_MODE) < 0) || listen(fds[0], BACKLOG) < 0) {
        close_all(fds, 1);
        return false;
    }
    return share(fds, 1, count);
}

/* Takes inherited sockets of this address. */
static unsigned take_inherited(struct listen_inherited *inherited, const struct address *address,
                               int *fds, unsigned count)
{
    unsigned kept = 0, taken = 0;

    for (unsigned i = 0; i < inherited->count; i++) {
        struct address bound = {.len = sizeof bound.at};
        int fd = inherited->fds[i];
        bool same = getsockname(fd, (struct sockaddr *)&bound.at, &bound.len) == 0 &&
                    address_eq(&bound, address);
        if (same && taken < count)
            fds[taken++] = fd;
        else
            inherited->fds[kept++] = fd;
    }
    inherited->count = kept;
    return taken;
}

static unsigned open_any(struct address *address, int *fds, unsigned count, unsigned room,
                         struct listen_inherited *inherited)
{
    unsigned taken = inherited ? take_inherited(inherited, address, fds, room) : 0;
    bool good;

    if (taken >= count && taken > 0)
        return taken;
    if (taken > 0)
        good = share(fds, taken, count);
    else
        good = address->at.ss_family == AF_UNIX ? open_unix(address, fds, count)
                                                : open_tcp(address, fds, count);
    return good ? count : 0;
}

unsigned listen_open(struct str text, int *fds, unsigned count, unsigned room,
                     struct listen_inherited *inherited, char said[LISTEN_TEXT])
{
    struct address address;
    unsigned opened;

    if (!address_parse(&address, text, 0))
        return fail(said, text, "not an address: write ADDRESS:PORT, [ADDRESS]:PORT or unix:/path");
    opened = open_any(&address, fds, count, room, inherited);
    if (opened == 0)
        return fail(said, text, strerror(errno));
    say(said, fds[0]);
    return opened;
}

static uint64_t environment_number(const char *name)
{
    const char *text = getenv(name);
    uint64_t value;

    return text && str_to_u64(str_of(text), &value) ? value : 0;
}

static bool is_listening(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

void listen_inherit(struct listen_inherited *inherited)
{
    bool ours = environment_number("LISTEN_PID") == (uint64_t)getpid();
    uint64_t count = ours ? environment_number("LISTEN_FDS") : 0;

    *inherited = (struct listen_inherited){.count = 0};
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    for (int i = 0; i < LISTEN_INHERITED_MAX && (uint64_t)i < count; i++) {
        int fd = FIRST_INHERITED + i;
        if (!is_listening(fd))
            continue;
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        inherited->fds[inherited->count++] = fd;
    }
}

bool listen_left_over(const struct listen_inherited *inherited, char text[LISTEN_TEXT])
{
    if (inherited->count == 0)
        return false;
    say(text, inherited->fds[0]);
    return true;
}
