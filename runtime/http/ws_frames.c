#include "http/ws_frames.h"

#include "base/random.h"

enum { OPCODE = 0x0f, OPCODE_CLOSE = 0x8, FIN = 0x80, MASK = 0x80, LENGTH = 0x7f, MASK_BYTES = 4 };

static void end_head(struct ws_frames *frames)
{
    frames->left = frames->length;
    frames->head = 0;
    if (frames->left == 0)
        frames->closed = frames->closed || frames->closing;
}

static void take(struct ws_frames *frames, uint8_t byte)
{
    frames->head++;
    if (frames->head == 1) {
        frames->closing = (byte & OPCODE) == OPCODE_CLOSE;
        frames->length = 0;
        return;
    }
    if (frames->head == 2) {
        frames->masked = byte & MASK;
        frames->length = byte & LENGTH;
        frames->extended = frames->length == 126 ? 2 : frames->length == 127 ? 8 : 0;
        if (frames->extended > 0)
            frames->length = 0;
    } else if (frames->head <= 2 + frames->extended) {
        frames->length = frames->length << 8 | byte;
    }
    if (frames->head == 2 + frames->extended + (frames->masked ? MASK_BYTES : 0))
        end_head(frames);
}

void ws_frames_pass(struct ws_frames *frames, struct str bytes)
{
    while (bytes.len > 0) {
        size_t len = 1;
        if (frames->left > 0) {
            len = bytes.len < frames->left ? bytes.len : (size_t)frames->left;
            frames->left -= len;
            if (frames->left == 0)
                frames->closed = frames->closed || frames->closing;
        } else {
            take(frames, (uint8_t)bytes.at[0]);
        }
        bytes = str_from(bytes, len);
    }
}

size_t ws_close_frame(char to[8], uint16_t code, bool masked)
{
    const char content[] = {(char)(code >> 8), (char)code};
    size_t at = 2;
    char key[MASK_BYTES] = {0};

    to[0] = (char)(FIN | OPCODE_CLOSE);
    to[1] = (char)(sizeof content | (masked ? MASK : 0));
    if (masked) {
        random_bytes(key, sizeof key);
        memcpy(to + at, key, sizeof key);
        at += sizeof key;
    }
    for (size_t i = 0; i < sizeof content; i++)
        to[at++] = (char)(content[i] ^ key[i]);
    return at;
}
