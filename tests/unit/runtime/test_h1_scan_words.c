/* The same for the twin that knows no vector instructions. */
#undef __SSE2__
#include "test_h1_scan.c"
