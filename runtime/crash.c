#include "crash.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAMES = 48, STACK = 64 * 1024, LINE_SIZE = 256 };

/* Where the program was loaded, from the linker: addresses are told relative to it, as addr2line wants. */
extern const char __executable_start[]; /* NOLINT(bugprone-reserved-identifier): ld's name */
extern const char etext[];

static const char *program = "";
static _Thread_local char *stack;

/* A line built without stdio, which is not to be used in a signal handler (signal-safety(7)). */
struct words {
    char at[LINE_SIZE];
    size_t len;
};

static void add(struct words *words, const char *text)
{
    while (*text && words->len < sizeof words->at)
        words->at[words->len++] = *text++;
}

static void add_number(struct words *words, uintptr_t value, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits;

    digits[--at] = 0;
    do
        digits[--at] = "0123456789abcdef"[value % base];
    while ((value /= base) > 0);
    add(words, digits + at);
}

static void say(struct words *words)
{
    add(words, "\n");
    if (write(STDERR_FILENO, words->at, words->len) < 0)
        words->len = 0; /* nobody is left to tell */
    words->len = 0;
}

static bool is_own_code(uintptr_t address)
{
    return address >= (uintptr_t)__executable_start && address < (uintptr_t)etext;
}

static void print_frames(struct words *words)
{
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES);

    for (int i = 0; i < count; i++) {
        uintptr_t address = (uintptr_t)frames[i];
        add(words, is_own_code(address) ? "crash:   +0x" : "crash:   0x");
        add_number(words, is_own_code(address) ? address - (uintptr_t)__executable_start : address,
                   16);
        say(words);
    }
}

static void handle(int number, siginfo_t *about, void *context)
{
    struct words words = {.len = 0};

    (void)context;
    add(&words, "crash: ");
    add(&words, program);
    add(&words, " got signal ");
    add_number(&words, (uintptr_t)number, 10);
    if (number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE) {
        add(&words, " at address 0x");
        add_number(&words, (uintptr_t)about->si_addr, 16);
    }
    say(&words);
    print_frames(&words);
    /* SA_RESETHAND has restored the default action; it comes when the handler returns. */
    raise(number);
}

void crash_install(const char *what)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    struct sigaction action = {.sa_sigaction = handle,
                               .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};
    void *frame;

    program = what;
    /* The first call may allocate or load; a later one in the handler does not. */
    backtrace(&frame, 1);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        sigaction(fatal[i], &action, NULL);
}

void crash_thread_begin(void)
{
    stack_t place = {.ss_size = STACK};

    stack = malloc(STACK);
    place.ss_sp = stack;
    if (stack && sigaltstack(&place, NULL) != 0) {
        free(stack);
        stack = NULL;
    }
}

void crash_thread_end(void)
{
    stack_t off = {.ss_flags = SS_DISABLE};

    if (stack)
        sigaltstack(&off, NULL);
    free(stack);
    stack = NULL;
}
