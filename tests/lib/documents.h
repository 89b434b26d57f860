/* documents: small texts to trees, apis and gateways, and what was said about them. For unit tests of gen/. */
#ifndef LIB_DOCUMENTS_H
#define LIB_DOCUMENTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "check.h"
#include "lower.h"
#include "yaml.h"

#define HEAD "openapi: 3.1.0\ninfo: {title: T, version: '1'}\nsecurity: []\n"

static inline int job_set_up(void **state)
{
    struct job *job = calloc(1, sizeof *job);

    job_begin(job);
    *state = job;
    return 0;
}

static inline int job_tear_down(void **state)
{
    struct job *job = *state;

    pool_close(&job->pool);
    free(job);
    return 0;
}

static inline struct node *tree_of(struct job *job, const char *text)
{
    return yaml_read(job, source_add(&job->sources, STR("in.yaml"), str_of(text)));
}

static inline struct api *api_of(struct job *job, const char *text)
{
    uint32_t file = source_add(&job->sources, STR("in.yaml"), str_of(text));

    return openapi_read(job, yaml_read(job, file), file);
}

static inline struct gateway *gateway_with(struct job *job, const char *text,
                                           const struct lower_options *options)
{
    struct api *api = api_of(job, text);

    return lower(job, &api, 1, options);
}

static inline struct gateway *gateway_of(struct job *job, const char *text)
{
    static const struct lower_pair upstream = {STR_INIT(""), STR_INIT("http://127.0.0.1:9")};
    static const struct lower_options options = {.upstreams = &upstream, .upstream_count = 1};

    return gateway_with(job, text, &options);
}

/* How many messages bear the code. */
static inline size_t said(const struct job *job, const char *code)
{
    size_t count = 0;

    for (size_t i = 0; i < job->diags.list.count; i++)
        count +=
            job->diags.list.at[i].code != NULL && strcmp(job->diags.list.at[i].code, code) == 0;
    return count;
}

/* The line of the first message that bears the code, or 0. */
static inline uint32_t line_of(const struct job *job, const char *code)
{
    for (size_t i = 0; i < job->diags.list.count; i++)
        if (job->diags.list.at[i].code != NULL && strcmp(job->diags.list.at[i].code, code) == 0)
            return job->diags.list.at[i].loc.line;
    return 0;
}

#define assert_text(found, expected)                                                               \
    do {                                                                                           \
        struct str found_ = (found);                                                               \
        assert_int_equal(found_.len, strlen(expected));                                            \
        assert_memory_equal(found_.len ? found_.at : "", expected, found_.len);                    \
    } while (0)

#endif
