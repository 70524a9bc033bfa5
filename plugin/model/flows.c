/* flows.c - notices what does not fit in the exchanges of a connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Looks at each packet before exchange.c lets it change the ledgers. An exchange that is broken once is not found broken
 * again by each packet that follows from it: its Packet Identifier is marked, and answers that the broken part may still
 * bring are counted. Nothing is said where a missing, late or cut packet could excuse what was seen.
 */
#include "flows.h"

#include "watch.h"

struct mqtt_watched_end *flow_watched_end(const struct flow_view *view)
{
    return &view->watch->ends[view->end];
}

struct mqtt_oddity *flow_make_oddity(const struct flow_view *view)
{
    wmem_allocator_t *scope = view->tracking->connection->world->scope;
    wmem_map_t **oddities = &flow_watched_end(view)->oddities;
    struct mqtt_oddity *oddity = mqtt_find_oddity(view->watch, view->end, view->packet->packet_id);

    if (oddity != NULL)
        return oddity;
    if (*oddities == NULL)
        *oddities = wmem_map_new(scope, g_direct_hash, g_direct_equal);
    oddity = wmem_new0(scope, struct mqtt_oddity);
    wmem_map_insert(*oddities, GUINT_TO_POINTER(view->packet->packet_id), oddity);
    return oddity;
}

void flow_drop_oddity(struct flow_view *view)
{
    struct mqtt_oddity *oddity = view->oddity;

    if (oddity == NULL)
        return;
    *oddity = (struct mqtt_oddity){.answers = oddity->answers, .completions = oddity->completions};
    if (oddity->answers > 0 || oddity->completions > 0)
        return;
    wmem_map_remove(flow_watched_end(view)->oddities, GUINT_TO_POINTER(view->packet->packet_id));
    wmem_free(view->tracking->connection->world->scope, oddity);
    view->oddity = NULL;
}

void flow_count_up(uint8_t *count)
{
    *count += *count < UINT8_MAX;
}

bool flow_take(uint8_t *count)
{
    if (*count == 0)
        return false;
    --*count;
    return true;
}

bool flow_is_accused(const struct flow_view *view)
{
    return view->oddity != NULL && view->oddity->is_accused;
}

/** A Packet Identifier of 0 is told of by the packet's own rule; MQTT 5.0 has none for acknowledgements. */
static bool is_told_already(const struct mqtt_packet *packet)
{
    bool is_request = packet->type == MQTT_TYPE_PUBLISH || packet->type == MQTT_TYPE_SUBSCRIBE ||
                      packet->type == MQTT_TYPE_UNSUBSCRIBE;

    return packet->packet_id == 0 && (packet->version != MQTT_V50 || is_request);
}

void flow_observe(const struct flow_view *view, enum mqtt_observation_kind kind, uint8_t doubt, uint32_t value)
{
    const struct mqtt_packet *packet = view->packet;

    if (!view->is_sure || is_told_already(packet))
        return;
    mqtt_observe(view->tracking, (struct mqtt_observation){
                                     .kind = (uint16_t)kind,
                                     .doubt = doubt,
                                     .at = {packet->packet_id_at, 2},
                                     .frame = view->flow != NULL ? view->flow->waiting.first_frame : 0,
                                     .value = value,
                                     .other = view->flow != NULL ? view->flow->type : 0,
                                 });
}

void flow_accuse(struct flow_view *view, enum mqtt_observation_kind kind, uint32_t value)
{
    flow_observe(view, kind, 0, value);
    view->oddity = flow_make_oddity(view);
    view->oddity->is_accused = true;
}

bool flow_knows_connack(const struct flow_view *view)
{
    const struct mqtt_tracking *tracking = view->tracking;
    const struct mqtt_connection *connection = tracking->connection;

    if (!connection->connack_seen)
        return false;
    return tracking->sender == tracking->epoch.broker ||
           mqtt_sender_awareness(tracking, &connection->connack) == MQTT_AWARE;
}

bool flow_is_fresh(const struct flow_view *view)
{
    const struct mqtt_connection *connection = view->tracking->connection;

    if (connection->clean_start)
        return true;
    /* A Server that kept a session and denies it is told of that at its CONNACK, and not at what it goes on with. A Client
     * of MQTT 3.1.1 may go on with its own state then (section 3.2.2.2). */
    if (connection->before != NULL &&
        (view->tracking->sender == view->tracking->epoch.broker || view->packet->version == MQTT_V311))
        return false;
    return view->packet->version != MQTT_V31 && connection->connack_code == 0 && !connection->session_present &&
           flow_knows_connack(view);
}

void flow_note_answered(struct flow_view *view, unsigned end, const struct mqtt_note *note)
{
    struct mqtt_place *answered = &view->watch->ends[end].answered;

    if (note != NULL && mqtt_is_before(*answered, note->place))
        *answered = note->place;
}

bool flow_was_used(const struct mqtt_watched_end *end, uint16_t packet_id)
{
    return packet_id <= end->highest_id && end->ids >> packet_id % 64 & 1;
}

void flow_take_quota(const struct flow_view *view)
{
    struct mqtt_watched_end *end = flow_watched_end(view);
    const struct mqtt_limits *limits = view->tracking->epoch.limits[1 - view->end];

    if (view->packet->version != MQTT_V50 || end->quota == UINT16_MAX)
        return;
    end->quota++;
    if (limits == NULL || limits->receive_maximum == 0 || end->quota <= limits->receive_maximum || end->is_over_quota)
        return;
    end->is_over_quota = true;
    if (view->is_sure)
        mqtt_observe(view->tracking, (struct mqtt_observation){
                                         .kind = MQTT_OBSERVED_RECEIVE_MAXIMUM_EXCEEDED,
                                         .at = {view->packet->packet_id_at, 2},
                                         .value = end->quota,
                                         .other = limits->receive_maximum,
                                     });
}

void flow_give_quota_back(const struct flow_view *view)
{
    struct mqtt_watched_end *end = flow_watched_end(view);
    const struct mqtt_limits *limits = view->tracking->epoch.limits[1 - view->end];

    end->quota -= end->quota > 0;
    if (limits == NULL || end->quota <= limits->receive_maximum)
        end->is_over_quota = false;
}

static void follow_pings(const struct mqtt_tracking *tracking)
{
    struct mqtt_watch *watch = mqtt_watch_of(tracking->connection);

    if (tracking->packet->type == MQTT_TYPE_PINGREQ) {
        if (watch->pings == 0) {
            watch->ping_since_ns = tracking->now_ns;
            watch->ping_got_to = tracking->arrival->got_to;
        }
        watch->pings += watch->pings < UINT16_MAX;
        watch->ping = tracking->place;
        watch->ping_ns = tracking->now_ns;
        return;
    }
    watch->pings -= watch->pings > 0;
    watch->ping_since_ns = tracking->now_ns;
    struct mqtt_place *answered = &watch->ends[1 - tracking->sender].answered;
    if (watch->pings == 0 && mqtt_is_before(*answered, watch->ping))
        *answered = watch->ping;
}

/** Once the CONNACK came, each AUTH of the Client asks for an answer (MQTT 5.0 section 4.12.1). */
static void follow_auth(const struct mqtt_tracking *tracking)
{
    struct mqtt_watch *watch = mqtt_watch_of(tracking->connection);

    if (tracking->epoch.broker == tracking->sender) {
        watch->auth = (struct mqtt_place){0, 0};
    } else if (tracking->connection->connack_seen) {
        watch->auth = tracking->place;
        watch->auth_ns = tracking->now_ns;
    }
}

/** In whose ledger the exchange of a packet stands: its sender's own, or the one of the end that it answers. */
static unsigned ledger_end(const struct mqtt_tracking *tracking)
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

void mqtt_observe_flows(struct mqtt_tracking *tracking)
{
    static void (*const observers[16])(struct flow_view *) = {
        [MQTT_TYPE_PUBLISH] = flow_observe_publish,         [MQTT_TYPE_PUBACK] = flow_observe_publish_answer,
        [MQTT_TYPE_PUBREC] = flow_observe_publish_answer,   [MQTT_TYPE_PUBREL] = flow_observe_release,
        [MQTT_TYPE_PUBCOMP] = flow_observe_completion,      [MQTT_TYPE_SUBSCRIBE] = flow_observe_request,
        [MQTT_TYPE_SUBACK] = flow_observe_request_answer,   [MQTT_TYPE_UNSUBSCRIBE] = flow_observe_request,
        [MQTT_TYPE_UNSUBACK] = flow_observe_request_answer,
    };
    struct mqtt_connection *connection = tracking->connection;
    const struct mqtt_packet *packet = tracking->packet;
    enum mqtt_packet_type ping = mqtt_is_clients(tracking) ? MQTT_TYPE_PINGREQ : MQTT_TYPE_PINGRESP;

    if (!connection->is_watched)
        return;
    if (packet->type == ping)
        follow_pings(tracking);
    else if (packet->type == MQTT_TYPE_AUTH)
        follow_auth(tracking);
    if (packet->packet_id_at == 0 || observers[packet->type & 0x0F] == NULL)
        return;
    unsigned end = ledger_end(tracking);
    struct flow_view view = {
        .tracking = tracking,
        .packet = packet,
        .watch = mqtt_watch_of(connection),
        .end = end,
        .ledger = &connection->ends[end].ledger,
        .is_sure = mqtt_watch_is_sure(tracking),
    };
    view.flow = mqtt_ledger_find(view.ledger, packet->packet_id);
    view.oddity = mqtt_find_oddity(view.watch, end, packet->packet_id);
    observers[packet->type & 0x0F](&view);
}
