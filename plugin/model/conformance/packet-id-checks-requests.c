/* packet-id-checks-requests.c - notices requests under identifiers that are in flight, and packets sent again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "../protocol/subscription-history.h"
#include "packet-id-checks.h"

static void note_use(struct track_packet_id_end_state *end, uint16_t packet_id)
{
    end->ids |= UINT64_C(1) << packet_id % 64;
    end->highest_id = MAX(end->highest_id, packet_id);
}

/** An identifier is used anew: what was wrong with its earlier exchange is done with. Late answers may still come. */
static void begin_anew(struct packet_id_check *view)
{
    packet_id_drop_history(view);
    if (track_inflight_is_full(view->inflight))
        view->tracking->connection->is_unsure = true;
}

/** What is held against an exchange of an earlier connection may have been answered there unseen. */
static enum track_doubt doubt_about(const struct packet_id_check *view)
{
    enum { GENERATIONS = 8 };
    const struct track_connection *connection = view->tracking->connection;

    if (!view->entry->is_inherited)
        return TRACK_DOUBT_NONE;
    for (unsigned i = 0; i < GENERATIONS && connection->previous != NULL; i++) {
        connection = connection->previous;
        if (track_latest_snapshot(connection)->has_gap || track_lacks_end(connection))
            return TRACK_DOUBT_EARLIER_INCOMPLETE;
    }
    return TRACK_DOUBT_EARLIER_EXCHANGE;
}

/** A request takes an identifier that is in flight. Both may be answered now. */
static void take_identifier(struct packet_id_check *view, enum track_anomaly_kind kind)
{
    const struct track_inflight_entry *entry = view->entry;
    bool may_accuse = !packet_id_is_reported(view);

    if (entry->is_inherited)
        may_accuse = may_accuse && view->packet->version != MQTT_V31 && packet_id_knows_connack(view);
    if (may_accuse)
        packet_id_report_anomaly(view, kind, doubt_about(view), entry->state);
    struct track_packet_id_history *history = view->history = packet_id_make_history(view);
    history->is_reported = false;
    history->is_resent = true;
    if (entry->state != TRACK_INFLIGHT_RELEASED)
        packet_id_count_up(&history->answers);
    if (entry->qos == 2) {
        packet_id_count_up(&history->completions);
        history->is_tolerated = true;
    }
}

/** DUP 1 in the first use of an identifier: sent again what was never sent. */
static void observe_dup(const struct packet_id_check *view)
{
    const struct track_context *tracking = view->tracking;
    enum track_anomaly_kind kind = TRACK_ANOMALY_DUP_ON_CLEAN_START;

    if (!view->packet->publish.dup || packet_id_was_used(packet_id_end_state(view), view->packet->packet_id) ||
        !packet_id_is_fresh(view))
        return;
    if (tracking->snapshot.broker == tracking->sender)
        kind =
            view->packet->publish.qos == 1 ? TRACK_ANOMALY_DUP_FROM_SERVER_QOS_1 : TRACK_ANOMALY_DUP_FROM_SERVER_QOS_2;
    else if (!tracking->connection->clean_start)
        kind = TRACK_ANOMALY_DUP_IN_NEW_SESSION;
    enum track_doubt doubt = track_is_from_server(tracking) && track_may_keep_session(tracking)
                                 ? TRACK_DOUBT_EARLIER_SESSION
                                 : TRACK_DOUBT_NONE;
    packet_id_report_anomaly(view, kind, doubt, view->packet->publish.qos);
}

/** The refusal that a PUBLISH had on the connection before; NULL where it had none, or has one no more. */
static const struct track_failed_publish *find_refusal(const struct packet_id_check *view,
                                                       const struct track_connection *before, unsigned end)
{
    const struct track_failed_publishes *refusals =
        before->packet_ids != NULL ? before->packet_ids->ends[end].refusals : NULL;
    uint32_t hash = refusals != NULL ? track_content_hash(view->packet) : 0;

    for (unsigned i = 0; refusals != NULL && i < TRACK_FAILED_PUBLISHES_MAX; i++) {
        const struct track_failed_publish *refusal = &refusals->list[i];
        if (refusal->frame != 0 && refusal->packet_id == view->packet->packet_id && refusal->content_hash == hash)
            return refusal;
    }
    return NULL;
}

/** DUP 1 in the first use of an identifier on a connection that goes on with a session: what was refused is not to be sent
 *  again (MQTT 5.0 section 4.4). That its sender had the refusal shows in all of the old connection being acknowledged. */
static void observe_after_refusal(const struct packet_id_check *view)
{
    const struct track_connection *connection = view->tracking->connection;
    const struct track_connection *before = connection->previous;

    if (!view->packet->publish.dup || view->packet->version != MQTT_V50 || before == NULL || connection->clean_start ||
        !connection->session_present)
        return;
    const struct track_snapshot *old = track_latest_snapshot(before);
    if (old->broker == TRACK_END_UNKNOWN || old->has_gap || before->is_unsure || before->may_lose ||
        track_lacks_end(before))
        return;
    const struct track_failed_publish *refusal =
        find_refusal(view, before, view->end == view->tracking->snapshot.broker ? old->broker : 1 - old->broker);
    if (refusal == NULL)
        return;
    struct track_transport_state transport = track_transport_state_of(before);
    bool is_acknowledged = transport.has_numbers && (int32_t)(transport.got_to - track_seen_to(before)) >= 0;
    track_report_anomaly(view->tracking, (struct track_anomaly){
                                             .kind = TRACK_ANOMALY_RESENT_AFTER_REFUSAL,
                                             .doubt = is_acknowledged ? TRACK_DOUBT_NONE : TRACK_DOUBT_RECEIPT,
                                             .at = {view->packet->packet_id_at, 2},
                                             .frame = refusal->frame,
                                             .value = refusal->code,
                                         });
}

/** Its first repeat on this connection: a Client repeats in the order of first sending. That MQTT 5.0 has no repeats but
 *  on a new connection is said elsewhere. */
static void observe_resend_order(const struct packet_id_check *view)
{
    const struct track_inflight_entry *entry = view->entry;
    bool may_repeat = entry->is_inherited || view->packet->version != MQTT_V50;
    bool is_first = entry->is_inherited || (entry->waiting.record != NULL && entry->waiting.record->first_sent_in == 0);

    if (view->tracking->snapshot.broker != 1 - view->end || !is_first || !may_repeat ||
        entry->state != TRACK_INFLIGHT_PUBLISHED)
        return;
    if (entry->waiting.first_frame < view->packet_ids->resent)
        packet_id_report_anomaly(view, TRACK_ANOMALY_RESENT_OUT_OF_ORDER, TRACK_DOUBT_NONE, view->packet_ids->resent);
    view->packet_ids->resent = entry->waiting.first_frame;
}

/** A Server's message went out with the Subscription Identifier by which the Client had replaced another, and comes again
 *  with that other one, which the Client has not given anew (MQTT 5.0 section 3.8.4). */
static void observe_old_identifier(const struct packet_id_check *view)
{
    const struct track_connection *connection = view->tracking->connection;
    const struct track_subscription_history *asked =
        connection->previous != NULL ? connection->previous->history : NULL;
    const struct mqtt_property *id =
        mqtt_properties_find(&view->packet->properties, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER);
    uint32_t latest = view->entry->subscription_id;
    uint32_t again = track_subscription_id_of(view->packet);

    if (view->end != view->tracking->snapshot.broker || latest == 0 || again == 0 || latest == again || asked == NULL ||
        asked->is_incomplete || !track_subscription_history_replaced_id(asked, again, latest))
        return;
    if (connection->history != NULL &&
        (connection->history->is_incomplete || track_subscription_history_has_id(connection->history, again)))
        return;
    track_report_anomaly(view->tracking, (struct track_anomaly){
                                             .kind = TRACK_ANOMALY_RESENT_WITH_OLD_ID,
                                             .at = id->whole,
                                             .frame = view->entry->waiting.first_frame,
                                             .value = again,
                                             .other = latest,
                                         });
}

/** A PUBLISH that is in flight comes again. */
static void observe_repeat(struct packet_id_check *view)
{
    const struct track_inflight_entry *entry = view->entry;
    bool dup = view->packet->publish.dup;
    bool is_50 = view->packet->version == MQTT_V50;

    observe_resend_order(view);
    if (entry->is_inherited) {
        if (!dup && packet_id_knows_connack(view) && view->packet->version != MQTT_V31)
            packet_id_report_anomaly(view, TRACK_ANOMALY_RESENT_WITHOUT_DUP, doubt_about(view), entry->state);
        observe_old_identifier(view);
        packet_id_take_quota(view);
        packet_id_make_history(view)->is_resent = true;
        return;
    }
    if (!packet_id_is_reported(view) && is_50 && dup)
        packet_id_report_once(view, TRACK_ANOMALY_RESENT_WITHIN_CONNECTION, entry->state);
    else if (!packet_id_is_reported(view) && !dup)
        packet_id_report_once(
            view, is_50 ? TRACK_ANOMALY_RESENT_WITHIN_CONNECTION_WITHOUT_DUP : TRACK_ANOMALY_RESENT_WITHOUT_DUP,
            entry->state);
    struct track_packet_id_history *history = packet_id_make_history(view);
    history->is_resent = true;
    packet_id_count_up(&history->answers);
}

void packet_id_check_publish(struct packet_id_check *view)
{
    const struct mqtt_packet *packet = view->packet;
    const struct track_inflight_entry *entry = view->entry;

    if (packet->publish.qos != 1 && packet->publish.qos != 2)
        return;
    bool is_same_kind = entry != NULL && entry->type == MQTT_TYPE_PUBLISH && entry->qos == packet->publish.qos;
    bool is_same = is_same_kind && (packet->publish.dup || entry->content_hash == track_content_hash(packet));
    if (entry == NULL) {
        observe_dup(view);
        if (view->is_sure)
            observe_after_refusal(view);
        begin_anew(view);
        packet_id_take_quota(view);
    } else if (is_same && entry->state != TRACK_INFLIGHT_RELEASED) {
        observe_repeat(view);
    } else {
        if (is_same)
            take_identifier(view, TRACK_ANOMALY_PUBLISH_AFTER_PUBREL);
        else if (is_same_kind && entry->state == TRACK_INFLIGHT_RELEASED)
            take_identifier(view, TRACK_ANOMALY_ID_TAKEN_BEFORE_PUBCOMP);
        else if (is_same_kind)
            take_identifier(view, entry->qos == 1 ? TRACK_ANOMALY_ID_TAKEN_QOS_1 : TRACK_ANOMALY_ID_TAKEN_QOS_2);
        else
            take_identifier(view, TRACK_ANOMALY_ID_TAKEN);
        packet_id_take_quota(view);
    }
    note_use(packet_id_end_state(view), packet->packet_id);
}

/** SUBSCRIBE and UNSUBSCRIBE. */
void packet_id_check_request(struct packet_id_check *view)
{
    const struct mqtt_packet *packet = view->packet;
    const struct track_inflight_entry *entry = view->entry;

    if (entry == NULL) {
        begin_anew(view);
    } else if (entry->type == packet->type && entry->content_hash == track_content_hash(packet)) {
        if (!(packet->flags & PACKET_ID_DUP) && !packet_id_is_reported(view))
            packet_id_report_once(view, TRACK_ANOMALY_REPEATED_WITHOUT_DUP, entry->state);
        packet_id_count_up(&packet_id_make_history(view)->answers);
    } else {
        take_identifier(view, TRACK_ANOMALY_ID_TAKEN);
    }
}
