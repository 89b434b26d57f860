/* vec: a growing array in a pool. VEC(struct route) routes = {0}; *vec_add(pool, &routes) = route; then
 * routes.at[i] for i < routes.count. Growing moves the items: keep indexes, not pointers, while adding. */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/pool.h"

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t count, cap;                                                                         \
    }

/* The address of a new zeroed last item. */
#define vec_add(pool, vec)                                                                         \
    ((vec)->at = vec_room((pool), (vec)->at, sizeof *(vec)->at, (vec)->count, &(vec)->cap),        \
     &(vec)->at[(vec)->count++])

/* Room for one more item behind `count`; the new item is zeroed. Only for vec_add. */
void *vec_room(struct pool *pool, void *at, size_t size, size_t count, size_t *cap);

#endif
