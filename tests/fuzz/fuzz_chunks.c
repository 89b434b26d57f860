/* Chunked bodies. The first byte is the size of the pieces. Whatever the input: data, trailers
 * and verdict are those of the input read byte by byte, and what was read can be written and
 * read again. */
#include <stdlib.h>

#include "http/h1_parse.h"

struct outcome {
    enum h1_result result;
    const char *reason;
    struct text data, trailers;
    size_t used;
};

static void check(bool fine)
{
    if (!fine)
        abort();
}

static void read_piece(struct h1_chunks *chunks, struct str piece, struct outcome *out)
{
    while (out->result == H1_MORE && piece.len > 0) {
        struct str run;
        size_t used;

        out->result = h1_chunks_read(chunks, piece.at, piece.len, &used, &run, &out->trailers);
        check(used <= piece.len && (used > 0 || out->result == H1_BAD));
        check(run.at >= piece.at && run.at + run.len <= piece.at + used);
        text_add(&out->data, run);
        out->used += used;
        piece = str_from(piece, used);
    }
}

static struct outcome read_all(struct pool *pool, struct str input, size_t step)
{
    struct outcome out = {.result = H1_MORE, .data = {.pool = pool}, .trailers = {.pool = pool}};
    struct h1_chunks chunks = {0};

    for (size_t at = 0; out.result == H1_MORE && at < input.len; at += step) {
        struct str piece = str_head(str_from(input, at), step);
        char *copy = malloc(piece.len); /* alone, so that nothing around it can be read */

        memcpy(copy, piece.at, piece.len);
        read_piece(&chunks, (struct str){copy, piece.len}, &out);
        free(copy);
    }
    out.reason = chunks.reason;
    return out;
}

static struct str again(struct pool *pool, const struct outcome *out)
{
    struct text text = {.pool = pool};
    char line[18];

    if (out->data.len > 0) {
        text_add(&text, (struct str){line, h1_chunk_size_line(line, out->data.len)});
        text_add(&text, text_str(&out->data));
        text_add(&text, STR("\r\n"));
    }
    text_add(&text, (struct str){line, h1_chunk_size_line(line, 0)});
    text_add(&text, text_str(&out->trailers));
    text_add(&text, STR("\r\n"));
    return text_str(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data + 1, size - 1};
    struct outcome bytewise, pieces;
    struct pool pool;

    if (size < 1)
        return 0;
    pool_open(&pool, NULL);
    bytewise = read_all(&pool, input, 1);
    pieces = read_all(&pool, input, data[0] + 2u);
    check(bytewise.result == pieces.result && bytewise.reason == pieces.reason);
    if (bytewise.result != H1_BAD) {
        check(bytewise.used == pieces.used);
        check(str_eq(text_str(&bytewise.data), text_str(&pieces.data)));
        check(str_eq(text_str(&bytewise.trailers), text_str(&pieces.trailers)));
    }
    if (bytewise.result == H1_DONE) {
        struct outcome twice = read_all(&pool, again(&pool, &bytewise), 7);

        check(twice.result == H1_DONE);
        check(str_eq(text_str(&bytewise.data), text_str(&twice.data)));
        check(str_eq(text_str(&bytewise.trailers), text_str(&twice.trailers)));
    }
    pool_close(&pool);
    return 0;
}
