#include "io/dns_srv.h"

#include <ares.h>

enum {
    HEADER = 12,
    QUESTION_REST = 4, /* type, class */
    RECORD_REST = 10,  /* type, class, ttl, length */
    SRV_REST = 6,      /* priority, weight, port */
    TTL_MIN_MS = 1000,
    TTL_MAX_S = 24 * 3600
};

struct message {
    const unsigned char *at, *end, *all;
    int len;
};

static uint32_t number(const unsigned char *at, int bytes)
{
    uint32_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* A name at message->at; into `pool` unless that is NULL. False: there is none. */
static bool read_name(struct message *message, struct pool *pool, struct str *name)
{
    char *text;
    long len;

    if (message->at >= message->end ||
        ares_expand_name(message->at, message->all, message->len, &text, &len) != ARES_SUCCESS)
        return false;
    if (pool)
        *name = pool_copy(pool, str_of(text));
    ares_free_string(text);
    if (len > message->end - message->at)
        return false;
    message->at += len;
    return true;
}

static bool skip_questions(struct message *message, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!read_name(message, NULL, NULL) || message->end - message->at < QUESTION_REST)
            return false;
        message->at += QUESTION_REST;
    }
    return true;
}

static bool read_srv(struct dns_question *question, struct message record)
{
    struct dns_record srv = {0};

    if (record.end - record.at < SRV_REST)
        return false;
    srv.priority = (uint16_t)number(record.at, 2);
    srv.weight = (uint16_t)number(record.at + 2, 2);
    srv.port = (uint16_t)number(record.at + 4, 2);
    record.at += SRV_REST;
    if (!read_name(&record, question->pool, &srv.host))
        return false;
    if (srv.host.len > 0 && srv.port > 0)
        *vec_add(question->pool, &question->records) = srv;
    return true;
}

static bool read_record(struct dns_question *question, struct message *message)
{
    uint32_t type, ttl, len;

    if (!read_name(message, NULL, NULL) || message->end - message->at < RECORD_REST)
        return false;
    type = number(message->at, 2);
    ttl = number(message->at + 4, 4);
    len = number(message->at + 8, 2);
    message->at += RECORD_REST;
    if (len > (uint32_t)(message->end - message->at))
        return false;
    /* RFC 2181 section 8: the highest bit makes it 0. */
    if (ttl > INT32_MAX)
        ttl = 0;
    if ((uint64_t)ttl * 1000 < question->ttl)
        question->ttl = (uint64_t)ttl * 1000;
    if (type == DNS_TYPE_SRV && !read_srv(question, (struct message){message->at, message->at + len,
                                                                     message->all, message->len}))
        return false;
    message->at += len;
    return true;
}

bool dns_srv_read(struct dns_question *question, const unsigned char *message, int len)
{
    struct message rest;
    uint32_t answers;

    question->ttl = (uint64_t)TTL_MAX_S * 1000;
    if (len < HEADER)
        return false;
    rest = (struct message){message + HEADER, message + len, message, len};
    if (!skip_questions(&rest, number(message + 4, 2)))
        return false;
    answers = number(message + 6, 2);
    for (uint32_t i = 0; i < answers; i++)
        if (!read_record(question, &rest))
            return false;
    if (question->ttl < TTL_MIN_MS)
        question->ttl = TTL_MIN_MS;
    return true;
}
