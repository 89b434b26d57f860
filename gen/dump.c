#include "dump.h"

#include "base/text.h"

static void print(const struct text *text, FILE *out)
{
    if (text->len > 0)
        fwrite(text->at, 1, text->len, out);
}

void dump_tree(struct pool *pool, const struct node *root, FILE *out)
{
    struct text text = {.pool = pool};

    node_json(root, &text, 2);
    text_byte(&text, '\n');
    print(&text, out);
}

/* Plain words stay plain; anything else is quoted, so that no text of a document can look like structure. */
static void word(struct text *text, struct str s)
{
    static const char plain[] = "-_.~/{}:$*@%+?=&,#[]";
    bool bare = s.len > 0;

    for (size_t i = 0; i < s.len && bare; i++) {
        char c = s.at[i];
        bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c != '\0' && strchr(plain, c) != NULL);
    }
    if (bare)
        text_add(text, s);
    else
        text_json(text, s.at ? s : STR(""));
}

static void line(struct text *text, const char *label, struct str s)
{
    text_add(text, str_of(label));
    text_byte(text, ' ');
    word(text, s);
    text_byte(text, '\n');
}

/* ---- api ---- */

static void dump_security(struct text *text, const char *label, const struct api_security *s)
{
    if (!s->stated)
        return;
    text_add(text, str_of(label));
    for (size_t i = 0; i < s->any.count; i++) {
        text_add(text, i > 0 ? STR(" |") : STR(""));
        if (s->any.at[i].all.count == 0)
            text_add(text, STR(" {}"));
        for (size_t j = 0; j < s->any.at[i].all.count; j++) {
            const struct api_requirement *r = &s->any.at[i].all.at[j];
            text_byte(text, ' ');
            word(text, r->scheme.text);
            for (size_t k = 0; k < r->scope_count; k++) {
                text_add(text, k == 0 ? STR("(") : STR(","));
                word(text, r->scopes[k].text);
            }
            text_add(text, r->scope_count > 0 ? STR(")") : STR(""));
        }
    }
    text_add(text, s->any.count == 0 ? STR(" public\n") : STR("\n"));
}

static void dump_content(struct text *text, const struct api_media_type *types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_byte(text, ' ');
        word(text, types[i].name.text);
        if (types[i].example != NULL)
            text_add(text, STR("*"));
    }
    text_byte(text, '\n');
}

static void dump_parameter(struct text *text, const struct api_parameter *p)
{
    static const char *const places[] = {"path", "query", "header", "cookie", "querystring"};

    text_printf(text, "    parameter %s ", places[p->in]);
    word(text, p->name.text);
    text_byte(text, ' ');
    word(text, p->style);
    text_add(text, p->explode ? STR(" explode") : STR(""));
    text_add(text, p->required ? STR(" required") : STR(""));
    text_add(text, p->deprecated ? STR(" deprecated") : STR(""));
    text_byte(text, '\n');
}

static void dump_api_operation(struct text *text, const struct api_operation *op)
{
    text_printf(text, "  %.*s ", STR_ARG(op->method));
    word(text, op->id.text.at ? op->id.text : STR("-"));
    text_add(text, op->deprecated ? STR(" deprecated\n") : STR("\n"));
    for (size_t i = 0; i < op->tags.count; i++)
        line(text, "    tag", op->tags.at[i].text);
    for (size_t i = 0; i < op->parameters.count; i++)
        dump_parameter(text, &op->parameters.at[i]);
    if (op->has_body) {
        text_add(text, op->body_required ? STR("    body required") : STR("    body"));
        dump_content(text, op->body.at, op->body.count);
    }
    for (size_t i = 0; i < op->responses.count; i++) {
        text_add(text, STR("    response "));
        word(text, op->responses.at[i].status.text);
        dump_content(text, op->responses.at[i].content.at, op->responses.at[i].content.count);
    }
    dump_security(text, "    security", &op->security);
    for (size_t i = 0; i < op->servers.count; i++)
        line(text, "    server", op->servers.at[i].url.text);
    text_add(text, op->gateway ? STR("    x-gateway\n") : STR(""));
}

static void dump_server(struct text *text, const struct api_server *server)
{
    line(text, "server", server->url.text);
    for (size_t i = 0; i < server->variables.count; i++) {
        const struct api_server_variable *v = &server->variables.at[i];
        text_add(text, STR("  variable "));
        word(text, v->name);
        text_add(text, STR(" = "));
        word(text, v->fallback);
        for (size_t j = 0; j < v->choice_count; j++) {
            text_add(text, STR(" | "));
            word(text, v->choices[j]);
        }
        text_byte(text, '\n');
    }
}

void dump_api(struct pool *pool, const struct api *api, FILE *out)
{
    struct text text = {.pool = pool};

    text_printf(&text, "openapi 3.%d\n", (int)api->version);
    line(&text, "title", api->title.text);
    line(&text, "version", api->info_version.text);
    for (size_t i = 0; i < api->servers.count; i++)
        dump_server(&text, &api->servers.at[i]);
    dump_security(&text, "security", &api->security);
    for (size_t i = 0; i < api->schemes.count; i++) {
        const struct api_scheme *s = &api->schemes.at[i];
        text_add(&text, STR("scheme "));
        word(&text, s->name.text);
        text_byte(&text, ' ');
        word(&text, s->type);
        text_byte(&text, ' ');
        word(&text, s->scheme.len ? s->scheme : s->in);
        text_byte(&text, ' ');
        word(&text, s->key_name);
        text_byte(&text, '\n');
    }
    for (size_t i = 0; i < api->paths.count; i++) {
        const struct api_path *path = &api->paths.at[i];
        line(&text, "path", path->pattern.text);
        for (size_t j = 0; j < path->servers.count; j++)
            line(&text, "  server", path->servers.at[j].url.text);
        text_add(&text, path->gateway ? STR("  x-gateway\n") : STR(""));
        for (size_t j = 0; j < path->operations.count; j++)
            dump_api_operation(&text, &path->operations.at[j]);
    }
    if (api->webhooks + api->callbacks > 0)
        text_printf(&text, "not served: %zu webhooks, %zu callbacks\n", api->webhooks,
                    api->callbacks);
    print(&text, out);
}
