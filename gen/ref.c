#include "ref.h"

#include <assert.h>

#include "yaml.h"

/* Longer chains of references are loops. */
enum { LONGEST_CHAIN = 64, LONGEST_INDEX = 9 };

/* What one reference leads to: a node, or why there is none. */
struct target {
    struct node *node;
    const char *code; /* NULL without a node: the file's own errors say enough */
    struct str sentence;
};

/* RFC 3986 §2.1; false when a '%' begins no escape. */
static bool percent_decode(struct pool *pool, struct str s, struct str *decoded)
{
    char *out = pool_take(pool, s.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '%') {
            if (s.len - i < 3 || str_hex(s.at[i + 1]) < 0 || str_hex(s.at[i + 2]) < 0)
                return false;
            out[len++] = (char)(str_hex(s.at[i + 1]) << 4 | str_hex(s.at[i + 2]));
            i += 2;
        } else {
            out[len++] = s.at[i];
        }
    }
    out[len] = '\0';
    *decoded = (struct str){out, len};
    return true;
}

/* Compares a key with a pointer's token, in which ~1 is '/' and ~0 is '~' (RFC 6901 §3). */
static bool token_is(struct str token, struct str key)
{
    size_t at = 0;

    for (size_t i = 0; i < token.len; i++, at++) {
        char c = token.at[i];
        if (c == '~' && i + 1 < token.len && (token.at[i + 1] == '0' || token.at[i + 1] == '1'))
            c = token.at[++i] == '0' ? '~' : '/';
        if (at >= key.len || key.at[at] != c)
            return false;
    }
    return at == key.len;
}

static struct node *step(const struct node *node, struct str token)
{
    uint64_t index;

    if (node->kind == NODE_LIST && token.len <= LONGEST_INDEX && str_to_u64(token, &index))
        return index < node->item_count ? node->items[index] : NULL;
    if (node->kind != NODE_MAP)
        return NULL;
    if (str_find(token, '~') == token.len) {
        const struct member *member = node_member(node, token);
        return member ? member->value : NULL;
    }
    for (size_t i = 0; i < node->member_count; i++)
        if (token_is(token, node->members[i].key))
            return node->members[i].value;
    return NULL;
}

/* As far as the pointer leads: the last node reached, and in *at the token that was not found (or the end
 * of the pointer). */
static struct node *walk(const struct node *root, struct str pointer, size_t *at)
{
    struct node *node = (struct node *)(uintptr_t)root;

    for (*at = 0; *at < pointer.len;) {
        struct str rest = str_from(pointer, *at + 1);
        size_t len = str_find(rest, '/');
        struct node *next = pointer.at[*at] == '/' ? step(node, str_head(rest, len)) : NULL;
        if (!next)
            return node;
        node = next;
        *at += 1 + len;
    }
    return node;
}

struct node *ref_pointer(const struct node *root, struct str pointer)
{
    size_t at;
    struct node *node = root ? walk(root, pointer, &at) : NULL;

    return node && at == pointer.len ? node : NULL;
}

static struct target *fail(struct target *target, const char *code, struct str sentence)
{
    target->code = code;
    target->sentence = sentence;
    return target;
}

static struct str unescaped(struct pool *pool, struct str token)
{
    char *out = pool_take(pool, token.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < token.len; i++) {
        if (token.at[i] == '~' && i + 1 < token.len)
            out[len++] = token.at[++i] == '0' ? '~' : '/';
        else
            out[len++] = token.at[i];
    }
    return (struct str){out, len};
}

static struct str nearest_key(struct pool *pool, const struct node *node, struct str token)
{
    struct str *keys;

    if (node->kind != NODE_MAP)
        return STR("");
    keys = pool_take(pool, node->member_count * sizeof *keys);
    for (size_t i = 0; i < node->member_count; i++)
        keys[i] = node->members[i].key;
    return diag_suggest(pool, token, keys, node->member_count);
}

/* Why a pointer leads nowhere: the token that is missing, and the nearest that is there. */
static struct str missing(struct job *job, const struct node *last, struct str pointer, size_t at)
{
    struct pool *pool = &job->pool;
    struct str rest = str_from(pointer, at + 1);
    struct str token = unescaped(pool, str_head(rest, str_find(rest, '/')));
    struct str near = nearest_key(pool, last, token);

    if (last->kind != NODE_MAP && last->kind != NODE_LIST)
        return pool_printf(pool, "there is no '%.*s' in '#%.*s', which is %s", STR_ARG(token),
                           (int)at, pointer.at, node_kind_name(last));
    return pool_printf(pool, "there is no '%.*s' in '#%.*s'%.*s", STR_ARG(token), (int)at,
                       pointer.at, STR_ARG(near));
}

/* "https:…", "urn:…" or "//host": a scheme (RFC 3986 §3.1) or an authority. */
static bool is_remote(struct str file)
{
    size_t at = 0;

    if (str_starts(file, STR("//")))
        return true;
    while (at < file.len && (((file.at[at] | 0x20) >= 'a' && (file.at[at] | 0x20) <= 'z') ||
                             (at > 0 && strchr("0123456789+-.", file.at[at]) && file.at[at])))
        at++;
    return at > 0 && at < file.len && file.at[at] == ':';
}

/* The root of the document that the part before '#' names; NULL with the reason in target. */
static struct node *document(struct job *job, uint32_t from, struct str file, struct target *target)
{
    struct str name, error;
    uint32_t number = from;

    if (file.len > 0) {
        if (!percent_decode(&job->pool, file, &name))
            name = file;
        number = source_read_beside(&job->sources, from, name, &error);
    }
    if (number == 0) {
        fail(target, "ref-unresolved", error);
        return NULL;
    }
    return yaml_read(job, number);
}

static struct target *resolve(struct job *job, uint32_t from, struct str reference)
{
    struct target *target = pool_new(&job->pool, struct target);
    size_t hash = str_find(reference, '#'), at;
    struct str fragment = str_from(reference, hash + 1), pointer;
    struct node *root, *last;

    if (is_remote(str_head(reference, hash)))
        return fail(target, "ref-remote",
                    pool_printf(&job->pool, "'%.*s' is not a local file; only those are read",
                                STR_ARG(reference)));
    root = document(job, from, str_head(reference, hash), target);
    if (!root)
        return target;
    if (!percent_decode(&job->pool, fragment, &pointer))
        return fail(target, "ref-unresolved",
                    pool_printf(&job->pool, "'%.*s' has a '%%' without two hexadecimal digits",
                                STR_ARG(reference)));
    if (pointer.len > 0 && pointer.at[0] != '/')
        return fail(target, "ref-unresolved",
                    pool_printf(&job->pool, "'%.*s' is no JSON pointer; it would begin with '#/'",
                                STR_ARG(reference)));
    last = walk(root, pointer, &at);
    if (at < pointer.len)
        return fail(target, "ref-unresolved", missing(job, last, pointer, at));
    target->node = last;
    return target;
}

static const struct target *resolved(struct job *job, uint32_t file, struct str reference)
{
    assert(file > 0 && file <= job->sources.files.count);
    struct source *source = &job->sources.files.at[file - 1];
    struct target *target = map_get(&source->refs, reference);

    if (!target) {
        target = resolve(job, source->stands_for > 0 ? source->stands_for : file, reference);
        /* Resolving may have read files, which moves them. */
        map_set(&job->sources.files.at[file - 1].refs, &job->pool, reference, target);
    }
    return target;
}

struct node *ref_follow(struct job *job, struct node *node)
{
    const struct node *reference, *first = node_get(node, "$ref");

    for (int hops = 0; (reference = node_get(node, "$ref")); hops++) {
        const struct target *target;
        if (reference->kind != NODE_TEXT) {
            diag_error(&job->diags, reference->loc, "ref-unresolved",
                       "a $ref must be a string, not %s", node_kind_name(reference));
            return NULL;
        }
        if (hops == LONGEST_CHAIN) {
            diag_error(&job->diags, first->loc, "ref-loop",
                       "this reference leads back to itself and never to a value");
            return NULL;
        }
        target = resolved(job, reference->loc.file, reference->text);
        if (!target->node) {
            if (target->code)
                diag_error(&job->diags, reference->loc, target->code, "%.*s",
                           STR_ARG(target->sentence));
            return NULL;
        }
        node = target->node;
    }
    return node;
}
