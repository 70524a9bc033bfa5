/* packet-id-checks-responses.c - notices answers to nothing, of the wrong kind, repeated and out of order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-id-checks.h"

/** A Client answers in the order in which what it answers came: `last` is what it answered before. Which copy of a packet
 *  that was sent again an answer is for, nobody knows. */
static void observe_order(const struct packet_id_check *view, struct track_pdu_ref *last, enum track_anomaly_kind kind)
{
    const struct track_context *tracking = view->tracking;
    const struct track_packet_record *record = view->entry->waiting.record;
    bool is_resent = view->history != NULL && (view->history->is_resent || view->history->answers > 0);

    if (tracking->snapshot.broker != 1 - tracking->sender || view->entry->is_inherited || record == NULL ||
        record->first_sent_in != 0 || is_resent)
        return;
    if (track_is_before(record->pdu, *last))
        packet_id_report_anomaly(view, kind, TRACK_DOUBT_NONE, last->frame);
    *last = record->pdu;
}

static bool is_failure(const struct mqtt_packet *packet)
{
    return packet->version == MQTT_V50 && mqtt_reason_is_error(packet->type, packet->reason);
}

/** Remembers that an end answers what was not asked: its missing answers prove nothing then. */
static void note_stray(struct packet_id_check *view)
{
    view->packet_ids->ends[view->tracking->sender].stray_answers |= (uint16_t)(1u << view->packet->type);
}

/** An answer to what was not sent: `is_certain` where even a resumed session holds no excuse. */
static void observe_stray(struct packet_id_check *view, enum track_anomaly_kind kind, bool is_certain)
{
    if (is_certain || packet_id_is_fresh(view))
        packet_id_report_anomaly(view, kind, TRACK_DOUBT_NONE, view->packet->packet_id);
    note_stray(view);
}

/** PUBACK or PUBREC under an identifier that does not wait for it. */
static void observe_odd_answer(struct packet_id_check *view)
{
    const struct track_inflight_entry *entry = view->entry;

    if (view->history != NULL && packet_id_take(&view->history->answers))
        return;
    if (entry == NULL || entry->type != MQTT_TYPE_PUBLISH) {
        observe_stray(view, TRACK_ANOMALY_ACK_FOR_NOTHING, false);
        packet_id_make_history(view)->is_tolerated = true; /* the PUBREL that it asks for */
        return;
    }
    if (entry->is_inherited || packet_id_is_reported(view))
        return;
    packet_id_report_once(view, TRACK_ANOMALY_ACK_OF_WRONG_KIND, entry->qos);
    view->history->is_tolerated = true;
}

/** The other end refuses a PUBLISH. */
static void note_refusal(const struct packet_id_check *view)
{
    struct track_packet_id_end_state *end = packet_id_end_state(view);

    if (end->refusals == NULL)
        end->refusals = wmem_new0(view->tracking->connection->capture->scope, struct track_failed_publishes);
    end->refusals->list[end->refusals->next] = (struct track_failed_publish){
        .frame = view->tracking->pdu.frame,
        .content_hash = view->entry->content_hash,
        .packet_id = view->packet->packet_id,
        .code = view->packet->reason,
    };
    end->refusals->next = (end->refusals->next + 1) % TRACK_FAILED_PUBLISHES_MAX;
}

/** PUBACK and PUBREC. */
void packet_id_check_publish_response(struct packet_id_check *view)
{
    const struct mqtt_packet *packet = view->packet;
    const struct track_inflight_entry *entry = view->entry;
    unsigned qos = packet->type == MQTT_TYPE_PUBACK ? 1 : 2;

    if (qos == 1 || is_failure(packet))
        packet_id_give_quota_back(view);
    if (entry == NULL || entry->type != MQTT_TYPE_PUBLISH || entry->qos != qos) {
        observe_odd_answer(view);
    } else if (entry->state == TRACK_INFLIGHT_PUBLISHED) {
        packet_id_note_response(view, view->end, entry->waiting.record);
        if (qos == 1)
            observe_order(view, &view->packet_ids->acknowledged, TRACK_ANOMALY_PUBACK_OUT_OF_ORDER);
        else
            observe_order(view, &view->packet_ids->received, TRACK_ANOMALY_PUBREC_OUT_OF_ORDER);
        if (is_failure(packet))
            note_refusal(view);
        if (qos == 2 && is_failure(packet))
            packet_id_make_history(view)->has_failed = true;
    } else {
        bool is_expected = view->history != NULL && packet_id_take(&view->history->answers);
        if (!is_expected && !entry->is_inherited && !packet_id_is_reported(view))
            packet_id_report_anomaly(view, TRACK_ANOMALY_PUBREC_REPEATED, TRACK_DOUBT_NONE, entry->state);
        packet_id_make_history(view)->had_pubrec = true;
    }
}

/** One PUBREL more may come: a PUBREC came again, or the identifier was taken while it was in flight, and each PUBREC may
 *  have a PUBREL. */
static bool may_have_more(const struct track_packet_id_history *history)
{
    return history != NULL && (history->is_tolerated || history->had_pubrec);
}

/** A PUBREL for what is not under way. */
static void observe_stray_release(struct packet_id_check *view)
{
    const struct track_connection *connection = view->tracking->connection;
    struct track_packet_id_history *history = view->history;
    bool was_here = packet_id_was_used(packet_id_end_state(view), view->packet->packet_id);
    bool is_clients = view->tracking->snapshot.broker != view->end;

    if (history != NULL && history->has_failed)
        packet_id_report_anomaly(view, TRACK_ANOMALY_PUBREL_AFTER_FAILURE, TRACK_DOUBT_NONE, 0);
    else if (may_have_more(history))
        history->is_tolerated = false;
    else if (was_here && view->packet->version != MQTT_V50)
        ; /* sent again before the PUBCOMP came */
    else if (was_here)
        observe_stray(view, TRACK_ANOMALY_PUBREL_FOR_NOTHING, false);
    else if (connection->clean_start)
        observe_stray(view, TRACK_ANOMALY_PUBREL_ON_CLEAN_START, false);
    else
        observe_stray(view, is_clients ? TRACK_ANOMALY_PUBREL_IN_NEW_SESSION : TRACK_ANOMALY_PUBREL_FOR_NOTHING, false);
    history = packet_id_make_history(view);
    history->has_failed = false;
    history->had_released = true;
    if (!connection->connack_seen)
        packet_id_count_up(&history->completions);
}

/** A PUBREL comes again. */
static void observe_release_again(struct packet_id_check *view)
{
    const struct mqtt_packet *packet = view->packet;
    struct track_packet_id_history *history = view->history;
    bool is_first_here = view->entry->is_inherited && (history == NULL || !history->had_released);

    if (!may_have_more(history) && !is_first_here && !packet_id_is_reported(view)) {
        if (packet->version == MQTT_V50)
            packet_id_report_once(view, TRACK_ANOMALY_PUBREL_REPEATED, view->entry->state);
        else if (!(packet->flags & PACKET_ID_DUP))
            packet_id_report_once(view, TRACK_ANOMALY_REPEATED_WITHOUT_DUP, view->entry->state);
    }
    history = packet_id_make_history(view);
    if (!is_first_here || !view->tracking->connection->connack_seen)
        packet_id_count_up(&history->completions); /* a CONNACK without the session ends what was inherited */
    history->had_released = true;
}

void packet_id_check_pubrel(struct packet_id_check *view)
{
    const struct track_inflight_entry *entry = view->entry;

    if (entry == NULL || entry->type != MQTT_TYPE_PUBLISH) {
        observe_stray_release(view);
    } else if (entry->qos == 2 && entry->state == TRACK_INFLIGHT_RECEIVED) {
        packet_id_note_response(view, 1 - view->end, entry->waiting.record);
        observe_order(view, &view->packet_ids->released, TRACK_ANOMALY_PUBREL_OUT_OF_ORDER);
        if (view->packet->reason == MQTT_REASON_PACKET_ID_NOT_FOUND && packet_id_is_fresh(view) &&
            !packet_id_is_reported(view))
            packet_id_report_once(view, TRACK_ANOMALY_PUBREL_NOT_FOUND, 0);
    } else if (entry->qos == 2 && entry->state == TRACK_INFLIGHT_RELEASED) {
        observe_release_again(view);
    } else if (!entry->is_inherited) {
        bool is_tolerated = packet_id_is_reported(view) || (view->history != NULL && view->history->is_tolerated);
        if (!is_tolerated)
            packet_id_report_once(view, TRACK_ANOMALY_PUBREL_BEFORE_PUBREC, entry->qos);
        packet_id_count_up(&packet_id_make_history(view)->completions);
    }
}

void packet_id_check_pubcomp(struct packet_id_check *view)
{
    const struct track_inflight_entry *entry = view->entry;

    packet_id_give_quota_back(view);
    if (entry != NULL && entry->type == MQTT_TYPE_PUBLISH && entry->state == TRACK_INFLIGHT_RELEASED) {
        packet_id_note_response(view, view->end, entry->waiting.record);
        if (view->packet->reason == MQTT_REASON_PACKET_ID_NOT_FOUND && packet_id_is_fresh(view) &&
            !entry->is_inherited && !packet_id_is_reported(view))
            packet_id_report_anomaly(view, TRACK_ANOMALY_PUBCOMP_NOT_FOUND, TRACK_DOUBT_NONE, 0);
    } else if (view->history != NULL && packet_id_take(&view->history->completions)) {
        return;
    } else if (entry == NULL || entry->type != MQTT_TYPE_PUBLISH) {
        observe_stray(view, TRACK_ANOMALY_ACK_FOR_NOTHING, false);
    } else if (!entry->is_inherited && !packet_id_is_reported(view)) {
        packet_id_report_once(view, TRACK_ANOMALY_PUBCOMP_BEFORE_PUBREL, entry->qos);
    }
}

/** SUBACK and UNSUBACK. */
void packet_id_check_request_response(struct packet_id_check *view)
{
    enum mqtt_packet_type request =
        view->packet->type == MQTT_TYPE_SUBACK ? MQTT_TYPE_SUBSCRIBE : MQTT_TYPE_UNSUBSCRIBE;

    if (view->entry != NULL && view->entry->type == request)
        packet_id_note_response(view, view->end, view->entry->waiting.record);
    else if (view->history != NULL && packet_id_take(&view->history->answers))
        return;
    else if (track_subscription_history_had_response(view->tracking))
        note_stray(view);
    else
        observe_stray(view, TRACK_ANOMALY_SUBACK_FOR_NOTHING, true);
}
