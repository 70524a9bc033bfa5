/* websocket-frame.c - the WebSocket frame that a message came in: its opcode and its length (RFC 6455 section 5.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark hands neither to subdissectors, and their fields are in a tree only where one is wanted; a finding must
 * not depend on that. So the header is looked for in the bytes that the message was taken from. Of a message that was put
 * together from several frames or inflated both stay unknown.
 *
 * Such a message is nowhere in those bytes, and a crafted one is nearly there at each of them. So a search that has compared
 * as many bytes in vain as there are is given up.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/proto_data.h>

#include "mqttscope.h"

/** The header of a frame that has a payload of a certain length, as far as the length decides it. */
struct wanted {
    uint8_t bytes[9]; /**< from the second byte on, the masking bit set */
    size_t length;
};

/** Where the last masked frame of a Wireshark frame was found: its messages come one after the other. Visit scope. */
struct cursor {
    tvbuff_t *source;
    uint32_t next;
    uint32_t compared; /**< bytes of the source that were compared in vain */
    bool is_lost;      /**< a message was not found; the search would fail for each of its successors too */
};

enum { CURSOR_KEY = 0x30000000, MASK_BIT = 0x80, KEY_LENGTH = 4, TELLING_LENGTH = 4, SOURCES_MOST = 8 };

static struct wanted header_for(uint32_t length)
{
    struct wanted wanted = {.length = 1};

    if (length < 126) {
        wanted.bytes[0] = (uint8_t)(MASK_BIT | length);
        return wanted;
    }
    size_t size = length <= UINT16_MAX ? 2 : 8;
    wanted.bytes[0] = (uint8_t)(MASK_BIT | (size == 2 ? 126 : 127));
    for (size_t i = 0; i < size && i < sizeof length; i++)
        wanted.bytes[size - i] = (uint8_t)(length >> 8 * i);
    wanted.length += size;
    return wanted;
}

/** How many bytes of the message the masked bytes after a key hold. */
static uint32_t unmasked_length(const uint8_t *key, const uint8_t *message, uint32_t length)
{
    const uint8_t *masked = key + KEY_LENGTH;
    uint32_t i = 0;

    while (i < length && (masked[i] ^ key[i % KEY_LENGTH]) == message[i])
        i++;
    return i;
}

/** Looks in the cursor's source for a masked frame with the message from `*from` on; the opcode, and `*from` after the
 *  frame. -1: none, or the search was given up. */
static int find_masked(struct cursor *cursor, uint32_t *from, const uint8_t *message, uint32_t length)
{
    struct wanted wanted = header_for(length);
    uint32_t captured = tvb_captured_length(cursor->source);
    uint32_t needed = (uint32_t)wanted.length + KEY_LENGTH + length;
    const uint8_t *bytes = tvb_get_ptr(cursor->source, 0, (int)captured);

    for (uint32_t at = *from + 1; at + needed <= captured && at + needed > at; at++) {
        const uint8_t *found = (const uint8_t *)memchr(bytes + at, wanted.bytes[0], captured - needed - at + 1);
        if (found == NULL || cursor->compared > captured)
            return -1;
        at = (uint32_t)(found - bytes);
        if (memcmp(found, wanted.bytes, wanted.length) != 0)
            continue;
        uint32_t alike = unmasked_length(found + wanted.length, message, length);
        if (alike == length) {
            *from = at + needed;
            return found[-1] & 0x0F;
        }
        cursor->compared += alike;
    }
    return -1;
}

/** The same for the first message of a source, where a short one may be found by chance, in the headers before it: -1 too if
 *  it is found again with another opcode. */
static int find_first(struct cursor *cursor, const uint8_t *message, uint32_t length)
{
    int opcode = find_masked(cursor, &cursor->next, message, length);
    uint32_t further = cursor->next;
    int other = opcode;

    while (length < TELLING_LENGTH && other == opcode && opcode >= 0)
        other = find_masked(cursor, &further, message, length);
    return other == -1 || other == opcode ? opcode : -1;
}

/** An unmasked message is a part of the bytes that it came in: the header is right in front of it. */
static int before_message(tvbuff_t *message, uint32_t length)
{
    struct wanted wanted = header_for(length);
    uint32_t at = (uint32_t)tvb_raw_offset(message);

    wanted.bytes[0] &= (uint8_t)~MASK_BIT;
    if (at < wanted.length + 1)
        return -1;
    const uint8_t *header =
        tvb_get_ptr(tvb_get_ds_tvb(message), (int)(at - wanted.length - 1), (int)(wanted.length + 1));
    return memcmp(header + 1, wanted.bytes, wanted.length) == 0 ? header[0] & 0x0F : -1;
}

/** The sources of bytes that were there before a message was unmasked, the newest first. */
static unsigned sources_before(const packet_info *pinfo, const tvbuff_t *unmasked, tvbuff_t *sources[SOURCES_MOST])
{
    unsigned count = 0;

    for (const GSList *each = pinfo->data_src; each != NULL; each = each->next) {
        tvbuff_t *source = get_data_source_tvb((const struct data_source *)each->data);
        if (source == unmasked)
            return count;
        memmove(&sources[1], &sources[0], (SOURCES_MOST - 1) * sizeof sources[0]);
        sources[0] = source;
        count = MIN(count + 1, SOURCES_MOST);
    }
    return 0;
}

static struct cursor *cursor_of(packet_info *pinfo)
{
    struct cursor *cursor = (struct cursor *)p_get_proto_data(pinfo->pool, pinfo, mqttscope_proto(), CURSOR_KEY);

    if (cursor == NULL) {
        cursor = wmem_new0(pinfo->pool, struct cursor);
        p_add_proto_data(pinfo->pool, pinfo, mqttscope_proto(), CURSOR_KEY, cursor);
    }
    return cursor;
}

struct websocket_frame websocket_frame_of(packet_info *pinfo, tvbuff_t *message)
{
    uint32_t length = tvb_captured_length(message);
    struct websocket_frame frame = {.opcode = -1};

    if (length == 0 || length != tvb_reported_length(message))
        return frame;
    uint32_t unmasked = 1 + (uint32_t)header_for(length).length + length;
    frame.opcode = before_message(message, length);
    if (frame.opcode >= 0)
        frame.length = unmasked;
    struct cursor *cursor = cursor_of(pinfo);
    if (frame.opcode >= 0 || cursor->is_lost)
        return frame;
    const uint8_t *bytes = tvb_get_ptr(message, 0, (int)length);
    if (cursor->source != NULL)
        frame.opcode = find_masked(cursor, &cursor->next, bytes, length);
    tvbuff_t *sources[SOURCES_MOST] = {0};
    unsigned count = frame.opcode < 0 ? sources_before(pinfo, tvb_get_ds_tvb(message), sources) : 0;
    for (unsigned i = 0; i < count && frame.opcode < 0; i++) {
        *cursor = (struct cursor){.source = sources[i]};
        frame.opcode = find_first(cursor, bytes, length);
    }
    cursor->is_lost = frame.opcode < 0;
    if (frame.opcode >= 0)
        frame.length = unmasked + KEY_LENGTH;
    return frame;
}
