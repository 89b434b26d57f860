/* room: what a node of a document is, as far as references and names at and below it are concerned: for
 * whoever walks a document and rewrites them. */
#ifndef GEN_ROOM_H
#define GEN_ROOM_H

#include "base/str.h"

enum room_kind { ROOM_OBJECT, ROOM_NAMES, ROOM_PATHS, ROOM_DATA };

struct room {
    enum room_kind kind;
    const char *section; /* of components, for a reference that stands here */
};

/* Of the value under a key of a map that stands in `here`. */
struct room room_below(struct room here, struct str key);

/* Of the items of a list that stands in `here`. */
struct room room_item(struct room here);

#endif
