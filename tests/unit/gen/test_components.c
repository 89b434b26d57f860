/* Free names for components, whatever the names hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "components.h"
#include "yaml.h"

static const struct {
    struct str section, name, given;
} rows[] = {
    {STR_INIT("schemas"), STR_INIT("New"), STR_INIT("New")},
    {STR_INIT("schemas"), STR_INIT("New"), STR_INIT("New_2")}, /* taken by the row before */
    {STR_INIT("schemas"), STR_INIT("Pet"), STR_INIT("Pet_3")},
    {STR_INIT("responses"), STR_INIT("Pet"), STR_INIT("Pet_2")},
    {STR_INIT("headers"), STR_INIT("Pet"), STR_INIT("Pet")},
    {STR_INIT("schemas"), STR_INIT("A\0x"), STR_INIT("A\0x_2")},
    {STR_INIT("schemas"), STR_INIT("A\0y"), STR_INIT("A\0y")},
    {STR_INIT("schemas"), STR_INIT("A"), STR_INIT("A")},
    {STR_INIT("schemas"), STR_INIT(""), STR_INIT("")},
    {STR_INIT("schemas"), STR_INIT(""), STR_INIT("_2")},
};

static void names_are_free_once(void **state)
{
    struct job job;

    (void)state;
    job_begin(&job);
    struct components components = {.pool = &job.pool};
    struct node *root =
        yaml_read(&job, source_add(&job.sources, STR("x.json"),
                                   STR("{\"components\": {\"schemas\": {\"Pet\": 1, \"Pet_2\": 1, "
                                       "\"A\\u0000x\": 1}, \"responses\": {\"Pet\": 1}, "
                                       "\"headers\": []}}")));
    assert_non_null(root);
    components_take(&components, root);
    components_take(&components, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str given = components_name(&components, rows[i].section, rows[i].name);
        if (!str_eq(given, rows[i].given))
            fail_msg("row %zu: %.*s", i, STR_ARG(given));
    }
    pool_close(&job.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_free_once),
    };

    return cmocka_run_group_tests_name("components", tests, NULL, NULL);
}
