/* transactions.c - follows requests and their responses, and the QoS 1 and 2 deliveries (MQTT 5.0 section 4.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every packet of a transaction has a record, so that it can be shown with links to its request and its response. What does
 * not fit (a response without a request, or of the wrong kind) gets no link and changes nothing: what that means is for the
 * rules.
 */
#include "transactions.h"

#include "../evidence/report-event.h"
#include "../store/topic-numbers.h"
#include "connection.h"
#include "message.h"
#include "pending-requests.h"
#include "refusals.h"
#include "subscription-history.h"

/** The Packet Identifiers of the packet's sender, and those of the other end. */
static struct track_inflight *own_inflight(const struct track_context *tracking)
{
    return &tracking->connection->inflight[tracking->sender];
}
static struct track_inflight *other_inflight(const struct track_context *tracking)
{
    return &tracking->connection->inflight[1 - tracking->sender];
}

/** Makes the packet the one that the transaction's next response is for. */
static void wait_for_response(struct track_context *tracking, struct track_pending_packet *step)
{
    *step = (struct track_pending_packet){
        .record = track_kept_record_of(tracking),
        .first_frame = tracking->pdu.frame,
        .sent_to = tracking->arrival->has_numbers ? tracking->arrival->sent_to : 0,
        .sent_ns = tracking->now_ns,
    };
}

/** The packet begins a transaction over a limit of the user's, and its responses will fit nothing. */
static void report_not_followed(struct track_context *tracking)
{
    if (track_inflight_is_full(own_inflight(tracking)))
        track_record_of(tracking)->limits |= TRACK_LIMIT_INFLIGHT;
    else
        track_report_memory_limit(tracking);
    tracking->snapshot.session_known = false;
}

/** The packet is re-sent: the response will be for this copy. */
static void send_again(struct track_context *tracking, struct track_pending_packet *step)
{
    track_record_of(tracking)->first_sent_in = step->first_frame;
    step->record = track_kept_record_of(tracking);
    step->sent_ns = tracking->now_ns;
}

/** Links the packet to its request; the response to that may be another. */
static void link_to(struct track_context *tracking, const struct track_pending_packet *step)
{
    struct track_packet_record *record = track_record_of(tracking);

    if (step->record == NULL)
        return;
    record->request_in = step->record->pdu.frame;
    record->response_ns = tracking->now_ns - step->sent_ns;
}

/** The packet is the response. */
static void respond(struct track_context *tracking, const struct track_pending_packet *step)
{
    link_to(tracking, step);
    if (step->record != NULL)
        step->record->response_in = tracking->pdu.frame;
}

/** The number of the topic of the PUBLISH being tracked; 0 where it is not known. */
static uint32_t number_topic(struct track_context *tracking)
{
    struct track_topic topic;

    if (!track_topic_of_publish(tracking, &topic))
        return 0;
    return track_number_topic(tracking->capture, topic.bytes, topic.length, track_topic_hash(tracking, topic));
}

/** The packet is about the PUBLISH that began a transaction. */
static void name_topic(struct track_context *tracking, const struct track_inflight_entry *entry)
{
    struct track_packet_record *record = track_record_of(tracking);

    if (entry->topic == 0 || record->is_captured_twice)
        return;
    record->request_topic = entry->topic;
    record->has_request_topic = true;
}

static bool is_same_list(const struct track_filter_list *list, const struct track_request_filters *filters)
{
    if (list == NULL || list->count != filters->count)
        return false;
    for (uint32_t i = 0; i < filters->count; i++)
        if (list->filters[i] != filters->entries[i].filter)
            return false;
    return true;
}

/** Keeps what a SUBACK or UNSUBACK answers, to be shown beside its codes. */
static void name_filters(struct track_context *tracking, const struct track_request_filters *filters)
{
    const struct track_filter_list **latest = &tracking->capture->filters;

    if (!is_same_list(*latest, filters)) {
        struct track_filter_list *list =
            (struct track_filter_list *)track_alloc(tracking, sizeof *list + filters->count * sizeof list->filters[0]);
        if (list == NULL)
            return;
        list->count = filters->count;
        for (uint32_t i = 0; i < filters->count; i++)
            list->filters[i] = filters->entries[i].filter;
        *latest = list;
    }
    track_record_of(tracking)->filters = *latest;
}

/** Records how many PUBLISHes of one end, `publisher`, are in flight, where that can be known. */
static void record_inflight(struct track_context *tracking, unsigned publisher)
{
    const struct track_snapshot *snapshot = &tracking->snapshot;
    const struct track_limits *limits = snapshot->limits[1 - publisher];
    struct track_packet_record *record = track_record_of(tracking);

    record->has_inflight = snapshot->session_known && !snapshot->has_gap;
    record->inflight = tracking->connection->inflight[publisher].publishes;
    record->inflight_max = limits != NULL ? limits->receive_maximum : 0;
}

/** The PUBLISH uses the last of its sender's send quota. Whoever asks for one message at a time wants it so. */
static void report_full_quota(struct track_context *tracking)
{
    const struct track_packet_record *record = tracking->record;

    if (record->has_inflight && record->inflight_max > 1 && record->inflight == record->inflight_max)
        track_report_event_once(tracking, (struct track_event){.kind = TRACK_EVENT_receive_maximum_reached,
                                                               .by = (uint8_t)tracking->sender,
                                                               .value = record->inflight_max});
}

/** A PUBLISH under an identifier that is in flight: is it the same one, re-sent? After a gap the transaction may have ended
 *  in what was not captured, and only DUP says so. */
static bool is_resent(const struct track_context *tracking, const struct track_inflight_entry *entry, uint32_t hash)
{
    if (entry->type != MQTT_TYPE_PUBLISH || entry->state == TRACK_INFLIGHT_RELEASED ||
        entry->qos != tracking->packet->publish.qos)
        return false;
    return tracking->packet->publish.dup || (entry->content_hash == hash && !tracking->snapshot.has_gap);
}

/** A PUBLISH is re-sent. Its PUBREC may have come by then: on the same connection the two crossed, and the transaction
 *  continues from there; on a new one the sender never received it, and the transaction begins again. */
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
        wait_for_response(tracking, &entry->waiting);
        entry->waiting.first_frame = published_in;
    }
}

static void follow_publish(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_inflight *inflight = own_inflight(tracking);

    if (packet->packet_id_at == 0 || packet->publish.qos == 3)
        return;
    struct track_inflight_entry *entry = track_inflight_find(inflight, packet->packet_id);
    uint32_t hash = track_content_hash(tracking);
    if (entry != NULL && is_resent(tracking, entry, hash)) {
        publish_again(tracking, entry);
        tracking->is_resent = true;
        if (entry->content_hash == hash)
            tracking->message = entry->message;
        entry->subscription_id = track_subscription_id_of(packet);
        track_inflight_set_inherited(inflight, entry, false);
    } else {
        if (entry != NULL)
            track_inflight_close(&tracking->capture->memory, inflight, entry);
        entry = track_inflight_open(&tracking->capture->memory, inflight, packet->packet_id, MQTT_TYPE_PUBLISH,
                                    packet->publish.qos);
        if (entry != NULL) {
            entry->content_hash = hash;
            entry->subscription_id = track_subscription_id_of(packet);
            entry->topic = number_topic(tracking);
            entry->begun_ns = tracking->now_ns;
            wait_for_response(tracking, &entry->waiting);
        } else {
            report_not_followed(tracking);
        }
    }
    tracking->exchange = entry;
    record_inflight(tracking, tracking->sender);
    report_full_quota(tracking);
}

/** Notes which message the packet acknowledges. */
static void acknowledge(struct track_context *tracking, const struct track_inflight_entry *entry)
{
    if (entry != NULL && entry->type == MQTT_TYPE_PUBLISH)
        tracking->message = entry->message;
}

/** The delivery of a PUBLISH of the other end is complete. */
static void complete_delivery(struct track_context *tracking, struct track_inflight_entry *entry)
{
    struct track_packet_record *record = track_record_of(tracking);

    if (entry->begun_ns != TRACK_TIME_UNKNOWN) {
        record->completes_delivery = true;
        record->delivery_ns = tracking->now_ns - entry->begun_ns;
    }
    track_inflight_close(&tracking->capture->memory, other_inflight(tracking), entry);
}

static bool refuses(const struct mqtt_packet *packet)
{
    return packet->version == MQTT_V50 && mqtt_reason_is_error(packet->type, packet->reason);
}

/** A response on a connection whose transactions went to the one that took its session over: whether it arrived there in time, to end
 *  the transaction or continue it, is not known. */
static void respond_late(const struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_session *session = connection->session.stored;
    struct track_connection *successor = session != NULL ? session->last : NULL;

    if (!connection->session.lost_inflight || successor == NULL || successor == connection)
        return;
    const uint8_t broker = track_latest_snapshot(successor)->broker;
    if (broker == TRACK_END_UNKNOWN || tracking->snapshot.broker == TRACK_END_UNKNOWN)
        return;
    unsigned end = tracking->sender == tracking->snapshot.broker ? 1u - broker : broker;
    struct track_inflight_entry *entry = track_inflight_find(&successor->inflight[end], tracking->packet->packet_id);
    if (entry != NULL && entry->is_inherited)
        entry->may_be_over = true;
}

/** PUBACK and PUBREC: the responses to a PUBLISH of the other end. */
static void follow_publish_response(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_inflight *inflight = other_inflight(tracking);
    struct track_inflight_entry *entry = track_inflight_find(inflight, packet->packet_id);
    unsigned qos = packet->type == MQTT_TYPE_PUBACK ? 1 : 2;

    if (entry == NULL)
        respond_late(tracking);
    acknowledge(tracking, entry);
    if (entry != NULL && entry->qos == qos && entry->state == TRACK_INFLIGHT_PUBLISHED) {
        respond(tracking, &entry->waiting);
        name_topic(tracking, entry);
        if (refuses(packet)) {
            track_report_refused_publish(tracking, entry);
            track_inflight_close(&tracking->capture->memory, inflight, entry);
        } else if (qos == 1) {
            complete_delivery(tracking, entry);
        } else {
            entry->state = TRACK_INFLIGHT_RECEIVED;
            wait_for_response(tracking, &entry->waiting);
        }
    } else if (entry != NULL && qos == 2 && entry->state == TRACK_INFLIGHT_RECEIVED) {
        send_again(tracking, &entry->waiting);
        name_topic(tracking, entry);
    }
    record_inflight(tracking, 1 - tracking->sender);
}

/** PUBREL: the response to a PUBREC of the other end, for a PUBLISH of this one. */
static void follow_pubrel(struct track_context *tracking)
{
    struct track_inflight *inflight = own_inflight(tracking);
    struct track_inflight_entry *entry = track_inflight_find(inflight, tracking->packet->packet_id);

    acknowledge(tracking, entry);
    if (entry == NULL) {
        /* Begun before the capture or on an earlier connection: its PUBCOMP can still be linked. */
        entry = track_inflight_open(&tracking->capture->memory, inflight, tracking->packet->packet_id,
                                    MQTT_TYPE_PUBLISH, 2);
        if (entry != NULL) {
            entry->state = TRACK_INFLIGHT_RELEASED;
            track_inflight_set_inherited(inflight, entry, true);
            entry->begun_ns = TRACK_TIME_UNKNOWN;
            wait_for_response(tracking, &entry->waiting);
        } else {
            report_not_followed(tracking);
        }
    } else if (entry->state == TRACK_INFLIGHT_RECEIVED) {
        respond(tracking, &entry->waiting);
        name_topic(tracking, entry);
        entry->state = TRACK_INFLIGHT_RELEASED;
        wait_for_response(tracking, &entry->waiting);
    } else if (entry->state == TRACK_INFLIGHT_RELEASED) {
        send_again(tracking, &entry->waiting);
        name_topic(tracking, entry);
    }
    record_inflight(tracking, tracking->sender);
}

/** PUBCOMP: the response to a PUBREL of the other end. */
static void follow_pubcomp(struct track_context *tracking)
{
    struct track_inflight_entry *entry = track_inflight_find(other_inflight(tracking), tracking->packet->packet_id);

    if (entry == NULL)
        respond_late(tracking);
    acknowledge(tracking, entry);
    if (entry != NULL && entry->state == TRACK_INFLIGHT_RELEASED) {
        respond(tracking, &entry->waiting);
        name_topic(tracking, entry);
        complete_delivery(tracking, entry);
    }
    record_inflight(tracking, 1 - tracking->sender);
}

/** SUBSCRIBE and UNSUBSCRIBE. */
static void follow_request(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_inflight *inflight = own_inflight(tracking);
    struct track_inflight_entry *entry = track_inflight_find(inflight, packet->packet_id);
    uint32_t hash = track_content_hash(tracking);

    if (entry != NULL && entry->type == packet->type && entry->content_hash == hash) {
        send_again(tracking, &entry->waiting);
        track_subscription_history_request_again(entry->filters);
        return;
    }
    if (entry != NULL) {
        track_subscription_history_request_lost(tracking);
        track_inflight_close(&tracking->capture->memory, inflight, entry);
    }
    entry = track_inflight_open(&tracking->capture->memory, inflight, packet->packet_id, packet->type, 0);
    if (entry != NULL) {
        entry->content_hash = hash;
        wait_for_response(tracking, &entry->waiting);
        entry->filters = track_read_request_filters(tracking);
    }
    if (entry != NULL && entry->filters != NULL) {
        track_subscription_history_request(tracking, entry->filters);
    } else {
        track_subscription_history_request_lost(tracking);
        if (entry == NULL)
            report_not_followed(tracking);
    }
}

/** SUBACK and UNSUBACK. */
static void follow_request_response(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_inflight *inflight = other_inflight(tracking);
    struct track_inflight_entry *entry = track_inflight_find(inflight, packet->packet_id);
    enum mqtt_packet_type request = packet->type == MQTT_TYPE_SUBACK ? MQTT_TYPE_SUBSCRIBE : MQTT_TYPE_UNSUBSCRIBE;

    if (entry == NULL || entry->type != request) {
        track_subscription_history_stray_response(tracking);
        return;
    }
    respond(tracking, &entry->waiting);
    if (packet->type == MQTT_TYPE_SUBACK)
        track_report_refused_filters(tracking, entry);
    if (entry->filters != NULL) {
        name_filters(tracking, entry->filters);
        track_subscription_history_response(tracking, entry->filters);
        track_apply_request_filters(tracking, entry->filters);
    }
    track_inflight_close(&tracking->capture->memory, inflight, entry);
}

/** CONNECT, PINGREQ and AUTH wait for their response. */
static void follow_pending_request(struct track_context *tracking)
{
    struct track_pending_packet *request = track_add_pending_request(tracking);

    if (request != NULL)
        wait_for_response(tracking, request);
}

/** CONNACK, PINGRESP and AUTH: the response to the other end's latest request of a type, if that still waits. */
static bool follow_pending_response(struct track_context *tracking, enum mqtt_packet_type type)
{
    struct track_connection *connection = tracking->connection;
    unsigned requester = 1 - tracking->sender;
    const struct track_pending_packet *request = track_find_pending_request(connection, requester, type);

    if (request == NULL)
        return false;
    respond(tracking, request);
    track_remove_pending_request(connection, requester, type);
    return true;
}

/** AUTH goes back and forth; the first of a Server's answers the CONNECT, whose link belongs to the CONNACK (MQTT 5.0
 *  section 4.12). */
static void follow_auth(struct track_context *tracking)
{
    const struct track_pending_packet *connect =
        track_find_pending_request(tracking->connection, 1 - tracking->sender, MQTT_TYPE_CONNECT);

    if (!follow_pending_response(tracking, MQTT_TYPE_AUTH) && connect != NULL)
        link_to(tracking, connect);
    follow_pending_request(tracking);
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
        follow_pending_request(tracking);
        if (track_is_from_client(tracking))
            track_subscription_history_reset(tracking);
        break;
    case MQTT_TYPE_CONNACK:
        follow_pending_response(tracking, MQTT_TYPE_CONNECT);
        if (track_is_from_server(tracking) && mqtt_is_malformed(packet))
            track_subscription_history_request_lost(tracking);
        break;
    case MQTT_TYPE_PUBLISH:
        follow_publish(tracking);
        break;
    case MQTT_TYPE_PUBACK:
    case MQTT_TYPE_PUBREC:
        follow_publish_response(tracking);
        break;
    case MQTT_TYPE_PUBREL:
        follow_pubrel(tracking);
        break;
    case MQTT_TYPE_PUBCOMP:
        follow_pubcomp(tracking);
        break;
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        follow_request(tracking);
        break;
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
        follow_request_response(tracking);
        break;
    case MQTT_TYPE_PINGREQ:
        follow_pending_request(tracking);
        break;
    case MQTT_TYPE_PINGRESP:
        follow_pending_response(tracking, MQTT_TYPE_PINGREQ);
        break;
    case MQTT_TYPE_AUTH:
        follow_auth(tracking);
        break;
    default:
        break;
    }
}
