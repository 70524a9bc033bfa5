/* websocket-walk.c - follows the frames of a WebSocket through the bytes of TCP, from the end of its handshake on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark continues reading a WebSocket after a gap, and does not say that there was one. While each segment continues where
 * the one before it ended, and each message ends where its frames do (RFC 6455 section 5.2), nothing was missed.
 */
#include <epan/packet.h>

#include "mqttscope.h"

enum {
    FIN = 0x80,
    COMPRESSED = 0x40, /* RSV1 of a message's first frame (RFC 7692 section 6) */
    OPCODE = 0x0F,
    CONTROL = 0x08,
    MASKED = 0x80,
    KEY_LENGTH = 4,
};

void websocket_walk_begin(struct websocket_walk *walk, uint32_t at)
{
    *walk = (struct websocket_walk){.is_certain = true, .at = at};
}

/** How long a frame's header is, without its masking key, as far as its first bytes tell. */
static unsigned header_size(const struct websocket_walk *walk)
{
    unsigned length = walk->header_length < 2 ? 0 : walk->header[1] & ~(unsigned)MASKED;
    return length == 126 ? 4 : length == 127 ? 10 : 2;
}

/** Takes in the header of a frame that is complete. */
static void begin_frame(struct websocket_walk *walk)
{
    uint64_t payload = walk->header[1] & ~(unsigned)MASKED;

    if (walk->header_length > 2)
        payload = 0;
    for (unsigned i = 2; i < walk->header_length; i++)
        payload = payload << 8 | walk->header[i];
    walk->left = payload + (walk->header[1] & MASKED ? KEY_LENGTH : 0);
    if (walk->header[0] & CONTROL)
        return;
    if ((walk->header[0] & OPCODE) != 0) {
        walk->is_compressed = walk->header[0] & COMPRESSED;
        walk->message_length = 0;
    }
    walk->message_length += payload;
}

/** Passes bytes up to the end of the next message; false where there is none. `*at` is moved. */
static bool pass_message(struct websocket_walk *walk, const struct segment_data *data, uint32_t *at)
{
    for (;;) {
        uint32_t passed = (uint32_t)MIN(walk->left, data->length - *at);
        *at += passed;
        walk->left -= passed;
        if (walk->left > 0)
            return false;
        if (walk->header_length == header_size(walk)) {
            walk->header_length = 0;
            if ((walk->header[0] & (FIN | CONTROL)) == FIN)
                return true;
        }
        if (*at == data->length)
            return false;
        walk->header[walk->header_length++] = data->bytes[(*at)++];
        if (walk->header_length == header_size(walk))
            begin_frame(walk);
    }
}

bool websocket_walk_meet(struct websocket_walk *walk, const packet_info *pinfo, uint32_t length)
{
    struct segment_data data;
    uint32_t at;

    DISSECTOR_ASSERT(!PINFO_FD_VISITED(pinfo));
    if (!walk->is_certain)
        return false;
    walk->is_certain = stream_segment_data(pinfo, &data) && (at = walk->at - data.seq) < data.length &&
                       pass_message(walk, &data, &at) && (walk->is_compressed || walk->message_length == length);
    if (walk->is_certain)
        walk->at = data.seq + at;
    return walk->is_certain;
}

void websocket_walk_pass(struct websocket_walk *walk, const packet_info *pinfo)
{
    struct segment_data data;

    DISSECTOR_ASSERT(!PINFO_FD_VISITED(pinfo));
    if (!walk->is_certain)
        return;
    if (!stream_segment_data(pinfo, &data)) {
        walk->is_certain = false;
        return;
    }
    uint32_t at = walk->at - data.seq;
    if ((int32_t)(data.seq + data.length - walk->at) <= 0)
        return;
    walk->is_certain = at < data.length;
    /* A message that nobody was handed is missing to what follows; one without bytes is not. */
    while (walk->is_certain && pass_message(walk, &data, &at))
        walk->is_certain = walk->message_length == 0;
    walk->at = data.seq + at;
}
