/* api: an OpenAPI document as plain data: what it says, in its order, with every $ref followed that matters to
 * the gateway. No inheritance, no defaults of ours, no conflicts. x-gateway blocks are handed on as nodes. */
#ifndef GEN_API_H
#define GEN_API_H

#include "base/vec.h"
#include "node.h"

enum api_version { API_3_0, API_3_1, API_3_2 };

struct api_server_variable {
    struct str name;
    struct str fallback; /* "default" */
    struct str *choices; /* "enum" */
    size_t choice_count;
    struct loc loc;
};

struct api_server {
    struct said url; /* as written, with {variables} */
    VEC(struct api_server_variable) variables;
};

enum api_in { API_IN_PATH, API_IN_QUERY, API_IN_HEADER, API_IN_COOKIE, API_IN_QUERYSTRING };

struct api_parameter {
    struct said name;
    enum api_in in;
    bool required, deprecated;
    struct str style; /* as written, or the default of its place */
    bool explode;
    struct node *schema;  /* followed; NULL when absent */
    struct node *content; /* map of media types; NULL when absent */
    struct node *node;
};

struct api_media_type {
    struct said name; /* application/json */
    struct node *schema;
    struct node *example; /* example, or the value of the first of examples; NULL when absent */
};

struct api_response {
    struct said status; /* "200", "2XX", "default" */
    struct str description;
    VEC(struct api_media_type) content;
    struct node *headers; /* map of header objects or NULL */
};

/* One requirement: a scheme and its scopes. */
struct api_requirement {
    struct said scheme;
    struct said *scopes;
    size_t scope_count;
};

/* One alternative: all of its requirements hold. Empty: anonymous. */
struct api_alternative {
    VEC(struct api_requirement) all;
    struct loc loc;
};

struct api_security {
    bool stated; /* the key is there; stated with no alternatives: public */
    VEC(struct api_alternative) any;
    struct loc loc;
};

struct api_operation {
    struct str method; /* upper case, a token: GET, QUERY, … ; "*" for x-gateway any_method */
    struct loc loc;    /* of the method's key */
    struct said id;    /* operationId; absent when not written */
    struct said summary;
    VEC(struct said) tags;
    bool deprecated;
    VEC(struct api_parameter) parameters; /* its own replace the path item's */
    bool has_body, body_required;
    VEC(struct api_media_type) body;
    VEC(struct api_response) responses;
    struct api_security security;
    VEC(struct api_server) servers;
    struct node *gateway; /* x-gateway or NULL */
};

struct api_path {
    struct said pattern; /* the key as written: /users/{id}, /x?a=b, /x#frag */
    VEC(struct api_server) servers;
    VEC(struct api_operation) operations;
    struct node *gateway;
};

struct api_scheme {
    struct said name;
    struct str type;   /* http, apiKey, oauth2, openIdConnect, mutualTLS */
    struct str scheme; /* http: bearer, basic … */
    struct str in, key_name;
    VEC(struct said) scopes; /* oauth2: what its flows declare, each once */
    struct node *node;
    struct node *gateway;
};

struct api {
    uint32_t file;
    enum api_version version;
    struct said title, info_version;
    struct loc loc;
    VEC(struct api_server) servers;
    VEC(struct api_path) paths;
    VEC(struct api_scheme) schemes;
    struct api_security security;
    struct node *root;
    struct node *gateway;        /* document-level x-gateway or NULL */
    struct node *shared_gateway; /* components.x-gateway or NULL */
    size_t webhooks, callbacks;  /* read past; for the build report */
};

#endif
