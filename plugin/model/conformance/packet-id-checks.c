/* packet-id-checks.c - notices what does not fit in the exchanges of a connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Looks at each packet before transactions.c lets it change the ledgers. An exchange that is broken once is not found broken
 * again by each packet that follows from it: its Packet Identifier is marked, and answers that the broken part may still
 * bring are counted. Nothing is said where a missing, late or cut packet could excuse what was seen.
 */
#include "packet-id-checks.h"

#include "packet-id-state.h"

struct track_packet_id_end_state *packet_id_end_state(const struct packet_id_check *view)
{
    return &view->packet_ids->ends[view->end];
}

struct track_packet_id_history *packet_id_make_history(const struct packet_id_check *view)
{
    wmem_allocator_t *scope = view->tracking->connection->capture->scope;
    wmem_map_t **histories = &packet_id_end_state(view)->histories;
    struct track_packet_id_history *history =
        track_find_packet_id_history(view->packet_ids, view->end, view->packet->packet_id);

    if (history != NULL)
        return history;
    if (*histories == NULL)
        *histories = wmem_map_new(scope, g_direct_hash, g_direct_equal);
    history = wmem_new0(scope, struct track_packet_id_history);
    wmem_map_insert(*histories, GUINT_TO_POINTER(view->packet->packet_id), history);
    return history;
}

void packet_id_drop_history(struct packet_id_check *view)
{
    struct track_packet_id_history *history = view->history;

    if (history == NULL)
        return;
    *history = (struct track_packet_id_history){.answers = history->answers, .completions = history->completions};
    if (history->answers > 0 || history->completions > 0)
        return;
    wmem_map_remove(packet_id_end_state(view)->histories, GUINT_TO_POINTER(view->packet->packet_id));
    wmem_free(view->tracking->connection->capture->scope, history);
    view->history = NULL;
}

void packet_id_count_up(uint8_t *count)
{
    *count += *count < UINT8_MAX;
}

bool packet_id_take(uint8_t *count)
{
    if (*count == 0)
        return false;
    --*count;
    return true;
}

bool packet_id_is_reported(const struct packet_id_check *view)
{
    return view->history != NULL && view->history->is_reported;
}

/** A Packet Identifier of 0 is told of by the packet's own rule; MQTT 5.0 has none for acknowledgements. */
static bool is_told_already(const struct mqtt_packet *packet)
{
    bool is_request = packet->type == MQTT_TYPE_PUBLISH || packet->type == MQTT_TYPE_SUBSCRIBE ||
                      packet->type == MQTT_TYPE_UNSUBSCRIBE;

    return packet->packet_id == 0 && (packet->version != MQTT_V50 || is_request);
}

void packet_id_report_anomaly(const struct packet_id_check *view, enum track_anomaly_kind kind, enum track_doubt doubt,
                              uint32_t value)
{
    const struct mqtt_packet *packet = view->packet;

    if (!view->is_sure || is_told_already(packet))
        return;
    track_report_anomaly(view->tracking, (struct track_anomaly){
                                             .kind = (uint16_t)kind,
                                             .doubt = (uint8_t)doubt,
                                             .at = {packet->packet_id_at, 2},
                                             .frame = view->entry != NULL ? view->entry->waiting.first_frame : 0,
                                             .value = value,
                                             .other = view->entry != NULL ? view->entry->type : 0,
                                         });
}

void packet_id_report_once(struct packet_id_check *view, enum track_anomaly_kind kind, uint32_t value)
{
    packet_id_report_anomaly(view, kind, TRACK_DOUBT_NONE, value);
    view->history = packet_id_make_history(view);
    view->history->is_reported = true;
}

bool packet_id_knows_connack(const struct packet_id_check *view)
{
    const struct track_context *tracking = view->tracking;
    const struct track_connection *connection = tracking->connection;

    if (!connection->connack_seen)
        return false;
    return tracking->sender == tracking->snapshot.broker ||
           track_sender_had_received(tracking, &connection->connack) == TRACK_RECEIVED;
}

bool packet_id_is_fresh(const struct packet_id_check *view)
{
    const struct track_connection *connection = view->tracking->connection;

    if (connection->clean_start)
        return true;
    /* A Server that kept a session and denies it is told of that at its CONNACK, and not at what it goes on with. A Client
     * of MQTT 3.1.1 may go on with its own state then (section 3.2.2.2). */
    if (connection->previous != NULL &&
        (view->tracking->sender == view->tracking->snapshot.broker || view->packet->version == MQTT_V311))
        return false;
    return view->packet->version != MQTT_V31 && connection->connack_code == 0 && !connection->session_present &&
           packet_id_knows_connack(view);
}

void packet_id_note_response(struct packet_id_check *view, unsigned end, const struct track_packet_record *record)
{
    struct track_pdu_ref *answered = &view->packet_ids->ends[end].answered;

    if (record != NULL && track_is_before(*answered, record->pdu))
        *answered = record->pdu;
}

bool packet_id_was_used(const struct track_packet_id_end_state *end, uint16_t packet_id)
{
    return packet_id <= end->highest_id && end->ids >> packet_id % 64 & 1;
}

void packet_id_take_quota(const struct packet_id_check *view)
{
    struct track_packet_id_end_state *end = packet_id_end_state(view);
    const struct track_limits *limits = view->tracking->snapshot.limits[1 - view->end];

    if (view->packet->version != MQTT_V50 || end->quota == UINT16_MAX)
        return;
    end->quota++;
    if (limits == NULL || limits->receive_maximum == 0 || end->quota <= limits->receive_maximum || end->is_over_quota)
        return;
    end->is_over_quota = true;
    if (view->is_sure)
        track_report_anomaly(view->tracking, (struct track_anomaly){
                                                 .kind = TRACK_ANOMALY_RECEIVE_MAXIMUM_EXCEEDED,
                                                 .at = {view->packet->packet_id_at, 2},
                                                 .value = end->quota,
                                                 .other = limits->receive_maximum,
                                             });
}

void packet_id_give_quota_back(const struct packet_id_check *view)
{
    struct track_packet_id_end_state *end = packet_id_end_state(view);
    const struct track_limits *limits = view->tracking->snapshot.limits[1 - view->end];

    end->quota -= end->quota > 0;
    if (limits == NULL || end->quota <= limits->receive_maximum)
        end->is_over_quota = false;
}

static void follow_pings(const struct track_context *tracking)
{
    struct track_packet_id_state *packet_ids = track_packet_id_state_of(tracking->connection);

    if (tracking->packet->type == MQTT_TYPE_PINGREQ) {
        if (packet_ids->pings == 0) {
            packet_ids->ping_since_ns = tracking->now_ns;
            packet_ids->ping_got_to = tracking->arrival->got_to;
        }
        packet_ids->pings += packet_ids->pings < UINT16_MAX;
        packet_ids->ping = tracking->pdu;
        packet_ids->ping_ns = tracking->now_ns;
        return;
    }
    packet_ids->pings -= packet_ids->pings > 0;
    packet_ids->ping_since_ns = tracking->now_ns;
    struct track_pdu_ref *answered = &packet_ids->ends[1 - tracking->sender].answered;
    if (packet_ids->pings == 0 && track_is_before(*answered, packet_ids->ping))
        *answered = packet_ids->ping;
}

/** Once the CONNACK came, each AUTH of the Client asks for an answer (MQTT 5.0 section 4.12.1). */
static void follow_auth(const struct track_context *tracking)
{
    struct track_packet_id_state *packet_ids = track_packet_id_state_of(tracking->connection);

    if (tracking->snapshot.broker == tracking->sender) {
        packet_ids->auth = (struct track_pdu_ref){0, 0};
    } else if (tracking->connection->connack_seen) {
        packet_ids->auth = tracking->pdu;
        packet_ids->auth_ns = tracking->now_ns;
    }
}

/** In whose inflight the exchange of a packet stands: its sender's own, or the one of the end that it answers. */
static unsigned ledger_end(const struct track_context *tracking)
{
    switch (tracking->packet->type) {
    case MQTT_TYPE_PUBLISH:
    case MQTT_TYPE_PUBREL:
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        return tracking->sender;
    default:
        return 1 - tracking->sender;
    }
}

void track_check_packet_ids(struct track_context *tracking)
{
    static void (*const observers[16])(struct packet_id_check *) = {
        [MQTT_TYPE_PUBLISH] = packet_id_check_publish,           [MQTT_TYPE_PUBACK] = packet_id_check_publish_response,
        [MQTT_TYPE_PUBREC] = packet_id_check_publish_response,   [MQTT_TYPE_PUBREL] = packet_id_check_pubrel,
        [MQTT_TYPE_PUBCOMP] = packet_id_check_pubcomp,           [MQTT_TYPE_SUBSCRIBE] = packet_id_check_request,
        [MQTT_TYPE_SUBACK] = packet_id_check_request_response,   [MQTT_TYPE_UNSUBSCRIBE] = packet_id_check_request,
        [MQTT_TYPE_UNSUBACK] = packet_id_check_request_response,
    };
    struct track_connection *connection = tracking->connection;
    const struct mqtt_packet *packet = tracking->packet;
    enum mqtt_packet_type ping = track_is_from_client(tracking) ? MQTT_TYPE_PINGREQ : MQTT_TYPE_PINGRESP;

    if (!connection->is_watched)
        return;
    if (packet->type == ping)
        follow_pings(tracking);
    else if (packet->type == MQTT_TYPE_AUTH)
        follow_auth(tracking);
    if (packet->packet_id_at == 0 || observers[packet->type & 0x0F] == NULL)
        return;
    unsigned end = ledger_end(tracking);
    struct packet_id_check view = {
        .tracking = tracking,
        .packet = packet,
        .packet_ids = track_packet_id_state_of(connection),
        .end = end,
        .inflight = &connection->ends[end].inflight,
        .is_sure = track_is_sequence_complete(tracking),
    };
    view.entry = track_inflight_find(view.inflight, packet->packet_id);
    view.history = track_find_packet_id_history(view.packet_ids, end, packet->packet_id);
    observers[packet->type & 0x0F](&view);
}
