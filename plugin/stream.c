/* stream.c - finds the connection that a chunk of stream data belongs to.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "stream.h"

#include <string.h>

#include <epan/conversation.h>
#include <epan/dissectors/packet-tcp.h>
#include <epan/proto_data.h>

#include "mqttscope.h"

/* Counters of the frame being dissected. */
struct frame_counts {
    uint32_t frame;
    uint32_t pdus;
    uint32_t messages;
};

enum { COUNTS_KEY = 0 };

enum { SYN_SEEN = 0x01, SYN_ACK_SEEN = 0x02 }; /* completeness bits of Wireshark's TCP analysis */

static struct track_capture *capture; /* of the file that is open; NULL until it shows a connection */

/** The TCP segment that is being dissected. */
static struct {
    uint32_t frame; /**< that has it: one that threw an exception may be gone */
    tvbuff_t *tvb;  /**< NULL for none */
} segment;

static struct frame_counts first_visit; /* of the frame that is visited for the first time */

void stream_reset(void)
{
    capture = NULL;
    first_visit = (struct frame_counts){0};
}

/** A time in nanoseconds, bounded so that the difference of two of them fits into 64 bits. */
static int64_t to_ns(const nstime_t *time)
{
    const int64_t bound = INT64_C(4600000000);
    return CLAMP((int64_t)time->secs, -bound, bound) * 1000000000 + time->nsecs;
}

/** What ends in this frame was put together from several segments of TCP. What begins in it may wait for others. */
static bool is_joined(const tcp_flow_t *flow, const packet_info *pinfo)
{
    const tcp_analyze_seq_flow_info_t *numbers = flow->tcp_analyze_seq_info;
    const struct tcp_multisegment_pdu *pdu = NULL;

    if (flow->multisegment_pdus == NULL)
        return false;
    for (uint32_t before = numbers->nextseq;; before = pdu->seq) {
        pdu = (const struct tcp_multisegment_pdu *)wmem_tree_lookup32_le(flow->multisegment_pdus, before - 1);
        if (pdu == NULL || pdu->first_frame < pinfo->num)
            return pdu != NULL && pdu->last_frame == pinfo->num;
    }
}

void stream_arrival(const struct stream *stream, const packet_info *pinfo, struct track_arrival *arrival)
{
    const struct tcp_analysis *tcp = stream->analysis;
    const tcp_analyze_seq_flow_info_t *numbers = tcp != NULL ? tcp->fwd->tcp_analyze_seq_info : NULL;
    const tcp_analyze_seq_flow_info_t *others = tcp != NULL ? tcp->rev->tcp_analyze_seq_info : NULL;

    DISSECTOR_ASSERT(!PINFO_FD_VISITED(pinfo));
    *arrival = (struct track_arrival){.ns = to_ns(&pinfo->abs_ts)};
    if (numbers == NULL || numbers->nextseq == 0)
        return;
    arrival->has_numbers = true;
    arrival->sent_to = numbers->nextseq;
    arrival->got_to = numbers->lastack;
    arrival->has_other = others != NULL && others->nextseq != 0;
    arrival->other_sent_to = arrival->has_other ? others->nextseq : 0;
    arrival->is_joined = stream->has_records && is_joined(tcp->fwd, pinfo);
}

void stream_enter_segment(const packet_info *pinfo, tvbuff_t *tvb)
{
    segment.frame = pinfo->num;
    segment.tvb = tvb;
}

bool stream_segment_end(const packet_info *pinfo, uint32_t *end)
{
    if (segment.tvb == NULL || segment.frame != pinfo->num)
        return false;
    unsigned header = tvb_get_ntohs(segment.tvb, 12) >> 12 << 2;
    unsigned length = tvb_reported_length(segment.tvb);

    *end = tvb_get_ntohl(segment.tvb, 4) + (length > header ? length - header : 0);
    return true;
}

bool stream_segment_data(const packet_info *pinfo, struct segment_data *data)
{
    uint32_t end = 0;

    if (!stream_segment_end(pinfo, &end))
        return false;
    unsigned header = tvb_get_ntohs(segment.tvb, 12) >> 12 << 2;
    unsigned reported = tvb_reported_length(segment.tvb);
    data->length = reported > header ? reported - header : 0;
    data->seq = end - data->length;
    data->bytes = NULL;
    if (tvb_captured_length(segment.tvb) < reported)
        return false;
    if (data->length > 0)
        data->bytes = tvb_get_ptr(segment.tvb, (int)header, (int)data->length);
    return true;
}

bool stream_has_handshake(const struct tcp_analysis *tcp)
{
    return tcp != NULL && tcp->conversation_completeness & SYN_ACK_SEEN;
}

bool stream_is_start(const struct tcp_analysis *tcp, uint32_t seq)
{
    return stream_has_handshake(tcp) && (seq == 1 || seq == tcp->fwd->base_seq + 1);
}

static struct tcp_analysis *find_tcp(packet_info *pinfo, conversation_t *conversation)
{
    return pinfo->ptype == PT_TCP ? get_tcp_conversation_data(conversation, pinfo) : NULL;
}

/** The sequence number after all that an end sent, by its flow and that of the other end, which may have acknowledged more than
 *  was captured. */
static uint32_t sent_by(const tcp_analyze_seq_flow_info_t *flow, const tcp_analyze_seq_flow_info_t *other)
{
    uint32_t captured = flow != NULL ? flow->nextseq : 0;
    uint32_t acknowledged = other != NULL ? other->lastack : 0;

    return acknowledged != 0 && (int32_t)(acknowledged - captured) > 0 ? acknowledged : captured;
}

/** The state of a TCP connection, by what Wireshark's analysis has seen of it. */
static struct track_transport_state tcp_state(const void *handle)
{
    enum { FIN_SEEN = 0x10, RST_SEEN = 0x20 };
    const struct stream *stream = (const struct stream *)handle;
    const struct tcp_analysis *tcp = stream->analysis;
    const tcp_analyze_seq_flow_info_t *one = tcp->flow1.tcp_analyze_seq_info;
    const tcp_analyze_seq_flow_info_t *other = tcp->flow2.tcp_analyze_seq_info;
    bool has_one = one != NULL && one->nextseq != 0;
    bool has_other = other != NULL && other->nextseq != 0;
    bool has_numbers = has_one && has_other;
    unsigned end = stream->end0_is_flow1 ? 0 : 1; /* whose flow is `one` */

    struct track_transport_state state = {
        .has_numbers = has_numbers,
        .sent_to = has_numbers ? one->nextseq + other->nextseq : 0,
        .got_to = has_numbers ? one->lastack + other->lastack : 0,
        .is_finished = tcp->conversation_completeness & FIN_SEEN,
        .is_reset = tcp->conversation_completeness & RST_SEEN,
        .last_ns = nstime_is_zero(&tcp->ts_prev) ? TRACK_TIME_UNKNOWN : to_ns(&tcp->ts_prev),
    };
    state.has_sent_by[end] = has_one;
    state.sent_by[end] = sent_by(one, other);
    state.has_sent_by[1 - end] = has_other;
    state.sent_by[1 - end] = sent_by(other, one);
    return state;
}

static struct track_capture *current_capture(void)
{
    if (capture == NULL) {
        struct track_options options = {
            .preferred_version = mqttscope_default_version(),
            .max_inflight = mqttscope_max_inflight(),
            .max_memory = mqttscope_max_memory(),
            .has_rules = mqttscope_rules()->enabled,
            .keeps_undecided = mqttscope_explains_silence(),
            .has_practices = mqttscope_rules()->hints == CHECK_HINTS_ALL,
            .follows_messages = mqttscope_follows_messages(),
            .closed_world = mqttscope_is_closed_world(),
            .delivery_deadline_ns = mqttscope_delivery_deadline_ns(),
            .state_of = tcp_state,
        };
        capture = track_capture_new(wmem_file_scope(), &options);
    }
    return capture;
}

/** The bytes of an address that an endpoint holds. */
static uint8_t address_length(const address *from)
{
    return (uint8_t)MIN((size_t)from->len, sizeof((struct track_endpoint *)NULL)->address);
}

static struct track_endpoint endpoint_of(const address *from, uint32_t port)
{
    struct track_endpoint endpoint = {.port = (uint16_t)port, .length = address_length(from)};

    if (endpoint.length > 0)
        memcpy(endpoint.address, from->data, endpoint.length);
    return endpoint;
}

/** True where the endpoint sent the frame. */
static bool is_sender(const packet_info *pinfo, const struct track_endpoint *endpoint)
{
    return endpoint->port == (uint16_t)pinfo->srcport && endpoint->length == address_length(&pinfo->src) &&
           (endpoint->length == 0 || memcmp(endpoint->address, pinfo->src.data, endpoint->length) == 0);
}

/* TCP's analysis has just found it out: that spares a look at a record which may be far from the processor. */
unsigned stream_sender(const struct stream *stream, const packet_info *pinfo)
{
    const struct tcp_analysis *tcp = stream->analysis;

    if (tcp != NULL)
        return (tcp->fwd == &tcp->flow1) == stream->end0_is_flow1 ? 0 : 1;
    return is_sender(pinfo, track_connection_end(stream->connection, 0)) ? 0 : 1;
}

/** A port that MQTT brokers are known by (section 4.2). */
static bool is_broker_port(uint32_t port)
{
    return port == 1883 || port == 8883;
}

/** Which end the transport shows to be the server: by the handshake, else by the ports. */
static void guess_server(struct track_transport *transport, const packet_info *pinfo, const struct tcp_analysis *tcp)
{
    transport->server = TRACK_END_UNKNOWN;
    transport->evidence = TRACK_EVIDENCE_NONE;
    if (tcp != NULL && tcp->conversation_completeness & (SYN_SEEN | SYN_ACK_SEEN) &&
        pinfo->srcport != pinfo->destport) {
        transport->server = tcp->server_port == pinfo->srcport ? 0 : 1;
        transport->evidence = TRACK_EVIDENCE_HANDSHAKE;
    } else if (is_broker_port(pinfo->srcport) != is_broker_port(pinfo->destport)) {
        transport->server = is_broker_port(pinfo->srcport) ? 0 : 1;
        transport->evidence = TRACK_EVIDENCE_PORT;
    }
}

static struct stream *new_stream(packet_info *pinfo, conversation_t *conversation)
{
    struct stream *stream = wmem_new0(wmem_file_scope(), struct stream);
    const struct tcp_analysis *tcp = find_tcp(pinfo, conversation);
    bool is_begun = tcp != NULL && tcp->conversation_completeness & SYN_SEEN;
    struct track_transport transport = {.handle = tcp != NULL ? stream : NULL,
                                        .begun_ns = is_begun ? to_ns(&tcp->ts_first) : TRACK_TIME_UNKNOWN};

    transport.ends[0] = endpoint_of(&pinfo->src, pinfo->srcport);
    transport.ends[1] = endpoint_of(&pinfo->dst, pinfo->destport);
    guess_server(&transport, pinfo, tcp);
    if (tcp != NULL) {
        transport.first_seq[0] = tcp->fwd->base_seq;
        transport.first_seq[1] = tcp->rev->base_seq;
    }
    stream->connection = track_connection_new(current_capture(), &transport);
    stream->analysis = tcp;
    stream->end0_is_flow1 = tcp != NULL && tcp->fwd == &tcp->flow1;
    return stream;
}

void stream_chunk_begin(struct stream_chunk *chunk, packet_info *pinfo)
{
    conversation_t *conversation = find_or_create_conversation(pinfo);
    struct stream *stream = (struct stream *)conversation_get_proto_data(conversation, mqttscope_proto());

    if (stream == NULL) {
        stream = new_stream(pinfo, conversation);
        conversation_add_proto_data(conversation, mqttscope_proto(), stream);
    }
    track_connection_expect(stream->connection);
    *chunk = (struct stream_chunk){.stream = stream, .sender = stream_sender(stream, pinfo)};
}

/** The first visit is once for each frame, so that one record serves all of them; later visits come in any order, and
 *  often again to the same frame: theirs live as long as the visit, in its pool. */
static struct frame_counts *frame_counts(packet_info *pinfo)
{
    if (!PINFO_FD_VISITED(pinfo)) {
        if (first_visit.frame != pinfo->num)
            first_visit = (struct frame_counts){.frame = pinfo->num};
        return &first_visit;
    }
    struct frame_counts *counts =
        (struct frame_counts *)p_get_proto_data(pinfo->pool, pinfo, mqttscope_proto(), COUNTS_KEY);

    if (counts == NULL) {
        counts = wmem_new0(pinfo->pool, struct frame_counts);
        p_add_proto_data(pinfo->pool, pinfo, mqttscope_proto(), COUNTS_KEY, counts);
    }
    return counts;
}

uint32_t stream_next_pdu(packet_info *pinfo)
{
    return ++frame_counts(pinfo)->pdus;
}

struct track_pdu_ref stream_next_pdu_ref(packet_info *pinfo)
{
    return (struct track_pdu_ref){pinfo->num, frame_counts(pinfo)->pdus + 1};
}

uint32_t stream_next_message(packet_info *pinfo)
{
    return ++frame_counts(pinfo)->messages;
}

void stream_return_message(packet_info *pinfo)
{
    frame_counts(pinfo)->messages--;
}

bool stream_charge(uint64_t size)
{
    return track_capture_charge(current_capture(), size);
}
