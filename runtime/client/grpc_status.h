/* grpc_status: how a call of gRPC went. Its answer is HTTP 200, whatever became of it; grpc-status says that, in the head
 * of an answer that is nothing but trailers, or in the trailers behind the content. What it means for an upstream is told
 * as a status of HTTP, as Envoy has it: UNAVAILABLE 503, DEADLINE_EXCEEDED 504, INTERNAL, UNKNOWN and DATA_LOSS 500,
 * RESOURCE_EXHAUSTED 429; all others are 200, for they are no failures of the upstream. No status, or one that gRPC does
 * not know, is UNKNOWN, as it is for the client. Reached through `grpc_status_module`, which upstreams of
 * `protocol: grpc` name. */
#ifndef CLIENT_GRPC_STATUS_H
#define CLIENT_GRPC_STATUS_H

#include "client/upstream.h"

struct grpc_status_module {
    /* What an answer's head tells; 0: what comes behind it will. An answer that is not gRPC's tells its own status. */
    uint16_t (*of_head)(const struct head *head);
    /* What an answer's end tells, by the lines of its trailers. */
    uint16_t (*of_trailers)(struct str lines);
    /* It is nothing but trailers, with one of these statuses (1 << status). */
    bool (*is_one_of)(const struct head *head, uint32_t statuses);
};

extern const struct grpc_status_module grpc_status_module;

#endif
