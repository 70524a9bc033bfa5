/* framing.c - finds the control packets in a chunk of a stream, whatever carries it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where in its stream a chunk lies, and whether it begins with a packet, is for the transports (framing-tcp.c,
 * framing-records.c). A packet that continues after the chunk is waited for, unless its first byte is invalid: the length that it
 * announces may be no length at all.
 */
#include <epan/dissectors/packet-tcp.h>
#include <epan/exceptions.h>
#include <epan/proto_data.h>
#include <epan/show_exception.h>

#include "foreign.h"
#include "framing.h"
#include "mqttscope.h"

enum {
    INVALID_KEY =
        0x70000000,   /**< for what begins with an invalid first byte; the packet's number in the frame is added */
    LEAST_TO_ASK = 1, /**< bytes of a packet with which framing_pdu_length() is asked */
    LEAST_LENGTH = 2, /**< of a packet */
};

void framing_lose_place(const struct stream_chunk *chunk)
{
    chunk->stream->tcp[chunk->sender].framed = false;
    track_lose_packet(chunk->stream->connection, chunk->sender);
}

/** Takes in that a packet begins in this chunk and goes on after it; first visit only. `length` is 0 while its Remaining
 *  Length is not complete. */
static void begin_packet(const struct stream_chunk *chunk, packet_info *pinfo, const uint8_t *bytes, uint32_t length,
                         uint32_t arrived)
{
    const struct tcp_direction *direction = &chunk->stream->tcp[chunk->sender];
    uint32_t end = 0; /* where TCP's own number is that of `next_seq` */
    bool has_number = chunk->has_places && stream_segment_end(pinfo, &end);
    struct track_beginning beginning = {
        .packet = {.sender = (uint8_t)chunk->sender,
                   .first = bytes[0],
                   .is_at_least = true,
                   .length = length,
                   .arrived = arrived},
        .has_number = has_number,
        .from = end - (chunk->next_seq - direction->begins_at),
    };

    if (!chunk->has_places || (direction->framed && direction->unproved == 0))
        beginnings_take(pinfo, chunk->stream, &beginning, bytes);
}

/** What a packet with an invalid first byte was taken for. */
enum invalid_kind {
    INVALID_NOT,
    INVALID_UNKNOWN, /**< too few bytes tell: the next will */
    INVALID_PARTIAL, /**< a packet that continues after the chunk, and is not waited for */
    INVALID_FOREIGN, /**< another protocol */
};

/** Decides about the bytes where a packet is to begin; first visit only. */
static enum invalid_kind judge_beginning(const struct stream_chunk *chunk, tvbuff_t *tvb, int offset,
                                         bool is_unfinished)
{
    const struct tcp_direction *direction = &chunk->stream->tcp[chunk->sender];
    bool is_sure = chunk->can_skip && (!chunk->has_places || (direction->framed && direction->unproved == 0));
    bool is_first = !direction->has_packets && (direction->from_start || !chunk->has_places);

    if (!is_sure)
        return INVALID_NOT;
    if (is_first && foreign_is_start(tvb, offset))
        return INVALID_FOREIGN;
    if (is_first && is_unfinished && foreign_may_start(tvb, offset))
        return INVALID_UNKNOWN;
    if (track_may_begin(chunk->stream->connection, chunk->sender, *tvb_get_ptr(tvb, offset, 1),
                        is_first && direction->from_start))
        return INVALID_NOT;
    if (foreign_is_inside(tvb, offset))
        return INVALID_FOREIGN;
    return is_unfinished ? INVALID_PARTIAL : INVALID_NOT;
}

/** The same: decided on the first visit, looked up on later ones. */
static enum invalid_kind find_invalid(const struct stream_chunk *chunk, packet_info *pinfo, tvbuff_t *tvb, int offset,
                                      bool is_unfinished)
{
    uint32_t key = INVALID_KEY + stream_next_pdu_ref(pinfo).pdu;

    if (PINFO_FD_VISITED(pinfo))
        return (enum invalid_kind)GPOINTER_TO_UINT(p_get_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), key));
    enum invalid_kind kind = judge_beginning(chunk, tvb, offset, is_unfinished);
    if (kind > INVALID_UNKNOWN)
        p_add_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), key, GUINT_TO_POINTER(kind));
    return kind;
}

/** Length of the control packet at `offset`, as tcp_dissect_pdus() asks for it; 0: more bytes are needed. `data` is the
 *  struct stream_chunk. */
static unsigned framing_pdu_length(packet_info *pinfo, tvbuff_t *tvb, int offset, void *data)
{
    struct stream_chunk *chunk = (struct stream_chunk *)data;
    unsigned captured = (unsigned)tvb_captured_length_remaining(tvb, offset);
    unsigned reported = (unsigned)tvb_reported_length_remaining(tvb, offset);
    unsigned header = MIN(captured, 5);
    bool can_wait = mqttscope_reassembles() && pinfo->can_desegment && captured == reported;
    const uint8_t *bytes = tvb_get_ptr(tvb, offset, (int)header);
    uint32_t length = reported;
    enum mqtt_frame_state state = mqtt_frame(bytes, header, &length);
    bool is_unfinished = state == MQTT_FRAME_UNFINISHED || length > reported;

    enum invalid_kind invalid = INVALID_NOT;

    if ((is_unfinished && can_wait) || foreign_is_possible(bytes, header))
        invalid = find_invalid(chunk, pinfo, tvb, offset, is_unfinished && can_wait);
    chunk->is_partial = invalid == INVALID_PARTIAL;
    chunk->is_foreign = invalid == INVALID_FOREIGN;
    if (invalid > INVALID_UNKNOWN)
        return reported;
    if (is_unfinished && can_wait && !PINFO_FD_VISITED(pinfo))
        begin_packet(chunk, pinfo, bytes, state == MQTT_FRAME_WHOLE ? length : 0, reported);
    if (invalid == INVALID_UNKNOWN)
        return 0;
    if (state != MQTT_FRAME_UNFINISHED)
        return MAX(length, LEAST_LENGTH);
    if (can_wait)
        return 0;
    if (!PINFO_FD_VISITED(pinfo))
        framing_lose_place(chunk);
    return MAX(reported, LEAST_LENGTH);
}

/** What the fixed header says of the bytes that tcp_dissect_pdus() cut out; the packet's length, where it is complete. */
static enum mqtt_frame_state frame_state(tvbuff_t *tvb, uint32_t *length)
{
    unsigned header = MIN(tvb_captured_length(tvb), 5);
    return mqtt_frame(tvb_get_ptr(tvb, 0, (int)header), header, length);
}

/** Takes in where the next packet begins after what tcp_dissect_pdus() cut out; first visit only. `length` is that of the packet,
 *  or of what is there of it. */
static void pass_packet(const struct stream_chunk *chunk, tvbuff_t *tvb, enum mqtt_frame_state state, uint32_t length)
{
    uint32_t here = tvb_reported_length(tvb);
    struct tcp_direction *direction = &chunk->stream->tcp[chunk->sender];

    direction->skips = chunk->is_partial;
    if (chunk->has_places)
        direction->begins_at += length;
    else if (chunk->is_partial)
        direction->begins_at = length - here;
    if (chunk->is_partial && state == MQTT_FRAME_UNFINISHED) {
        direction->open_bytes = 1;
        direction->open_length = 0;
        framing_read_header(direction, tvb_new_subset_remaining(tvb, 1));
    } else if (state != MQTT_FRAME_WHOLE) {
        framing_lose_place(chunk);
    }
}

/** Shows what is no MQTT; where the sender's next packet begins, if there is one, is not known then. */
static void dissect_foreign(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct stream_chunk *chunk)
{
    struct tcp_direction *direction = &chunk->stream->tcp[chunk->sender];

    show_foreign(tvb, pinfo, tree, foreign_name(pinfo->pool, tvb), true);
    if (!dissect_alert(tvb, pinfo, tree, chunk))
        stream_next_pdu(pinfo); /* so that what follows in the frame has a number of its own */
    if (PINFO_FD_VISITED(pinfo))
        return;
    framing_lose_place(chunk);
    if (!chunk->has_places) {
        direction->skips = true;
        direction->begins_at = UINT32_MAX;
    }
}

/** Dissects what tcp_dissect_pdus() cut out: a packet, or the rest of a segment that cannot be framed. */
static int dissect_framed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    const struct stream_chunk *chunk = (const struct stream_chunk *)data;
    unsigned captured = tvb_captured_length(tvb);
    unsigned reported = tvb_reported_length(tvb);
    uint32_t length = reported;
    enum mqtt_frame_state state = frame_state(tvb, &length);

    if (chunk->is_foreign) {
        dissect_foreign(tvb, pinfo, tree, chunk);
        return (int)captured;
    }
    if (!PINFO_FD_VISITED(pinfo))
        pass_packet(chunk, tvb, state, chunk->is_partial ? length : reported);
    if (state == MQTT_FRAME_UNREADABLE) {
        dissect_unframeable(tvb, pinfo, tree, chunk);
        return (int)captured;
    }
    /* A fixed header that continues where nothing is put together: the packet is longer than what is at hand, and so cut
     * and not malformed. */
    if (state == MQTT_FRAME_UNFINISHED)
        length = reported + 1;
    if (state == MQTT_FRAME_UNFINISHED || chunk->is_partial)
        tvb = tvb_new_subset_length_caplen(tvb, 0, (int)captured, (int)length);
    return dissect_control_packet(tvb, pinfo, tree, data);
}

/** A packet that ends in a later segment is under way from here on: it waits for the rest, or was shown without it. First
 *  visit only. */
static void follow_beginning(struct stream_chunk *chunk, const packet_info *pinfo)
{
    struct tcp_direction *direction = &chunk->stream->tcp[chunk->sender];
    struct track_arrival arrival;

    direction->lacks_rest = direction->framed && (int32_t)(direction->begins_at - direction->next_seq) > 0;
    if (pinfo->desegment_len == 0 && !direction->lacks_rest)
        return;
    stream_arrival(chunk->stream, pinfo, &arrival);
    track_packet_begun(chunk->stream->connection, chunk->sender, &arrival);
}

static int pdu_size = -1; /* the field that tcp_dissect_pdus() adds; -1: this Wireshark has none of its name */

void framing_register(void)
{
    pdu_size = proto_registrar_get_id_byname("tcp.pdu.size");
}

/** True where nobody asks for what tcp_dissect_pdus() adds to the tree. */
static bool is_size_unwanted(proto_tree *tree)
{
    return tree == NULL || (pdu_size != -1 && !proto_field_is_referenced(tree, pdu_size));
}

/** True where the chunk is one packet and nothing else, as most are. */
static bool is_one_packet(tvbuff_t *tvb)
{
    unsigned captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);
    uint32_t length;

    return mqtt_frame(bytes, captured, &length) == MQTT_FRAME_WHOLE && length == captured &&
           length == tvb_reported_length(tvb) && !foreign_is_possible(bytes, captured);
}

/** Dissects such a chunk: what tcp_dissect_pdus() does, without looking for what is not there. That is a fifth of all that is done
 *  for a small packet. */
static void dissect_one_packet(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stream_chunk *chunk)
{
    const char *const current_proto = pinfo->current_proto;

    chunk->is_partial = chunk->is_foreign = false;
    if (!PINFO_FD_VISITED(pinfo))
        pass_packet(chunk, tvb, MQTT_FRAME_WHOLE, tvb_reported_length(tvb));
    TRY
    {
        dissect_control_packet(tvb, pinfo, tree, chunk);
    }
    CATCH_NONFATAL_ERRORS
    {
        show_exception(tvb, pinfo, tree, EXCEPT_CODE, GET_MESSAGE);
        pinfo->current_proto = current_proto;
    }
    ENDTRY;
}

void framing_dissect(tvbuff_t *tvb, uint32_t from, packet_info *pinfo, proto_tree *tree, struct stream_chunk *chunk)
{
    tvbuff_t *packets = from > 0 ? tvb_new_subset_remaining(tvb, (int)from) : tvb;

    if (is_size_unwanted(tree) && is_one_packet(packets))
        dissect_one_packet(packets, pinfo, tree, chunk);
    else
        tcp_dissect_pdus(packets, pinfo, tree, mqttscope_reassembles(), LEAST_TO_ASK, framing_pdu_length,
                         dissect_framed, chunk);
    /* The transport counts from the first byte that it handed over. */
    if (pinfo->desegment_len > 0)
        pinfo->desegment_offset += (int)from;
    if (!PINFO_FD_VISITED(pinfo))
        follow_beginning(chunk, pinfo);
}

uint32_t framing_read_header(struct tcp_direction *direction, tvbuff_t *tvb)
{
    enum { LONGEST = 4, CONTINUES = 0x80 };
    uint32_t captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);
    uint32_t taken = 0;

    while (direction->open_bytes > 0 && taken < captured) {
        uint8_t byte = bytes[taken++];
        direction->open_length |= (uint32_t)(byte & ~CONTINUES) << 7 * (direction->open_bytes - 1);
        direction->open_bytes = byte & CONTINUES ? (uint8_t)(direction->open_bytes + 1) : 0;
        if (direction->open_bytes > LONGEST)
            break;
    }
    return taken;
}

bool framing_is_filled(tvbuff_t *tvb, const struct stream_chunk *chunk)
{
    uint32_t captured = tvb_captured_length(tvb);
    struct mqtt_run run = mqtt_read_run(tvb_get_ptr(tvb, 0, (int)captured), captured,
                                        track_connection_version(chunk->stream->connection));
    return run.packets > 0 && run.length == tvb_reported_length(tvb);
}
