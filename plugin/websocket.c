/* websocket.c - finds the control packets in WebSocket messages.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * MQTT pays no heed to the borders of WebSocket messages: a packet may span several, and one may hold several packets
 * (MQTT 5.0 section 6). Wireshark's stream reassembly for such transports does not exist in 4.0, so packets that span
 * messages are put together here, with Wireshark's fragment tables: each has a number, and what each message adds to
 * which packet is found on the first visit and kept for the later ones.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/proto_data.h>
#include <epan/reassemble.h>

#include "compat.h"
#include "mqttscope.h"

/** What a message has of packets that span messages. File scope; kept only where there is such a packet. */
struct message_split {
    uint32_t head_id;    /**< the packet that the message's first bytes belong to; 0: none */
    uint32_t head_from;  /**< how many bytes of that packet came before */
    uint32_t head_bytes; /**< how many this message adds */
    bool head_ends;      /**< the packet is complete with them */
    uint32_t tail_id;    /**< the packet that the message's last bytes begin; 0: none */
};

enum { SPLIT_KEY = 0x20000000 };

static reassembly_table packets_table;
static uint32_t packet_ids;

static int fragment_fields[11];
static int fragment_subtrees[2];

static const fragment_items fragment_names = {
    &fragment_subtrees[0], &fragment_subtrees[1], &fragment_fields[0],  &fragment_fields[1],  &fragment_fields[2],
    &fragment_fields[3],   &fragment_fields[4],   &fragment_fields[5],  &fragment_fields[6],  &fragment_fields[7],
    &fragment_fields[8],   &fragment_fields[9],   &fragment_fields[10], "WebSocket messages",
};

void websocket_register(int proto)
{
    static hf_register_info fields[] = {
#define FRAGMENT(index, name, abbrev, type, base)                                                                      \
    {                                                                                                                  \
        &fragment_fields[index],                                                                                       \
        {                                                                                                              \
            name, "mqttscope.websocket." abbrev, type, base, NULL, 0x0, NULL, HFILL                                    \
        }                                                                                                              \
    }
        FRAGMENT(0, "WebSocket messages of this packet", "messages", FT_NONE, BASE_NONE),
        FRAGMENT(1, "WebSocket message of this packet", "message", FT_FRAMENUM, BASE_NONE),
        FRAGMENT(2, "Overlap", "overlap", FT_BOOLEAN, BASE_NONE),
        FRAGMENT(3, "Overlap with other content", "overlap.conflict", FT_BOOLEAN, BASE_NONE),
        FRAGMENT(4, "Several ends", "multiple_tails", FT_BOOLEAN, BASE_NONE),
        FRAGMENT(5, "Too long", "too_long", FT_BOOLEAN, BASE_NONE),
        FRAGMENT(6, "Error", "error", FT_FRAMENUM, BASE_NONE),
        FRAGMENT(7, "Count", "count", FT_UINT32, BASE_DEC),
        FRAGMENT(8, "Put together in", "reassembled_in", FT_FRAMENUM, BASE_NONE),
        FRAGMENT(9, "Length put together", "reassembled.length", FT_UINT32, BASE_DEC),
        FRAGMENT(10, "Data put together", "reassembled.data", FT_BYTES, BASE_NONE),
#undef FRAGMENT
    };
    int *subtrees[] = {&fragment_subtrees[0], &fragment_subtrees[1]};

    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++)
        fragment_fields[i] = -1;
    fragment_subtrees[0] = fragment_subtrees[1] = -1;
    proto_register_field_array(proto, fields, G_N_ELEMENTS(fields));
    proto_register_subtree_array(subtrees, G_N_ELEMENTS(subtrees));
    reassembly_table_register(&packets_table, &addresses_ports_reassembly_table_functions);
}

/** Takes the first bytes of a message in for the packet under way: first as much of the fixed header as is missing, so
 *  that the packet's length is known, then up to its end. */
static void split_head(struct websocket_direction *direction, const uint8_t *bytes, uint32_t available,
                       struct message_split *split)
{
    uint32_t taken = 0;

    *split = (struct message_split){.head_id = direction->id, .head_from = direction->collected};
    while (direction->length == 0 && taken < available) {
        direction->header[direction->collected + taken] = bytes[taken];
        taken++;
        if (mqtt_frame(direction->header, direction->collected + taken, &direction->length) == MQTT_FRAME_UNREADABLE)
            direction->length = direction->collected + available;
    }
    uint32_t missing = direction->length - direction->collected;
    split->head_bytes = direction->length != 0 && missing < available ? missing : available;
    direction->collected += split->head_bytes;
    split->head_ends = direction->collected == direction->length;
    if (split->head_ends)
        *direction = (struct websocket_direction){0};
}

/** Where the whole packets that begin at `at` end, and whether what follows is the beginning of another one. */
static uint32_t find_tail(const uint8_t *bytes, uint32_t at, uint32_t available, bool *has_tail)
{
    uint32_t length = 0;

    *has_tail = false;
    while (at < available) {
        enum mqtt_frame_state state = mqtt_frame(bytes + at, available - at, &length);
        *has_tail = state == MQTT_FRAME_UNFINISHED || (state == MQTT_FRAME_WHOLE && length > available - at);
        if (state != MQTT_FRAME_WHOLE || *has_tail)
            break;
        at += length;
    }
    return at;
}

/** Starts a packet with the last bytes of a message. */
static void split_tail(struct websocket_direction *direction, const uint8_t *bytes, uint32_t available,
                       struct message_split *split)
{
    memcpy(direction->header, bytes, MIN(available, sizeof direction->header));
    direction->id = split->tail_id = ++packet_ids;
    direction->collected = available;
    direction->length = 0;
    mqtt_frame(bytes, available, &direction->length);
}

/** Finds on the first visit, and keeps, what a message has of packets that span messages; looks it up on later visits. */
static const struct message_split *find_split(const struct stretch *stretch, packet_info *pinfo, tvbuff_t *tvb,
                                              uint32_t message)
{
    static const struct message_split whole = {0};
    struct websocket_direction *direction = &stretch->stream->websocket[stretch->sender];
    uint32_t available = tvb_reported_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)available);
    struct message_split split = whole;
    bool has_tail;

    if (PINFO_FD_VISITED(pinfo)) {
        const struct message_split *kept = (const struct message_split *)p_get_proto_data(
            wmem_file_scope(), pinfo, mqttscope_proto(), SPLIT_KEY + message);
        return kept != NULL ? kept : &whole;
    }
    if (direction->id != 0)
        split_head(direction, bytes, available, &split);
    uint32_t tail = find_tail(bytes, split.head_bytes, available, &has_tail);
    if (has_tail)
        split_tail(direction, bytes + tail, available - tail, &split);
    if (split.head_id == 0 && split.tail_id == 0)
        return &whole;
    struct message_split *kept = wmem_new(wmem_file_scope(), struct message_split);
    *kept = split;
    p_add_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), SPLIT_KEY + message, kept);
    return kept;
}

/** Adds a part of a packet; dissects the packet where the part completes it, else says where that is. */
static void add_part(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stretch *stretch, uint32_t id,
                     uint32_t from, bool ends)
{
    fragment_head *parts =
        fragment_add_check(&packets_table, tvb, 0, pinfo, id, NULL, from, tvb_reported_length(tvb), !ends);
    tvbuff_t *packet = process_reassembled_data(tvb, 0, pinfo, "Reassembled MQTT", parts, &fragment_names, NULL, tree);
    if (packet != NULL && ends)
        dissect_control_packet(packet, pinfo, tree, stretch);
}

/** True where the message came in a text frame. Wireshark does not hand the opcode to subdissectors, but where a tree is
 *  looked at it stands there. */
static bool is_text_frame(proto_tree *tree)
{
    int opcode = proto_registrar_get_id_byname("websocket.opcode");
    bool is_text = false;

    if (tree == NULL || !PTREE_DATA(tree)->visible || opcode < 0)
        return false;
    GPtrArray *items = proto_find_finfo(tree, opcode);
    if (items->len > 0) {
        field_info *last = (field_info *)g_ptr_array_index(items, items->len - 1);
        is_text = fvalue_get_uinteger(compat_fvalue(last)) == 1;
    }
    g_ptr_array_free(items, TRUE);
    return is_text;
}

/** The whole packets of a message, from `at` on; what a bad length makes unreadable is shown as such. */
static uint32_t dissect_whole_packets(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stretch *stretch,
                                      uint32_t at)
{
    uint32_t captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);

    while (at < captured) {
        uint32_t length;
        enum mqtt_frame_state state = mqtt_frame(bytes + at, captured - at, &length);
        uint32_t left = tvb_reported_length(tvb) - at;
        if (state == MQTT_FRAME_UNREADABLE) {
            show_unframeable(tvb_new_subset_remaining(tvb, (int)at), pinfo, tree);
            return captured;
        }
        if (state == MQTT_FRAME_UNFINISHED || length > left)
            break;
        dissect_control_packet(tvb_new_subset_length(tvb, (int)at, (int)length), pinfo, tree, stretch);
        at += length;
    }
    return at;
}

int dissect_over_websocket(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    struct stretch stretch;
    struct message_split split = {0};
    uint32_t captured = tvb_captured_length(tvb);
    bool can_join = mqttscope_reassembles() && captured == tvb_reported_length(tvb);

    stretch_begin(&stretch, pinfo);
    stretch.in_websocket_text = is_text_frame(tree);
    if (can_join)
        split = *find_split(&stretch, pinfo, tvb, stream_next_message(pinfo));
    else if (!PINFO_FD_VISITED(pinfo))
        stretch.stream->websocket[stretch.sender] = (struct websocket_direction){0};
    if (split.head_id != 0)
        add_part(tvb_new_subset_length(tvb, 0, (int)split.head_bytes), pinfo, tree, &stretch, split.head_id,
                 split.head_from, split.head_ends);
    uint32_t at = dissect_whole_packets(tvb, pinfo, tree, &stretch, split.head_bytes);
    if (split.tail_id != 0)
        add_part(tvb_new_subset_remaining(tvb, (int)at), pinfo, tree, &stretch, split.tail_id, 0, false);
    else if (at < captured)
        dissect_control_packet(tvb_new_subset_remaining(tvb, (int)at), pinfo, tree, &stretch);
    return (int)captured;
}
