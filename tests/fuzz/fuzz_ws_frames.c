/* Frames of a WebSocket: the first byte is the size of the pieces. However the bytes are cut: the same state behind
 * them, and the end of a frame is where it is met byte by byte. */
#include <stdlib.h>

#include "http/ws_frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ws_frames one = {0}, other = {0};
    struct str rest = {(const char *)bytes + 1, len > 0 ? len - 1 : 0};
    size_t step = len > 0 && bytes[0] > 0 ? bytes[0] : 1;

    while (rest.len > 0) {
        struct str piece = str_head(rest, step);
        ws_frames_pass(&one, piece);
        for (size_t i = 0; i < piece.len; i++)
            ws_frames_pass(&other, (struct str){piece.at + i, 1});
        if (one.left != other.left || one.head != other.head || one.closed != other.closed)
            abort();
        rest = str_from(rest, piece.len);
    }
    return 0;
}
