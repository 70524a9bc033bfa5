/* packet-id-checks-responses.c - finds responses without a request, of the wrong kind, repeated and out of order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-id-checks-responses.h"

#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "../protocol/subscription-history.h"
#include "checks.h"
#include "send-quota.h"

/** A Client responds in the order in which the packets came (section 4.6): `last` is what it responded to before. Which copy
 *  of a packet that was re-sent a response is for, nobody knows. */
static void check_order(const struct packet_id_check *check, struct track_pdu_ref *last, enum track_anomaly_kind kind)
{
    const struct track_context *tracking = check->tracking;
    const struct track_packet_record *record = check->entry->waiting.record;
    bool is_resent = check->history != NULL && (check->history->is_resent || check->history->responses > 0);

    if (tracking->snapshot.broker != 1 - tracking->sender || check->entry->is_inherited || record == NULL ||
        record->first_sent_in != 0 || is_resent)
        return;
    if (track_is_before(record->pdu, *last))
        packet_id_report_anomaly(check, kind, TRACK_DOUBT_NONE, last->frame);
    *last = record->pdu;
}

static bool reports_failure(const struct mqtt_packet *packet)
{
    return packet->version == MQTT_V50 && mqtt_reason_is_error(packet->type, packet->reason);
}

/** A response to what was not sent: `is_certain` where even a resumed session is no excuse. */
static void report_stray(struct packet_id_check *check, enum track_anomaly_kind kind, bool is_certain)
{
    const struct track_earlier_publishes *earlier = check->state->earlier;
    bool is_servers = check->end == check->tracking->snapshot.broker;
    bool is_new = earlier != NULL && track_is_new_to_client(earlier, is_servers ? &earlier->server : &earlier->client,
                                                            check->packet->packet_id);

    if (is_certain || packet_id_is_fresh(check))
        packet_id_report_anomaly(check, kind, TRACK_DOUBT_NONE, is_new);
    else if (packet_id_was_used(packet_id_end_state(check), check->packet->packet_id))
        packet_id_report_anomaly(check, kind, TRACK_DOUBT_EARLIER_EXCHANGE, is_new);
    track_log_stray_response(&check->state->responses, check->tracking);
}

/** PUBACK or PUBREC under an identifier that does not wait for it. */
static void check_unexpected_response(struct packet_id_check *check)
{
    const struct track_inflight_entry *entry = check->entry;

    if (check->history != NULL && check->packet->type != check->history->wrong_ack &&
        packet_id_take(&check->history->responses))
        return;
    if (entry == NULL || entry->type != MQTT_TYPE_PUBLISH) {
        report_stray(check, TRACK_ANOMALY_ACK_NOT_IN_USE, false);
        packet_id_make_history(check)->is_tolerated = true; /* the PUBREL that it wants */
        return;
    }
    if (entry->is_inherited || packet_id_is_reported(check))
        return;
    packet_id_report_once(check, TRACK_ANOMALY_ACK_OF_WRONG_KIND, entry->qos);
    check->history->wrong_ack = (uint8_t)check->packet->type;
    check->history->is_tolerated = true;
}

/** The other end reports a failure for a PUBLISH. */
static void remember_failure(const struct packet_id_check *check)
{
    struct track_packet_id_end_state *end = packet_id_end_state(check);

    if (end->failed == NULL)
        end->failed = (struct track_failed_publishes *)track_alloc(check->tracking, sizeof *end->failed);
    if (end->failed == NULL)
        return;
    end->failed->list[end->failed->next] = (struct track_failed_publish){
        .frame = check->tracking->pdu.frame,
        .content_hash = check->entry->content_hash,
        .packet_id = check->packet->packet_id,
        .code = check->packet->reason,
    };
    end->failed->next = (end->failed->next + 1) % TRACK_FAILED_PUBLISHES_MAX;
}

/** How long the publisher has had a PUBREC without sending a PUBREL; -1 where it may not have had it. */
static int64_t had_pubrec_for(const struct packet_id_check *check)
{
    const struct track_context *tracking = check->tracking;
    const struct track_pending_packet *pubrec = &check->entry->waiting;
    struct track_transport_state transport = track_transport_state_of(tracking->connection);
    /* The transport's number is the sum of both ends' acknowledgements, and the packet's own is that of its sender. */
    uint32_t acknowledged = transport.got_to - tracking->arrival->got_to;

    if (!transport.has_numbers || pubrec->sent_to == 0 || (int32_t)(acknowledged - pubrec->sent_to) < 0 ||
        tracking->progress->ends[check->end].acknowledges_unseen)
        return -1;
    bool was_repeated = check->history != NULL && check->history->had_pubrec;
    return track_least_elapsed_ns(&tracking->capture->clock, was_repeated ? check->history->pubrec_ns : pubrec->sent_ns,
                                  tracking->now_ns);
}

/** A PUBREC that no copy of the PUBLISH wants: for want of a PUBREL, or without a reason. */
static void check_pubrec_again(struct packet_id_check *check)
{
    enum { MS_NS = 1000000 };
    const struct track_response_log *log = &check->state->responses;
    const struct track_inflight_entry *entry = check->entry;
    bool is_servers = check->tracking->snapshot.broker == check->end;
    bool has_sent = track_has_sent_since(log, check->end, entry->waiting.sent_to);
    int64_t waited_ns = had_pubrec_for(check);

    if (entry->state != TRACK_INFLIGHT_RECEIVED || reports_failure(check->packet) ||
        waited_ns <= track_long_wait_ns(log, check->tracking->sender)) {
        packet_id_report_anomaly(check, TRACK_ANOMALY_PUBREC_REPEATED, TRACK_DOUBT_NONE, entry->state);
        return;
    }
    check->history = packet_id_make_history(check);
    check->history->is_reported = true;
    track_report_anomaly(check->tracking, (struct track_anomaly){
                                              .kind = is_servers ? TRACK_ANOMALY_MISSING_PUBREL_OF_SERVER
                                                                 : TRACK_ANOMALY_MISSING_PUBREL_OF_CLIENT,
                                              .doubt = has_sent ? TRACK_DOUBT_NONE : TRACK_DOUBT_NOTHING_SINCE,
                                              .lack = check->lack,
                                              .at = {check->packet->packet_id_at, 2},
                                              .frame = entry->waiting.first_frame,
                                              .value = (uint32_t)MIN(waited_ns / MS_NS, UINT32_MAX),
                                              .other = 1,
                                          });
}

/** A further PUBREC may have a PUBREL of its own. */
static void remember_pubrec_again(struct packet_id_check *check)
{
    struct track_packet_id_history *history = packet_id_make_history(check);

    if (!history->had_pubrec)
        history->pubrec_ns = check->entry->waiting.sent_ns;
    history->had_pubrec = true;
}

/** PUBACK and PUBREC. */
void packet_id_check_publish_response(struct packet_id_check *check)
{
    const struct mqtt_packet *packet = check->packet;
    const struct track_inflight_entry *entry = check->entry;
    unsigned qos = packet->type == MQTT_TYPE_PUBACK ? 1 : 2;

    if (qos == 1 || reports_failure(packet))
        packet_id_give_quota_back(check);
    if (entry == NULL || entry->type != MQTT_TYPE_PUBLISH || entry->qos != qos) {
        check_unexpected_response(check);
    } else if (entry->state == TRACK_INFLIGHT_PUBLISHED) {
        track_log_response(&check->state->responses, check->tracking, check->end, &entry->waiting);
        if (qos == 1)
            check_order(check, &check->state->acknowledged, TRACK_ANOMALY_PUBACK_OUT_OF_ORDER);
        else
            check_order(check, &check->state->received, TRACK_ANOMALY_PUBREC_OUT_OF_ORDER);
        if (reports_failure(packet))
            remember_failure(check);
        if (qos == 2 && reports_failure(packet))
            packet_id_make_history(check)->has_failed = true;
    } else {
        bool is_expected = check->history != NULL && packet_id_take(&check->history->responses);
        if (!is_expected && !entry->is_inherited && !packet_id_is_reported(check))
            check_pubrec_again(check);
        remember_pubrec_again(check);
    }
}

/** One PUBREL more may come: a PUBREC was re-sent, or the identifier was taken while it was in flight, and each PUBREC may
 *  have a PUBREL. */
static bool may_have_more(const struct track_packet_id_history *history)
{
    return history != NULL && (history->is_tolerated || history->had_pubrec);
}

/** A PUBREL for what is not in flight. */
static void check_stray_pubrel(struct packet_id_check *check)
{
    const struct track_connection *connection = check->tracking->connection;
    struct track_packet_id_history *history = check->history;
    bool was_here = packet_id_was_used(packet_id_end_state(check), check->packet->packet_id);
    bool is_clients = check->tracking->snapshot.broker != check->end;

    if (history != NULL && history->has_failed)
        packet_id_report_anomaly(check, TRACK_ANOMALY_PUBREL_AFTER_FAILURE, TRACK_DOUBT_NONE, 0);
    else if (may_have_more(history))
        history->is_tolerated = false;
    else if (was_here && check->packet->version != MQTT_V50)
        ; /* re-sent before the PUBCOMP came */
    else if (was_here)
        report_stray(check, TRACK_ANOMALY_PUBREL_NOT_IN_USE, false);
    else if (connection->session.clean_start)
        report_stray(check, TRACK_ANOMALY_PUBREL_ON_CLEAN_START, false);
    else
        report_stray(check, is_clients ? TRACK_ANOMALY_PUBREL_IN_NEW_SESSION : TRACK_ANOMALY_PUBREL_NOT_IN_USE, false);
    history = packet_id_make_history(check);
    history->has_failed = false;
    history->had_released = true;
    if (!connection->session.connack_seen)
        packet_id_count_up(&history->completions);
}

/** A PUBREL is re-sent. */
static void check_pubrel_again(struct packet_id_check *check)
{
    const struct mqtt_packet *packet = check->packet;
    struct track_packet_id_history *history = packet_id_make_history(check);
    bool is_first_here = check->entry->is_inherited && !history->had_released;

    if (!is_first_here)
        packet_id_count_up(&history->releases);
    uint32_t copy = history->releases + 1u;
    if (!may_have_more(history) && !is_first_here && !history->is_reported) {
        if (packet->version == MQTT_V50)
            packet_id_report_anomaly(check, TRACK_ANOMALY_PUBREL_REPEATED, TRACK_DOUBT_NONE, copy);
        else if (!(packet->flags & PACKET_ID_DUP))
            packet_id_report_anomaly(check, TRACK_ANOMALY_REPEATED_WITHOUT_DUP, TRACK_DOUBT_NONE, copy);
    }
    if (!is_first_here || !check->tracking->connection->session.connack_seen)
        packet_id_count_up(&history->completions); /* a CONNACK without the session ends what was inherited */
    history->had_released = true;
}

void packet_id_check_pubrel(struct packet_id_check *check)
{
    const struct track_inflight_entry *entry = check->entry;

    if (entry == NULL || entry->type != MQTT_TYPE_PUBLISH) {
        check_stray_pubrel(check);
    } else if (entry->qos == 2 && entry->state == TRACK_INFLIGHT_RECEIVED) {
        track_log_response(&check->state->responses, check->tracking, 1 - check->end, &entry->waiting);
        check_order(check, &check->state->released, TRACK_ANOMALY_PUBREL_OUT_OF_ORDER);
        if (check->packet->reason == MQTT_REASON_PACKET_ID_NOT_FOUND && packet_id_is_fresh(check) &&
            !packet_id_is_reported(check))
            packet_id_report_once(check, TRACK_ANOMALY_PUBREL_NOT_FOUND, 0);
    } else if (entry->qos == 2 && entry->state == TRACK_INFLIGHT_RELEASED) {
        check_pubrel_again(check);
    } else if (!entry->is_inherited) {
        bool is_tolerated = packet_id_is_reported(check) || (check->history != NULL && check->history->is_tolerated);
        if (!is_tolerated)
            packet_id_report_once(check, TRACK_ANOMALY_PUBREL_BEFORE_PUBREC, entry->qos);
        packet_id_count_up(&packet_id_make_history(check)->completions);
    }
}

void packet_id_check_pubcomp(struct packet_id_check *check)
{
    const struct track_inflight_entry *entry = check->entry;

    packet_id_give_quota_back(check);
    if (entry != NULL && entry->type == MQTT_TYPE_PUBLISH && entry->state == TRACK_INFLIGHT_RELEASED) {
        track_log_response(&check->state->responses, check->tracking, check->end, &entry->waiting);
        if (check->packet->reason == MQTT_REASON_PACKET_ID_NOT_FOUND && packet_id_is_fresh(check) &&
            !entry->is_inherited && !packet_id_is_reported(check))
            packet_id_report_anomaly(check, TRACK_ANOMALY_PUBCOMP_NOT_FOUND, TRACK_DOUBT_NONE, 0);
    } else if (check->history != NULL && packet_id_take(&check->history->completions)) {
        return;
    } else if (entry == NULL || entry->type != MQTT_TYPE_PUBLISH) {
        report_stray(check, TRACK_ANOMALY_ACK_NOT_IN_USE, false);
    } else if (!entry->is_inherited && !packet_id_is_reported(check)) {
        packet_id_report_once(check, TRACK_ANOMALY_PUBCOMP_BEFORE_PUBREL, entry->qos);
    }
}

/** SUBACK and UNSUBACK. */
void packet_id_check_request_response(struct packet_id_check *check)
{
    enum mqtt_packet_type request =
        check->packet->type == MQTT_TYPE_SUBACK ? MQTT_TYPE_SUBSCRIBE : MQTT_TYPE_UNSUBSCRIBE;

    if (check->entry != NULL && check->entry->type == request)
        track_log_response(&check->state->responses, check->tracking, check->end, &check->entry->waiting);
    else if (check->history != NULL && packet_id_take(&check->history->responses))
        return;
    else if (track_find_repeated_response(check->tracking) != NULL)
        track_log_stray_response(&check->state->responses, check->tracking);
    else
        report_stray(check, TRACK_ANOMALY_SUBACK_WITHOUT_REQUEST, true);
}
