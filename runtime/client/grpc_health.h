/* grpc_health: the messages of grpc.health.v1.Health/Check (grpc.io, "GRPC Health Checking Protocol"), each behind
 * the five bytes that frame a message of gRPC. Pure functions over bytes: what they know of protobuf is one string
 * and one number. */
#ifndef CLIENT_GRPC_HEALTH_H
#define CLIENT_GRPC_HEALTH_H

#include "base/pool.h"

/* Longer answers are no answers: a status has seven bytes with its frame. */
enum { GRPC_HEALTH_MAX = 256 };

/* HealthCheckRequest; an empty service asks for the server as a whole. Lives in the pool. */
struct str grpc_health_request(struct pool *pool, struct str service);

enum grpc_health { GRPC_SERVING, GRPC_NOT_SERVING, GRPC_NO_HEALTH };

/* HealthCheckResponse. GRPC_NO_HEALTH: the bytes are not one message of that kind. */
enum grpc_health grpc_health_read(struct str bytes);

#endif
