#include "vocabulary.h"

#include "policy/type.h"
#include "xgateway.h"

/* The text so far. All names come from our own tables: nothing needs to be escaped. */
struct writer {
    struct text *out;
    VEC(const struct policy_type *) types; /* met so far: each becomes a definition */
};

#define REFERENCE "{$ref: \"#/$defs/reference\"}"
#define LATER "{$ref: \"#/$defs/later\"}"

/* Where blocks stand in a document (OpenAPI's own keys are not judged). */
static const char frame[] =
    "# The x-gateway blocks of an OpenAPI document, for editors. Made by `make schema` from the compiler's "
    "tables.\n"
    "$schema: https://json-schema.org/draft/2020-12/schema\n"
    "title: OpenAPI with x-gateway\n"
    "type: object\n"
    "properties:\n"
    "  x-gateway: {$ref: \"#/$defs/document-block\"}\n"
    "  paths: {$ref: \"#/$defs/path-items\"}\n"
    "  components:\n"
    "    type: object\n"
    "    properties:\n"
    "      pathItems: {$ref: \"#/$defs/path-items\"}\n"
    "      securitySchemes:\n"
    "        type: object\n"
    "        additionalProperties: {type: object, properties: {x-gateway: {$ref: \"#/$defs/scheme-block\"}}}\n"
    "$defs:\n"
    "  reference: {type: object, required: [$ref], additionalProperties: false, properties: {$ref: {type: "
    "string}}}\n"
    "  path-items:\n"
    "    type: object\n"
    "    additionalProperties:\n"
    "      type: object\n"
    "      properties:\n"
    "        x-gateway: {$ref: \"#/$defs/path-block\"}\n"
    "        additionalOperations: {type: object, additionalProperties: {$ref: \"#/$defs/operation-object\"}}\n"
    "      patternProperties:\n"
    "        ^(get|put|post|delete|options|head|patch|trace|query)$: {$ref: \"#/$defs/operation-object\"}\n"
    "  later: {const: false, description: not built yet; false is accepted}\n"
    "  log-level-word: {enum: [debug, info, warn, error]}\n"
    "  operation-object: {type: object, properties: {x-gateway: {$ref: \"#/$defs/operation-block\"}}}\n";

/* What a cell of each kind takes: as its reader in setting.h, but for ranges. */
static const struct {
    const char *name, *schema; /* NULL: made from a table */
} cells[CELL_KINDS] = {
    [CELL_ANYTHING] = {"anything", "true"},
    [CELL_TEXT] = {"text", "{type: [string, number]}"},
    [CELL_TEXT_OR_TEXTS] = {"text-or-texts", "{type: [string, number, array], minItems: 1, items: "
                                             "{$ref: \"#/$defs/text\"}}"},
    [CELL_TEXTS_OR_NONE] = {"texts-or-none",
                            "{type: [string, number, array], items: {$ref: \"#/$defs/text\"}}"},
    [CELL_SERVERS_OR_TEXTS] = {"servers-or-texts",
                               "{anyOf: [{const: $servers}, {type: array, minItems: 1, "
                               "items: {$ref: \"#/$defs/text\"}}]}"},
    [CELL_TEXTS_OR_RUNTIME] = {"texts-or-runtime",
                               "{anyOf: [{type: array, items: {$ref: \"#/$defs/text\"}}, {$ref: "
                               "\"#/$defs/runtime-reference\"}]}"},
    [CELL_NAMED_TEXTS] =
        {"named-texts", "{type: object, additionalProperties: {$ref: \"#/$defs/text-or-texts\"}}"},
    [CELL_LABELS] = {"labels", "{type: object, minProperties: 1, additionalProperties: {$ref: "
                               "\"#/$defs/text\"}}"},
    [CELL_LOG_FIELDS] = {"log-fields", NULL},
    [CELL_LOG_LEVEL] = {"log-level",
                        "{if: {type: object}, then: {type: object, required: [default], "
                        "additionalProperties: false, properties: {default: {$ref: "
                        "\"#/$defs/log-level-word\"}}}, else: {$ref: "
                        "\"#/$defs/log-level-word\"}}"},
    [CELL_NUMBER] = {"number", "{type: integer, minimum: 0}"},
    [CELL_WEIGHTS] = {"weights", "{type: [string, number, object], minProperties: 1, properties: "
                                 "{$sticky: {$ref: \"#/$defs/sticky\"}}, "
                                 "additionalProperties: {type: [integer, object], minimum: 0, "
                                 "required: [default], additionalProperties: false, properties: "
                                 "{default: {$ref: \"#/$defs/number\"}, min: {$ref: "
                                 "\"#/$defs/number\"}, max: {$ref: \"#/$defs/number\"}}}}"},
    [CELL_TRUTH] = {"truth", "{type: boolean}"},
    [CELL_DURATION] = {"duration", "{type: string, pattern: \"^[0-9]{1,15}(ms|s|m|h|d)$\"}"},
    [CELL_DURATION_OR_OFF] = {"duration-or-off",
                              "{anyOf: [{const: false}, {$ref: \"#/$defs/duration\"}]}"},
    [CELL_SIZE] = {"size",
                   "{type: [integer, string], minimum: 0, pattern: \"^[0-9]{1,15}[kmg]?$\"}"},
    [CELL_SIZE_OR_OFF] = {"size-or-off", "{anyOf: [{const: false}, {$ref: \"#/$defs/size\"}]}"},
    [CELL_RUNTIME] = {"runtime",
                      "{anyOf: [{$ref: \"#/$defs/text\"}, {$ref: \"#/$defs/runtime-reference\"}]}"},
    [CELL_REFERENCE] =
        {"runtime-reference",
         "{type: object, oneOf: [{required: [env]}, {required: [file]}], additionalProperties: "
         "false, properties: {env: {type: string, minLength: 1}, file: {type: string, "
         "minLength: 1}, default: {$ref: \"#/$defs/text\"}}}"},
    [CELL_REFERENCES] =
        {"runtime-references",
         "{type: array, minItems: 1, items: {$ref: \"#/$defs/runtime-reference\"}}"},
};

static void indent(struct writer *w, unsigned depth)
{
    text_printf(w->out, "%*s", (int)depth * 2, "");
}

/* ---- the tables ---- */

/* "limits", "limits.below" when another type has that place already. */
static void type_name(struct writer *w, const struct policy_type *type)
{
    const char *more = "";

    for (size_t i = 0; i < w->types.count && w->types.at[i] != type; i++)
        if (!strcmp(w->types.at[i]->place, type->place))
            more = ".below";
    text_printf(w->out, "%s%s", type->place, more);
}

static void type_reference(struct writer *w, const struct policy_type *type)
{
    if (type->schema->type == CYAML_STRING) {
        text_printf(w->out, "{$ref: \"#/$defs/%s\"}", cells[POLICY_CELL_KIND(type->schema)].name);
        return;
    }
    bool known = false;
    for (size_t i = 0; i < w->types.count; i++)
        known |= w->types.at[i] == type;
    if (!known)
        *vec_add(w->out->pool, &w->types) = type;
    text_add(w->out, STR("{$ref: \"#/$defs/"));
    type_name(w, type);
    text_add(w->out, STR("\"}"));
}

/* A value that has a type of its own: the one of its place, else the one of its key. */
static void typed_cell(struct writer *w, enum policy_cell_kind kind, struct str place,
                       const char *key)
{
    const struct policy_type *type = xgateway_nested(place);

    if (kind != CELL_TYPED)
        text_printf(w->out, "{anyOf: [%s, ",
                    kind == CELL_TYPED_OR_OFF ? "{const: false}" : "{type: boolean}");
    type_reference(w, type ? type : xgateway_nested(str_of(key)));
    if (kind != CELL_TYPED)
        text_add(w->out, STR("]}"));
}

static void cell(struct writer *w, const cyaml_schema_value_t *schema, struct str place,
                 const char *key)
{
    enum policy_cell_kind kind = POLICY_CELL_KIND(schema);

    if (kind >= CELL_TYPED)
        typed_cell(w, kind, place, key);
    else
        text_printf(w->out, "{anyOf: [" REFERENCE ", {$ref: \"#/$defs/%s\"}]}", cells[kind].name);
}

static void words(struct writer *w, const cyaml_schema_value_t *schema)
{
    const char *before = "";

    if (schema->enumeration.strings == policy_truth) {
        text_add(w->out, STR("{anyOf: [" REFERENCE ", {$ref: \"#/$defs/truth\"}]}"));
        return;
    }
    text_add(w->out, STR("{anyOf: [" REFERENCE ", {enum: ["));
    for (uint32_t i = 0; i < schema->enumeration.count; i++) {
        if (schema->enumeration.strings[i].val >= POLICY_LATER_FROM)
            continue;
        text_printf(w->out, "%s\"%s\"", before, schema->enumeration.strings[i].str);
        before = ", ";
    }
    text_add(w->out, STR("]}]}"));
}

/* What must be there; `depth` is that of the keyword. */
static void required(struct writer *w, const cyaml_schema_field_t *fields, unsigned depth)
{
    const char *before = "required: [";

    for (const cyaml_schema_field_t *f = fields; f->key; f++) {
        if ((f->value.flags & CYAML_FLAG_OPTIONAL) || f->key[0] == '(')
            continue;
        if (before[0] == 'r')
            indent(w, depth);
        text_printf(w->out, "%s%s", before, f->key);
        before = ", ";
    }
    if (before[0] == ',')
        text_add(w->out, STR("]\n"));
}

static void block(struct writer *w, const cyaml_schema_value_t *schema, struct str place,
                  unsigned depth);

/* Behind "key:", to the end of the line or over several. */
static void field(struct writer *w, const cyaml_schema_field_t *f, struct str place, unsigned depth)
{
    indent(w, depth);
    text_printf(w->out, "%s:", f->key);
    place = pool_printf(w->out->pool, "%.*s.%s", STR_ARG(place), f->key);
    if (f->value.type == CYAML_MAPPING || f->value.type == CYAML_SEQUENCE) {
        text_byte(w->out, '\n');
        block(w, &f->value, place, depth + 1);
        return;
    }
    text_byte(w->out, ' ');
    if (f->value.type == CYAML_STRING)
        cell(w, &f->value, place, f->key);
    else if (f->value.type == CYAML_ENUM)
        words(w, &f->value);
    else
        text_add(w->out, STR(LATER));
    text_byte(w->out, '\n');
}

static void mapping(struct writer *w, const cyaml_schema_value_t *schema, struct str place,
                    unsigned depth)
{
    indent(w, depth);
    text_add(w->out, STR("type: object\n"));
    indent(w, depth);
    text_add(w->out, STR("additionalProperties: false\n"));
    required(w, schema->mapping.fields, depth);
    indent(w, depth);
    text_add(w->out, STR("properties:\n"));
    for (const cyaml_schema_field_t *f = schema->mapping.fields; f->key; f++)
        if (f->key[0] != '(')
            field(w, f, place, depth + 1);
}

static void sequence(struct writer *w, const cyaml_schema_value_t *schema, struct str place,
                     unsigned depth)
{
    const cyaml_schema_value_t *entry = schema->sequence.entry;
    const cyaml_schema_field_t *first = entry->mapping.fields;
    bool keyed = !strcmp(first->key, "(key)");

    indent(w, depth);
    text_printf(w->out, "type: %s\n", keyed ? "object" : "array");
    indent(w, depth);
    text_add(w->out, keyed ? STR("additionalProperties:") : STR("items:"));
    if (keyed && !strcmp(first[1].key, "(value)")) {
        text_byte(w->out, ' ');
        cell(w, &first[1].value, pool_printf(w->out->pool, "%.*s.*", STR_ARG(place)), "");
        text_byte(w->out, '\n');
    } else {
        text_byte(w->out, '\n');
        block(w, entry, place, depth + 1);
    }
}

/* A reference, or what follows a line deeper: a choice of words that gives good messages. */
static void reference_or(struct writer *w, unsigned depth)
{
    indent(w, depth);
    text_add(w->out, STR("if: {type: object, required: [$ref]}\n"));
    indent(w, depth);
    text_add(w->out, STR("then: " REFERENCE "\n"));
    indent(w, depth);
    text_add(w->out, STR("else:\n"));
}

static void block(struct writer *w, const cyaml_schema_value_t *schema, struct str place,
                  unsigned depth)
{
    reference_or(w, depth);
    if (schema->type == CYAML_MAPPING)
        mapping(w, schema, place, depth + 1);
    else
        sequence(w, schema, place, depth + 1);
}

/* ---- the levels ---- */

/* A table's definition takes a reference itself. */
static void alternatives(struct writer *w, struct xgateway_shape shape)
{
    bool table = shape.type && shape.type->schema->type != CYAML_STRING;

    if (table && !shape.takes_off) {
        type_reference(w, shape.type);
        return;
    }
    text_add(w->out, table ? STR("{anyOf: [") : STR("{anyOf: [" REFERENCE ", "));
    if (shape.takes_off)
        text_add(w->out, shape.takes_true ? STR("{type: boolean}") : STR("{const: false}"));
    if (shape.takes_off && shape.type)
        text_add(w->out, STR(", "));
    if (shape.type)
        type_reference(w, shape.type);
    text_add(w->out, STR("]}"));
}

static void key(struct writer *w, enum policy policy, enum policy_level level)
{
    const struct policy_row *row = &policy_rows[policy];

    text_printf(w->out, "        %.*s: ", STR_ARG(row->key));
    if (policy == POLICY_any_method) {
        text_add(w->out, STR("{$ref: \"#/$defs/operation-object\"}"));
    } else if (!row->built) {
        text_add(w->out, STR(LATER));
    } else {
        alternatives(w, xgateway_shape(policy, level));
    }
    text_byte(w->out, '\n');
}

static void level_block(struct writer *w, const char *name, enum policy_level level)
{
    text_printf(w->out, "  %s:\n", name);
    reference_or(w, 2);
    text_add(w->out, STR("      type: object\n"));
    text_add(w->out, STR("      additionalProperties: false\n      properties:\n"));
    for (size_t i = 0; i < POLICY_COUNT; i++)
        if (policy_rows[i].levels & level)
            key(w, (enum policy)i, level);
}

/* ---- the whole ---- */

static void log_fields(struct writer *w)
{
    static const char *const names[] = {
#define LOG_FIELD(name, key, shown) #name,
#include "base/log_fields.def"
#undef LOG_FIELD
    };

    text_add(w->out, STR("{type: array, uniqueItems: true, items: {enum: ["));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        text_printf(w->out, "%s%s", i ? ", " : "", names[i]);
    text_add(w->out, STR("]}}"));
}

static void cell_kinds(struct writer *w)
{
    for (size_t i = 0; i < CELL_KINDS; i++) {
        text_printf(w->out, "  %s: ", cells[i].name);
        if (cells[i].schema)
            text_add(w->out, str_of(cells[i].schema));
        else
            log_fields(w);
        text_byte(w->out, '\n');
    }
}

void vocabulary_schema(struct text *out)
{
    struct writer w = {.out = out};

    text_add(out, str_of(frame));
    level_block(&w, "document-block", LEVEL_DOCUMENT);
    level_block(&w, "path-block", LEVEL_PATH);
    level_block(&w, "operation-block", LEVEL_OPERATION);
    level_block(&w, "scheme-block", LEVEL_SCHEME);
    for (size_t i = 0; i < w.types.count; i++) { /* each may add more */
        text_add(out, STR("  "));
        type_name(&w, w.types.at[i]);
        text_add(out, STR(":\n"));
        block(&w, w.types.at[i]->schema, str_of(w.types.at[i]->place), 2);
    }
    cell_kinds(&w);
}
