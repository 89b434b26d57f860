#include "base/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/random.h"

enum {
    LN_MIN = 10,
    LN_MAX = 20,
    R_MAX = 32,
    P_MAX = 16,
    ITERATIONS_MIN = 10000,
    ITERATIONS_MAX = 10000000,
    SALT_MIN = 8,
    HASH_MIN = 16
};

/* What password_make chooses. */
enum { MADE_LN = 15, MADE_R = 8, MADE_P = 3, MADE_SALT = 16, MADE_HASH = 32 };

/* ---- base64 without padding ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The six bits of a digit, or -1; `plus` stands for '+'. */
static int digit_value(char digit, char plus)
{
    const char *at;

    if (digit == plus)
        return 62;
    if (digit == 0 || digit == '+')
        return -1;
    at = strchr(alphabet, digit);
    return at ? (int)(at - alphabet) : -1;
}

/* False unless it is the one text of between `min` and PASSWORD_BYTES bytes. */
static bool decode(struct str text, char plus, unsigned char to[PASSWORD_BYTES], uint8_t *len,
                   size_t min)
{
    size_t count = text.len / 4 * 3 + (text.len % 4 > 0 ? text.len % 4 - 1 : 0);
    uint32_t bits = 0;
    unsigned held = 0;

    if (text.len % 4 == 1 || count < min || count > PASSWORD_BYTES)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = digit_value(text.at[i], plus);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *to++ = (unsigned char)(bits >> held);
        }
    }
    *len = (uint8_t)count;
    return (bits & ((1u << held) - 1)) == 0;
}

/* Writes the digits and a NUL; returns where that stands. */
static char *encode(const unsigned char *from, size_t len, char *to)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | from[i];
        for (held += 8; held >= 6; held -= 6)
            *to++ = alphabet[bits >> (held - 6) & 63];
    }
    if (held > 0)
        *to++ = alphabet[bits << (6 - held) & 63];
    *to = 0;
    return to;
}

/* ---- reading ---- */

/* The piece up to `end`, which is dropped; false when there is none. */
static bool next_piece(struct str *rest, char end, struct str *piece)
{
    size_t len = str_find(*rest, end);

    if (len == rest->len)
        return false;
    *piece = str_head(*rest, len);
    *rest = str_from(*rest, len + 1);
    return true;
}

/* "name=NUMBER" and a comma or the end. */
static bool take_number(struct str *rest, struct str name, uint64_t *value)
{
    size_t len = str_find(*rest, ',');
    struct str number = str_from(str_head(*rest, len), name.len);

    if (!str_starts(*rest, name) || !str_to_u64(number, value))
        return false;
    *rest = str_from(*rest, len + 1);
    return true;
}

static const char *read_scrypt(struct password *password, struct str costs)
{
    uint64_t ln, r, p;

    if (str_find(costs, ',') == costs.len || costs.at[costs.len - 1] == ',' ||
        !take_number(&costs, STR("ln="), &ln) || !take_number(&costs, STR("r="), &r) ||
        !take_number(&costs, STR("p="), &p) || costs.len > 0)
        return "scrypt's costs are written like \"ln=15,r=8,p=3\"";
    if (ln < LN_MIN || ln > LN_MAX)
        return "scrypt's ln must be from 10 to 20";
    if (r < 1 || r > R_MAX)
        return "scrypt's r must be from 1 to 32";
    if (p < 1 || p > P_MAX)
        return "scrypt's p must be from 1 to 16";
    if ((UINT64_C(128) * r << ln) > PASSWORD_MEMORY)
        return "scrypt must not need more than 64 MiB (128 bytes times r times 2 to the power of ln)";
    password->ln = (uint32_t)ln;
    password->r = (uint32_t)r;
    password->p = (uint32_t)p;
    return NULL;
}

/* *len: what "l=" says of the hash's length; without it, it stays. */
static const char *read_pbkdf2(struct password *password, struct str costs, uint64_t *len)
{
    uint64_t iterations;
    bool is_plain = str_to_u64(costs, &iterations);

    if (!is_plain && (costs.len == 0 || costs.at[costs.len - 1] == ',' ||
                      !take_number(&costs, STR("i="), &iterations) ||
                      (costs.len > 0 && !take_number(&costs, STR("l="), len)) || costs.len > 0))
        return "pbkdf2's cost is written like \"i=600000\"";
    if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX)
        return "pbkdf2's iterations must be from 10000 to 10000000";
    password->iterations = (uint32_t)iterations;
    return NULL;
}

static bool read_kind(struct str name, enum password_kind *kind)
{
    static const struct str names[] = {[PASSWORD_SCRYPT] = STR_INIT("scrypt"),
                                       [PASSWORD_PBKDF2_SHA256] = STR_INIT("pbkdf2-sha256"),
                                       [PASSWORD_PBKDF2_SHA512] = STR_INIT("pbkdf2-sha512")};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(name, names[i])) {
            *kind = (enum password_kind)i;
            return true;
        }
    }
    return false;
}

const char *password_parse(struct password *password, struct str text)
{
    struct str before, kind, costs, salt;
    const char *wrong;
    uint64_t len = UINT64_MAX; /* none is said */
    char plus;

    *password = (struct password){0};
    if (!next_piece(&text, '$', &before) || before.len > 0 || !next_piece(&text, '$', &kind) ||
        !read_kind(kind, &password->kind))
        return "a password's hash begins with $scrypt$, $pbkdf2-sha256$ or $pbkdf2-sha512$";
    if (!next_piece(&text, '$', &costs) || !next_piece(&text, '$', &salt))
        return "a password's hash has four parts, each behind a $: its kind, its costs, the salt "
               "and the hash";
    plus = password->kind != PASSWORD_SCRYPT && str_find(costs, '=') == costs.len ? '.' : '+';
    wrong = password->kind == PASSWORD_SCRYPT ? read_scrypt(password, costs)
                                              : read_pbkdf2(password, costs, &len);
    if (wrong)
        return wrong;
    if (!decode(salt, plus, password->salt, &password->salt_len, SALT_MIN))
        return "the salt must be base64 without padding, of 8 to 64 bytes";
    if (!decode(text, plus, password->hash, &password->hash_len, HASH_MIN))
        return "the hash must be base64 without padding, of 16 to 64 bytes";
    return len != UINT64_MAX && len != password->hash_len
               ? "the hash has another length than l= says"
               : NULL;
}

/* ---- hashing ---- */

static bool derive(const struct password *password, struct str word,
                   unsigned char hash[PASSWORD_BYTES])
{
    const EVP_MD *digest = password->kind == PASSWORD_PBKDF2_SHA256 ? EVP_sha256() : EVP_sha512();
    const char *at = word.at ? word.at : "";

    /* No file of this machine's has a say in it. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
    if (password->kind == PASSWORD_SCRYPT) /* twice: there is more than the table */
        return EVP_PBE_scrypt(at, word.len, password->salt, password->salt_len,
                              UINT64_C(1) << password->ln, password->r, password->p,
                              2 * (uint64_t)PASSWORD_MEMORY, hash, password->hash_len) == 1;
    return PKCS5_PBKDF2_HMAC(at, (int)word.len, password->salt, password->salt_len,
                             (int)password->iterations, digest, password->hash_len, hash) == 1;
}

enum password_verdict password_check(const struct password *password, struct str word)
{
    unsigned char hash[PASSWORD_BYTES];
    enum password_verdict verdict = PASSWORD_FAILED;

    if (derive(password, word, hash))
        verdict = crypto_equal(hash, password->hash, password->hash_len) ? PASSWORD_RIGHT
                                                                         : PASSWORD_WRONG;
    OPENSSL_cleanse(hash, sizeof hash);
    return verdict;
}

bool password_make(struct str word, char text[PASSWORD_TEXT])
{
    struct password made = {.kind = PASSWORD_SCRYPT,
                            .ln = MADE_LN,
                            .r = MADE_R,
                            .p = MADE_P,
                            .salt_len = MADE_SALT,
                            .hash_len = MADE_HASH};
    bool is_made;

    random_bytes(made.salt, made.salt_len);
    is_made = derive(&made, word, made.hash);
    if (is_made) {
        char *end = text + snprintf(text, PASSWORD_TEXT, "$scrypt$ln=%d,r=%d,p=%d$", MADE_LN,
                                    MADE_R, MADE_P);
        end = encode(made.salt, made.salt_len, end);
        *end++ = '$';
        encode(made.hash, made.hash_len, end);
    }
    OPENSSL_cleanse(&made, sizeof made);
    return is_made;
}
