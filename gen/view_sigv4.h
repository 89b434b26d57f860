/* view_sigv4: schemes of AWS signatures, for the templates. */
#ifndef GEN_VIEW_SIGV4_H
#define GEN_VIEW_SIGV4_H

#include "ir.h"
#include "value.h"

/* The constants of a struct gw_sigv4 each. */
struct value *view_sigv4_schemes(struct pool *pool, const struct gateway *gw);
bool view_uses_sigv4(const struct gateway *gw);

#endif
