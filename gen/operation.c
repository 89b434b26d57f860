#include "operation.h"

#include "member.h"
#include "ref.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- servers and security, which stand at every level ---- */

static void read_variable(struct job *job, struct api_server *server, const struct member *m)
{
    struct api_server_variable v = {.name = m->key, .loc = m->key_loc};
    struct node *choices;

    if (!member_is(job, m->value, NODE_MAP, "variable"))
        return;
    struct said fallback = member_text(job, m->value, "default");
    if (fallback.loc.file == 0)
        diag_error(&job->diags, m->key_loc, "missing-key",
                   "server variable '%.*s' needs a 'default'", STR_SHORT(m->key));
    v.fallback = fallback.text.at ? fallback.text : STR("");
    choices = member_list(job, m->value, "enum");
    if (choices != NULL) {
        v.choices = pool_alloc(&job->pool, (choices->item_count + 1) * sizeof *v.choices);
        for (size_t i = 0; i < choices->item_count; i++) {
            struct said choice = member_scalar(job, choices->items[i], "enum");
            if (choice.text.at != NULL)
                v.choices[v.choice_count++] = choice.text;
        }
    }
    *vec_add(&job->pool, &server->variables) = v;
}

void operation_read_servers(struct job *job, const struct node *owner, struct api_server **at,
                            size_t *count)
{
    const struct node *list = member_list(job, owner, "servers");
    VEC(struct api_server) servers = {0};

    for (size_t i = 0; list != NULL && i < list->item_count; i++) {
        const struct node *node = ref_follow(job, list->items[i]);
        struct api_server server = {0};

        if (!member_is(job, node, NODE_MAP, "server"))
            continue;
        server.url = member_text(job, node, "url");
        if (server.url.loc.file == 0 && node_get(node, "url") == NULL)
            diag_error(&job->diags, node->loc, "missing-key", "a server needs a 'url'");
        const struct node *variables = member_map(job, node, "variables");
        for (size_t j = 0; variables != NULL && j < variables->member_count; j++)
            read_variable(job, &server, &variables->members[j]);
        if (server.url.text.at != NULL)
            *vec_add(&job->pool, &servers) = server;
    }
    *at = servers.at;
    *count = servers.count;
}

static struct api_alternative read_alternative(struct job *job, const struct node *node)
{
    struct api_alternative alternative = {.loc = node->loc};

    for (size_t i = 0; i < node->member_count; i++) {
        const struct member *m = &node->members[i];
        struct api_requirement requirement = {.scheme = {.text = m->key, .loc = m->key_loc}};

        if (member_is(job, m->value, NODE_LIST, "scopes")) {
            requirement.scopes =
                pool_alloc(&job->pool, (m->value->item_count + 1) * sizeof *requirement.scopes);
            for (size_t j = 0; j < m->value->item_count; j++) {
                struct said scope = member_scalar(job, m->value->items[j], "scope");
                if (scope.text.at != NULL)
                    requirement.scopes[requirement.scope_count++] = scope;
            }
        }
        *vec_add(&job->pool, &alternative.all) = requirement;
    }
    return alternative;
}

struct api_security operation_read_security(struct job *job, const struct node *owner)
{
    struct api_security security = {0};
    const struct member *m = node_member(owner, STR("security"));

    if (m == NULL)
        return security;
    security.stated = true;
    security.loc = m->key_loc;
    if (!member_is(job, m->value, NODE_LIST, "security"))
        return security;
    for (size_t i = 0; i < m->value->item_count; i++) {
        const struct node *node = m->value->items[i];
        if (member_is(job, node, NODE_MAP, "security requirement"))
            *vec_add(&job->pool, &security.any) = read_alternative(job, node);
    }
    return security;
}

/* ---- parameters ---- */

static bool read_place(struct job *job, const struct node *node, enum api_in *in)
{
    static const struct str names[] = {
        [API_IN_PATH] = STR_INIT("path"),
        [API_IN_QUERY] = STR_INIT("query"),
        [API_IN_HEADER] = STR_INIT("header"),
        [API_IN_COOKIE] = STR_INIT("cookie"),
        [API_IN_QUERYSTRING] = STR_INIT("querystring"),
    };
    struct said place = member_text(job, node, "in");

    for (size_t i = 0; i < COUNT(names); i++)
        if (place.text.at != NULL && str_eq(place.text, names[i])) {
            *in = (enum api_in)i;
            return true;
        }
    if (place.text.at != NULL) {
        struct str near = diag_suggest(&job->pool, place.text, names, COUNT(names));
        diag_error(&job->diags, place.loc, "unknown-value",
                   "'%.*s' is no place for a parameter%.*s", STR_SHORT(place.text), STR_ARG(near));
    } else if (place.loc.file == 0) {
        diag_error(&job->diags, node->loc, "missing-key", "a parameter needs 'in'");
    }
    return false;
}

static bool read_parameter(struct job *job, const struct node *node, struct api_parameter *p)
{
    static const struct str styles[] = {
        [API_IN_PATH] = STR_INIT("simple"),      [API_IN_QUERY] = STR_INIT("form"),
        [API_IN_HEADER] = STR_INIT("simple"),    [API_IN_COOKIE] = STR_INIT("form"),
        [API_IN_QUERYSTRING] = STR_INIT("form"),
    };

    if (!member_is(job, node, NODE_MAP, "parameter"))
        return false;
    p->node = (struct node *)node;
    p->name = member_text(job, node, "name");
    if (!read_place(job, node, &p->in))
        return false;
    if (p->name.text.at == NULL) {
        if (node_get(node, "name") == NULL)
            diag_error(&job->diags, node->loc, "missing-key", "a parameter needs a 'name'");
        return false;
    }
    p->required = member_truth(job, node, "required");
    p->deprecated = member_truth(job, node, "deprecated");
    struct said style = member_text(job, node, "style");
    p->style = style.text.at ? style.text : styles[p->in];
    p->explode = node_get(node, "explode") ? member_truth(job, node, "explode")
                                           : str_eq(p->style, STR("form"));
    p->schema = ref_follow(job, node_get(node, "schema"));
    p->content = member_map(job, node, "content");
    return true;
}

static struct api_parameter *find_parameter(struct api_operation *op, const struct api_parameter *p)
{
    for (size_t i = 0; i < op->parameters.count; i++) {
        struct api_parameter *other = &op->parameters.at[i];
        if (other->in == p->in && str_eq(other->name.text, p->name.text))
            return other;
    }
    return NULL;
}

/* Adds a parameters list; entries from before `own` may be replaced, within the list a name is unique. */
static void read_parameters(struct job *job, const struct node *owner, struct api_operation *op)
{
    const struct node *list = member_list(job, owner, "parameters");
    size_t inherited = op->parameters.count;

    for (size_t i = 0; list != NULL && i < list->item_count; i++) {
        struct api_parameter p = {0};
        struct api_parameter *other;

        if (!read_parameter(job, ref_follow(job, list->items[i]), &p))
            continue;
        other = find_parameter(op, &p);
        if (other == NULL) {
            *vec_add(&job->pool, &op->parameters) = p;
        } else if (other < op->parameters.at + inherited) {
            *other = p;
        } else {
            diag_error(&job->diags, list->items[i]->loc, "duplicate-parameter",
                       "parameter '%.*s' is listed twice", STR_SHORT(p.name.text));
            diag_note(&job->diags, other->node->loc, "first here");
        }
    }
}

/* ---- bodies ---- */

static struct node *read_example(struct job *job, const struct node *media)
{
    struct node *example = node_get(media, "example");
    const struct node *examples;

    if (example != NULL)
        return example;
    examples = member_map(job, media, "examples");
    for (size_t i = 0; examples != NULL && i < examples->member_count; i++) {
        const struct node *entry = ref_follow(job, examples->members[i].value);
        if (entry == NULL || entry->kind != NODE_MAP)
            continue;
        if ((example = node_get(entry, "value")) == NULL)
            example = node_get(entry, "dataValue");
        if (example != NULL)
            return example;
    }
    return NULL;
}

static void read_content(struct job *job, const struct node *owner, struct api_media_type **at,
                         size_t *count)
{
    const struct node *content = member_map(job, owner, "content");
    VEC(struct api_media_type) types = {0};

    for (size_t i = 0; content != NULL && i < content->member_count; i++) {
        const struct member *m = &content->members[i];
        const struct node *media = ref_follow(job, m->value);
        struct api_media_type *type;

        if (!member_is(job, media, NODE_MAP, "media type"))
            continue;
        type = vec_add(&job->pool, &types);
        type->name = (struct said){.text = m->key, .loc = m->key_loc};
        type->schema = node_get(media, "schema");
        type->example = read_example(job, media);
    }
    *at = types.at;
    *count = types.count;
}

static bool is_status(struct str s)
{
    if (str_eq(s, STR("default")))
        return true;
    if (s.len != 3 || s.at[0] < '1' || s.at[0] > '5')
        return false;
    return str_eq(str_from(s, 1), STR("XX")) ||
           (s.at[1] >= '0' && s.at[1] <= '9' && s.at[2] >= '0' && s.at[2] <= '9');
}

static void read_responses(struct job *job, const struct api *api, const struct node *node,
                           struct api_operation *op)
{
    const struct node *responses = member_map(job, node, "responses");

    if (responses == NULL && api->version == API_3_0 && node_get(node, "responses") == NULL)
        diag_warn(&job->diags, op->loc, "missing-responses", "the operation has no 'responses'");
    for (size_t i = 0; responses != NULL && i < responses->member_count; i++) {
        const struct member *m = &responses->members[i];
        struct api_response response = {.status = {.text = m->key, .loc = m->key_loc}};

        if (str_starts(m->key, STR("x-")))
            continue;
        if (!is_status(m->key)) {
            diag_warn(
                &job->diags, m->key_loc, "bad-status",
                "'%.*s' is no status; write a code such as 200, a class such as 4XX or 'default'",
                STR_SHORT(m->key));
            continue;
        }
        const struct node *body = ref_follow(job, m->value);
        if (!member_is(job, body, NODE_MAP, "response"))
            continue;
        response.description = member_text(job, body, "description").text;
        response.headers = member_map(job, body, "headers");
        read_content(job, body, &response.content.at, &response.content.count);
        response.content.cap = response.content.count;
        *vec_add(&job->pool, &op->responses) = response;
    }
}

/* ---- operations ---- */

static const struct str operation_keys[] = {
    STR_INIT("tags"),         STR_INIT("summary"),     STR_INIT("description"),
    STR_INIT("externalDocs"), STR_INIT("operationId"), STR_INIT("parameters"),
    STR_INIT("requestBody"),  STR_INIT("responses"),   STR_INIT("callbacks"),
    STR_INIT("deprecated"),   STR_INIT("security"),    STR_INIT("servers"),
};

static void read_tags(struct job *job, const struct node *node, struct api_operation *op)
{
    const struct node *tags = member_list(job, node, "tags");

    for (size_t i = 0; tags != NULL && i < tags->item_count; i++) {
        struct said tag = member_scalar(job, tags->items[i], "tag");
        if (tag.text.at != NULL)
            *vec_add(&job->pool, &op->tags) = tag;
    }
}

static void read_operation(struct job *job, struct api *api, struct api_operation *op,
                           const struct node *node)
{
    const struct node *body;

    member_known(job, node, operation_keys, COUNT(operation_keys), "an operation");
    op->id = member_text(job, node, "operationId");
    op->summary = member_text(job, node, "summary");
    op->deprecated = member_truth(job, node, "deprecated");
    read_tags(job, node, op);
    read_parameters(job, node, op);
    body = member_map(job, node, "requestBody");
    if (body != NULL) {
        op->has_body = true;
        op->body_required = member_truth(job, body, "required");
        read_content(job, body, &op->body.at, &op->body.count);
        op->body.cap = op->body.count;
    }
    read_responses(job, api, node, op);
    op->security = operation_read_security(job, node);
    operation_read_servers(job, node, &op->servers.at, &op->servers.count);
    op->servers.cap = op->servers.count;
    op->gateway = node_get(node, "x-gateway");
    const struct node *callbacks = member_map(job, node, "callbacks");
    if (callbacks != NULL)
        api->callbacks += callbacks->member_count;
}

/* ---- path items ---- */

static const struct str item_keys[] = {
    STR_INIT("get"),     STR_INIT("put"),        STR_INIT("post"),
    STR_INIT("delete"),  STR_INIT("options"),    STR_INIT("head"),
    STR_INIT("patch"),   STR_INIT("trace"),      STR_INIT("query"),
    STR_INIT("$ref"),    STR_INIT("summary"),    STR_INIT("description"),
    STR_INIT("servers"), STR_INIT("parameters"), STR_INIT("additionalOperations"),
};
enum { METHODS_3_0 = 8, METHODS_3_2 = 9 };

/* "GET" when the key is a method of the document's version; at NULL otherwise. */
static struct str fixed_method(struct pool *pool, enum api_version version, struct str key)
{
    size_t count = version >= API_3_2 ? METHODS_3_2 : METHODS_3_0;

    for (size_t i = 0; i < count; i++) {
        if (!str_eq(key, item_keys[i]))
            continue;
        struct str method = pool_copy(pool, key);
        for (char *p = (char *)method.at; *p != '\0'; p++)
            *p = (char)(*p - 'a' + 'A');
        return method;
    }
    return (struct str){0};
}

struct item {
    struct job *job;
    struct api *api;
    struct api_path *path;
    const struct node *shared; /* whose parameters and security hold for every operation */
};

static void add_operation(struct item *item, struct str method, const struct member *m)
{
    struct api_operation op = {.method = method, .loc = m->key_loc};
    const struct node *node = ref_follow(item->job, m->value);

    if (!member_is(item->job, node, NODE_MAP, "operation"))
        return;
    read_parameters(item->job, item->shared, &op);
    read_operation(item->job, item->api, &op, node);
    *vec_add(&item->job->pool, &item->path->operations) = op;
}

static bool is_token(struct str s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c != '\0' && strchr(others, c) != NULL)))
            return false;
    }
    return s.len > 0 && s.len <= 64;
}

static void read_additional(struct item *item, const struct node *node)
{
    const struct node *more = member_map(item->job, node, "additionalOperations");

    for (size_t i = 0; more != NULL && i < more->member_count; i++) {
        const struct member *m = &more->members[i];
        static const char fixed[] = " GET PUT POST DELETE OPTIONS HEAD PATCH TRACE QUERY ";

        if (!is_token(m->key) || str_eq(m->key, STR("*")) || str_eq(m->key, STR("CONNECT"))) {
            diag_error(&item->job->diags, m->key_loc, "bad-method",
                       "'%.*s' cannot be served as a method", STR_SHORT(m->key));
            continue;
        }
        struct str framed = pool_printf(&item->job->pool, " %.*s ", STR_ARG(m->key));
        if (str_find_str(str_of(fixed), framed) < sizeof fixed - 1) {
            diag_error(&item->job->diags, m->key_loc, "bad-method",
                       "'%.*s' has a key of its own in the path item", STR_SHORT(m->key));
            continue;
        }
        add_operation(item, m->key, m);
    }
}

static void read_item(struct item *item, const struct node *node)
{
    const struct node *gateway;
    const struct member *any;

    member_known(item->job, node, item_keys, COUNT(item_keys), "a path item");
    for (size_t i = 0; i < node->member_count; i++) {
        const struct member *m = &node->members[i];
        struct str method = fixed_method(&item->job->pool, item->api->version, m->key);

        if (method.at != NULL)
            add_operation(item, method, m);
        else if (str_eq(m->key, STR("query")) ||
                 (item->api->version < API_3_2 && str_eq(m->key, STR("additionalOperations"))))
            diag_error(&item->job->diags, m->key_loc, "bad-method",
                       "'%.*s' is read from OpenAPI 3.2 on", STR_ARG(m->key));
    }
    if (item->api->version >= API_3_2)
        read_additional(item, node);
    gateway = ref_follow(item->job, node_get(node, "x-gateway"));
    if (gateway == NULL || gateway->kind != NODE_MAP)
        return;
    any = node_member(gateway, STR("any_method"));
    if (any != NULL && !(any->value->kind == NODE_BOOL && !any->value->truth))
        add_operation(item, STR("*"), any);
}

/* OpenAPI leaves open what members beside a path item's $ref mean; here they are added to what it points
 * at, and win where both say something. */
static struct node *merge_item(struct job *job, struct node *node)
{
    struct node *target = ref_follow(job, node);
    struct node *merged;
    VEC(struct member) members = {0};

    if (target == NULL || target == node || target->kind != NODE_MAP || node->member_count == 1)
        return target;
    for (size_t i = 0; i < node->member_count; i++)
        if (!str_eq(node->members[i].key, STR("$ref")))
            *vec_add(&job->pool, &members) = node->members[i];
    for (size_t i = 0; i < target->member_count; i++)
        if (node_member(node, target->members[i].key) == NULL)
            *vec_add(&job->pool, &members) = target->members[i];
    merged = pool_new(&job->pool, struct node);
    merged->kind = NODE_MAP;
    merged->loc = node->loc;
    merged->members = members.at;
    merged->member_count = members.count;
    return merged;
}

void operation_read_path(struct job *job, struct api *api, const struct member *m)
{
    struct api_path path = {.pattern = {.text = m->key, .loc = m->key_loc}};
    struct node *node = merge_item(job, m->value);
    struct item item = {.job = job, .api = api, .path = &path, .shared = node};

    if (m->key.len == 0 || m->key.at[0] != '/') {
        diag_error(&job->diags, m->key_loc, "bad-path", "the path '%.*s' must begin with '/'",
                   STR_SHORT(m->key));
        return;
    }
    if (!member_is(job, node, NODE_MAP, "path item"))
        return;
    operation_read_servers(job, node, &path.servers.at, &path.servers.count);
    path.servers.cap = path.servers.count;
    path.gateway = node_get(node, "x-gateway");
    read_item(&item, node);
    *vec_add(&job->pool, &api->paths) = path;
}
