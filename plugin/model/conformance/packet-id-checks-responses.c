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
    const struct track_packet_record *note = view->flow->waiting.note;
    bool is_resent = view->oddity != NULL && (view->oddity->is_resent || view->oddity->answers > 0);

    if (tracking->epoch.broker != 1 - tracking->sender || view->flow->is_inherited || note == NULL ||
        note->first_sent_in != 0 || is_resent)
        return;
    if (track_is_before(note->place, *last))
        packet_id_report_anomaly(view, kind, 0, last->frame);
    *last = note->place;
}

static bool is_failure(const struct mqtt_packet *packet)
{
    return packet->version == MQTT_V50 && packet->reason >= 0x80;
}

/** Remembers that an end answers what was not asked: its missing answers prove nothing then. */
static void note_stray(struct packet_id_check *view)
{
    view->watch->ends[view->tracking->sender].stray_answers |= (uint16_t)(1u << view->packet->type);
}

/** An answer to what was not sent: `is_certain` where even a resumed session holds no excuse. */
static void observe_stray(struct packet_id_check *view, enum track_anomaly_kind kind, bool is_certain)
{
    if (is_certain || packet_id_is_fresh(view))
        packet_id_report_anomaly(view, kind, 0, view->packet->packet_id);
    note_stray(view);
}

/** PUBACK or PUBREC under an identifier that does not wait for it. */
static void observe_odd_answer(struct packet_id_check *view)
{
    const struct track_inflight_entry *flow = view->flow;

    if (view->oddity != NULL && packet_id_take(&view->oddity->answers))
        return;
    if (flow == NULL || flow->type != MQTT_TYPE_PUBLISH) {
        observe_stray(view, TRACK_ANOMALY_ACK_FOR_NOTHING, false);
        packet_id_make_history(view)->is_excused = true; /* the PUBREL that it asks for */
        return;
    }
    if (flow->is_inherited || packet_id_is_reported(view))
        return;
    packet_id_report_once(view, TRACK_ANOMALY_ACK_OF_WRONG_KIND, flow->qos);
    view->oddity->is_excused = true;
}

/** The other end refuses a PUBLISH. */
static void note_refusal(const struct packet_id_check *view)
{
    struct track_packet_id_end_state *end = packet_id_end_state(view);

    if (end->refusals == NULL)
        end->refusals = wmem_new0(view->tracking->connection->world->scope, struct track_failed_publishes);
    end->refusals->list[end->refusals->next] = (struct track_failed_publish){
        .frame = view->tracking->place.frame,
        .content_hash = view->flow->content_hash,
        .packet_id = view->packet->packet_id,
        .code = view->packet->reason,
    };
    end->refusals->next = (end->refusals->next + 1) % TRACK_FAILED_PUBLISHES_MAX;
}

/** PUBACK and PUBREC. */
void packet_id_check_publish_response(struct packet_id_check *view)
{
    const struct mqtt_packet *packet = view->packet;
    const struct track_inflight_entry *flow = view->flow;
    unsigned qos = packet->type == MQTT_TYPE_PUBACK ? 1 : 2;

    if (qos == 1 || is_failure(packet))
        packet_id_give_quota_back(view);
    if (flow == NULL || flow->type != MQTT_TYPE_PUBLISH || flow->qos != qos) {
        observe_odd_answer(view);
    } else if (flow->state == TRACK_INFLIGHT_PUBLISHED) {
        packet_id_note_response(view, view->end, flow->waiting.note);
        if (qos == 1)
            observe_order(view, &view->watch->acknowledged, TRACK_ANOMALY_PUBACK_OUT_OF_ORDER);
        else
            observe_order(view, &view->watch->received, TRACK_ANOMALY_PUBREC_OUT_OF_ORDER);
        if (is_failure(packet))
            note_refusal(view);
        if (qos == 2 && is_failure(packet))
            packet_id_make_history(view)->has_failed = true;
    } else {
        bool is_expected = view->oddity != NULL && packet_id_take(&view->oddity->answers);
        if (!is_expected && !flow->is_inherited && !packet_id_is_reported(view))
            packet_id_report_anomaly(view, TRACK_ANOMALY_PUBREC_REPEATED, 0, flow->state);
        packet_id_make_history(view)->had_pubrec = true;
    }
}

/** One PUBREL more may come: a PUBREC came again, or the identifier was taken while it was in flight, and each PUBREC may
 *  have a PUBREL. */
static bool may_have_more(const struct track_packet_id_history *oddity)
{
    return oddity != NULL && (oddity->is_excused || oddity->had_pubrec);
}

/** A PUBREL for what is not under way. */
static void observe_stray_release(struct packet_id_check *view)
{
    const struct track_connection *connection = view->tracking->connection;
    struct track_packet_id_history *oddity = view->oddity;
    bool was_here = packet_id_was_used(packet_id_end_state(view), view->packet->packet_id);
    bool is_clients = view->tracking->epoch.broker != view->end;

    if (oddity != NULL && oddity->has_failed)
        packet_id_report_anomaly(view, TRACK_ANOMALY_PUBREL_AFTER_FAILURE, 0, 0);
    else if (may_have_more(oddity))
        oddity->is_excused = false;
    else if (was_here && view->packet->version != MQTT_V50)
        ; /* sent again before the PUBCOMP came */
    else if (was_here)
        observe_stray(view, TRACK_ANOMALY_PUBREL_FOR_NOTHING, false);
    else if (connection->clean_start)
        observe_stray(view, TRACK_ANOMALY_PUBREL_ON_CLEAN_START, false);
    else
        observe_stray(view, is_clients ? TRACK_ANOMALY_PUBREL_IN_NEW_SESSION : TRACK_ANOMALY_PUBREL_FOR_NOTHING, false);
    oddity = packet_id_make_history(view);
    oddity->has_failed = false;
    oddity->had_released = true;
    if (!connection->connack_seen)
        packet_id_count_up(&oddity->completions);
}

/** A PUBREL comes again. */
static void observe_release_again(struct packet_id_check *view)
{
    const struct mqtt_packet *packet = view->packet;
    struct track_packet_id_history *oddity = view->oddity;
    bool is_first_here = view->flow->is_inherited && (oddity == NULL || !oddity->had_released);

    if (!may_have_more(oddity) && !is_first_here && !packet_id_is_reported(view)) {
        if (packet->version == MQTT_V50)
            packet_id_report_once(view, TRACK_ANOMALY_PUBREL_REPEATED, view->flow->state);
        else if (!(packet->flags & PACKET_ID_DUP))
            packet_id_report_once(view, TRACK_ANOMALY_REPEATED_WITHOUT_DUP, view->flow->state);
    }
    oddity = packet_id_make_history(view);
    if (!is_first_here || !view->tracking->connection->connack_seen)
        packet_id_count_up(&oddity->completions); /* a CONNACK without the session ends what was inherited */
    oddity->had_released = true;
}

void packet_id_check_pubrel(struct packet_id_check *view)
{
    const struct track_inflight_entry *flow = view->flow;

    if (flow == NULL || flow->type != MQTT_TYPE_PUBLISH) {
        observe_stray_release(view);
    } else if (flow->qos == 2 && flow->state == TRACK_INFLIGHT_RECEIVED) {
        packet_id_note_response(view, 1 - view->end, flow->waiting.note);
        observe_order(view, &view->watch->released, TRACK_ANOMALY_PUBREL_OUT_OF_ORDER);
        if (view->packet->reason == PACKET_ID_NOT_FOUND && packet_id_is_fresh(view) && !packet_id_is_reported(view))
            packet_id_report_once(view, TRACK_ANOMALY_PUBREL_NOT_FOUND, 0);
    } else if (flow->qos == 2 && flow->state == TRACK_INFLIGHT_RELEASED) {
        observe_release_again(view);
    } else if (!flow->is_inherited) {
        bool is_excused = packet_id_is_reported(view) || (view->oddity != NULL && view->oddity->is_excused);
        if (!is_excused)
            packet_id_report_once(view, TRACK_ANOMALY_PUBREL_BEFORE_PUBREC, flow->qos);
        packet_id_count_up(&packet_id_make_history(view)->completions);
    }
}

void packet_id_check_pubcomp(struct packet_id_check *view)
{
    const struct track_inflight_entry *flow = view->flow;

    packet_id_give_quota_back(view);
    if (flow != NULL && flow->type == MQTT_TYPE_PUBLISH && flow->state == TRACK_INFLIGHT_RELEASED) {
        packet_id_note_response(view, view->end, flow->waiting.note);
        if (view->packet->reason == PACKET_ID_NOT_FOUND && packet_id_is_fresh(view) && !flow->is_inherited &&
            !packet_id_is_reported(view))
            packet_id_report_anomaly(view, TRACK_ANOMALY_PUBCOMP_NOT_FOUND, 0, 0);
    } else if (view->oddity != NULL && packet_id_take(&view->oddity->completions)) {
        return;
    } else if (flow == NULL || flow->type != MQTT_TYPE_PUBLISH) {
        observe_stray(view, TRACK_ANOMALY_ACK_FOR_NOTHING, false);
    } else if (!flow->is_inherited && !packet_id_is_reported(view)) {
        packet_id_report_once(view, TRACK_ANOMALY_PUBCOMP_BEFORE_PUBREL, flow->qos);
    }
}

/** SUBACK and UNSUBACK. */
void packet_id_check_request_response(struct packet_id_check *view)
{
    enum mqtt_packet_type request =
        view->packet->type == MQTT_TYPE_SUBACK ? MQTT_TYPE_SUBSCRIBE : MQTT_TYPE_UNSUBSCRIBE;

    if (view->flow != NULL && view->flow->type == request)
        packet_id_note_response(view, view->end, view->flow->waiting.note);
    else if (view->oddity != NULL && packet_id_take(&view->oddity->answers))
        return;
    else if (track_subscription_history_had_response(view->tracking))
        note_stray(view);
    else
        observe_stray(view, TRACK_ANOMALY_SUBACK_FOR_NOTHING, true);
}
