/* Passwords' hashes: the vectors of RFC 7914 (sections 11 and 12), what others have written, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/password.h"

static void from_hex(const char *hex, unsigned char *to)
{
    for (; *hex; hex += 2)
        *to++ = (unsigned char)(str_hex(hex[0]) << 4 | str_hex(hex[1]));
}

static const struct {
    enum password_kind kind;
    uint32_t cost, r, p; /* ln or iterations */
    const char *word, *salt, *hash;
} vectors[] = {
    {PASSWORD_SCRYPT, 4, 1, 1, "", "",
     "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
     "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
    {PASSWORD_SCRYPT, 10, 8, 16, "password", "NaCl",
     "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
     "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
    {PASSWORD_SCRYPT, 14, 8, 1, "pleaseletmein", "SodiumChloride",
     "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
     "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
    {PASSWORD_PBKDF2_SHA256, 1, 0, 0, "passwd", "salt",
     "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
     "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
    {PASSWORD_PBKDF2_SHA256, 80000, 0, 0, "Password", "NaCl",
     "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
     "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct password password = {.kind = vectors[i].kind,
                                    .ln = vectors[i].cost,
                                    .iterations = vectors[i].cost,
                                    .r = vectors[i].r,
                                    .p = vectors[i].p,
                                    .salt_len = (uint8_t)strlen(vectors[i].salt),
                                    .hash_len = (uint8_t)(strlen(vectors[i].hash) / 2)};
        memcpy(password.salt, vectors[i].salt, password.salt_len);
        from_hex(vectors[i].hash, password.hash);
        assert_int_equal(password_check(&password, str_of(vectors[i].word)), PASSWORD_RIGHT);
        password.hash[password.hash_len - 1] ^= 1;
        assert_int_equal(password_check(&password, str_of(vectors[i].word)), PASSWORD_WRONG);
    }
}

/* Written by Python's hashlib. */
#define SESAME_512                                                                                 \
    "IfmPb3ypnur2StpIW6fiBYRP1Dg7bA8VLk1xSmR6zcLz3wcCMF0yCdr8cdl39Zn/oG4aBwAGPvs+hvOQVXK/xg"

static void test_strings_of_others(void **state)
{
    const char *texts[] = {
        "$scrypt$ln=10,r=8,p=2$c2l4dGVlbiBieXRlcyBvaw$mVCaHEFJNM7zfvCfqSqAqi8/"
        "ahl81R9ZNc6iR2GS8Nw",
        "$pbkdf2-sha256$i=10000$c2l4dGVlbiBieXRlcyBvaw$IFTTpzK5MQpQUBo+"
        "eiFGjnlg8+FA7GxRXBtXSaEK5QE",
        "$pbkdf2-sha256$i=10000,l=32$c2l4dGVlbiBieXRlcyBvaw$IFTTpzK5MQpQUBo+"
        "eiFGjnlg8+FA7GxRXBtXSaEK5QE",
        "$pbkdf2-sha512$i=10000$c2l4dGVlbiBieXRlcyBvaw$" SESAME_512,
        "$pbkdf2-sha512$10000$c2l4dGVlbiBieXRlcyBvaw$IfmPb3ypnur2StpIW6fiBYRP1Dg7bA8VLk1xSmR6zcLz3"
        "wcCMF0yCdr8cdl39Zn/oG4aBwAGPvs.hvOQVXK/xg",
        "$pbkdf2-sha256$10000$................$KPWhTsEOjMuMp8ijitvVt/DGRn0hCLN3VKjLmq87SdM",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct password password;
        assert_null(password_parse(&password, str_of(texts[i])));
        assert_int_equal(password_check(&password, STR("open sesame")), PASSWORD_RIGHT);
        assert_int_equal(password_check(&password, STR("open sesamE")), PASSWORD_WRONG);
        assert_int_equal(password_check(&password, STR("open sesame ")), PASSWORD_WRONG);
        assert_int_equal(password_check(&password, (struct str){0}), PASSWORD_WRONG);
    }
}

#define SALT "c2l4dGVlbiBieXRlcyBvaw"
#define HASH "mVCaHEFJNM7zfvCfqSqAqi8/ahl81R9ZNc6iR2GS8Nw"
#define KINDS "begins with"
#define PARTS "four parts"

static const struct {
    const char *text, *said;
} wrong[] = {
    {"", KINDS},
    {"$", KINDS},
    {"$$", KINDS},
    {"secret", KINDS},
    {"scrypt$ln=15,r=8,p=3$" SALT "$" HASH, KINDS},
    {"$Scrypt$ln=15,r=8,p=3$" SALT "$" HASH, KINDS},
    {"x$scrypt$ln=15,r=8,p=3$" SALT "$" HASH, KINDS},
    {"$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", KINDS},
    {"$argon2id$v=19$m=65536,t=3,p=4$" SALT "$" HASH, KINDS},
    {"$scrypt", KINDS},
    {"$scrypt$", PARTS},
    {"$scrypt$ln=15,r=8,p=3$" SALT, PARTS},
    {"$scrypt$ln=15,r=8,p=3" HASH, PARTS},
    {"$scrypt$$" SALT "$" HASH, "written like"},
    {"$scrypt$,$" SALT "$" HASH, "written like"},
    {"$scrypt$15$" SALT "$" HASH, "written like"},
    {"$scrypt$ln=15,r=8$" SALT "$" HASH, "written like"},
    {"$scrypt$ln=15,p=3,r=8$" SALT "$" HASH, "written like"},
    {"$scrypt$ln=15,r=8,p=3,$" SALT "$" HASH, "written like"},
    {"$scrypt$ln=15,r=8,p=3,x=1$" SALT "$" HASH, "written like"},
    {"$scrypt$ln=015,r=8,p=3$" SALT "$" HASH, "written like"},
    {"$scrypt$ln=-1,r=8,p=3$" SALT "$" HASH, "written like"},
    {"$scrypt$ln=18446744073709551616,r=8,p=3$" SALT "$" HASH, "written like"},
    {"$scrypt$ln= 15,r=8,p=3$" SALT "$" HASH, "written like"},
    {"$scrypt$ln=9,r=8,p=3$" SALT "$" HASH, "ln must"},
    {"$scrypt$ln=21,r=1,p=1$" SALT "$" HASH, "ln must"},
    {"$scrypt$ln=18446744073709551615,r=1,p=1$" SALT "$" HASH, "ln must"},
    {"$scrypt$ln=15,r=0,p=3$" SALT "$" HASH, "r must"},
    {"$scrypt$ln=10,r=33,p=3$" SALT "$" HASH, "r must"},
    {"$scrypt$ln=15,r=8,p=0$" SALT "$" HASH, "p must"},
    {"$scrypt$ln=15,r=8,p=17$" SALT "$" HASH, "p must"},
    {"$scrypt$ln=17,r=8,p=1$" SALT "$" HASH, "64 MiB"},
    {"$scrypt$ln=16,r=9,p=1$" SALT "$" HASH, "64 MiB"},
    {"$scrypt$ln=20,r=1,p=1$" SALT "$" HASH, "64 MiB"},
    {"$pbkdf2-sha256$$" SALT "$" HASH, "written like"},
    {"$pbkdf2-sha256$i=$" SALT "$" HASH, "written like"},
    {"$pbkdf2-sha256$i=10000,$" SALT "$" HASH, "written like"},
    {"$pbkdf2-sha256$l=32,i=10000$" SALT "$" HASH, "written like"},
    {"$pbkdf2-sha256$i=10000,l=32,l=32$" SALT "$" HASH, "written like"},
    {"$pbkdf2-sha256$i=10000,l=31$" SALT "$" HASH, "another length"},
    {"$pbkdf2-sha256$i=10000,l=0$" SALT "$" HASH, "another length"},
    {"$pbkdf2-sha256$i=9999$" SALT "$" HASH, "iterations must"},
    {"$pbkdf2-sha256$9999$" SALT "$" HASH, "iterations must"},
    {"$pbkdf2-sha512$i=10000001$" SALT "$" HASH, "iterations must"},
    {"$pbkdf2-sha1$i=10000$" SALT "$" HASH, KINDS},
    {"$scrypt$ln=15,r=8,p=3$$" HASH, "the salt"},
    {"$scrypt$ln=15,r=8,p=3$c2FsdHNhbA$" HASH, "the salt"},               /* 7 bytes */
    {"$scrypt$ln=15,r=8,p=3$c2l4dGVlbiBieXRlcyBvaw==$" HASH, "the salt"}, /* padded */
    {"$scrypt$ln=15,r=8,p=3$c2l4dGVlbiBieXRlcyBvax$" HASH, "the salt"},   /* bits left over */
    {"$scrypt$ln=15,r=8,p=3$c2l4dGVlbiBieXRlcyBva$" HASH, "the salt"},    /* half a byte */
    {"$scrypt$ln=15,r=8,p=3$c2l4dGVlbi.ieXRlcyBvaw$" HASH, "the salt"},
    {"$scrypt$ln=15,r=8,p=3$c2l4dGVlbi-ieXRlcyBvaw$" HASH, "the salt"},
    {"$pbkdf2-sha256$10000$c2l4dGVlbi+ieXRlcyBvaw$" HASH, "the salt"}, /* not passlib's */
    {"$pbkdf2-sha256$i=10000$c2l4dGVlbi.ieXRlcyBvaw$" HASH, "the salt"},
    {"$scrypt$ln=15,r=8,p=3$" SALT SALT SALT SALT SALT "$" HASH, "the salt"},
    {"$scrypt$ln=15,r=8,p=3$" SALT "$", "the hash"},
    {"$scrypt$ln=15,r=8,p=3$" SALT "$c2l4dGVlbiBieXRlcyBv", "the hash"}, /* 15 bytes */
    {"$scrypt$ln=15,r=8,p=3$" SALT "$" HASH "$", "the hash"},
    {"$scrypt$ln=15,r=8,p=3$" SALT "$" HASH "\n", "the hash"},
    {"$scrypt$ln=15,r=8,p=3$" SALT "$" HASH HASH "w", "the hash"},
};

static void test_what_is_refused(void **state)
{
    struct password password;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *said = password_parse(&password, str_of(wrong[i].text));
        if (!said || !strstr(said, wrong[i].said))
            fail_msg("%s: %s", wrong[i].text, said ? said : "taken");
    }
    assert_non_null(password_parse(&password, (struct str){0}));
    assert_non_null(password_parse(&password, STR("$scrypt$ln=15,r=8,p=3$c2l4dGVlb\0$" HASH)));
}

static void test_bounds_are_taken(void **state)
{
    const char *texts[] = {
        "$scrypt$ln=10,r=1,p=1$c2FsdHNhbHQ$c2l4dGVlbiBieXRlcyBvaw",
        "$scrypt$ln=16,r=8,p=16$" SALT "$" HASH, "$scrypt$ln=19,r=1,p=1$" SALT "$" HASH,
        "$pbkdf2-sha512$i=10000000$" SALT "$" HASH,
        "$pbkdf2-sha256$i=10000$IfmPb3ypnur2StpIW6fiBYRP1Dg7bA8VLk1xSmR6zcLz3wcCMF0yCdr8cdl39Zn/"
        "oG4aBwAGPvs+hvOQVXK/xg$" SESAME_512};
    struct password password;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_null(password_parse(&password, str_of(texts[i])));
    assert_int_equal(password.salt_len, 64);
    assert_int_equal(password.hash_len, 64);
}

static void test_the_largest_table_fits(void **state)
{
    struct password password;

    (void)state;
    assert_null(password_parse(&password, STR("$scrypt$ln=16,r=8,p=1$" SALT "$" HASH)));
    assert_int_equal(password_check(&password, STR("open sesame")), PASSWORD_WRONG);
}

static void test_one_is_made(void **state)
{
    char text[PASSWORD_TEXT], other[PASSWORD_TEXT];
    struct password password;

    (void)state;
    assert_true(password_make(STR("p\xc3\xa4ssword"), text));
    assert_true(password_make(STR("p\xc3\xa4ssword"), other));
    assert_string_not_equal(text, other);
    assert_true(str_starts(str_of(text), STR("$scrypt$ln=15,r=8,p=3$")));
    assert_null(password_parse(&password, str_of(text)));
    assert_int_equal(password.salt_len, 16);
    assert_int_equal(password.hash_len, 32);
    assert_int_equal(password_check(&password, STR("p\xc3\xa4ssword")), PASSWORD_RIGHT);
    assert_int_equal(password_check(&password, STR("pa\xcc\x88ssword")), PASSWORD_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_strings_of_others),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_bounds_are_taken),
        cmocka_unit_test(test_the_largest_table_fits),
        cmocka_unit_test(test_one_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
