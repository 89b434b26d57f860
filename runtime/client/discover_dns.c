#include "client/discover.h"

#include <stdlib.h>

#include "base/backoff.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

struct looking {
    struct finder *finder;
    struct dns_question question;
    struct pool pool; /* of its records */
    struct timer next;
    uint64_t backoff; /* 0: the last question was answered */
    void (*ask)(struct dns *dns, struct dns_question *question, struct str name);
};

/* ---- answers ---- */

static void add_address(struct finder *finder, const struct dns_record *record)
{
    const struct gw_discovery *config = finder->config;
    char text[ADDRESS_TEXT];
    struct address address = {.at = record->address.at, .len = record->address.len};
    struct str host = pool_copy(&finder->pool, address_host(&address, text));
    bool is_default = config->port == (config->is_https ? 443 : 80);

    finder_add(finder,
               (struct gw_target){
                   .host = host,
                   .port = config->port,
                   .weight = 1,
                   .server_name = config->name,
                   .authority = is_default ? config->name
                                           : pool_printf(&finder->pool, "%.*s:%u",
                                                         STR_ARG(config->name), config->port),
               },
               NULL, 0);
}

/* RFC 2782: one of weight 0 has a very small chance beside others. */
static void add_service(struct finder *finder, const struct dns_record *record)
{
    finder_add(finder,
               (struct gw_target){
                   .host = pool_copy(&finder->pool, record->host),
                   .port = record->port,
                   .weight = record->weight > 0 ? record->weight : 1,
                   .priority = record->priority,
               },
               NULL, 0);
}

static void ask_again(struct looking *looking, uint64_t ms)
{
    timer_set(finder_loop(looking->finder), &looking->next, ms);
}

static void on_answer(struct dns_question *question)
{
    struct looking *looking = CONTAINER(struct looking, question, question);
    struct finder *finder = looking->finder;
    uint32_t refresh = finder->config->refresh;

    if (question->error) {
        finder_fail(finder, "%s", question->error);
        ask_again(looking, backoff_pause(&looking->backoff));
        return;
    }
    looking->backoff = 0;
    finder_begin(finder);
    for (size_t i = 0; i < question->records.count; i++) {
        const struct dns_record *record = &question->records.at[i];
        if (record->host.len > 0)
            add_service(finder, record);
        else
            add_address(finder, record);
    }
    finder_publish(finder);
    if (refresh > 0 && refresh < question->ttl)
        ask_again(looking, backoff_jittered(refresh));
    else if (question->ttl < UINT64_MAX)
        ask_again(looking, question->ttl);
}

/* ---- questions ---- */

static void on_next(struct timer *timer)
{
    struct looking *looking = CONTAINER(struct looking, next, timer);

    pool_close(&looking->pool);
    pool_open(&looking->pool, NULL);
    looking->question = (struct dns_question){.pool = &looking->pool, .done = on_answer};
    looking->ask(looking->finder->upstream->all->dns, &looking->question,
                 looking->finder->config->name);
}

static void open_looking(struct finder *finder,
                         void (*ask)(struct dns *dns, struct dns_question *question,
                                     struct str name))
{
    struct looking *looking = finder->source = pool_xmalloc(sizeof *looking);

    *looking = (struct looking){.finder = finder, .next.fire = on_next, .ask = ask};
    pool_open(&looking->pool, NULL);
    on_next(&looking->next);
}

static void open_dns(struct finder *finder)
{
    open_looking(finder, dns_ask_addresses);
}

static void open_dns_srv(struct finder *finder)
{
    open_looking(finder, dns_ask_services);
}

/* The channel is closed: a question that was under way is not answered any more. */
static void close_dns(struct finder *finder)
{
    struct looking *looking = finder->source;

    timer_clear(finder_loop(finder), &looking->next);
    pool_close(&looking->pool);
    free(looking);
}

const struct discovery_source discover_dns = {open_dns, close_dns};
const struct discovery_source discover_dns_srv = {open_dns_srv, close_dns};
