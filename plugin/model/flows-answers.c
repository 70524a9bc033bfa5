/* flows-answers.c - notices answers to nothing, of the wrong kind, repeated and out of order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "flows.h"

/** A Client answers in the order in which what it answers came: `last` is what it answered before. Which copy of a packet
 *  that was sent again an answer is for, nobody knows. */
static void observe_order(const struct flow_view *view, struct mqtt_place *last, enum mqtt_observation_kind kind)
{
    const struct mqtt_tracking *tracking = view->tracking;
    const struct mqtt_note *note = view->flow->waiting.note;
    bool is_resent = view->oddity != NULL && (view->oddity->is_resent || view->oddity->answers > 0);

    if (tracking->epoch.broker != 1 - tracking->sender || view->flow->is_inherited || note == NULL ||
        note->first_sent_in != 0 || is_resent)
        return;
    if (mqtt_is_before(note->place, *last))
        flow_observe(view, kind, 0, last->frame);
    *last = note->place;
}

static bool is_failure(const struct mqtt_packet *packet)
{
    return packet->version == MQTT_V50 && packet->reason >= 0x80;
}

/** Remembers that an end answers what was not asked: its missing answers prove nothing then. */
static void note_stray(struct flow_view *view)
{
    view->watch->ends[view->tracking->sender].stray_answers |= (uint16_t)(1u << view->packet->type);
}

/** An answer to what was not sent: `is_certain` where even a resumed session holds no excuse. */
static void observe_stray(struct flow_view *view, enum mqtt_observation_kind kind, bool is_certain)
{
    if (is_certain || flow_is_fresh(view))
        flow_observe(view, kind, 0, view->packet->packet_id);
    note_stray(view);
}

/** PUBACK or PUBREC under an identifier that does not wait for it. */
static void observe_odd_answer(struct flow_view *view)
{
    const struct mqtt_flow *flow = view->flow;

    if (view->oddity != NULL && flow_take(&view->oddity->answers))
        return;
    if (flow == NULL || flow->type != MQTT_TYPE_PUBLISH) {
        observe_stray(view, MQTT_OBSERVED_ACK_FOR_NOTHING, false);
        flow_make_oddity(view)->is_excused = true; /* the PUBREL that it asks for */
        return;
    }
    if (flow->is_inherited || flow_is_accused(view))
        return;
    flow_accuse(view, MQTT_OBSERVED_ACK_OF_WRONG_KIND, flow->qos);
    view->oddity->is_excused = true;
}

/** The other end refuses a PUBLISH. */
static void note_refusal(const struct flow_view *view)
{
    struct mqtt_watched_end *end = flow_watched_end(view);

    if (end->refusals == NULL)
        end->refusals = wmem_new0(view->tracking->connection->world->scope, struct mqtt_refusals);
    end->refusals->list[end->refusals->next] = (struct mqtt_refusal){
        .frame = view->tracking->place.frame,
        .content_hash = view->flow->content_hash,
        .packet_id = view->packet->packet_id,
        .code = view->packet->reason,
    };
    end->refusals->next = (end->refusals->next + 1) % MQTT_REFUSALS_KEPT;
}

/** PUBACK and PUBREC. */
void flow_observe_publish_answer(struct flow_view *view)
{
    const struct mqtt_packet *packet = view->packet;
    const struct mqtt_flow *flow = view->flow;
    unsigned qos = packet->type == MQTT_TYPE_PUBACK ? 1 : 2;

    if (qos == 1 || is_failure(packet))
        flow_give_quota_back(view);
    if (flow == NULL || flow->type != MQTT_TYPE_PUBLISH || flow->qos != qos) {
        observe_odd_answer(view);
    } else if (flow->state == MQTT_FLOW_PUBLISHED) {
        flow_note_answered(view, view->end, flow->waiting.note);
        if (qos == 1)
            observe_order(view, &view->watch->acknowledged, MQTT_OBSERVED_PUBACK_OUT_OF_ORDER);
        else
            observe_order(view, &view->watch->received, MQTT_OBSERVED_PUBREC_OUT_OF_ORDER);
        if (is_failure(packet))
            note_refusal(view);
        if (qos == 2 && is_failure(packet))
            flow_make_oddity(view)->has_failed = true;
    } else {
        bool is_expected = view->oddity != NULL && flow_take(&view->oddity->answers);
        if (!is_expected && !flow->is_inherited && !flow_is_accused(view))
            flow_observe(view, MQTT_OBSERVED_PUBREC_REPEATED, 0, flow->state);
        flow_make_oddity(view)->had_pubrec = true;
    }
}

/** One PUBREL more may come: a PUBREC came again, or the identifier was taken while it was in flight, and each PUBREC may
 *  have a PUBREL. */
static bool may_have_more(const struct mqtt_oddity *oddity)
{
    return oddity != NULL && (oddity->is_excused || oddity->had_pubrec);
}

/** A PUBREL for what is not under way. */
static void observe_stray_release(struct flow_view *view)
{
    const struct mqtt_connection *connection = view->tracking->connection;
    struct mqtt_oddity *oddity = view->oddity;
    bool was_here = flow_was_used(flow_watched_end(view), view->packet->packet_id);
    bool is_clients = view->tracking->epoch.broker != view->end;

    if (oddity != NULL && oddity->has_failed)
        flow_observe(view, MQTT_OBSERVED_PUBREL_AFTER_FAILURE, 0, 0);
    else if (may_have_more(oddity))
        oddity->is_excused = false;
    else if (was_here && view->packet->version != MQTT_V50)
        ; /* sent again before the PUBCOMP came */
    else if (was_here)
        observe_stray(view, MQTT_OBSERVED_PUBREL_FOR_NOTHING, false);
    else if (connection->clean_start)
        observe_stray(view, MQTT_OBSERVED_PUBREL_ON_CLEAN_START, false);
    else
        observe_stray(view, is_clients ? MQTT_OBSERVED_PUBREL_IN_NEW_SESSION : MQTT_OBSERVED_PUBREL_FOR_NOTHING, false);
    oddity = flow_make_oddity(view);
    oddity->has_failed = false;
    oddity->had_released = true;
    if (!connection->connack_seen)
        flow_count_up(&oddity->completions);
}

/** A PUBREL comes again. */
static void observe_release_again(struct flow_view *view)
{
    const struct mqtt_packet *packet = view->packet;
    struct mqtt_oddity *oddity = view->oddity;
    bool is_first_here = view->flow->is_inherited && (oddity == NULL || !oddity->had_released);

    if (!may_have_more(oddity) && !is_first_here && !flow_is_accused(view)) {
        if (packet->version == MQTT_V50)
            flow_accuse(view, MQTT_OBSERVED_PUBREL_REPEATED, view->flow->state);
        else if (!(packet->flags & FLOW_DUP))
            flow_accuse(view, MQTT_OBSERVED_REPEATED_WITHOUT_DUP, view->flow->state);
    }
    oddity = flow_make_oddity(view);
    if (!is_first_here || !view->tracking->connection->connack_seen)
        flow_count_up(&oddity->completions); /* a CONNACK without the session ends what was inherited */
    oddity->had_released = true;
}

void flow_observe_release(struct flow_view *view)
{
    const struct mqtt_flow *flow = view->flow;

    if (flow == NULL || flow->type != MQTT_TYPE_PUBLISH) {
        observe_stray_release(view);
    } else if (flow->qos == 2 && flow->state == MQTT_FLOW_RECEIVED) {
        flow_note_answered(view, 1 - view->end, flow->waiting.note);
        observe_order(view, &view->watch->released, MQTT_OBSERVED_PUBREL_OUT_OF_ORDER);
        if (view->packet->reason == FLOW_NOT_FOUND && flow_is_fresh(view) && !flow_is_accused(view))
            flow_accuse(view, MQTT_OBSERVED_PUBREL_NOT_FOUND, 0);
    } else if (flow->qos == 2 && flow->state == MQTT_FLOW_RELEASED) {
        observe_release_again(view);
    } else if (!flow->is_inherited) {
        bool is_excused = flow_is_accused(view) || (view->oddity != NULL && view->oddity->is_excused);
        if (!is_excused)
            flow_accuse(view, MQTT_OBSERVED_PUBREL_BEFORE_PUBREC, flow->qos);
        flow_count_up(&flow_make_oddity(view)->completions);
    }
}

void flow_observe_completion(struct flow_view *view)
{
    const struct mqtt_flow *flow = view->flow;

    flow_give_quota_back(view);
    if (flow != NULL && flow->type == MQTT_TYPE_PUBLISH && flow->state == MQTT_FLOW_RELEASED) {
        flow_note_answered(view, view->end, flow->waiting.note);
        if (view->packet->reason == FLOW_NOT_FOUND && flow_is_fresh(view) && !flow->is_inherited &&
            !flow_is_accused(view))
            flow_observe(view, MQTT_OBSERVED_PUBCOMP_NOT_FOUND, 0, 0);
    } else if (view->oddity != NULL && flow_take(&view->oddity->completions)) {
        return;
    } else if (flow == NULL || flow->type != MQTT_TYPE_PUBLISH) {
        observe_stray(view, MQTT_OBSERVED_ACK_FOR_NOTHING, false);
    } else if (!flow->is_inherited && !flow_is_accused(view)) {
        flow_accuse(view, MQTT_OBSERVED_PUBCOMP_BEFORE_PUBREL, flow->qos);
    }
}

/** SUBACK and UNSUBACK. */
void flow_observe_request_answer(struct flow_view *view)
{
    enum mqtt_packet_type request =
        view->packet->type == MQTT_TYPE_SUBACK ? MQTT_TYPE_SUBSCRIBE : MQTT_TYPE_UNSUBSCRIBE;

    if (view->flow != NULL && view->flow->type == request)
        flow_note_answered(view, view->end, view->flow->waiting.note);
    else if (view->oddity != NULL && flow_take(&view->oddity->answers))
        return;
    else if (mqtt_was_answered_before(view->tracking))
        note_stray(view);
    else
        observe_stray(view, MQTT_OBSERVED_SUBACK_FOR_NOTHING, true);
}
