/* Library: what the files of this folder share. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gw.h"

_Static_assert(GW_ABI == 1, "made for another runtime: run apigw-gen generate again");

/* Routes in document order. */
enum gateway_route {
    ROUTE_LIST_BOOKS,
    ROUTE_LIST_LOANS,
    ROUTE_LEND,
    ROUTE_REPORT,
    ROUTE_SETTINGS,
    ROUTE_COUNT,
};

/* Where a flow may stand. */
enum { AT_START, AT_UPSTREAM };

extern const struct gw_upstream backend_library;
extern const struct gw_ip_restriction ip_restriction_1;

/* Who calls, by a key. */
extern const struct gw_key_auth key_of_kiosks;

/* Who calls, by a token. */
extern const struct gw_jwt jwt_of_staff;

/* Who calls, by the signature of AWS. */
extern const struct gw_sigv4 sigv4_of_jobs;

/* Who calls, by a user's name and password. */
extern const struct gw_basic basic_of_keepers;

/* Sent there as it came. */
extern const struct gw_forward to_library;

extern const struct gw_timeouts timeouts_default;
extern const struct gw_errors errors_default;

extern const struct gw_route route_list_books;
extern const struct gw_route route_list_loans;
extern const struct gw_route route_lend;
extern const struct gw_route route_report;
extern const struct gw_route route_settings;

enum gw_next flow_list_books(struct gw_req *rq);
enum gw_next flow_list_loans(struct gw_req *rq);
enum gw_next flow_lend(struct gw_req *rq);
enum gw_next flow_report(struct gw_req *rq);
enum gw_next flow_settings(struct gw_req *rq);

#endif
