/* target_url: a target as an operator writes it, where the compiler did not read it. */
#ifndef CLIENT_TARGET_URL_H
#define CLIENT_TARGET_URL_H

#include "client/upstream.h"

/* http://HOST[:PORT][/PATH] or unix:/PATH; https:// when is_tls. Fills *target, of weight 1, with pieces of `url`, which
 * has to last; false: it is none. */
bool target_url_read(struct str url, bool is_tls, struct gw_target *target);

#endif
