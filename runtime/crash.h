/* crash: last words. A fatal signal prints which build it was and where it stood, then takes its default
 * action, so that exit status and core dump are what an operator expects. */
#ifndef CRASH_H
#define CRASH_H

/* Once, before threads; the text must stay. */
void crash_install(const char *what);

/* On each thread: a stack of its own for the handler, so that a stack overflow can be told too; given back
 * by the second call. */
void crash_thread_begin(void);
void crash_thread_end(void);

#endif
