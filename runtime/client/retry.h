/* retry: another try where one has failed, as the document allows it: for certain failures and answers, for methods
 * that may be sent twice, as often as the budget lets it, after a pause that grows (exponential backoff with full
 * jitter: M. Brooker, Exponential Backoff And Jitter, 2015). The request's content is kept for that, up to a limit. */
#ifndef CLIENT_RETRY_H
#define CLIENT_RETRY_H

#include "client/call.h"

struct retry_module {
    /* The call begins: its body is kept from here on. False: it is a hedge, and there are enough of its kind. */
    bool (*open)(struct upstream_call *call);
    /* A try begins. */
    void (*begin)(struct upstream_call *call);
    /* It has ended like that. True: another one will be made; the call has let go of this one. */
    bool (*again)(struct upstream_call *call, enum try_end how);
    /* There will be no other; what was kept goes. May be called again. */
    void (*close)(struct upstream_call *call);
};

extern const struct retry_module retry_module;

/* The pause before the n-th retry (from 1), in ms, for a random number. */
uint32_t retry_backoff(const struct gw_retry *config, uint32_t retry, uint64_t random);

/* True when the answer, whose head is there, is not passed on while tries are left. */
bool retry_names_answer(const struct upstream_call *call);

/* The seconds of a Retry-After, as a number or a date (RFC 9110 section 10.2.3); 0: none that is understood.
 * `wall`: seconds since 1970. */
uint32_t retry_after_seconds(struct str value, uint64_t wall);

#endif
