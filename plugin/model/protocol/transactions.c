/* transactions.c - follows requests and their answers, and the QoS 1 and 2 deliveries.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every packet of an exchange is noted, so that it can be shown with links to the packet it answers and the one that
 * answers it. What does not fit (an answer to nothing, an answer of the wrong kind) gets no link and changes nothing: it
 * is for the rules to say what that means.
 */
#include <string.h>

#include "../state.h"

static struct track_end *own_end(const struct track_context *tracking)
{
    return &tracking->connection->ends[tracking->sender];
}

static struct track_end *other_end(const struct track_context *tracking)
{
    return &tracking->connection->ends[1 - tracking->sender];
}

/** Makes the packet the one that the exchange's next answer is for. */
static void wait_for_answer(struct track_context *tracking, struct track_pending_packet *step)
{
    *step = (struct track_pending_packet){track_kept_record_of(tracking), tracking->pdu.frame, tracking->now_ns};
}

/** The packet begins an exchange beyond the user's limit, and its answers will fit nothing. */
static void note_not_followed(struct track_context *tracking)
{
    track_record_of(tracking)->limits |= TRACK_LIMIT_INFLIGHT;
    tracking->snapshot.session_known = false;
}

/** The packet was sent before and is sent again: the answer will be for this copy. */
static void send_again(struct track_context *tracking, struct track_pending_packet *step)
{
    track_record_of(tracking)->first_sent_in = step->first_frame;
    step->record = track_kept_record_of(tracking);
    step->sent_ns = tracking->now_ns;
}

/** Links the packet to the one that it answers; that one's answer may be another. */
static void link_to(struct track_context *tracking, const struct track_pending_packet *step)
{
    struct track_packet_record *record = track_record_of(tracking);

    if (step->record == NULL)
        return;
    record->request_in = step->record->pdu.frame;
    record->response_ns = tracking->now_ns - step->sent_ns;
}

/** The packet is the answer. */
static void answer(struct track_context *tracking, const struct track_pending_packet *step)
{
    link_to(tracking, step);
    if (step->record != NULL)
        step->record->response_in = tracking->pdu.frame;
}

/** Records how many PUBLISHes of one end are under way, where that can be known: `ledger_end` is the end that sent them. */
static void note_inflight(struct track_context *tracking, unsigned ledger_end)
{
    const struct track_snapshot *snapshot = &tracking->snapshot;
    const struct track_limits *limits = snapshot->limits[1 - ledger_end];
    struct track_packet_record *record = track_record_of(tracking);

    record->has_inflight = snapshot->session_known && !snapshot->has_gap;
    record->inflight = tracking->connection->ends[ledger_end].inflight.publishes;
    record->inflight_max = limits != NULL ? limits->receive_maximum : 0;
}

/** A hash of a span: of as many of its first bytes as were captured, but not more than `most`. */
static uint32_t hash_span(const struct mqtt_packet *packet, struct mqtt_span span, uint32_t most)
{
    uint32_t at = MIN(span.at, packet->captured);
    return track_hash_bytes(packet->bytes + at, MIN(MIN(span.length, most), packet->captured - at)) ^ span.length;
}

uint32_t track_content_hash(const struct mqtt_packet *packet)
{
    enum { PAYLOAD_PART = 256 };

    if (packet->type != MQTT_TYPE_PUBLISH) {
        struct mqtt_span all = {packet->packet_id_at, packet->length - packet->packet_id_at};
        return hash_span(packet, all, UINT32_MAX);
    }
    return hash_span(packet, packet->publish.topic, UINT16_MAX) * 31 +
           hash_span(packet, packet->publish.payload, PAYLOAD_PART);
}

uint32_t track_subscription_id_of(const struct mqtt_packet *packet)
{
    const struct mqtt_properties *properties = &packet->properties;
    const struct mqtt_property *id = mqtt_properties_find(properties, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER);

    if (id == NULL || properties->repeated & mqtt_property_bit(MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER))
        return 0;
    return id->number;
}

/** A PUBLISH under an identifier that is under way: is it the same one again? Behind a gap the exchange may have ended
 *  unseen, and only DUP says so. */
static bool is_sent_again(const struct track_context *tracking, const struct track_inflight_entry *entry, uint32_t hash)
{
    if (entry->type != MQTT_TYPE_PUBLISH || entry->state == TRACK_INFLIGHT_RELEASED ||
        entry->qos != tracking->packet->publish.qos)
        return false;
    return tracking->packet->publish.dup || (entry->content_hash == hash && !tracking->snapshot.has_gap);
}

/** A PUBLISH was sent again. Its PUBREC may have come by then: on the same connection the two crossed, and the exchange
 *  goes on from there; on a new one the sender never got it, and the exchange begins again. */
static void publish_again(struct track_context *tracking, struct track_inflight_entry *entry)
{
    if (entry->state == TRACK_INFLIGHT_PUBLISHED) {
        send_again(tracking, &entry->waiting);
        return;
    }
    uint32_t published_in = entry->waiting.record != NULL ? entry->waiting.record->request_in : 0;
    track_record_of(tracking)->first_sent_in = published_in;
    if (entry->is_inherited) {
        entry->state = TRACK_INFLIGHT_PUBLISHED;
        wait_for_answer(tracking, &entry->waiting);
        entry->waiting.first_frame = published_in;
    }
}

static void track_publish(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_inflight *inflight = &own_end(tracking)->inflight;

    if (packet->packet_id_at == 0 || packet->publish.qos == 3)
        return;
    struct track_inflight_entry *entry = track_inflight_find(inflight, packet->packet_id);
    uint32_t hash = track_content_hash(packet);
    if (entry != NULL && is_sent_again(tracking, entry, hash)) {
        publish_again(tracking, entry);
        entry->subscription_id = track_subscription_id_of(packet);
        track_inflight_set_inherited(inflight, entry, false);
    } else {
        if (entry != NULL)
            track_inflight_close(inflight, entry);
        entry = track_inflight_open(inflight, packet->packet_id, MQTT_TYPE_PUBLISH, packet->publish.qos);
        if (entry != NULL) {
            entry->content_hash = hash;
            entry->subscription_id = track_subscription_id_of(packet);
            entry->begun_ns = tracking->now_ns;
            wait_for_answer(tracking, &entry->waiting);
        } else {
            note_not_followed(tracking);
        }
    }
    note_inflight(tracking, tracking->sender);
}

/** The delivery is complete; its inflight is that of `ledger_end`. */
static void complete_delivery(struct track_context *tracking, unsigned ledger_end, struct track_inflight_entry *entry)
{
    struct track_packet_record *record = track_record_of(tracking);

    if (entry->begun_ns != TRACK_TIME_UNKNOWN) {
        record->completes_delivery = true;
        record->delivery_ns = tracking->now_ns - entry->begun_ns;
    }
    track_inflight_close(&tracking->connection->ends[ledger_end].inflight, entry);
}

static bool is_failure(const struct mqtt_packet *packet)
{
    return packet->version == MQTT_V50 && mqtt_reason_is_error(packet->type, packet->reason);
}

/** PUBACK and PUBREC: the answers to a PUBLISH of the other end. */
static void track_publish_answer(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_inflight *inflight = &other_end(tracking)->inflight;
    struct track_inflight_entry *entry = track_inflight_find(inflight, packet->packet_id);
    unsigned qos = packet->type == MQTT_TYPE_PUBACK ? 1 : 2;

    if (entry != NULL && entry->qos == qos && entry->state == TRACK_INFLIGHT_PUBLISHED) {
        answer(tracking, &entry->waiting);
        if (is_failure(packet)) {
            track_inflight_close(inflight, entry);
        } else if (qos == 1) {
            complete_delivery(tracking, 1 - tracking->sender, entry);
        } else {
            entry->state = TRACK_INFLIGHT_RECEIVED;
            wait_for_answer(tracking, &entry->waiting);
        }
    } else if (entry != NULL && qos == 2 && entry->state == TRACK_INFLIGHT_RECEIVED) {
        send_again(tracking, &entry->waiting);
    }
    note_inflight(tracking, 1 - tracking->sender);
}

/** PUBREL: the answer to a PUBREC of the other end, for a PUBLISH of this one. */
static void track_release(struct track_context *tracking)
{
    struct track_inflight *inflight = &own_end(tracking)->inflight;
    struct track_inflight_entry *entry = track_inflight_find(inflight, tracking->packet->packet_id);

    if (entry == NULL) {
        /* Begun before the capture or on an earlier connection: its PUBCOMP can still be linked. */
        entry = track_inflight_open(inflight, tracking->packet->packet_id, MQTT_TYPE_PUBLISH, 2);
        if (entry != NULL) {
            entry->state = TRACK_INFLIGHT_RELEASED;
            track_inflight_set_inherited(inflight, entry, true);
            entry->begun_ns = TRACK_TIME_UNKNOWN;
            wait_for_answer(tracking, &entry->waiting);
        } else {
            note_not_followed(tracking);
        }
    } else if (entry->state == TRACK_INFLIGHT_RECEIVED) {
        answer(tracking, &entry->waiting);
        entry->state = TRACK_INFLIGHT_RELEASED;
        wait_for_answer(tracking, &entry->waiting);
    } else if (entry->state == TRACK_INFLIGHT_RELEASED) {
        send_again(tracking, &entry->waiting);
    }
    note_inflight(tracking, tracking->sender);
}

/** PUBCOMP: the answer to a PUBREL of the other end. */
static void track_completion(struct track_context *tracking)
{
    struct track_inflight_entry *entry =
        track_inflight_find(&other_end(tracking)->inflight, tracking->packet->packet_id);

    if (entry != NULL && entry->state == TRACK_INFLIGHT_RELEASED) {
        answer(tracking, &entry->waiting);
        complete_delivery(tracking, 1 - tracking->sender, entry);
    }
    note_inflight(tracking, 1 - tracking->sender);
}

/** SUBSCRIBE and UNSUBSCRIBE. */
static void track_request(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_inflight *inflight = &own_end(tracking)->inflight;
    struct track_inflight_entry *entry = track_inflight_find(inflight, packet->packet_id);
    uint32_t hash = track_content_hash(packet);

    if (entry != NULL && entry->type == packet->type && entry->content_hash == hash) {
        send_again(tracking, &entry->waiting);
        track_subscription_history_request_again(tracking, entry);
        return;
    }
    if (entry != NULL) {
        track_subscription_history_request_lost(tracking);
        track_inflight_close(inflight, entry);
    }
    entry = track_inflight_open(inflight, packet->packet_id, packet->type, 0);
    if (entry != NULL) {
        entry->content_hash = hash;
        wait_for_answer(tracking, &entry->waiting);
        track_request_filters_keep(tracking, entry);
    } else {
        track_subscription_history_request_lost(tracking);
        note_not_followed(tracking);
    }
}

/** SUBACK and UNSUBACK. */
static void track_request_answer(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_inflight *inflight = &other_end(tracking)->inflight;
    struct track_inflight_entry *entry = track_inflight_find(inflight, packet->packet_id);
    enum mqtt_packet_type request = packet->type == MQTT_TYPE_SUBACK ? MQTT_TYPE_SUBSCRIBE : MQTT_TYPE_UNSUBSCRIBE;

    if (entry == NULL || entry->type != request) {
        track_subscription_history_stray_response(tracking);
        return;
    }
    answer(tracking, &entry->waiting);
    track_request_filters_apply(tracking, entry);
    track_inflight_close(inflight, entry);
}

/** The place in an end's list where the request of a type stands, or where it would. */
static struct track_pending_request **find_request(struct track_end *end, enum mqtt_packet_type type)
{
    struct track_pending_request **link = &end->requests;

    while (*link != NULL && (*link)->type != type)
        link = &(*link)->next;
    return link;
}

const struct track_pending_packet *track_find_pending_request(struct track_end *end, enum mqtt_packet_type type)
{
    const struct track_pending_request *request = *find_request(end, type);
    return request != NULL ? &request->waiting : NULL;
}

/** Requests without an identifier: the latest of a type waits, and takes memory only while it does. */
static void wait_as_latest(struct track_context *tracking)
{
    enum mqtt_packet_type type = tracking->packet->type;
    struct track_pending_request **link = find_request(own_end(tracking), type);

    if (*link == NULL) {
        *link = wmem_new0(tracking->connection->capture->scope, struct track_pending_request);
        (*link)->type = type;
    }
    wait_for_answer(tracking, &(*link)->waiting);
}

/** Answers without an identifier: to the other end's latest request of a type, if it still waits. */
static bool answer_latest(struct track_context *tracking, enum mqtt_packet_type type)
{
    struct track_pending_request **link = find_request(other_end(tracking), type);
    struct track_pending_request *request = *link;

    if (request == NULL)
        return false;
    answer(tracking, &request->waiting);
    *link = request->next;
    wmem_free(tracking->connection->capture->scope, request);
    return true;
}

/** AUTH goes back and forth; the first of a Server's answers the CONNECT, whose link belongs to the CONNACK. */
static void track_auth(struct track_context *tracking)
{
    const struct track_pending_request *connect = *find_request(other_end(tracking), MQTT_TYPE_CONNECT);

    if (!answer_latest(tracking, MQTT_TYPE_AUTH) && connect != NULL)
        link_to(tracking, &connect->waiting);
    wait_as_latest(tracking);
}

void track_update_transactions(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    bool takes_id = packet->type >= MQTT_TYPE_PUBACK && packet->type <= MQTT_TYPE_UNSUBACK;

    if (takes_id && packet->packet_id_at == 0) {
        if (packet->type == MQTT_TYPE_SUBSCRIBE || packet->type == MQTT_TYPE_UNSUBSCRIBE)
            track_subscription_history_request_lost(tracking);
        return;
    }
    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        wait_as_latest(tracking);
        break;
    case MQTT_TYPE_CONNACK:
        answer_latest(tracking, MQTT_TYPE_CONNECT);
        break;
    case MQTT_TYPE_PUBLISH:
        track_publish(tracking);
        break;
    case MQTT_TYPE_PUBACK:
    case MQTT_TYPE_PUBREC:
        track_publish_answer(tracking);
        break;
    case MQTT_TYPE_PUBREL:
        track_release(tracking);
        break;
    case MQTT_TYPE_PUBCOMP:
        track_completion(tracking);
        break;
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        track_request(tracking);
        break;
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
        track_request_answer(tracking);
        break;
    case MQTT_TYPE_PINGREQ:
        wait_as_latest(tracking);
        break;
    case MQTT_TYPE_PINGRESP:
        answer_latest(tracking, MQTT_TYPE_PINGREQ);
        break;
    case MQTT_TYPE_AUTH:
        track_auth(tracking);
        break;
    default:
        break;
    }
}
