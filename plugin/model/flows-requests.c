/* flows-requests.c - notices requests under identifiers that are in flight, and packets sent again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "flows.h"
#include "interests.h"

static void note_use(struct mqtt_watched_end *end, uint16_t packet_id)
{
    end->ids |= UINT64_C(1) << packet_id % 64;
    end->highest_id = MAX(end->highest_id, packet_id);
}

/** An identifier is used anew: what was wrong with its earlier exchange is done with. Late answers may still come. */
static void begin_anew(struct flow_view *view)
{
    flow_drop_oddity(view);
    if (mqtt_ledger_is_full(view->ledger))
        view->tracking->connection->is_unsure = true;
}

/** What is held against an exchange of an earlier connection may have been answered there unseen. */
static uint8_t doubt_about(const struct flow_view *view)
{
    enum { GENERATIONS = 8 };
    const struct mqtt_connection *connection = view->tracking->connection;

    if (!view->flow->is_inherited)
        return 0;
    for (unsigned i = 0; i < GENERATIONS && connection->before != NULL; i++) {
        connection = connection->before;
        if (mqtt_latest_epoch(connection)->has_gap || mqtt_lacks_end(connection))
            return 2;
    }
    return 1;
}

/** A request takes an identifier that is in flight. Both may be answered now. */
static void take_identifier(struct flow_view *view, enum mqtt_observation_kind kind)
{
    const struct mqtt_flow *flow = view->flow;
    bool may_accuse = !flow_is_accused(view);

    if (flow->is_inherited)
        may_accuse = may_accuse && view->packet->version != MQTT_V31 && flow_knows_connack(view);
    if (may_accuse)
        flow_observe(view, kind, doubt_about(view), flow->state);
    struct mqtt_oddity *oddity = view->oddity = flow_make_oddity(view);
    oddity->is_accused = false;
    oddity->is_resent = true;
    if (flow->state != MQTT_FLOW_RELEASED)
        flow_count_up(&oddity->answers);
    if (flow->qos == 2) {
        flow_count_up(&oddity->completions);
        oddity->is_excused = true;
    }
}

/** DUP 1 in the first use of an identifier: sent again what was never sent. */
static void observe_dup(const struct flow_view *view)
{
    const struct mqtt_tracking *tracking = view->tracking;
    enum mqtt_observation_kind kind = MQTT_OBSERVED_DUP_ON_CLEAN_START;

    if (!view->packet->publish.dup || flow_was_used(flow_watched_end(view), view->packet->packet_id) ||
        !flow_is_fresh(view))
        return;
    if (tracking->epoch.broker == tracking->sender)
        kind =
            view->packet->publish.qos == 1 ? MQTT_OBSERVED_DUP_FROM_SERVER_QOS_1 : MQTT_OBSERVED_DUP_FROM_SERVER_QOS_2;
    else if (!tracking->connection->clean_start)
        kind = MQTT_OBSERVED_DUP_IN_NEW_SESSION;
    uint8_t doubt = mqtt_is_servers(tracking) && mqtt_may_keep_session(tracking);
    flow_observe(view, kind, doubt, view->packet->publish.qos);
}

/** The refusal that a PUBLISH had on the connection before; NULL where it had none, or has one no more. */
static const struct mqtt_refusal *find_refusal(const struct flow_view *view, const struct mqtt_connection *before,
                                               unsigned end)
{
    const struct mqtt_refusals *refusals = before->watch != NULL ? before->watch->ends[end].refusals : NULL;
    uint32_t hash = refusals != NULL ? mqtt_content_hash(view->packet) : 0;

    for (unsigned i = 0; refusals != NULL && i < MQTT_REFUSALS_KEPT; i++) {
        const struct mqtt_refusal *refusal = &refusals->list[i];
        if (refusal->frame != 0 && refusal->packet_id == view->packet->packet_id && refusal->content_hash == hash)
            return refusal;
    }
    return NULL;
}

/** DUP 1 in the first use of an identifier on a connection that goes on with a session: what was refused is not to be sent
 *  again (MQTT 5.0 section 4.4). That its sender had the refusal shows in all of the old connection being acknowledged. */
static void observe_after_refusal(const struct flow_view *view)
{
    const struct mqtt_connection *connection = view->tracking->connection;
    const struct mqtt_connection *before = connection->before;

    if (!view->packet->publish.dup || view->packet->version != MQTT_V50 || before == NULL || connection->clean_start ||
        !connection->session_present)
        return;
    const struct mqtt_epoch *old = mqtt_latest_epoch(before);
    if (old->broker == MQTT_END_UNKNOWN || old->has_gap || before->is_unsure || before->may_lose ||
        mqtt_lacks_end(before))
        return;
    const struct mqtt_refusal *refusal =
        find_refusal(view, before, view->end == view->tracking->epoch.broker ? old->broker : 1 - old->broker);
    if (refusal == NULL)
        return;
    struct mqtt_transport_state transport = mqtt_transport_state_of(before);
    bool is_acknowledged = transport.has_numbers && (int32_t)(transport.got_to - mqtt_seen_to(before)) >= 0;
    mqtt_observe(view->tracking, (struct mqtt_observation){
                                     .kind = MQTT_OBSERVED_RESENT_AFTER_REFUSAL,
                                     .doubt = !is_acknowledged,
                                     .at = {view->packet->packet_id_at, 2},
                                     .frame = refusal->frame,
                                     .value = refusal->code,
                                 });
}

/** Its first repeat on this connection: a Client repeats in the order of first sending. That MQTT 5.0 has no repeats but
 *  on a new connection is said elsewhere. */
static void observe_resend_order(const struct flow_view *view)
{
    const struct mqtt_flow *flow = view->flow;
    bool may_repeat = flow->is_inherited || view->packet->version != MQTT_V50;
    bool is_first = flow->is_inherited || (flow->waiting.note != NULL && flow->waiting.note->first_sent_in == 0);

    if (view->tracking->epoch.broker != 1 - view->end || !is_first || !may_repeat || flow->state != MQTT_FLOW_PUBLISHED)
        return;
    if (flow->waiting.first_frame < view->watch->resent)
        flow_observe(view, MQTT_OBSERVED_RESENT_OUT_OF_ORDER, 0, view->watch->resent);
    view->watch->resent = flow->waiting.first_frame;
}

/** A Server's message went out with the Subscription Identifier by which the Client had replaced another, and comes again
 *  with that other one, which the Client has not given anew (MQTT 5.0 section 3.8.4). */
static void observe_old_identifier(const struct flow_view *view)
{
    const struct mqtt_connection *connection = view->tracking->connection;
    const struct mqtt_book *asked = connection->before != NULL ? connection->before->book : NULL;
    const struct mqtt_property *id =
        mqtt_properties_find(&view->packet->properties, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER);
    uint32_t latest = view->flow->subscription_id;
    uint32_t again = mqtt_subscription_id_of(view->packet);

    if (view->end != view->tracking->epoch.broker || latest == 0 || again == 0 || latest == again || asked == NULL ||
        asked->is_blind || !mqtt_book_replaced_id(asked, again, latest))
        return;
    if (connection->book != NULL && (connection->book->is_blind || mqtt_book_has_id(connection->book, again)))
        return;
    mqtt_observe(view->tracking, (struct mqtt_observation){
                                     .kind = MQTT_OBSERVED_RESENT_WITH_OLD_ID,
                                     .at = id->whole,
                                     .frame = view->flow->waiting.first_frame,
                                     .value = again,
                                     .other = latest,
                                 });
}

/** A PUBLISH that is in flight comes again. */
static void observe_repeat(struct flow_view *view)
{
    const struct mqtt_flow *flow = view->flow;
    bool dup = view->packet->publish.dup;
    bool is_50 = view->packet->version == MQTT_V50;

    observe_resend_order(view);
    if (flow->is_inherited) {
        if (!dup && flow_knows_connack(view) && view->packet->version != MQTT_V31)
            flow_observe(view, MQTT_OBSERVED_RESENT_WITHOUT_DUP, doubt_about(view), flow->state);
        observe_old_identifier(view);
        flow_take_quota(view);
        flow_make_oddity(view)->is_resent = true;
        return;
    }
    if (!flow_is_accused(view) && is_50 && dup)
        flow_accuse(view, MQTT_OBSERVED_RESENT_WITHIN_CONNECTION, flow->state);
    else if (!flow_is_accused(view) && !dup)
        flow_accuse(view, is_50 ? MQTT_OBSERVED_RESENT_WITHIN_CONNECTION_WITHOUT_DUP : MQTT_OBSERVED_RESENT_WITHOUT_DUP,
                    flow->state);
    struct mqtt_oddity *oddity = flow_make_oddity(view);
    oddity->is_resent = true;
    flow_count_up(&oddity->answers);
}

void flow_observe_publish(struct flow_view *view)
{
    const struct mqtt_packet *packet = view->packet;
    const struct mqtt_flow *flow = view->flow;

    if (packet->publish.qos != 1 && packet->publish.qos != 2)
        return;
    bool is_same_kind = flow != NULL && flow->type == MQTT_TYPE_PUBLISH && flow->qos == packet->publish.qos;
    bool is_same = is_same_kind && (packet->publish.dup || flow->content_hash == mqtt_content_hash(packet));
    if (flow == NULL) {
        observe_dup(view);
        if (view->is_sure)
            observe_after_refusal(view);
        begin_anew(view);
        flow_take_quota(view);
    } else if (is_same && flow->state != MQTT_FLOW_RELEASED) {
        observe_repeat(view);
    } else {
        if (is_same)
            take_identifier(view, MQTT_OBSERVED_PUBLISH_AFTER_PUBREL);
        else if (is_same_kind && flow->state == MQTT_FLOW_RELEASED)
            take_identifier(view, MQTT_OBSERVED_ID_TAKEN_BEFORE_PUBCOMP);
        else if (is_same_kind)
            take_identifier(view, flow->qos == 1 ? MQTT_OBSERVED_ID_TAKEN_QOS_1 : MQTT_OBSERVED_ID_TAKEN_QOS_2);
        else
            take_identifier(view, MQTT_OBSERVED_ID_TAKEN);
        flow_take_quota(view);
    }
    note_use(flow_watched_end(view), packet->packet_id);
}

/** SUBSCRIBE and UNSUBSCRIBE. */
void flow_observe_request(struct flow_view *view)
{
    const struct mqtt_packet *packet = view->packet;
    const struct mqtt_flow *flow = view->flow;

    if (flow == NULL) {
        begin_anew(view);
    } else if (flow->type == packet->type && flow->content_hash == mqtt_content_hash(packet)) {
        if (!(packet->flags & FLOW_DUP) && !flow_is_accused(view))
            flow_accuse(view, MQTT_OBSERVED_REPEATED_WITHOUT_DUP, flow->state);
        flow_count_up(&flow_make_oddity(view)->answers);
    } else {
        take_identifier(view, MQTT_OBSERVED_ID_TAKEN);
    }
}
