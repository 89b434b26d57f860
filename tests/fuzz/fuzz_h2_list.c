/* Header lists of HTTP/2: a byte says what kind, then each field is two lengths and their bytes. Whatever the list:
 * what is taken for a request, an answer or trailers has no line that the list did not have as a field, and
 * reads as the same head again. */
#include <stdlib.h>

#include "http/h2_head.h"

static void check(bool fine)
{
    if (!fine)
        abort();
}

static struct str take(const uint8_t **at, size_t *len)
{
    size_t want = *len > 0 ? (*at)[0] : 0;
    struct str text;

    if (*len > 0) {
        ++*at;
        --*len;
    }
    want = want < *len ? want : *len;
    text = (struct str){(const char *)*at, want};
    *at += want;
    *len -= want;
    return text;
}

static size_t count_lines(struct str text)
{
    size_t lines = 0;

    for (size_t i = 0; i < text.len; i++) {
        check(text.at[i] != '\0');
        lines += text.at[i] == '\n';
        check(text.at[i] != '\n' || (i > 0 && text.at[i - 1] == '\r'));
        check(text.at[i] != '\r' || (i + 1 < text.len && text.at[i + 1] == '\n'));
    }
    return lines;
}

static void check_head(struct pool *pool, const struct head *head, uint32_t fields)
{
    char *lines = pool_take(pool, 1 << 16);
    size_t len = fields_write(&head->fields, lines, 1 << 16);

    check(len != FIELDS_NO_ROOM);
    check(count_lines((struct str){lines, len}) <= fields + 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static const struct h1_limits limits = {1024, 8192, 64};
    struct pool pool;
    struct h2_list list;
    struct head head;
    struct text trailers = {.pool = &pool};
    unsigned kind = len > 0 ? at[0] : 0;

    if (len == 0)
        return 0;
    at++;
    len--;
    pool_open(&pool, NULL);
    h2_list_begin(&list, &pool, &limits);
    while (len > 0) {
        struct str name = take(&at, &len), value = take(&at, &len);
        h2_list_add(&list, name, value);
    }
    if (kind % 3 == 0 && h2_list_request(&list, kind & 4, &head)) {
        check(head.authority.len > 0 && head.method_text.len > 0);
        check_head(&pool, &head, list.count);
    } else if (kind % 3 == 1 && h2_list_answer(&list, kind & 4, &head)) {
        check(head.status >= 100 && head.status != 101);
        check_head(&pool, &head, list.count);
    } else if (kind % 3 == 2 && h2_list_trailers(&list, &trailers)) {
        check(count_lines(text_str(&trailers)) <= list.count);
    } else {
        check(list.refused >= 400 && list.refusal);
    }
    pool_close(&pool);
    return 0;
}
