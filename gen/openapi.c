#include "openapi.h"

#include "member.h"
#include "operation.h"
#include "ref.h"
#include "stray.h"

static bool is_version(struct str s, char minor)
{
    if (s.len < 5 || s.at[0] != '3' || s.at[1] != '.' || s.at[2] != minor || s.at[3] != '.')
        return false;
    for (size_t i = 4; i < s.len && s.at[i] != '-'; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.at[4] != '-';
}

static bool read_version(struct job *job, const struct node *root, struct api *api)
{
    const struct member *m = node_member(root, STR("openapi"));

    if (m == NULL) {
        const struct member *swagger = node_member(root, STR("swagger"));
        if (swagger != NULL)
            diag_error(&job->diags, swagger->key_loc, "openapi-version",
                       "swagger 2.0 documents are not read: convert the document to OpenAPI 3");
        else
            diag_error(&job->diags, root->loc, "openapi-version",
                       "this is no OpenAPI document: it has no 'openapi: 3.1.0'");
        return false;
    }
    if (m->value->kind == NODE_FLOAT || m->value->kind == NODE_INT) {
        diag_error(&job->diags, m->value->loc, "openapi-version",
                   "the version %.*s must be written with three numbers, such as 3.1.0",
                   STR_SHORT(m->value->text));
        return false;
    }
    if (!member_is(job, m->value, NODE_TEXT, "openapi"))
        return false;
    for (int minor = 0; minor <= 2; minor++) {
        if (is_version(m->value->text, (char)('0' + minor))) {
            api->version = (enum api_version)minor;
            return true;
        }
    }
    diag_error(&job->diags, m->value->loc, "openapi-version",
               "OpenAPI '%.*s' is not read: write 3.0.x, 3.1.x or 3.2.x",
               STR_SHORT(m->value->text));
    return false;
}

static void read_info(struct job *job, const struct node *root, struct api *api)
{
    const struct node *info = member_map(job, root, "info");

    if (info == NULL) {
        if (node_get(root, "info") == NULL)
            diag_warn(&job->diags, root->loc, "missing-key",
                      "the document has no 'info' with a title and a version");
        return;
    }
    api->title = member_text(job, info, "title");
    api->info_version = member_text(job, info, "version");
}

static struct str text_or_empty(struct job *job, const struct node *node, const char *key)
{
    struct str text = member_text(job, node, key).text;

    return text.at ? text : STR("");
}

/* For lints alone: what is wrong with flows is not the gateway's to say. */
static void read_scopes(struct job *job, const struct node *flows, struct api_scheme *scheme)
{
    struct map known = {0};

    for (size_t i = 0; flows != NULL && flows->kind == NODE_MAP && i < flows->member_count; i++) {
        const struct node *scopes = node_get(flows->members[i].value, "scopes");

        if (scopes == NULL || scopes->kind != NODE_MAP)
            continue;
        for (size_t j = 0; j < scopes->member_count; j++) {
            struct member *m = &scopes->members[j];
            if (map_set(&known, &job->pool, m->key, m) == NULL)
                *vec_add(&job->pool, &scheme->scopes) =
                    (struct said){.text = m->key, .loc = m->key_loc};
        }
    }
}

static void read_schemes(struct job *job, const struct node *components, struct api *api)
{
    const struct node *schemes = member_map(job, components, "securitySchemes");

    for (size_t i = 0; schemes != NULL && i < schemes->member_count; i++) {
        const struct member *m = &schemes->members[i];
        struct node *node = ref_follow(job, m->value);
        struct api_scheme scheme = {.name = {.text = m->key, .loc = m->key_loc}, .node = node};

        if (str_starts(m->key, STR("x-")) || !member_is(job, node, NODE_MAP, "security scheme"))
            continue;
        scheme.type = text_or_empty(job, node, "type");
        scheme.scheme = text_or_empty(job, node, "scheme");
        scheme.in = text_or_empty(job, node, "in");
        scheme.key_name = text_or_empty(job, node, "name");
        scheme.gateway = node_get(node, "x-gateway");
        if (str_eq(scheme.type, STR("oauth2")))
            read_scopes(job, node_get(node, "flows"), &scheme);
        *vec_add(&job->pool, &api->schemes) = scheme;
    }
}

static void read_paths(struct job *job, const struct node *root, struct api *api)
{
    const struct node *paths = member_map(job, root, "paths");

    if (paths == NULL && node_get(root, "paths") == NULL && api->version == API_3_0)
        diag_warn(&job->diags, root->loc, "missing-key", "the document has no 'paths'");
    for (size_t i = 0; paths != NULL && i < paths->member_count; i++) {
        const struct member *m = &paths->members[i];

        if (!str_starts(m->key, STR("x-")))
            operation_read_path(job, api, m);
    }
}

static const struct str root_keys[] = {
    STR_INIT("openapi"),  STR_INIT("info"),         STR_INIT("jsonSchemaDialect"),
    STR_INIT("servers"),  STR_INIT("paths"),        STR_INIT("webhooks"),
    STR_INIT("security"), STR_INIT("components"),   STR_INIT("tags"),
    STR_INIT("$self"),    STR_INIT("externalDocs"),
};

struct api *openapi_read(struct job *job, struct node *root, uint32_t file)
{
    struct api *api = pool_new(&job->pool, struct api);
    const struct node *components, *webhooks;

    if (job_failed(job) || root == NULL)
        return NULL;
    api->file = file;
    api->root = root;
    api->loc = root->loc;
    if (root->kind != NODE_MAP) {
        diag_error(&job->diags, root->loc, "openapi-version",
                   "this is no OpenAPI document: it is %s, not a map", node_kind_name(root));
        return NULL;
    }
    if (!read_version(job, root, api))
        return NULL;
    member_known(job, root, root_keys, sizeof root_keys / sizeof *root_keys, "the document");
    read_info(job, root, api);
    components = member_map(job, root, "components");
    if (components != NULL) {
        read_schemes(job, components, api);
        api->shared_gateway = member_map(job, components, "x-gateway");
    }
    operation_read_servers(job, root, &api->servers.at, &api->servers.count);
    api->servers.cap = api->servers.count;
    api->security = operation_read_security(job, root);
    api->gateway = node_get(root, "x-gateway");
    webhooks = member_map(job, root, "webhooks");
    api->webhooks = webhooks ? webhooks->member_count : 0;
    read_paths(job, root, api);
    stray_references(job, api);
    return api;
}
