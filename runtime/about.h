/* about: the program tells what it is: version, what is inside, its routes, the notices of what is linked in.
 * Served by the admin listener and printed by the options of the command line. */
#ifndef ABOUT_H
#define ABOUT_H

#include "base/text.h"

void about_version(struct text *text);      /* one line */
void about_version_json(struct text *text); /* one object, features listed */
void about_routes(struct text *text);       /* a table */
void about_routes_json(struct text *text);  /* one array */

/* The licences of what is linked in. Provided by the generated program. */
extern const char gateway_notices[];

#endif
