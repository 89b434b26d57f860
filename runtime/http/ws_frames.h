/* ws_frames: where the frames of a WebSocket begin and end (RFC 6455 section 5.2), without looking into them: so that
 * something can be said between two of them. A few bytes of state; works at every split of the bytes. */
#ifndef HTTP_WS_FRAMES_H
#define HTTP_WS_FRAMES_H

#include "base/str.h"

struct ws_frames {
    uint64_t left;    /* bytes of the frame's content still to come */
    uint64_t length;  /* of the head that is being read */
    uint8_t head;     /* bytes of the head met; 0 and nothing left: between two frames */
    uint8_t extended; /* bytes of the length beyond the first two */
    bool masked, closing, closed; /* closed: a Close frame has passed */
};

/* Passes over bytes. */
void ws_frames_pass(struct ws_frames *frames, struct str bytes);

static inline bool ws_frames_between(const struct ws_frames *frames)
{
    return frames->head == 0 && frames->left == 0;
}

/* How many bytes there are at least to the end of the frame; 1 when its head is not known yet. */
static inline uint64_t ws_frames_left(const struct ws_frames *frames)
{
    return frames->left > 0 ? frames->left : 1;
}

/* A Close frame (section 5.5.1) with a status code; masked as clients must. Its length; `to` has 8 bytes. */
size_t ws_close_frame(char to[8], uint16_t code, bool masked);

#endif
