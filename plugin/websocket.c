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

/** What a message has of packets that span messages. */
struct message_split {
    uint32_t number;      /**< of the message within its frame, from 1 */
    uint32_t head_id;     /**< the packet that the message's first bytes belong to; 0: none */
    uint32_t head_from;   /**< how many bytes of that packet came before */
    uint32_t head_bytes;  /**< how many this message adds */
    bool head_ends;       /**< the packet is complete with them */
    bool head_joins;      /**< it is put together */
    bool tail_joins;      /**< the packet at the message's end is put together */
    bool tail_is_partial; /**< it is not, since its first byte is invalid */
    bool is_over_limit;   /**< the packet of the message's first bytes is not put together, for want of memory */
    bool is_unframed;     /**< it is not known where a packet begins in this message */
    bool is_unsure;       /**< messages before it may have been missed, and its packets may be none */
    bool may_lack;        /**< messages of either end may have been missed */
    uint32_t tail_id;     /**< the packet that the message's last bytes begin; 0: none */
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
        FRAGMENT(9, "Reassembled length", "reassembled.length", FT_UINT32, BASE_DEC),
        FRAGMENT(10, "Reassembled data", "reassembled.data", FT_BYTES, BASE_NONE),
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

/** Where the next packet begins is not known any more. */
static void lose_message_place(struct websocket_direction *direction)
{
    *direction = (struct websocket_direction){.is_lost = true};
}

/** Whether a message's part of a packet is put together with the others: only so many parts of one, which Wireshark looks
 *  through for each, and as far as the memory limit has room for what it keeps of them. */
static bool may_join(struct websocket_direction *direction, const struct websocket_message *message)
{
    enum { PARTS_MOST = 10000, PART_SIZE = 160 };

    if (!message->joins || direction->parts == PARTS_MOST)
        return false;
    direction->parts++;
    direction->is_over_limit = !stream_charge(message->length + (uint64_t)PART_SIZE);
    return !direction->is_over_limit;
}

/** Takes the first bytes of a message in for the packet under way: first as much of the fixed header as is missing, so
 *  that the packet's length is known, then up to its end. */
static void split_head(struct websocket_direction *direction, const struct websocket_message *message,
                       struct message_split *split)
{
    uint32_t taken = 0;
    bool is_unreadable = false;

    *split = (struct message_split){.head_id = direction->id, .head_from = direction->collected};
    while (direction->length == 0 && taken < message->captured) {
        direction->header[direction->collected + taken] = message->bytes[taken];
        taken++;
        is_unreadable =
            mqtt_frame(direction->header, direction->collected + taken, &direction->length) == MQTT_FRAME_UNREADABLE;
        if (is_unreadable)
            direction->length = direction->collected + message->length;
    }
    bool is_known = direction->length != 0 || message->captured == message->length;
    uint32_t missing = direction->length - direction->collected;
    direction->is_broken = direction->is_broken || !may_join(direction, message);
    split->is_over_limit = direction->is_over_limit;
    split->head_bytes = direction->length != 0 && missing < message->length ? missing : message->length;
    split->head_joins = !direction->is_broken;
    direction->collected += split->head_bytes;
    split->head_ends = direction->collected == direction->length;
    if (is_unreadable || !is_known)
        lose_message_place(direction);
    else if (split->head_ends)
        *direction = (struct websocket_direction){0};
}

/** Starts a packet with the last bytes of a message, from `at` on. */
static void split_tail(struct websocket_direction *direction, const struct websocket_message *message, uint32_t at,
                       struct message_split *split)
{
    uint32_t captured = message->captured - at;

    *direction = (struct websocket_direction){.collected = message->length - at};
    direction->is_broken = !may_join(direction, message);
    memcpy(direction->header, message->bytes + at, MIN(captured, sizeof direction->header));
    direction->id = split->tail_id = ++packet_ids;
    split->tail_joins = !direction->is_broken;
    mqtt_frame(message->bytes + at, captured, &direction->length);
}

/** Passes the whole packets of a message from `at` on; what follows them begins another one, or its length is not to be
 *  known. */
static void find_tail(struct websocket_direction *direction, const struct websocket_message *message, uint32_t at,
                      struct message_split *split)
{
    while (at < message->length) {
        uint32_t length = 0;
        uint32_t captured = at < message->captured ? message->captured - at : 0;
        enum mqtt_frame_state state = mqtt_frame(message->bytes + at, captured, &length);
        bool is_cut = state == MQTT_FRAME_UNFINISHED && message->captured < message->length;
        if (state == MQTT_FRAME_UNREADABLE || is_cut) {
            lose_message_place(direction);
            return;
        }
        if (state == MQTT_FRAME_UNFINISHED || length > message->length - at) {
            split_tail(direction, message, at, split);
            return;
        }
        at += length;
    }
}

/** Whole packets fill the message. */
static bool fills_message(const struct stream_chunk *chunk, const struct websocket_message *message)
{
    struct mqtt_run run =
        mqtt_read_run(message->bytes, message->captured, track_connection_version(chunk->stream->connection));
    return run.packets > 0 && run.length == message->length;
}

/** Says what a message has of packets that span messages; first visit only. */
static struct message_split split_message(const struct stream_chunk *chunk, packet_info *pinfo,
                                          const struct websocket_message *message)
{
    struct stream *stream = chunk->stream;
    struct track_connection *connection = stream->connection;
    struct message_split split = {0};

    struct websocket_direction *direction = &stream->websocket->directions[chunk->sender];
    if (direction->is_lost) {
        struct mqtt_run run =
            mqtt_read_run(message->bytes, message->captured, track_connection_sure_version(connection));
        if (run.broken || (run.packets == 0 && !run.begun))
            return (struct message_split){.is_unframed = true};
        direction->is_lost = false;
    }
    /* What a packet with an invalid first byte announces need not be the rest of one. */
    if (direction->skips && fills_message(chunk, message)) {
        *direction = (struct websocket_direction){0};
        track_gap(connection, stream_next_pdu_ref(pinfo));
    }
    if (direction->id != 0)
        split_head(direction, message, &split);
    if (!direction->is_lost)
        find_tail(direction, message, split.head_bytes, &split);
    return split;
}

/** The records of a frame's messages, in their order; NULL where none was kept. One list a frame: Wireshark searches what
 *  is kept of a frame from end to end, and a frame may have thousands of messages. */
static wmem_array_t *frame_splits(packet_info *pinfo)
{
    return (wmem_array_t *)p_get_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), SPLIT_KEY);
}

/** Keeps what a message has of packets that span messages; first visit only. */
static void keep_split(packet_info *pinfo, const struct message_split *split)
{
    DISSECTOR_ASSERT(!PINFO_FD_VISITED(pinfo));
    wmem_array_t *splits = frame_splits(pinfo);

    if (splits == NULL) {
        splits = wmem_array_sized_new(wmem_file_scope(), sizeof *split, 1);
        p_add_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), SPLIT_KEY, splits);
    }
    wmem_array_append_one(splits, *split);
}

/** What was kept of the frame's message with this number; all zero where nothing was. */
static struct message_split recall_split(packet_info *pinfo, uint32_t number)
{
    wmem_array_t *splits = frame_splits(pinfo);
    unsigned from = 0;
    unsigned to = splits != NULL ? wmem_array_get_count(splits) : 0;

    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        const struct message_split *split = (const struct message_split *)wmem_array_index(splits, middle);
        if (split->number == number)
            return *split;
        if (split->number < number)
            from = middle + 1;
        else
            to = middle;
    }
    return (struct message_split){0};
}

/** What a message has of packets that span messages: found on the first visit, looked up on later visits. */
static struct message_split find_split(const struct stream_chunk *chunk, packet_info *pinfo,
                                       const struct websocket_message *message)
{
    uint32_t number = stream_next_message(pinfo);
    struct websocket_doubt doubt;

    if (PINFO_FD_VISITED(pinfo))
        return recall_split(pinfo, number);
    struct message_split split = split_message(chunk, pinfo, message);
    websocket_look_for_loss(chunk, pinfo, message, split.head_id != 0, &doubt);
    split.is_unsure = doubt.is_unsure;
    split.may_lack = doubt.may_lack;
    split.number = number;
    return split;
}

/** Takes in the packet that is under way after a message; first visit only, once the packets before it were tracked. Says in
 *  `split` whether its rest is waited for, and keeps that. */
static void begin_spanning_packet(const struct stream_chunk *chunk, packet_info *pinfo, struct message_split *split)
{
    struct websocket_direction *direction = &chunk->stream->websocket->directions[chunk->sender];
    struct track_connection *connection = chunk->stream->connection;
    const struct tcp_direction *tcp = &chunk->stream->tcp[chunk->sender];
    bool is_first = tcp->from_start && !tcp->has_packets;
    bool is_new = split->tail_id != 0 && split->tail_joins && !split->is_unsure;

    if (direction->is_lost) {
        track_lose_packet(connection, chunk->sender);
    } else if (is_new && !track_may_begin(connection, chunk->sender, direction->header[0], is_first)) {
        direction->is_broken = direction->skips = true;
        split->tail_joins = false;
        split->tail_is_partial = true;
    } else if (direction->id != 0 && !direction->is_broken && !split->is_unsure) {
        const struct track_beginning beginning = {.packet = {.sender = (uint8_t)chunk->sender,
                                                             .first = direction->header[0],
                                                             .length = direction->length,
                                                             .arrived = direction->collected}};
        beginnings_take(pinfo, chunk->stream, &beginning, direction->header);
    }
    if (split->head_id != 0 || split->tail_id != 0 || split->is_unframed || split->may_lack)
        keep_split(pinfo, split);
}

/** Adds a part of a packet; dissects the packet where the part completes it, else says where that is. */
static void add_part(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stream_chunk *chunk, uint32_t id,
                     uint32_t from, bool ends)
{
    fragment_head *parts =
        fragment_add_check(&packets_table, tvb, 0, pinfo, id, NULL, from, tvb_reported_length(tvb), !ends);
    tvbuff_t *packet = process_reassembled_data(tvb, 0, pinfo, "Reassembled MQTT", parts, &fragment_names, NULL, tree);
    if (packet == NULL || !ends)
        return;
    uint32_t length;
    unsigned header = MIN(tvb_captured_length(packet), 5);
    if (mqtt_frame(tvb_get_ptr(packet, 0, (int)header), header, &length) == MQTT_FRAME_UNREADABLE)
        dissect_unframeable(packet, pinfo, tree, chunk);
    else
        dissect_control_packet(packet, pinfo, tree, chunk);
}

/** The whole packets of a message, from `at` on; what a bad length makes unreadable is shown as such. */
static uint32_t dissect_whole_packets(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stream_chunk *chunk,
                                      uint32_t at)
{
    uint32_t captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);

    while (at < captured) {
        uint32_t length;
        enum mqtt_frame_state state = mqtt_frame(bytes + at, captured - at, &length);
        uint32_t left = tvb_reported_length(tvb) - at;
        if (state == MQTT_FRAME_UNREADABLE) {
            dissect_unframeable(tvb_new_subset_remaining(tvb, (int)at), pinfo, tree, chunk);
            return captured;
        }
        if (state == MQTT_FRAME_UNFINISHED || length > left)
            break;
        dissect_control_packet(tvb_new_subset_length(tvb, (int)at, (int)length), pinfo, tree, chunk);
        at += length;
    }
    return at;
}

/** The beginning of a packet that is not put together: cut, and not malformed. */
static void dissect_truncated(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stream_chunk *chunk)
{
    uint32_t captured = tvb_captured_length(tvb);
    uint32_t length = tvb_reported_length(tvb) + 1;

    mqtt_frame(tvb_get_ptr(tvb, 0, (int)captured), captured, &length);
    dissect_control_packet(tvb_new_subset_length_caplen(tvb, 0, (int)captured, (int)length), pinfo, tree, chunk);
}

/** More of a packet that spans messages and was shown by its beginning alone; first visit only. */
static void follow_message_rest(const struct stream_chunk *chunk, const packet_info *pinfo,
                                const struct message_split *split)
{
    struct track_arrival arrival;

    stream_arrival(chunk->stream, pinfo, &arrival);
    track_packet_continues(chunk->stream->connection, chunk->sender, &arrival, split->head_ends);
}

/** A packet that spans messages is under way after this one; first visit only. */
static void follow_message_beginning(const struct stream_chunk *chunk, const packet_info *pinfo)
{
    struct track_arrival arrival;

    if (chunk->stream->websocket->directions[chunk->sender].id == 0)
        return;
    stream_arrival(chunk->stream, pinfo, &arrival);
    track_packet_begun(chunk->stream->connection, chunk->sender, &arrival);
}

static void dissect_message(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stream_chunk *chunk,
                            uint32_t frame_length)
{
    uint32_t captured = tvb_captured_length(tvb);
    struct websocket_message message = {
        .bytes = tvb_get_ptr(tvb, 0, (int)captured),
        .captured = captured,
        .length = tvb_reported_length(tvb),
        .frame_length = frame_length,
    };

    message.joins = mqttscope_reassembles() && captured == message.length;
    struct message_split split = find_split(chunk, pinfo, &message);
    chunk->is_unsure = split.is_unsure;
    chunk->may_lack = split.may_lack;
    if (split.is_unframed) {
        show_unframed(tvb, pinfo, tree);
        if (!PINFO_FD_VISITED(pinfo))
            begin_spanning_packet(chunk, pinfo, &split);
        return;
    }
    tvbuff_t *head = tvb_new_subset_length(tvb, 0, (int)split.head_bytes);
    if (split.head_id != 0 && split.head_joins)
        add_part(head, pinfo, tree, chunk, split.head_id, split.head_from, split.head_ends);
    else if (split.head_id != 0 && split.is_over_limit)
        show_over_limit(head, pinfo, tree);
    else if (split.head_id != 0)
        show_unframed(head, pinfo, tree);
    if (split.head_id != 0 && !split.head_joins && !PINFO_FD_VISITED(pinfo))
        follow_message_rest(chunk, pinfo, &split);
    uint32_t at = dissect_whole_packets(tvb, pinfo, tree, chunk, split.head_bytes);
    if (!PINFO_FD_VISITED(pinfo))
        begin_spanning_packet(chunk, pinfo, &split);
    if (at >= captured)
        return;
    tvbuff_t *rest = tvb_new_subset_remaining(tvb, (int)at);
    chunk->is_partial = split.tail_is_partial;
    if (split.tail_id != 0 && split.tail_joins)
        add_part(rest, pinfo, tree, chunk, split.tail_id, 0, false);
    else
        dissect_truncated(rest, pinfo, tree, chunk);
}

/** Makes the record of what the WebSocket adds to its stream; first visit only. */
static void begin_websocket(struct stream *stream, packet_info *pinfo)
{
    struct track_arrival arrival;

    DISSECTOR_ASSERT(!PINFO_FD_VISITED(pinfo));
    stream->websocket = wmem_new0(wmem_file_scope(), struct websocket);
    stream->websocket->begun_in = pinfo->num;
    stream->has_records = true;
    stream->websocket->handshake = websocket_handshake(pinfo);
    /* Without TCP's analysis, what was sent again by TCP comes again. */
    stream_arrival(stream, pinfo, &arrival);
    if (!arrival.has_numbers && !proto_is_frame_protocol(pinfo->layers, "tls"))
        track_gap(stream->connection, stream_next_pdu_ref(pinfo));
}

int dissect_over_websocket(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    struct stream_chunk chunk;

    stream_chunk_begin(&chunk, pinfo);
    if (chunk.stream->websocket == NULL)
        begin_websocket(chunk.stream, pinfo);
    struct websocket_frame frame = websocket_frame_of(pinfo, tvb);
    chunk.in_websocket_text = frame.opcode == 1;
    dissect_message(tvb, pinfo, tree, &chunk, frame.length);
    if (PINFO_FD_VISITED(pinfo))
        return (int)tvb_captured_length(tvb);
    follow_message_beginning(&chunk, pinfo);
    /* Not before: the packets of this message were not touched by what is missing after them. */
    if (chunk.stream->websocket->directions[chunk.sender].is_lost)
        track_gap(chunk.stream->connection, stream_next_pdu_ref(pinfo));
    return (int)tvb_captured_length(tvb);
}
