/* upstreams_report: how the upstreams and their targets are, of all workers together: for /metrics and for the
 * operator's /upstreams, and what the operator may change there. */
#ifndef UPSTREAMS_REPORT_H
#define UPSTREAMS_REPORT_H

#include "base/text.h"

void upstreams_report_metrics(struct text *text);

/* One array, an object for each upstream. */
void upstreams_report_json(struct text *text);

enum upstreams_changed { UPSTREAMS_CHANGED, UPSTREAMS_UNKNOWN, UPSTREAMS_BAD };

/* `place`: NAME/INDEX, as in the path behind /upstreams/, NAME percent-encoded as in a query; `query`: weight=N or drain=true|false, as often as wanted,
 * or nothing is changed (UPSTREAMS_BAD). What is changed is logged. */
enum upstreams_changed upstreams_change(struct str place, struct str query);

#endif
