/* log_line: one finished request as one line of text: JSON or Apache combined. Fields carry their units in
 * their names; whatever a client wrote is escaped and bounded, and credentials in a query are masked. */
#ifndef LOG_LINE_H
#define LOG_LINE_H

#include "request/worker.h"

/* No line is longer: every value has a bound of its own. */
enum { LOG_LINE_MAX = 48 * 1024 };

/* Once, before any line: the form of the gateway's lines and of those of routes that have their own. false:
 * *unknown is the field nobody knows. */
bool log_line_setup(const struct gw_access_log *config, const struct gw_route *const *routes,
                    uint32_t count, struct str *unknown);

/* True when some line shows a request id. */
bool log_line_has_id(void);

/* Writes the line with its newline; its length, or 0 when `room` is too small. */
size_t log_line_write(char *to, size_t room, const struct gw_req *rq);

#endif
