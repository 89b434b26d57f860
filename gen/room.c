#include "room.h"

/* What stands below a key of an object. */
static const struct {
    const char *key;
    struct room below;
} keys[] = {
    {"paths", {ROOM_PATHS, NULL}},
    {"webhooks", {ROOM_PATHS, NULL}},
    {"pathItems", {ROOM_PATHS, NULL}},
    {"schema", {ROOM_OBJECT, "schemas"}},
    {"schemas", {ROOM_NAMES, "schemas"}},
    {"properties", {ROOM_NAMES, "schemas"}},
    {"patternProperties", {ROOM_NAMES, "schemas"}},
    {"$defs", {ROOM_NAMES, "schemas"}},
    {"definitions", {ROOM_NAMES, "schemas"}},
    {"dependentSchemas", {ROOM_NAMES, "schemas"}},
    {"parameters", {ROOM_NAMES, "parameters"}},
    {"responses", {ROOM_NAMES, "responses"}},
    {"requestBodies", {ROOM_NAMES, "requestBodies"}},
    {"requestBody", {ROOM_OBJECT, "requestBodies"}},
    {"headers", {ROOM_NAMES, "headers"}},
    {"examples", {ROOM_NAMES, "examples"}},
    {"links", {ROOM_NAMES, "links"}},
    {"callbacks", {ROOM_NAMES, "callbacks"}},
    {"securitySchemes", {ROOM_NAMES, "securitySchemes"}},
    {"content", {ROOM_NAMES, NULL}},
    {"mapping", {ROOM_DATA, NULL}},
    {"variables", {ROOM_DATA, NULL}},
    {"example", {ROOM_DATA, NULL}},
    {"value", {ROOM_DATA, NULL}},
    {"default", {ROOM_DATA, NULL}},
    {"const", {ROOM_DATA, NULL}},
    {"enum", {ROOM_DATA, NULL}},
};

struct room room_below(struct room here, struct str key)
{
    if (here.kind == ROOM_DATA)
        return here;
    if (here.kind == ROOM_NAMES)
        return (struct room){ROOM_OBJECT, here.section};
    if (here.kind == ROOM_PATHS)
        return (struct room){ROOM_OBJECT, "pathItems"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (str_eq(key, str_of(keys[i].key)))
            return keys[i].below;
    }
    /* items, allOf, additionalProperties …: schemas hold schemas */
    return (struct room){ROOM_OBJECT,
                         here.section && !strcmp(here.section, "schemas") ? "schemas" : NULL};
}

struct room room_item(struct room here)
{
    /* parameters are a list at paths and operations, a map in components */
    return here.kind == ROOM_NAMES ? (struct room){ROOM_OBJECT, here.section} : here;
}
