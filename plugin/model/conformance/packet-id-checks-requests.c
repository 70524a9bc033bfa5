/* packet-id-checks-requests.c - finds requests under identifiers that are in flight, and packets re-sent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-id-checks-requests.h"

#include "../evidence/receipt.h"
#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "../protocol/message.h"
#include "../protocol/subscription-history.h"
#include "checks.h"
#include "send-quota.h"

static void remember_use(struct track_packet_id_end_state *end, uint16_t packet_id)
{
    end->ids |= UINT64_C(1) << packet_id % 64;
    end->highest_id = MAX(end->highest_id, packet_id);
}

/** An identifier is used again: what was wrong with its earlier transaction is over. Late responses may still come. */
static void begin_again(struct packet_id_check *check)
{
    packet_id_drop_history(check);
    if (track_inflight_is_full(check->inflight))
        track_break_sequence(check->tracking);
}

/** True where the last packets of an earlier connection may not have been captured. */
static bool may_lack_end(const struct track_connection *connection)
{
    struct track_transport_state transport = track_transport_state_of(connection);
    return !connection->checks->sequence.has_connect || track_lacks_last_packets(&connection->progress, &transport);
}

/** A transaction of an earlier connection may have had its response there without it being captured. */
static enum track_doubt doubt_about(const struct packet_id_check *check)
{
    enum { GENERATIONS = 8 };
    const struct track_connection *connection = check->tracking->connection;

    if (!check->entry->is_inherited)
        return TRACK_DOUBT_NONE;
    for (unsigned i = 0; i < GENERATIONS && connection->session.previous != NULL; i++) {
        connection = connection->session.previous;
        if (track_latest_snapshot(connection)->has_gap || may_lack_end(connection))
            return TRACK_DOUBT_EARLIER_INCOMPLETE;
    }
    return TRACK_DOUBT_EARLIER_EXCHANGE;
}

/** A request takes an identifier that is in flight. Both may be answered now. */
static void take_identifier(struct packet_id_check *check, enum track_anomaly_kind kind)
{
    const struct track_inflight_entry *entry = check->entry;
    bool may_accuse = !packet_id_is_reported(check) && !entry->may_be_over;

    if (entry->is_inherited)
        may_accuse = may_accuse && check->packet->version != MQTT_V31 && packet_id_knows_connack(check);
    if (may_accuse)
        packet_id_report_anomaly(check, kind, doubt_about(check), entry->state);
    struct track_packet_id_history *history = check->history = packet_id_make_history(check);
    history->is_reported = false;
    history->is_resent = true;
    history->repeats = history->releases = 0;
    if (entry->state != TRACK_INFLIGHT_RELEASED)
        packet_id_count_up(&history->responses);
    if (entry->qos == 2) {
        packet_id_count_up(&history->completions);
        history->is_tolerated = true;
    }
}

/** What earlier connections of the Client tell of a PUBLISH with DUP 1 whose identifier is new to this one: where the
 *  transaction was left unfinished that it may belong to, or that all of them were captured and none has a copy. */
static void find_earlier_copy(const struct packet_id_check *check, struct track_anomaly *found)
{
    const struct track_earlier_publishes *earlier = check->state->earlier;
    const struct mqtt_packet *packet = check->packet;

    if (earlier == NULL)
        return;
    const struct track_earlier_end *end =
        check->end == check->tracking->snapshot.broker ? &earlier->server : &earlier->client;
    found->frame =
        track_find_unfinished(end, packet->packet_id, packet->publish.qos, track_content_hash(check->tracking));
    found->value = found->frame == 0 && track_is_new_to_client(earlier, end, packet->packet_id);
}

/** DUP 1 in the first use of an identifier: re-sent what was never sent. A Client that did not ask for a new session, and a
 *  Server whose Client did not, know only by the CONNACK that it is one. */
static void check_dup(const struct packet_id_check *check)
{
    const struct track_context *tracking = check->tracking;
    const struct track_connection *connection = tracking->connection;
    const struct mqtt_packet *packet = check->packet;
    struct track_anomaly found = {
        .kind = TRACK_ANOMALY_DUP_ON_CLEAN_START, .lack = check->lack, .at = {packet->packet_id_at, 2}};

    if (!packet->publish.dup || packet->packet_id == 0 ||
        packet_id_was_used(packet_id_end_state(check), packet->packet_id) || !packet_id_is_fresh(check))
        return;
    if (connection->session.session_present || (connection->session.connack_seen && !packet_id_knows_connack(check)))
        return;
    if (track_is_from_server(tracking))
        found.kind =
            packet->publish.qos == 1 ? TRACK_ANOMALY_DUP_FROM_SERVER_QOS_1 : TRACK_ANOMALY_DUP_FROM_SERVER_QOS_2;
    else if (!connection->session.clean_start)
        found.kind = TRACK_ANOMALY_DUP_IN_NEW_SESSION;
    if (track_is_from_server(tracking) && track_may_keep_session(connection))
        found.doubt = TRACK_DOUBT_EARLIER_SESSION;
    find_earlier_copy(check, &found);
    track_report_anomaly(check->tracking, found);
}

/** The failure that a PUBLISH had as its response on the previous connection; NULL where it had none, or it is forgotten. */
static const struct track_failed_publish *find_failed(const struct packet_id_check *check,
                                                      const struct track_connection *previous, unsigned end)
{
    const struct track_packet_id_state *state = previous->checks->packet_ids;
    const struct track_failed_publishes *failed = state != NULL ? state->ends[end].failed : NULL;
    uint32_t hash = failed != NULL ? track_content_hash(check->tracking) : 0;

    for (unsigned i = 0; failed != NULL && i < TRACK_FAILED_PUBLISHES_MAX; i++) {
        const struct track_failed_publish *each = &failed->list[i];
        if (each->frame != 0 && each->packet_id == check->packet->packet_id && each->content_hash == hash)
            return each;
    }
    return NULL;
}

/** DUP 1 in the first use of an identifier on a connection that resumes a session: what failed is not to be re-sent (MQTT
 *  5.0 section 4.4). That its sender had the refusal shows in all of the old connection being acknowledged. */
static void check_after_failure(const struct packet_id_check *check)
{
    const struct track_connection *connection = check->tracking->connection;
    const struct track_connection *previous = connection->session.previous;

    if (!check->packet->publish.dup || check->packet->version != MQTT_V50 || previous == NULL ||
        connection->session.clean_start || !connection->session.session_present)
        return;
    const struct track_snapshot *old = track_latest_snapshot(previous);
    if (old->broker == TRACK_END_UNKNOWN)
        return;
    bool is_whole =
        !old->has_gap && !track_is_sequence_broken(previous) && !previous->may_lose && !may_lack_end(previous);
    const struct track_failed_publish *refusal =
        find_failed(check, previous, check->end == check->tracking->snapshot.broker ? old->broker : 1 - old->broker);
    if (refusal == NULL)
        return;
    struct track_transport_state transport = track_transport_state_of(previous);
    bool is_acknowledged =
        transport.has_numbers && (int32_t)(transport.got_to - track_captured_to(&previous->progress)) >= 0;
    track_report_anomaly(check->tracking, (struct track_anomaly){
                                              .kind = TRACK_ANOMALY_RESENT_AFTER_REFUSAL,
                                              .doubt = is_acknowledged ? TRACK_DOUBT_NONE : TRACK_DOUBT_RECEIPT,
                                              .lack = is_whole ? check->lack : TRACK_LACK_EARLIER,
                                              .at = {check->packet->packet_id_at, 2},
                                              .frame = refusal->frame,
                                              .value = refusal->code,
                                          });
}

/** The first time that it is re-sent on this connection: a Client re-sends in the order of first sending (section 4.6). That
 *  MQTT 5.0 re-sends only on a new connection is checked elsewhere. */
static void check_resend_order(const struct packet_id_check *check)
{
    const struct track_inflight_entry *entry = check->entry;
    bool may_repeat = entry->is_inherited || check->packet->version != MQTT_V50;
    bool is_first = entry->is_inherited || (entry->waiting.record != NULL && entry->waiting.record->first_sent_in == 0);

    if (check->tracking->snapshot.broker != 1 - check->end || !is_first || !may_repeat ||
        entry->state != TRACK_INFLIGHT_PUBLISHED)
        return;
    if (entry->waiting.first_frame < check->state->resent)
        packet_id_report_anomaly(check, TRACK_ANOMALY_RESENT_OUT_OF_ORDER, TRACK_DOUBT_NONE, check->state->resent);
    check->state->resent = entry->waiting.first_frame;
}

/** A Server's message was sent with the Subscription Identifier by which the Client had replaced another, and is re-sent
 *  with that other one, which the Client has not given again (MQTT 5.0 section 3.8.4). */
static void check_old_identifier(const struct packet_id_check *check)
{
    const struct track_connection *connection = check->tracking->connection;
    const struct track_connection *previous = connection->session.previous;
    const struct track_subscription_history *before = previous != NULL ? previous->subscribed : NULL;
    const struct mqtt_property *id =
        mqtt_properties_find(&check->packet->properties, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER);
    uint32_t latest = check->entry->subscription_id;
    uint32_t again = track_subscription_id_of(check->packet);

    if (check->end != check->tracking->snapshot.broker || latest == 0 || again == 0 || latest == again ||
        before == NULL || before->is_incomplete || !track_subscription_history_replaced_id(before, again, latest))
        return;
    if (connection->subscribed != NULL &&
        (connection->subscribed->is_incomplete || track_subscription_history_has_id(connection->subscribed, again)))
        return;
    track_report_anomaly(check->tracking, (struct track_anomaly){
                                              .kind = TRACK_ANOMALY_RESENT_WITH_OLD_ID,
                                              .at = id->whole,
                                              .frame = check->entry->waiting.first_frame,
                                              .value = again,
                                              .other = latest,
                                          });
}

/** The request is re-sent: which copy on this connection is it? Makes the history where there is none. */
static uint32_t count_repeat(struct packet_id_check *check)
{
    check->history = packet_id_make_history(check);
    packet_id_count_up(&check->history->repeats);
    return check->history->repeats + 1u;
}

/** A PUBLISH that is in flight is re-sent. */
static void check_resent(struct packet_id_check *check)
{
    const struct track_inflight_entry *entry = check->entry;
    bool dup = check->packet->publish.dup;
    bool is_50 = check->packet->version == MQTT_V50;

    check_resend_order(check);
    if (entry->is_inherited) {
        if (!dup && !entry->may_be_over && packet_id_knows_connack(check) && check->packet->version != MQTT_V31)
            packet_id_report_anomaly(check, TRACK_ANOMALY_RESENT_WITHOUT_DUP, doubt_about(check), 1);
        check_old_identifier(check);
        packet_id_take_quota(check);
        packet_id_make_history(check)->is_resent = true;
        return;
    }
    uint32_t copy = count_repeat(check);
    if (!packet_id_is_reported(check) && is_50)
        packet_id_report_anomaly(
            check, dup ? TRACK_ANOMALY_RESENT_WITHIN_CONNECTION : TRACK_ANOMALY_RESENT_WITHIN_CONNECTION_WITHOUT_DUP,
            TRACK_DOUBT_NONE, copy);
    else if (!packet_id_is_reported(check) && !dup)
        packet_id_report_anomaly(check, TRACK_ANOMALY_RESENT_WITHOUT_DUP, TRACK_DOUBT_NONE, copy);
    check->history->is_resent = true;
    packet_id_count_up(&check->history->responses);
}

void packet_id_check_publish(struct packet_id_check *check)
{
    const struct mqtt_packet *packet = check->packet;
    const struct track_inflight_entry *entry = check->entry;

    if (packet->publish.qos != 1 && packet->publish.qos != 2)
        return;
    bool is_same_kind = entry != NULL && entry->type == MQTT_TYPE_PUBLISH && entry->qos == packet->publish.qos;
    bool is_same = is_same_kind && (packet->publish.dup || entry->content_hash == track_content_hash(check->tracking));
    if (entry == NULL) {
        check_dup(check);
        check_after_failure(check);
        begin_again(check);
        packet_id_take_quota(check);
    } else if (is_same && entry->state != TRACK_INFLIGHT_RELEASED) {
        check_resent(check);
    } else {
        if (is_same)
            take_identifier(check, TRACK_ANOMALY_PUBLISH_AFTER_PUBREL);
        else if (is_same_kind && entry->state == TRACK_INFLIGHT_RELEASED)
            take_identifier(check, TRACK_ANOMALY_ID_TAKEN_BEFORE_PUBCOMP);
        else if (is_same_kind)
            take_identifier(check, entry->qos == 1 ? TRACK_ANOMALY_ID_TAKEN_QOS_1 : TRACK_ANOMALY_ID_TAKEN_QOS_2);
        else
            take_identifier(check, TRACK_ANOMALY_ID_TAKEN);
        packet_id_take_quota(check);
    }
    remember_use(packet_id_end_state(check), packet->packet_id);
}

/** SUBSCRIBE and UNSUBSCRIBE. */
void packet_id_check_request(struct packet_id_check *check)
{
    const struct mqtt_packet *packet = check->packet;
    const struct track_inflight_entry *entry = check->entry;

    if (entry == NULL) {
        begin_again(check);
    } else if (entry->type == packet->type && entry->content_hash == track_content_hash(check->tracking)) {
        uint32_t copy = count_repeat(check);
        if (!(packet->flags & PACKET_ID_DUP) && !packet_id_is_reported(check))
            packet_id_report_anomaly(check, TRACK_ANOMALY_REPEATED_WITHOUT_DUP, TRACK_DOUBT_NONE, copy);
        packet_id_count_up(&check->history->responses);
    } else {
        take_identifier(check, TRACK_ANOMALY_ID_TAKEN);
    }
}
