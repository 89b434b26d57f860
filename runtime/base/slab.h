/* slab: memory for libraries that allocate a lot of small things, from free lists of each thread, so that their steady
 * state takes none from the heap. A block may be given back by another thread than the one that took it.
 * Bounded: what a list does not keep goes back to the heap. Sanitizers see the heap itself. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>

/* As malloc, realloc and free: NULL when there is none. Size 0 is NULL, and frees. */
void *slab_take(size_t size);
void *slab_resize(void *block, size_t size);
void slab_give(void *block);

#endif
