/* dissect.c - one control packet from its bytes to what people see.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/packet.h>

#include <epan/tap.h>

#include "model/facts/version.h"
#include "mqttscope.h"
#include "tap/exports.h"
#include "tap/record.h"
#include "wire/tls-record.h"

static int tap = -1;

void dissect_register(void)
{
    tap = register_tap("mqttscope");
}

/** The findings for as long as the record: they point into the record's packet and facts. */
static const struct check_findings *keep_findings(const struct show_context *context, const struct tap_record *record)
{
    struct check_findings *kept = wmem_new(context->pinfo->pool, struct check_findings);

    *kept = *context->findings;
    kept->list =
        (struct check_finding *)wmem_memdup(context->pinfo->pool, kept->list, kept->count * sizeof *kept->list);
    for (unsigned i = 0; i < kept->count; i++) {
        struct check_subject *subject = &kept->list[i].subject;
        subject->packet = &record->packet;
        subject->facts = &record->facts;
        if (subject->block != NULL)
            subject->block = subject->block_type == MQTT_TYPE_WILL ? &record->packet.connect.will_properties
                                                                   : &record->packet.properties;
    }
    return kept;
}

/** A statistic or an export is open. */
static bool is_recorded(void)
{
    return have_tap_listener(tap) || tap_flow_is_open() || tap_export_is_open();
}

/** Queues what the statistics and exports read; made only where one of them is open. */
static void queue_record(const struct show_context *context, const struct stream *stream, enum tap_subject subject)
{
    packet_info *pinfo = context->pinfo;
    const struct track_facts *facts = context->facts;
    bool is_drawn = tap_flow_is_open();

    /* What is in the capture twice counts once. */
    if (facts->snapshot->is_copy || !is_recorded())
        return;
    struct tap_record *record = wmem_new(pinfo->pool, struct tap_record);
    record->subject = subject;
    mqtt_copy(&record->packet, context->packet);
    record->facts = *facts;
    record->snapshot = *facts->snapshot;
    record->connection = stream->connection;
    record->sender_name = show_end_name(context, facts->sender);
    record->receiver_name = show_end_name(context, 1 - facts->sender);
    record->sender_value = show_value_of_name(context, facts->sender, record->sender_name);
    record->receiver_value = show_value_of_name(context, 1 - facts->sender, record->receiver_name);
    record->exports_copies = mqttscope_exports_copies();
    record->policy = mqttscope_rules();
    record->topic = context->packet->type == MQTT_TYPE_PUBLISH ? show_topic_text(context) : "";
    record->line = is_drawn && subject == TAP_PACKET ? show_line(context) : "";
    record->facts.snapshot = &record->snapshot;
    record->findings = context->findings->count > 0 ? keep_findings(context, record) : NULL;
    record->events = *context->events;
    tap_queue_packet(tap, pinfo, record);
    if (subject == TAP_PACKET)
        tap_queue_exports(pinfo, record);
}

/** Reads the packet; tracks it on its first visit and recalls what is known of it on later ones. */
static void find_facts(const struct stream_chunk *chunk, packet_info *pinfo, struct track_pdu_ref pdu,
                       struct mqtt_packet *packet, tvbuff_t *tvb, struct track_facts *facts)
{
    struct track_connection *connection = chunk->stream->connection;
    struct tcp_direction *direction = &chunk->stream->tcp[chunk->sender];
    uint32_t captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);
    uint32_t length = tvb_reported_length(tvb);
    struct track_arrival arrival;

    if (!PINFO_FD_VISITED(pinfo)) {
        track_connection_expect_packet(connection, chunk->sender);
        track_read(packet, bytes, captured, length, track_connection_version(connection));
        stream_arrival(chunk->stream, pinfo, &arrival);
        arrival.from_start = direction->from_start;
        arrival.is_first = direction->from_start && !direction->has_packets;
        arrival.lacks_subprotocol =
            chunk->stream->websocket != NULL && chunk->stream->websocket->handshake.lacks_choice;
        direction->has_packets = true;
        track(connection, chunk->sender, pdu, &arrival, packet, facts);
    } else {
        track_recall(connection, chunk->sender, pdu, facts);
        track_read(packet, bytes, captured, length, facts->snapshot->version);
    }
    facts->in_websocket = chunk->stream->websocket != NULL;
    facts->in_websocket_text = chunk->in_websocket_text;
    facts->is_plain_text = packet->type == MQTT_TYPE_CONNECT && !proto_is_frame_protocol(pinfo->layers, "tls") &&
                           !proto_is_frame_protocol(pinfo->layers, "quic");
    facts->is_partial = chunk->is_partial;
    facts->is_tentative = chunk->is_tentative;
    facts->is_unsure = chunk->is_unsure;
    facts->may_lack = chunk->may_lack;
    if (chunk->stream->websocket != NULL) {
        facts->websocket_offered = chunk->stream->websocket->handshake.offered;
        facts->websocket_chosen = chunk->stream->websocket->handshake.chosen;
    }
}

/** Who looks at the packet's part in a journey: the tree, statistics, and the Info column of a delivery. */
static bool is_journey_wanted(const proto_tree *tree, const struct mqtt_packet *packet, const struct track_facts *facts)
{
    bool is_delivery = packet->type == MQTT_TYPE_PUBLISH && facts->snapshot->broker == facts->sender;
    return is_delivery || tree != NULL || is_recorded();
}

/** Leaves the topic of a PUBLISH, or of the one that is acknowledged, for the filters of the window's menu. */
static void note_topic(const struct show_context *context)
{
    const struct track_text *known = track_alias_topic(context->facts);
    struct mqtt_span topic = context->packet->publish.topic;
    bool is_publish = context->packet->type == MQTT_TYPE_PUBLISH;

    if (known == NULL)
        known = context->facts->request_topic;
    if (is_publish && topic.length > 0 && mqtt_was_read(context->packet, topic))
        filters_note_topic(context->pinfo,
                           (const char *)tvb_get_string_enc(context->pinfo->pool, context->tvb, (int)topic.at,
                                                            (int)topic.length, ENC_UTF_8));
    else if (known != NULL)
        filters_note_topic(context->pinfo, show_text_value(context, known));
}

int dissect_control_packet(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    const struct stream_chunk *chunk = (const struct stream_chunk *)data;
    struct track_pdu_ref pdu = {pinfo->num, stream_next_pdu(pinfo)};
    struct mqtt_packet packet;
    struct track_facts facts;
    struct show_faults faults;
    struct check_findings findings;
    struct check_findings undecided;
    struct check_events events;
    struct show_context context = {tvb, pinfo, &packet, &facts, &findings, &events, mqttscope_names_ends(), NULL};

    find_facts(chunk, pinfo, pdu, &packet, tvb, &facts);
    if (is_journey_wanted(tree, &packet, &facts))
        track_describe_journey(chunk->stream->connection, &packet, &facts);
    check_run(mqttscope_rules(), &packet, &facts, pinfo->pool, &findings);
    check_find_events(mqttscope_rules(), &facts, &events);
    if (tree != NULL && mqttscope_explains_silence()) {
        check_undecided(mqttscope_rules(), &packet, &facts, pinfo->pool, &undecided);
        context.undecided = &undecided;
    }
    show_find_faults(&context, &faults);
    show_info(&context);

    /* Of a frame that is too full no further packets are shown, but all are followed. */
    bool has_room = show_has_room(tree);
    if (!has_room)
        tree = NULL;
    proto_tree *packet_tree = show_tree(&context, tree, &faults);
    if (has_room && !show_has_room(tree))
        show_no_room(&context, packet_tree);
    if (tree != NULL && PTREE_DATA(tree)->visible)
        note_topic(&context);
    queue_record(&context, chunk->stream, TAP_PACKET);
    if (packet.type == MQTT_TYPE_PUBLISH && packet.publish.payload.length > 0)
        payload_hand_over(&context, tree, packet_tree);
    return (int)tvb_captured_length(tvb);
}

void dissect_unframeable(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct stream_chunk *chunk)
{
    struct track_pdu_ref pdu = {pinfo->num, stream_next_pdu(pinfo)};
    struct mqtt_packet packet;
    struct track_facts facts;
    struct check_findings findings;
    struct check_events events;
    struct show_context context = {tvb, pinfo, &packet, &facts, &findings, &events, mqttscope_names_ends(), NULL};
    uint32_t captured = tvb_captured_length(tvb);

    track_recall(chunk->stream->connection, chunk->sender, pdu, &facts);
    facts.idle_ns = TRACK_TIME_UNKNOWN; /* what is no packet ends no silence */
    mqtt_decode(&packet, tvb_get_ptr(tvb, 0, (int)captured), captured, tvb_reported_length(tvb),
                facts.snapshot->version);
    check_run(mqttscope_rules(), &packet, &facts, pinfo->pool, &findings);
    check_find_events(mqttscope_rules(), &facts, &events);
    show_unframeable(&context, tree);
    queue_record(&context, chunk->stream, TAP_PACKET);
}

void dissect_beginning(tvbuff_t *segment, packet_info *pinfo, proto_tree *tree, const struct stream *stream,
                       const struct mqtt_packet *packet, const struct track_facts *facts, uint32_t arrived)
{
    struct check_findings findings;
    tvbuff_t *tvb = tvb_new_child_real_data(segment, packet->bytes, packet->captured, (int)packet->captured);
    struct check_events events;
    struct show_context context = {tvb, pinfo, packet, facts, &findings, &events, mqttscope_names_ends(), NULL};

    check_fixed_header(mqttscope_rules(), packet, facts, pinfo->pool, &findings);
    events.count = 0;
    if (findings.count > 0)
        show_beginning(&context, tree, arrived);
    queue_record(&context, stream, TAP_BEGINNING);
}

void dissect_closing(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stream *stream, unsigned by,
                     const struct track_unfinished *unfinished, unsigned count)
{
    struct track_facts facts;
    struct check_findings findings;

    track_recall(stream->connection, by, (struct track_pdu_ref){pinfo->num, stream_next_pdu(pinfo)}, &facts);
    struct mqtt_packet nothing = {.version = facts.snapshot->version};
    struct check_events events;
    struct show_context context = {tvb, pinfo, &nothing, &facts, &findings, &events, mqttscope_names_ends(), NULL};
    check_anomalies(mqttscope_rules(), &nothing, &facts, pinfo->pool, &findings);
    check_find_events(mqttscope_rules(), &facts, &events);
    show_closing(&context, tree, unfinished, count);
    queue_record(&context, stream, TAP_CLOSING);
}

bool dissect_alert(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct stream_chunk *chunk)
{
    unsigned captured = tvb_captured_length(tvb);
    int description = mqtt_find_fatal_alert(tvb_get_ptr(tvb, 0, (int)captured), captured);
    struct track_arrival arrival;

    if (description < 0)
        return false;
    if (!PINFO_FD_VISITED(pinfo)) {
        stream_arrival(chunk->stream, pinfo, &arrival);
        track_alert(chunk->stream->connection, chunk->sender, (uint8_t)description, &arrival,
                    stream_next_pdu_ref(pinfo));
    }
    dissect_closing(tvb, pinfo, tree, chunk->stream, chunk->sender, NULL, 0);
    return true;
}
