/* h2_memory: what nghttp2 takes its memory from: the free lists of base/slab.h. */
#ifndef HTTP_H2_MEMORY_H
#define HTTP_H2_MEMORY_H

#include <nghttp2/nghttp2.h>

extern nghttp2_mem h2_memory;

#endif
