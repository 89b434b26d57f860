#include "base/grant.h"

#include "base/text.h"
#include "base/vec.h"

/* ---- lists that spaces divide ---- */

static struct str next_word(struct str *list)
{
    struct str word;

    *list = str_trim(*list, " ");
    word = str_head(*list, str_find(*list, ' '));
    *list = str_from(*list, word.len);
    return word;
}

static bool has_word(struct str list, struct str word)
{
    struct str one;

    while ((one = next_word(&list)).len > 0)
        if (str_eq(one, word))
            return true;
    return false;
}

static void add_word(struct text *text, struct str word)
{
    text_add(text, text->len > 0 ? STR(" ") : STR(""));
    text_add(text, word);
}

/* ---- claims ---- */

/* The members of a list, or the one scalar. */
static const struct data *first_of(const struct data *said)
{
    return said && said->kind == DATA_LIST ? said->first : said;
}

static const struct data *next_of(const struct data *said, const struct data *one)
{
    return said->kind == DATA_LIST ? one->next : NULL;
}

static void read_groups(struct grant *grant, const struct data *said, struct pool *pool)
{
    VEC(struct str) groups = {0};
    struct str text;

    for (const struct data *one = first_of(said); one; one = next_of(said, one))
        if (data_text(one, &text))
            *vec_add(pool, &groups) = text;
    grant->groups = groups.at;
    grant->group_count = groups.count;
}

/* A member of a list that has spaces is no scope. */
static struct str read_scopes(const struct data *said, struct pool *pool)
{
    struct text scopes = {.pool = pool};
    struct str rest, word;

    for (const struct data *one = first_of(said); one; one = next_of(said, one)) {
        if (one->kind != DATA_TEXT)
            continue;
        if (said->kind == DATA_LIST && str_find(one->text, ' ') < one->text.len)
            continue;
        for (rest = one->text; (word = next_word(&rest)).len > 0;)
            add_word(&scopes, word);
    }
    return text_str(&scopes);
}

void grant_read(struct grant *grant, const struct gw_claims *config, const struct data *claims,
                struct pool *pool)
{
    const struct data *scopes = config->scope_count > 0
                                    ? data_at(claims, config->scopes, config->scope_count)
                                    : data_get(claims, "scope");

    *grant = (struct grant){.claims = claims};
    if (!scopes && config->scope_count == 0)
        scopes = data_get(claims, "scp");
    grant->scopes = read_scopes(scopes, pool);
    if (config->group_count > 0)
        read_groups(grant, data_at(claims, config->groups, config->group_count), pool);
    if (config->consumer_count > 0)
        data_text(data_at(claims, config->consumer, config->consumer_count), &grant->consumer);
}

bool grant_has_scopes(const struct grant *grant, struct str needed)
{
    struct str word;

    while ((word = next_word(&needed)).len > 0)
        if (!has_word(grant->scopes, word))
            return false;
    return true;
}

bool grant_has_group(const struct grant *grant, struct str group)
{
    for (size_t i = 0; i < grant->group_count; i++)
        if (str_eq(grant->groups[i], group))
            return true;
    return false;
}
