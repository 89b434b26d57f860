/* From the IR to the text of generated files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_ir.h"
#include "template.h"
#include "view_flow.h"
#include "view_parts.h"
#include "view_tables.h"

struct fixture {
    struct job job;
    struct gateway *gw;
    struct template_set *templates;
};

static int open_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    job_begin(&f->job);
    f->gw = fake_gateway_ir(&f->job.pool);
    f->templates = template_read(&f->job, STR(""));
    *state = f;
    return f->templates ? 0 : -1;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    pool_close(&f->job.pool);
    free(f);
    return 0;
}

static const char *render(struct fixture *f, const char *template, const struct value *values)
{
    struct text out = {.pool = &f->job.pool};
    template_render(&f->job, f->templates, template, values, &out);
    if (job_failed(&f->job))
        diag_print(&f->job.diags, stderr, DIAG_TEXT, false);
    assert_false(job_failed(&f->job));
    return out.at;
}

/* The flow file of all operations. */
static const char *flows(struct fixture *f)
{
    struct pool *pool = &f->job.pool;
    struct value *map = value_map(pool), *list = value_list(pool);
    for (size_t i = 0; i < f->gw->operations.count; i++)
        value_add(pool, list, view_flow(&f->job, f->gw, &f->gw->operations.at[i]));
    view_set_name(pool, map, "group", STR("pets"));
    value_set(pool, map, "flows", list);
    return render(f, "flow_group.c", map);
}

static void expect_within(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("not found:\n%s\nin:\n%s", part, text);
}

static void test_tables(void **state)
{
    struct fixture *f = *state;
    struct value *tables = view_gateway(&f->job, f->gw);
    const char *c = render(f, "gateway.c", tables), *h = render(f, "gateway.h", tables);
    expect_within(c, "/* Pet \\\"store\\\" *\\057: the gateway as data. */");
    expect_within(c, "const struct gw_forward to_pets = {\n    .upstream = &backend_pets,\n};\n");
    expect_within(c, "        .address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0},\n");
    expect_within(c, "    .correlation.header_name = STR_INIT(\"X-Request-ID\"),\n");
    expect_within(h, "    ROUTE_LIST_PETS,\n    ROUTE_GET_PET,\n");
    expect_within(h, "enum gw_next flow_get_pet(struct gw_req *rq);\n");
    const char *routes = render(f, "routes.c", tables);
    expect_within(routes, "static const struct gw_timeouts timeouts_get_pet = {");
    expect_within(routes, "    .timeouts = &timeouts_get_pet,\n");
    expect_within(routes, "    .timeouts = &timeouts_default,\n");
    expect_within(render(f, "flow.c", tables),
                  "    case ROUTE_GONE:\n        return flow_gone(rq);\n");
}

static void test_flows(void **state)
{
    const char *text = flows(*state);
    expect_within(text, "/* GET /pets */\nenum gw_next flow_list_pets(struct gw_req *rq)\n{\n"
                        "    enum gw_next next;\n\n    switch (rq->at) {\n    case AT_START:\n"
                        "    case AT_UPSTREAM: /* upstream: pets */\n"
                        "        if ((next = gw_proxy(rq, &to_pets)) != GW_GO)\n"
                        "            return gw_stay(rq, AT_UPSTREAM, next);\n"
                        "        return gw_reply(rq);\n    }\n    return GW_DONE;\n}\n");
    expect_within(
        text,
        "        .strip = 4,\n        .prefix = STR_INIT(\"/v2\"),\n        .redirects = true,\n");
    expect_within(text, "gw_proxy(rq, gw_choose(rq, &choice))");
    expect_within(text, "        /* pets-canary */ 5,\n");
    expect_within(text, "else if (gw_query_is(rq, STR(\"beta\"), ");
    expect_within(
        text,
        " && gw_path_starts(rq, STR(\"/home\")))\n            rq->forward = &to_pets_canary;\n");
    expect_within(text,
                  "        else\n            rq->forward = &to_pets;\n        GW_FALLTHROUGH;\n");
    expect_within(text, "        .head = STR_INIT(\"Content-Type: text/plain\\r\\n\"\n"
                        "                         \"X-Quoted: \\\"a\\\"\\r\\n\"),\n");
    expect_within(text, "        /* id */ {.param = 0},\n");
    expect_within(
        text, "    /* redirect: 301 to /pets/{id} */\n    return gw_redirect(rq, &redirect);\n");
    expect_within(text, "    return gw_maintenance(rq, 60);\n");
    expect_within(text, "    return gw_deny(rq, 404, \"switched off\");\n");
}

static void test_lock(void **state)
{
    struct fixture *f = *state;
    struct value *values = view_lock(&f->job, f->gw);
    const char *lock = render(f, "gateway.lock", values), *routes = render(f, "routes.txt", values);
    expect_within(lock, "\nGET /api/pets/{id}\n  operation: get_pet\n  action: upstream pets\n"
                        "  rewrite: strip /api, prefix /v2, redirects\n");
    expect_within(lock, "  route: header X-Tenant-Id is one: pets-canary\n");
    expect_within(lock, "  route: else: pets\n");
    expect_within(routes, "GET /old/{id} old_pets -> redirect 301 to /pets/{id}; security none\n");
}

/* What a document says stays text wherever it ends up. */
static void test_hostile_texts(void **state)
{
    struct fixture *f = *state;
    struct ir_operation *op = &f->gw->operations.at[0];
    static const char evil[] = "\"); system(\"id\"); /* */ // \n#include <x>\n$(shell id) ?\?/\n";
    op->path = op->id = op->security = str_of(evil);
    *vec_add(&f->job.pool, &op->tags) = str_of(evil);
    f->gw->title = f->gw->name = f->gw->version = str_of(evil);
    f->gw->upstreams.at[0].name = f->gw->upstreams.at[0].targets.at[0].url = str_of(evil);
    struct value *tables = view_gateway(&f->job, f->gw), *lock = view_lock(&f->job, f->gw);
    const char *const texts[] = {render(f, "gateway.c", tables), render(f, "routes.c", tables),
                                 flows(f), render(f, "gateway.h", tables)};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_null(strstr(texts[i], "\n#include <x>"));
        assert_null(strstr(texts[i], "*/ //"));
        assert_null(strstr(texts[i], "STR_INIT(\"\");"));
        assert_null(strstr(texts[i], "?\?/"));
    }
    assert_null(strstr(render(f, "gateway.lock", lock), "\n#include"));
    assert_null(strstr(render(f, "routes.txt", lock), "\n$(shell"));
}

static void test_lines(void **state)
{
    struct fixture *f = *state;
    struct text long_text = {.pool = &f->job.pool};
    for (int i = 0; i < 40; i++)
        text_add(&long_text, STR("four "));
    text_add(&long_text, STR("\nend"));
    struct value *lines = view_lines(&f->job.pool, text_str(&long_text));
    struct text joined = {.pool = &f->job.pool};
    for (size_t i = 0; i < lines->items.count; i++) {
        struct str line = value_get(lines->items.at[i], STR("line"))->text;
        assert_true(line.len <= 70);
        text_add(&joined, line);
    }
    assert_string_equal(joined.at, long_text.at);
    assert_int_equal(lines->items.count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_flows, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_tables, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_lock, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_hostile_texts, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
