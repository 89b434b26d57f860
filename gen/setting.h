/* setting: single values of x-gateway, from node to meaning. Every reader checks the kind and the range,
 * reports what is wrong and what would be right at the value's place, and then returns false with the
 * output untouched, so that a caller's default stands in for the bad value. */
#ifndef GEN_SETTING_H
#define GEN_SETTING_H

#include "ir.h"
#include "job.h"

/* A number, a duration in ms or a size in bytes that some level may or may not have said. */
struct setting {
    bool said;
    uint64_t value;
    struct loc loc;
};

/* True for the value `false`, which switches things off. */
bool setting_is_off(const struct node *node);

/* Text, or a number as written. */
bool setting_text(struct job *job, const struct node *node, const char *what, struct said *out);
bool setting_truth(struct job *job, const struct node *node, const char *what, bool *out);
bool setting_number(struct job *job, const struct node *node, const char *what, uint64_t min,
                    uint64_t max, uint64_t *out);

/* 250ms, 5s, 10m, 1h, 1d; at most 49 days. */
bool setting_duration(struct job *job, const struct node *node, const char *what, uint64_t *ms);

/* 512, 10k, 10m, 1g. */
bool setting_size(struct job *job, const struct node *node, const char *what, uint64_t *bytes);

/* "503", "200-299" or "5xx"; false when it is none of them. */
bool setting_status_range(struct str text, struct ir_status_range *out);
/* One of these or a list of them; `out` is an ir_statuses. */
bool setting_statuses(struct job *job, const struct node *node, const char *what, void *out);

/* NULL, a key that is absent, leaves *out as it is. */
void setting_said_number(struct job *job, const struct node *node, const char *what, uint64_t least,
                         uint64_t most, uint64_t *out);

/* The same two into a setting; `false` is 0. NULL leaves it unsaid. */
void setting_read_duration(struct job *job, const struct node *node, const char *what,
                           struct setting *out);
void setting_read_size(struct job *job, const struct node *node, const char *what,
                       struct setting *out);
void setting_read_number(struct job *job, const struct node *node, const char *what, uint64_t min,
                         uint64_t max, struct setting *out);

/* One text or a list of some, added to `out`, an ir_texts; NULL, a key that is absent, adds nothing. */
void setting_texts(struct job *job, const struct node *node, const char *what, void *out);

/* {env: NAME, default: text}, {file: /path} or a literal. */
bool setting_runtime(struct job *job, const struct node *node, const char *what,
                     struct ir_text *out);
/* The same, but never a literal: it would be in every repository that has the document. */
bool setting_secret(struct job *job, const struct node *node, const char *what,
                    struct ir_text *out);

/* Header fields (RFC 9110 section 5): the name a token, the value without control bytes. */
bool setting_header_name(struct job *job, struct said name);
bool setting_header_value(struct job *job, struct said value);
/* RFC 6265 section 4.1.1: a token, too. */
bool setting_cookie_name(struct job *job, struct said name);

/* "example.com", "*.example.com", "*", "10.0.0.1"; in lower case. */
bool setting_host(struct job *job, struct said text, struct str *host);

/* "10.0.0.0/8" or one address. */
bool setting_network(struct job *job, struct said text);

/* "[::]:8080", "0.0.0.0:80", ":80" or "unix:/path" to listen at. */
bool setting_address(struct job *job, struct said text);

/* http://host[:port][/path], https://… or unix:/path to send to. */
bool setting_target(struct job *job, struct said text, struct ir_target *target);

#endif
