/* shake: a TLS handshake for each request, again and again.
 *
 *   shake PORT SECONDS THREADS full|resumed PATH
 *
 * Each thread connects, shakes hands, asks for PATH, reads to the end, and begins again; resumed: with the newest
 * ticket that it has been given (but for its first connection, which has none). Every connection is TLS 1.3 over
 * X25519, resumed if and only if that is asked for, and every answer a 200 of the length that it states: what is not
 * is told, and counted as wrong. One line of JSON, and 1 when anything was wrong.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 256 };

static SSL_CTX *context;
static char request[4096];
static int port, is_resuming, request_len;
static time_t end_at;
static atomic_ullong answered, resumed, wrong;

static time_t now_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_port = htons((uint16_t)port);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("shake: connect");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* What is wrong with the whole answer; NULL: nothing. */
static const char *look_at(const char *answer, size_t len)
{
    const char *end = strstr(answer, "\r\n\r\n"),
               *length = strcasestr(answer, "\r\ncontent-length:");

    if (end == NULL || strncmp(answer, "HTTP/1.1 200", 12) != 0)
        return "the answer is no 200";
    if (length == NULL || length > end ||
        strtoul(length + 17, NULL, 10) != len - (size_t)(end + 4 - answer))
        return "the answer is not of its length";
    return NULL;
}

static const char *talk(SSL *ssl, int may_resume)
{
    char answer[16384];
    size_t len = 0;
    int n;

    if (SSL_connect(ssl) != 1)
        return "no handshake";
    if (SSL_version(ssl) != TLS1_3_VERSION || SSL_get_negotiated_group(ssl) != NID_X25519)
        return "not TLS 1.3 over X25519";
    if (SSL_session_reused(ssl) != may_resume)
        return may_resume ? "not resumed" : "resumed";
    if (SSL_write(ssl, request, request_len) != request_len)
        return "the request was not taken";
    while ((n = SSL_read(ssl, answer + len, (int)(sizeof answer - 1 - len))) > 0)
        len += (size_t)n;
    answer[len] = 0;
    return look_at(answer, len);
}

/* One connection; leaves its newest ticket in *session. */
static void shake(SSL_SESSION **session)
{
    int fd = dial(), may_resume = *session != NULL;
    SSL *ssl = SSL_new(context);

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
        (may_resume && SSL_set_session(ssl, *session) != 1))
        abort();
    const char *fault = talk(ssl, may_resume);
    if (fault == NULL) {
        atomic_fetch_add(&answered, 1);
        atomic_fetch_add(&resumed, (unsigned)may_resume);
    } else if (atomic_fetch_add(&wrong, 1) == 0) {
        fprintf(stderr, "shake: %s\n", fault);
    }
    SSL_SESSION_free(*session);
    *session = is_resuming ? SSL_get1_session(ssl) : NULL;
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
    ERR_clear_error();
}

static void *run(void *unused)
{
    SSL_SESSION *session = NULL;

    while (now_seconds() < end_at)
        shake(&session);
    SSL_SESSION_free(session);
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];

    if (argc != 6 || atoi(argv[3]) > THREADS_MAX) {
        fprintf(stderr, "usage: shake PORT SECONDS THREADS full|resumed PATH\n");
        return 2;
    }
    port = atoi(argv[1]);
    end_at = now_seconds() + atoi(argv[2]);
    is_resuming = strcmp(argv[4], "resumed") == 0;
    request_len =
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", argv[5]);
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_set1_groups_list(context, "X25519") != 1)
        abort();
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF); /* lengths tell what is whole */
    for (int i = 0; i < atoi(argv[3]); i++)
        pthread_create(&threads[i], NULL, run, NULL);
    for (int i = 0; i < atoi(argv[3]); i++)
        pthread_join(threads[i], NULL);
    printf("{\"answered\": %llu, \"resumed\": %llu, \"wrong\": %llu}\n", answered, resumed, wrong);
    return wrong > 0;
}
