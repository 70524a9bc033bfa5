/* unanswered-requests.c - finds, when a connection has ended, which of its requests never had a response.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * No specification says how long a response may take, so nothing is missing while a connection lasts, and a capture that
 * stops proves nothing. The end of a connection is no packet of its own: it shows when the Client connects again. Then a
 * request counts as unanswered only if the other end responded to what was sent after it, and neither end sent a DISCONNECT.
 */
#include "unanswered-requests.h"

#include "../evidence/receipt.h"
#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "checks.h"

/** A connection that ends this soon after a request may have been ended on account of it. */
static const int64_t SOON_NS = INT64_C(1000000000);

/** At most this many are reported at one CONNECT: the earliest ones, one of a kind. */
enum { REPORTED_MAX = 4, KINDS = TRACK_ANOMALY_MISSING_PUBCOMP - TRACK_ANOMALY_MISSING_SUBACK + 1 };

/** A request that never had a response. */
struct unanswered {
    struct track_pdu_ref pdu; /**< frame 0: none */
    int64_t sent_ns;
};

/** The connection that is looked back upon. */
struct review {
    const struct track_connection *connection;
    unsigned broker;
    int64_t end_ns;                 /**< when the connection ended, or TRACK_TIME_UNKNOWN */
    struct unanswered first[KINDS]; /**< the earliest of each kind */
};

/** Takes in a request of one end: is it the earliest of its kind that was passed over? */
static void take_in(struct review *review, enum track_anomaly_kind kind, unsigned requester,
                    enum mqtt_packet_type response, struct unanswered request)
{
    const struct track_response_log *log = track_response_log_of(review->connection->checks);
    struct unanswered *first = &review->first[kind - TRACK_ANOMALY_MISSING_SUBACK];
    bool was_soon = review->end_ns != TRACK_TIME_UNKNOWN && review->end_ns - request.sent_ns < SOON_NS;

    if (was_soon || !track_is_before(request.pdu, log->ends[requester].answered) ||
        log->ends[1 - requester].stray & 1u << response)
        return;
    if (first->pdu.frame == 0 || track_is_before(request.pdu, first->pdu))
        *first = request;
}

/** A transaction that `end` began. */
static void take_in_entry(struct review *review, unsigned end, const struct track_inflight_entry *entry)
{
    const struct track_packet_id_history *history =
        track_find_packet_id_history(review->connection->checks->packet_ids, end, entry->packet_id);
    bool by_client = end != review->broker;

    if (entry->is_inherited || entry->waiting.record == NULL || (history != NULL && history->is_reported))
        return;
    struct unanswered request = {entry->waiting.record->pdu, entry->waiting.sent_ns};
    if (entry->type == MQTT_TYPE_SUBSCRIBE)
        take_in(review, TRACK_ANOMALY_MISSING_SUBACK, end, MQTT_TYPE_SUBACK, request);
    else if (entry->type == MQTT_TYPE_UNSUBSCRIBE)
        take_in(review, TRACK_ANOMALY_MISSING_UNSUBACK, end, MQTT_TYPE_UNSUBACK, request);
    else if (entry->state == TRACK_INFLIGHT_PUBLISHED && entry->qos == 1)
        take_in(review, by_client ? TRACK_ANOMALY_MISSING_PUBACK_OF_SERVER : TRACK_ANOMALY_MISSING_PUBACK_OF_CLIENT,
                end, MQTT_TYPE_PUBACK, request);
    else if (entry->state == TRACK_INFLIGHT_PUBLISHED)
        take_in(review, by_client ? TRACK_ANOMALY_MISSING_PUBREC_OF_SERVER : TRACK_ANOMALY_MISSING_PUBREC_OF_CLIENT,
                end, MQTT_TYPE_PUBREC, request);
    else if (entry->state == TRACK_INFLIGHT_RECEIVED)
        take_in(review, by_client ? TRACK_ANOMALY_MISSING_PUBREL_OF_CLIENT : TRACK_ANOMALY_MISSING_PUBREL_OF_SERVER,
                1 - end, MQTT_TYPE_PUBREL, request);
    else
        take_in(review, TRACK_ANOMALY_MISSING_PUBCOMP, end, MQTT_TYPE_PUBCOMP, request);
}

static void take_in_all(struct review *review)
{
    const struct track_response_log *log = track_response_log_of(review->connection->checks);

    for (unsigned end = 0; end < 2; end++) {
        const struct track_inflight *inflight = &review->connection->inflight[end];
        if (inflight->count == 0)
            continue;
        wmem_array_t *entries = track_inflight_entries(inflight);
        for (unsigned i = 0; i < wmem_array_get_count(entries); i++)
            take_in_entry(review, end, *(struct track_inflight_entry **)wmem_array_index(entries, i));
        wmem_destroy_array(entries);
    }
    if (log->pings > 0)
        take_in(review, TRACK_ANOMALY_MISSING_PINGRESP, 1 - review->broker, MQTT_TYPE_PINGRESP,
                (struct unanswered){log->ping.pdu, log->ping.ns});
    if (log->auth.pdu.frame != 0)
        take_in(review, TRACK_ANOMALY_MISSING_AUTH, 1 - review->broker, MQTT_TYPE_AUTH,
                (struct unanswered){log->auth.pdu, log->auth.ns});
}

/** The earliest of what is left to report; NULL where nothing is. */
static struct unanswered *next_to_report(struct review *review)
{
    struct unanswered *next = NULL;

    for (unsigned i = 0; i < KINDS; i++) {
        struct unanswered *each = &review->first[i];
        if (each->pdu.frame != 0 && (next == NULL || track_is_before(each->pdu, next->pdu)))
            next = each;
    }
    return next;
}

/** True where the connection is one whose missing responses mean something: accepted, whole, without a DISCONNECT. */
static bool is_telling(const struct track_connection *connection, const struct track_snapshot *snapshot,
                       const struct mqtt_packet *connect)
{
    const struct track_end_progress *ends = connection->progress.ends;
    const struct track_connection_session *session = &connection->session;
    const struct track_connection_checks *checks = connection->checks;

    return checks->packet_ids != NULL && !track_is_sequence_broken(connection) && !checks->is_reviewed &&
           !connection->may_lose && ends[0].is_known && ends[1].is_known && !ends[0].acknowledges_unseen &&
           !ends[1].acknowledges_unseen && snapshot->connect_seen && !snapshot->has_gap &&
           snapshot->broker != TRACK_END_UNKNOWN && snapshot->version == connect->version && session->connack_seen &&
           session->connack_code == 0 && !session->disconnected;
}

/** Reports what had no response on a connection, `old`, which has ended, or on this same one. */
static void review_connection(struct track_context *tracking, struct track_connection *old)
{
    struct track_transport_state transport = track_transport_state_of(old);
    bool is_same_stream = old == tracking->connection;
    bool has_ended = is_same_stream || transport.is_finished || transport.is_reset;
    int64_t end_ns = has_ended && !is_same_stream ? transport.last_ns : tracking->now_ns;
    const struct track_snapshot *snapshot = track_latest_snapshot(old);

    if (!is_telling(old, snapshot, tracking->packet) || (!has_ended && !tracking->connection->session.takes_over))
        return;
    if (!is_same_stream && track_lacks_last_packets(&old->progress, &transport))
        return;
    struct review review = {.connection = old, .broker = snapshot->broker, .end_ns = end_ns};
    enum track_doubt doubt = has_ended && end_ns != TRACK_TIME_UNKNOWN ? TRACK_DOUBT_NONE : TRACK_DOUBT_EARLIER_END;
    take_in_all(&review);
    for (unsigned reported = 0; reported < REPORTED_MAX; reported++) {
        struct unanswered *request = next_to_report(&review);
        if (request == NULL)
            break;
        track_report_anomaly(tracking, (struct track_anomaly){
                                           .kind = (uint16_t)(TRACK_ANOMALY_MISSING_SUBACK + (request - review.first)),
                                           .doubt = (uint8_t)doubt,
                                           .at = {0, tracking->packet->length},
                                           .frame = request->pdu.frame,
                                       });
        request->pdu.frame = 0;
    }
    old->checks->is_reviewed = true; /* once, even if this Client is refused and the next one resumes the session */
}

void track_check_unanswered(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    bool is_connect = packet->type == MQTT_TYPE_CONNECT && packet->connect.flags_at != 0;

    if (is_connect && track_is_from_client(tracking) && tracking->connection->session.connack_seen)
        review_connection(tracking, tracking->connection);
    if (tracking->joined != NULL)
        review_connection(tracking, tracking->joined);
}
