#include "base/urlpath.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const char BAD_ESCAPE[] = "the path has a '%' without two hexadecimal digits";
static const char BAD_NUL[] = "the path has an encoded NUL byte";
static const char BAD_SLASH[] = "the path has an encoded slash or backslash";
static const char BAD_BYTE[] = "the path has a byte that a URI cannot hold";
static const char BAD_START[] = "the path does not start with a slash";
static const char BAD_CLIMB[] = "the path climbs above the root";
static const char BAD_HIDDEN_DOTS[] =
    "the path hides a dot segment behind an encoded slash or a ';'";
static const char BAD_DOTS[] = "the path has a dot segment";

enum { PLAIN = 1, UNRESERVED = 2, REFUSED = 4 };

/* PLAIN: may stand raw in a segment (RFC 3986 pchar). REFUSED: has no business in a request's path. */
static const uint8_t classes[256] = {
    [0 ... ' '] = REFUSED,
    ['#'] = REFUSED,
    ['?'] = REFUSED,
    ['\\'] = REFUSED,
    [0x7F ... 0xFF] = REFUSED,
    ['!'] = PLAIN,
    ['$'] = PLAIN,
    ['&' ... ','] = PLAIN,
    ['-' ... '.'] = PLAIN | UNRESERVED,
    ['0' ... '9'] = PLAIN | UNRESERVED,
    [':' ... ';'] = PLAIN,
    ['='] = PLAIN,
    ['@'] = PLAIN,
    ['A' ... 'Z'] = PLAIN | UNRESERVED,
    ['_'] = PLAIN | UNRESERVED,
    ['a' ... 'z'] = PLAIN | UNRESERVED,
    ['~'] = PLAIN | UNRESERVED,
};

static unsigned class_of(char byte)
{
    return classes[(unsigned char)byte];
}

/* The byte that "%XX" at `from` stands for, or -1. */
static int escaped(struct str s, size_t from)
{
    if (from + 2 >= s.len || str_hex(s.at[from + 1]) < 0 || str_hex(s.at[from + 2]) < 0)
        return -1;
    return str_hex(s.at[from + 1]) * 16 + str_hex(s.at[from + 2]);
}

/* ---- the quick scan ---- */

/* Bit i of 16: the i-th byte needs a closer look. Dots count behind a slash, slashes behind a slash. */
struct suspects {
    unsigned odd, slash, dot;
};

static struct suspects look(const char *at)
{
    struct suspects found = {0};

    for (size_t i = 0; i < 16; i++) {
        found.slash |= (unsigned)(at[i] == '/') << i;
        found.dot |= (unsigned)(at[i] == '.') << i;
        found.odd |= (unsigned)(at[i] != '/' && !(class_of(at[i]) & PLAIN)) << i;
    }
    return found;
}

#ifdef __SSE2__
/* 0xFF where a byte is a letter, a digit or one of "-./:_". */
static inline __m128i plain16(__m128i bytes)
{
    const __m128i letter =
        _mm_sub_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
    const __m128i other = _mm_sub_epi8(bytes, _mm_set1_epi8('-'));

    return _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter),
                     _mm_cmpeq_epi8(_mm_min_epu8(other, _mm_set1_epi8(':' - '-')), other)),
        _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')));
}

static inline uint64_t bits_of(__m128i bytes, char wanted)
{
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted)));
}

/* The same, faster; rarer plain bytes are looked at one by one. */
static struct suspects look16(const char *at)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);

    if (_mm_movemask_epi8(plain16(bytes)) != 0xFFFF)
        return look(at);
    return (struct suspects){0, (unsigned)bits_of(bytes, '/'), (unsigned)bits_of(bytes, '.')};
}

/* A path of 16 to 64 bytes that has nothing rarer than dots, without branches that depend on its length: the last
 * of four times 16 bytes begin where the path still has so many. False: it needs a closer look. */
static bool is_plain(const char *at, uint32_t len, const struct urlpath_rules *rules)
{
    __m128i plain = _mm_set1_epi8(-1);
    uint64_t slash = 0, dot = 0;

    for (uint32_t i = 0; i < 4; i++) {
        uint32_t from = 16 * i < len - 16 ? 16 * i : len - 16;
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + from));

        plain = _mm_and_si128(plain, plain16(bytes));
        slash |= bits_of(bytes, '/') << from;
        dot |= bits_of(bytes, '.') << from;
    }
    return _mm_movemask_epi8(plain) == 0xFFFF && !(dot & slash << 1) &&
           !(rules->merge_slashes && (slash & slash << 1));
}
#else
static struct suspects look16(const char *at)
{
    return look(at);
}

static bool is_plain(const char *at, uint32_t len, const struct urlpath_rules *rules)
{
    (void)at, (void)len, (void)rules;
    return false;
}
#endif

/* Whether 16 bytes need the careful way; `behind_slash`: 1 when the byte before them is a slash. */
static inline bool is_suspect(const char *at, unsigned behind_slash,
                              const struct urlpath_rules *rules)
{
    struct suspects found = look16(at);

    behind_slash |= found.slash << 1;
    return found.odd || (found.dot & behind_slash) ||
           (rules->merge_slashes && (found.slash & behind_slash));
}

bool urlpath_is_normal(struct str path, const struct urlpath_rules *rules)
{
    char padded[16];
    size_t i = 16;

    if (path.len == 0 || path.at[0] != '/')
        return false;
    if (path.len < 16) {
        memset(padded, 'a', sizeof padded);
        return !is_suspect(memcpy(padded, path.at, path.len), 0, rules);
    }
    if (path.len <= 64 && is_plain(path.at, (uint32_t)path.len, rules))
        return true;
    if (is_suspect(path.at, 0, rules))
        return false;
    for (; i + 16 <= path.len; i += 16)
        if (is_suspect(path.at + i, path.at[i - 1] == '/', rules))
            return false;
    if (i == path.len)
        return true;
    i = path.len - 16; /* some of these are looked at again */
    return !is_suspect(path.at + i, path.at[i - 1] == '/', rules);
}

/* ---- the careful way ---- */

struct writer {
    const struct urlpath_rules *rules;
    char *start, *segment, *at;
    const char *error;
};

static void put_escape(struct writer *w, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    *w->at++ = '%';
    *w->at++ = digits[byte >> 4];
    *w->at++ = digits[byte & 15];
}

/* Length of a (possibly escaped) dot at `from`, or 0. */
static size_t dot_at(struct str s, size_t from)
{
    if (from < s.len && s.at[from] == '.')
        return 1;
    return from < s.len && s.at[from] == '%' && escaped(s, from) == '.' ? 3 : 0;
}

/* Where the piece that begins at `from` ends: at an encoded slash or backslash or the end. */
static size_t piece_end(struct str s, size_t from)
{
    while (from < s.len) {
        int byte = s.at[from] == '%' ? escaped(s, from) : 0;

        if (byte == '/' || byte == '\\')
            return from;
        from++;
    }
    return from;
}

/* 0: nothing special, 1: ".", 2: "..", -1: some server will see a dot segment in it (Tomcat drops what
 * follows ';', others decode before they resolve). */
static int dots_of(struct str segment)
{
    for (size_t from = 0; from <= segment.len; from += 3) {
        size_t end = piece_end(segment, from), at = from;
        int dots = 0;

        for (size_t len; dots < 3 && (len = dot_at(segment, at)) > 0; dots++)
            at += len;
        if ((dots == 1 || dots == 2) && (at == end || segment.at[at] == ';'))
            return at == segment.len && from == 0 ? dots : -1;
        from = end;
    }
    return 0;
}

/* Resolves the segment just written when it is a dot segment (RFC 3986 section 5.2.4; climbing out is
 * refused instead of ignored, as nobody means it). True: the segment is gone, with the slash behind it. */
static bool segment_end(struct writer *w)
{
    int dots = dots_of((struct str){w->segment, (size_t)(w->at - w->segment)});

    if (dots == 0)
        return w->rules->merge_slashes && w->at == w->segment && w->at > w->start;
    if (dots < 0)
        w->error = BAD_HIDDEN_DOTS;
    else if (!w->rules->normalize)
        w->error = BAD_DOTS;
    else if (dots == 2 && w->segment == w->start + 1)
        w->error = BAD_CLIMB;
    if (w->error)
        return true;
    if (dots == 2)
        for (w->segment--; w->segment[-1] != '/';)
            w->segment--;
    w->at = w->segment;
    return true;
}

static void put_slash(struct writer *w)
{
    if (w->at > w->start && segment_end(w))
        return;
    *w->at++ = '/';
    w->segment = w->at;
}

static void put_encoded(struct writer *w, struct str path, size_t from)
{
    int byte = escaped(path, from);

    if (byte < 0)
        w->error = BAD_ESCAPE;
    else if (byte == 0)
        w->error = BAD_NUL;
    else if ((byte == '/' || byte == '\\') && w->rules->encoded_slash == URLPATH_SLASH_REJECT)
        w->error = BAD_SLASH;
    else if (byte == '/' && w->rules->encoded_slash == URLPATH_SLASH_DECODE)
        put_slash(w);
    else if (!w->rules->normalize)
        w->at = (char *)memcpy(w->at, path.at + from, 3) + 3;
    else if (classes[byte] & UNRESERVED)
        *w->at++ = (char)byte;
    else
        put_escape(w, (unsigned char)byte);
}

static void put_raw(struct writer *w, char byte)
{
    unsigned class = class_of(byte);

    if (class & REFUSED)
        w->error = BAD_BYTE;
    else if ((class & PLAIN) || !w->rules->normalize)
        *w->at++ = byte;
    else
        put_escape(w, (unsigned char)byte);
}

const char *urlpath_normalise(struct str path, const struct urlpath_rules *rules, char *buf,
                              struct str *out)
{
    struct writer w = {rules, buf, buf, buf, NULL};

    *out = path;
    if (urlpath_is_normal(path, rules))
        return NULL;
    if (path.len == 0 || path.at[0] != '/')
        return BAD_START;
    for (size_t i = 0; i < path.len && !w.error; i++) {
        if (path.at[i] == '/')
            put_slash(&w);
        else if (path.at[i] == '%')
            put_encoded(&w, path, i), i += 2;
        else
            put_raw(&w, path.at[i]);
    }
    if (!w.error && w.at > w.segment)
        segment_end(&w);
    if (w.error)
        return w.error;
    if (!str_eq(path, (struct str){buf, (size_t)(w.at - buf)}))
        *out = (struct str){buf, (size_t)(w.at - buf)};
    return NULL;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the writer writes there */
const char *urlpath_literal(struct str text, const struct urlpath_rules *rules, char *buf,
                            struct str *out)
{
    struct writer w = {rules, buf, buf, buf, NULL};

    for (size_t i = 0; i < text.len && !w.error; i++) {
        unsigned char byte = (unsigned char)text.at[i];

        if (byte < ' ' || byte == 0x7F || byte == '\\') {
            w.error = BAD_BYTE;
        } else if (byte == '%') {
            int value = escaped(text, i);

            if (value == '/' && rules->encoded_slash == URLPATH_SLASH_DECODE)
                return BAD_SLASH;
            put_encoded(&w, text, i);
            i += 2;
        } else if (classes[byte] & PLAIN) {
            *w.at++ = (char)byte;
        } else {
            put_escape(&w, byte);
        }
    }
    *out = (struct str){buf, (size_t)(w.at - buf)};
    return w.error;
}

bool urlpath_has_encoded_slash(struct str path)
{
    return piece_end(path, 0) < path.len;
}

struct str urlpath_fold(struct str path, char *buf)
{
    for (size_t i = 0; i < path.len; i++) {
        char byte = path.at[i];

        buf[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
    }
    return (struct str){buf, path.len};
}

/* ---- beside the path ---- */

bool urlpath_decodes_to(struct str raw, struct str plain)
{
    size_t at = 0;

    for (size_t i = 0; i < raw.len; i++, at++) {
        char byte = raw.at[i] == '+' ? ' ' : raw.at[i];

        if (byte == '%' && i + 2 < raw.len && str_hex(raw.at[i + 1]) >= 0 &&
            str_hex(raw.at[i + 2]) >= 0) {
            byte = (char)(str_hex(raw.at[i + 1]) * 16 + str_hex(raw.at[i + 2]));
            i += 2;
        }
        if (at >= plain.len || plain.at[at] != byte)
            return false;
    }
    return at == plain.len;
}

bool urlpath_query_is(struct str query, struct str name, const struct str *values, size_t count)
{
    while (query.len > 0) {
        struct str pair = str_head(query, str_find(query, '&'));
        size_t equals = str_find(pair, '=');

        query = str_from(query, pair.len + 1);
        if (!urlpath_decodes_to(str_head(pair, equals), name))
            continue;
        if (count == 0)
            return true;
        for (size_t i = 0; i < count; i++)
            if (urlpath_decodes_to(str_from(pair, equals + 1), values[i]))
                return true;
    }
    return false;
}

bool urlpath_host_is(struct str host, struct str pattern)
{
    struct str below = str_from(pattern, 1);

    if (!str_starts(pattern, STR("*.")))
        return str_eq(host, pattern);
    return host.len > below.len && str_eq(str_from(host, host.len - below.len), below);
}

bool urlpath_below(struct str path, struct str prefix)
{
    if (!str_starts(path, prefix))
        return false;
    return path.len == prefix.len || prefix.len == 0 || prefix.at[prefix.len - 1] == '/' ||
           path.at[prefix.len] == '/';
}
