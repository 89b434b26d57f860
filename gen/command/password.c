#include "base/password.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/utf8.h"
#include "command/command.h"

/* What the gateway reads of a password, at most. */
enum { LONGEST = 1000 };

struct typed {
    char at[LONGEST + 2]; /* with a newline, and one byte too many */
    size_t len;
};

static int complain(const char *what)
{
    fprintf(stderr, "apigw-gen: %s\n", what);
    return 1;
}

static int cannot_read(void)
{
    fprintf(stderr, "apigw-gen: cannot read the password: %s\n", strerror(errno));
    return 3;
}

/* Up to a newline, or the end. False with errno. */
static bool read_line(struct typed *typed)
{
    ssize_t got = 1;

    typed->len = 0;
    while (typed->len < sizeof typed->at) {
        got = read(STDIN_FILENO, typed->at + typed->len, 1);
        if (got <= 0)
            break;
        if (typed->at[typed->len] == '\n')
            break;
        typed->len++;
    }
    return got >= 0;
}

/* ---- from a terminal ---- */

static volatile sig_atomic_t interrupted;

static void note(int number)
{
    interrupted = number;
}

static void say(const char *text)
{
    fputs(text, stderr);
    fflush(stderr);
}

/* Without echo. Whoever is interrupted finds the terminal as it was. */
static bool ask(const char *question, struct typed *typed)
{
    struct sigaction noting = {.sa_handler = note}, before[2];
    struct termios shown, hidden;
    bool done;
    int why;

    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return false;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    interrupted = 0;
    sigaction(SIGINT, &noting, &before[0]);
    sigaction(SIGTERM, &noting, &before[1]);
    say(question);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    done = read_line(typed);
    why = errno;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    say("\n");
    sigaction(SIGINT, &before[0], NULL);
    sigaction(SIGTERM, &before[1], NULL);
    if (interrupted)
        raise(interrupted);
    errno = why;
    return done;
}

static int ask_twice(struct typed *typed)
{
    struct typed again;
    int status = 0;

    if (!ask("Password: ", typed) || !ask("Once more: ", &again))
        status = cannot_read();
    else if (typed->len != again.len || memcmp(typed->at, again.at, again.len) != 0)
        status = complain("these are two passwords");
    explicit_bzero(&again, sizeof again);
    return status;
}

/* ---- the command ---- */

/* What a client can send, and the gateway takes (RFC 7617 section 2). */
static const char *what_is_wrong(struct str word)
{
    if (word.len == 0)
        return "the password is empty";
    if (word.len > LONGEST)
        return "the password is longer than 1000 bytes";
    for (size_t i = 0; i < word.len; i++)
        if ((unsigned char)word.at[i] < ' ' || word.at[i] == 0x7f)
            return "the password has a control character";
    return utf8_valid(word) ? NULL : "the password is not UTF-8";
}

static int print_hash(struct str word)
{
    const char *wrong = what_is_wrong(word);
    char text[PASSWORD_TEXT];

    if (wrong)
        return complain(wrong);
    if (!password_make(word, text)) {
        complain("there is not enough memory");
        return 3;
    }
    return printf("%s\n", text) > 0 && fflush(stdout) == 0 ? 0 : 3;
}

int command_password(const struct options *options)
{
    struct typed typed = {0};
    int status = 0;

    if (options->operands.count > 0)
        return options_usage(options, "password is read from standard input, since others see "
                                      "command lines");
    if (isatty(STDIN_FILENO))
        status = ask_twice(&typed);
    else if (!read_line(&typed))
        status = cannot_read();
    if (status == 0)
        status = print_hash((struct str){typed.at, typed.len});
    explicit_bzero(&typed, sizeof typed);
    return status;
}
