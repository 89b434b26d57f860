/* What grpc-status means for an upstream, and that every try is judged once, by what comes first of what says how it
 * went. Over sockets: tests/e2e/test_grpc_failures.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/adaptive.h"
#include "client/breaker.h"
#include "client/grpc_status.h"
#include "client/outlier.h"
#include "client/retry.h"
#include "fake_upstream.h"

/* ---- what is read ---- */

enum { FIELDS_MAX = 4 };

struct answer {
    struct head head;
    struct field fields[FIELDS_MAX];
};

static void add(struct answer *answer, const char *name, const char *value)
{
    if (!value)
        return;
    answer->fields[answer->head.fields.count++] =
        (struct field){.name = name,
                       .value = value,
                       .name_len = (uint16_t)strlen(name),
                       .value_len = (uint32_t)strlen(value),
                       .id = (uint8_t)field_id_of(str_of(name))};
    answer->head.fields.ids |= FIELD_BIT(field_id_of(str_of(name)));
}

/* NULL: without that field. */
static void answer_open(struct answer *answer, uint16_t status, enum framing framing,
                        const char *type, const char *grpc_status)
{
    *answer = (struct answer){.head = {.status = status, .framing = framing}};
    answer->head.fields.at = answer->fields;
    add(answer, "content-type", type);
    add(answer, "grpc-status", grpc_status);
}

static const struct {
    const char *value;
    uint16_t status;
} statuses[] = {
    {"0", 200},  {"1", 200},  {"2", 500},   {"3", 200},          {"4", 504},
    {"5", 200},  {"6", 200},  {"7", 200},   {"8", 429},          {"9", 200},
    {"10", 200}, {"11", 200}, {"12", 200},  {"13", 500},         {"14", 503},
    {"15", 500}, {"16", 200}, {"17", 500},  {"4294967310", 500}, {"-1", 500},
    {"", 500},   {"x", 500},  {"14x", 500}, {" 14", 500},        {"18446744073709551630", 500},
};

static void a_head_tells_when_nothing_follows(void **state)
{
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        answer_open(&answer, 200, FRAMING_NONE, "application/grpc", statuses[i].value);
        if (grpc_status_module.of_head(&answer.head) != statuses[i].status)
            fail_msg("%s: %u", statuses[i].value, grpc_status_module.of_head(&answer.head));
        answer_open(&answer, 200, FRAMING_CHUNKED, "application/grpc", statuses[i].value);
        assert_int_equal(grpc_status_module.of_head(&answer.head), 0);
    }
    answer_open(&answer, 200, FRAMING_NONE, "application/grpc+proto", NULL);
    assert_int_equal(grpc_status_module.of_head(&answer.head), 500);
    answer_open(&answer, 200, FRAMING_LENGTH, "application/grpc;x=y", NULL);
    assert_int_equal(grpc_status_module.of_head(&answer.head), 0);
}

static void what_is_not_grpc_tells_its_status(void **state)
{
    static const struct {
        uint16_t status;
        const char *type;
    } rows[] = {
        {200, NULL},
        {200, "text/plain"},
        {200, "application/grpc-web"},
        {200, "application/grp"},
        {204, "application/grpc"},
        {429, "application/grpc"},
        {503, "application/grpc"},
        {500, "text/html"},
    };
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int framing = FRAMING_NONE; framing <= FRAMING_CLOSE; framing++) {
            answer_open(&answer, rows[i].status, (enum framing)framing, rows[i].type, "14");
            assert_int_equal(grpc_status_module.of_head(&answer.head), rows[i].status);
            assert_false(grpc_status_module.is_one_of(&answer.head, UINT32_MAX));
        }
}

static void trailers_tell(void **state)
{
    static const struct {
        const char *lines;
        uint16_t status;
    } rows[] = {
        {"grpc-status: 0\r\n", 200},
        {"grpc-status: 14\r\n", 503},
        {"x: y\r\nGRPC-Status:  4 \r\ngrpc-message: late\r\n", 504},
        {"grpc-status:8\r\ngrpc-status: 14\r\n", 429},
        {"grpc-statuses: 0\r\n", 500},
        {"x: grpc-status: 0\r\n", 500},
        {"grpc-status\r\n", 500},
        {"", 500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (grpc_status_module.of_trailers(str_of(rows[i].lines)) != rows[i].status)
            fail_msg("%s: %u", rows[i].lines,
                     grpc_status_module.of_trailers(str_of(rows[i].lines)));
    assert_int_equal(grpc_status_module.of_trailers((struct str){0}), 500);
}

static void a_retry_names_what_is_nothing_but_trailers(void **state)
{
    static const struct gw_upstream grpc = {.grpc = &grpc_status_module};
    static const struct gw_upstream other = {0};
    static const struct gw_retry names = {.grpc_statuses = 1 << 14 | 1 << 1};
    static const struct gw_retry names_none = {0};
    struct upstream_call call;
    struct answer answer;

    (void)state;
    memset(&call, 0, sizeof call);
    call.config = &grpc;
    call.retry = &names;
    for (unsigned status = 0; status < 20; status++) {
        char text[8];
        snprintf(text, sizeof text, "%u", status);
        answer_open(&answer, 200, FRAMING_NONE, "application/grpc", text);
        call.head = answer.head;
        assert_int_equal(retry_names_answer(&call), status == 14 || status == 1);
        answer_open(&answer, 200, FRAMING_CHUNKED, "application/grpc", text);
        call.head = answer.head;
        assert_false(retry_names_answer(&call));
    }
    answer_open(&answer, 200, FRAMING_NONE, "application/grpc", "14");
    call.head = answer.head;
    call.retry = &names_none;
    assert_false(retry_names_answer(&call));
    call.config = &other;
    assert_false(retry_names_answer(&call));
}

/* ---- who is told ---- */

static char told[200];

static void note_outlier(struct target *target, uint16_t status, uint64_t now)
{
    (void)target;
    (void)now;
    snprintf(told + strlen(told), sizeof told - strlen(told), "o%u ", status);
}

static void note_breaker(struct upstream_call *call, uint16_t status)
{
    (void)call;
    snprintf(told + strlen(told), sizeof told - strlen(told), "b%u ", status);
}

static void leave_breaker(struct upstream_call *call)
{
    (void)call;
    strcat(told, "left ");
}

static const struct outlier_module outliers = {.note = note_outlier};
static const struct breaker_module breakers = {.note = note_breaker, .leave = leave_breaker};

struct judged {
    struct fake_upstream fake;
    struct gw_outlier outlier;
    struct gw_breaker breaker;
    struct upstream_call call;
};

static void judged_open(struct judged *j, const struct grpc_status_module *grpc)
{
    static const uint16_t weights[] = {1};

    *told = '\0';
    j->outlier = (struct gw_outlier){.module = &outliers};
    j->breaker = (struct gw_breaker){.module = &breakers};
    fake_upstream_open(
        &j->fake,
        (struct gw_upstream){.grpc = grpc, .outlier = &j->outlier, .breaker = &j->breaker}, weights,
        1);
    memset(&j->call, 0, sizeof j->call);
    j->call.upstreams = j->fake.all;
    j->call.config = &j->fake.config;
    j->call.at = &j->fake.upstream->targets[0];
    j->call.is_answered = true;
}

static void answer_with(struct judged *j, uint16_t status, enum framing framing, const char *grpc)
{
    struct answer answer;

    answer_open(&answer, status, framing, grpc ? "application/grpc" : "text/plain", grpc);
    j->call.head = answer.head;
    call_judge_head(&j->call);
}

static void each_try_is_judged_once(void **state)
{
    static const struct {
        bool is_grpc;
        uint16_t status;
        enum framing framing;
        const char *grpc;      /* in the head */
        uint16_t end;          /* what is told at the end; 0: nobody waits for it */
        const char *head_told; /* with the head, and then at the end */
        const char *told;
    } rows[] = {
        {true, 200, FRAMING_NONE, "14", 503, "o503 b503 ", "o503 b503 left "},
        {true, 200, FRAMING_NONE, "5", 200, "o200 b200 ", "o200 b200 left "},
        {true, 200, FRAMING_CHUNKED, "", 503, "", "o503 b503 left "},
        {true, 200, FRAMING_CHUNKED, "", 200, "", "o200 b200 left "},
        {true, 200, FRAMING_CHUNKED, "", 0, "", "o200 b200 left "},
        {true, 502, FRAMING_CHUNKED, "", 200, "o502 b502 ", "o502 b502 left "},
        {true, 200, FRAMING_CHUNKED, NULL, 503, "o200 b200 ", "o200 b200 left "},
        {false, 200, FRAMING_NONE, "14", 503, "o200 b200 ", "o200 b200 left "},
        {false, 200, FRAMING_CHUNKED, "14", 503, "o200 b200 ", "o200 b200 left "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct judged j;
        judged_open(&j, rows[i].is_grpc ? &grpc_status_module : NULL);
        answer_with(&j, rows[i].status, rows[i].framing, rows[i].grpc);
        assert_string_equal(told, rows[i].head_told);
        assert_int_equal(j.call.at->stats.answers, 1);
        if (rows[i].end != 0)
            call_judge(&j.call, rows[i].end);
        call_leave(&j.call);
        assert_string_equal(told, rows[i].told);
        assert_int_equal(j.call.at->stats.answers, 1);
        fake_upstream_close(&j.fake);
    }
}

static void who_was_not_answered_is_not_judged_on_leaving(void **state)
{
    struct judged j;

    (void)state;
    judged_open(&j, &grpc_status_module);
    j.call.is_answered = false;
    call_leave(&j.call);
    assert_string_equal(told, "left ");
    fake_upstream_close(&j.fake);
}

/* ---- how long it took ---- */

static uint64_t observed;

static void observe(struct upstream_share *share, uint64_t now, uint64_t us)
{
    (void)share;
    (void)now;
    observed = us;
}

static void a_long_stream_is_no_slow_answer(void **state)
{
    static const struct adaptive_module module = {observe};
    static const struct gw_adaptive adaptive = {
        .module = &module, .first = 1, .max_concurrency = 1};
    static const struct {
        uint16_t end;
        uint64_t us;
    } rows[] = {{200, 3000}, {429, 3000}, {500, 0}, {503, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct judged j;
        observed = 0;
        judged_open(&j, &grpc_status_module);
        j.breaker = (struct gw_breaker){.module = &breaker_module, .adaptive = &adaptive};
        j.call.try_began_us = j.fake.loop.wall_us;
        j.fake.loop.wall_us += 3000;
        answer_with(&j, 200, FRAMING_CHUNKED, "");
        assert_int_equal(observed, 0);
        j.fake.loop.wall_us += 5000000;
        call_judge(&j.call, rows[i].end);
        assert_int_equal(observed, rows[i].us);
        assert_int_equal(j.call.at->stats.answer_us, 3000);
        fake_upstream_close(&j.fake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_tells_when_nothing_follows),
        cmocka_unit_test(what_is_not_grpc_tells_its_status),
        cmocka_unit_test(trailers_tell),
        cmocka_unit_test(a_retry_names_what_is_nothing_but_trailers),
        cmocka_unit_test(each_try_is_judged_once),
        cmocka_unit_test(who_was_not_answered_is_not_judged_on_leaving),
        cmocka_unit_test(a_long_stream_is_no_slow_answer),
    };

    return cmocka_run_group_tests_name("grpc_status", tests, NULL, NULL);
}
