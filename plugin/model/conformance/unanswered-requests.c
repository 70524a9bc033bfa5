/* unanswered-requests.c - finds which requests of a connection never had a response.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * No specification says how long a response may take, and a capture that stops proves nothing. So a request counts as
 * unanswered only if the other end responded to what was sent later, and after a long wait, measured by what is usual on the
 * connection. While the connection lasts, that is found where a later request of the Client of the same kind has its
 * response: the missing one may still come. What a Client has to respond to, its application may acknowledge by hand and as
 * late as it likes. A connection ends with a DISCONNECT, or where its transport is closed. Where that was not captured, or soon
 * after the request, it shows when the Client connects again.
 */
#include "unanswered-requests.h"

#include "../evidence/receipt.h"
#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "../protocol/subscription-history.h"
#include "checks.h"

/** A connection that ends without a DISCONNECT this soon after a request may have been ended on account of it. */
static const int64_t SOON_NS = INT64_C(1000000000);

static const int64_t MS_NS = INT64_C(1000000);

/** At most this many are reported at one packet: the earliest ones, one of a kind. */
enum { REPORTED_MAX = 8, KINDS = TRACK_ANOMALY_MISSING_PUBCOMP_OF_CLIENT - TRACK_ANOMALY_MISSING_SUBACK + 1 };

/** Requests of one kind that never had a response. */
struct unanswered {
    struct track_pdu_ref pdu; /**< the earliest of them; frame 0: none */
    int64_t sent_ns;          /**< when that was sent */
    bool is_long;             /**< it has waited for long */
    bool also;                /**< as the anomaly has it */
    uint32_t count;
};

/** What a transaction waits for: the response, the end that waits, and the anomaly that its absence is. */
struct missing {
    enum track_anomaly_kind kind;
    enum mqtt_packet_type response;
    unsigned requester;
};

/** The connection that is looked back upon. */
struct review {
    const struct track_connection *connection;
    unsigned broker;
    bool only_long;                 /**< only what has waited for long counts */
    int64_t end_ns;                 /**< when the connection ended, or TRACK_TIME_UNKNOWN */
    enum track_lack lack;           /**< what of it was not captured */
    struct unanswered kinds[KINDS]; /**< what had no response, by kind */
};

/** Adds a request; `request.count` does not matter. */
static void add_unanswered(struct unanswered *unanswered, struct unanswered request)
{
    request.count = unanswered->count + 1;
    if (unanswered->count == 0 || track_is_before(request.pdu, unanswered->pdu))
        *unanswered = request;
    unanswered->count = request.count;
}

/** Reports requests of a kind at the packet being tracked. */
static void report(struct track_context *tracking, enum track_anomaly_kind kind, const struct unanswered *unanswered,
                   enum track_doubt doubt, enum track_lack lack, int64_t waited_ns)
{
    track_report_anomaly(tracking, (struct track_anomaly){
                                       .kind = (uint16_t)kind,
                                       .doubt = (uint8_t)doubt,
                                       .lack = lack,
                                       .also = unanswered->also,
                                       .at = {0, tracking->packet->length},
                                       .frame = unanswered->pdu.frame,
                                       .value = (uint32_t)CLAMP(waited_ns / MS_NS, 0, UINT32_MAX),
                                       .other = unanswered->count,
                                   });
}

/** What a transaction that `end` began waits for. */
static struct missing missing_of(const struct track_inflight_entry *entry, unsigned end, bool by_client)
{
    if (entry->type == MQTT_TYPE_SUBSCRIBE)
        return (struct missing){TRACK_ANOMALY_MISSING_SUBACK, MQTT_TYPE_SUBACK, end};
    if (entry->type == MQTT_TYPE_UNSUBSCRIBE)
        return (struct missing){TRACK_ANOMALY_MISSING_UNSUBACK, MQTT_TYPE_UNSUBACK, end};
    if (entry->state == TRACK_INFLIGHT_RECEIVED)
        return (struct missing){by_client ? TRACK_ANOMALY_MISSING_PUBREL_OF_CLIENT
                                          : TRACK_ANOMALY_MISSING_PUBREL_OF_SERVER,
                                MQTT_TYPE_PUBREL, 1 - end};
    if (entry->state == TRACK_INFLIGHT_RELEASED)
        return (struct missing){by_client ? TRACK_ANOMALY_MISSING_PUBCOMP_OF_SERVER
                                          : TRACK_ANOMALY_MISSING_PUBCOMP_OF_CLIENT,
                                MQTT_TYPE_PUBCOMP, end};
    if (entry->qos == 1)
        return (struct missing){by_client ? TRACK_ANOMALY_MISSING_PUBACK_OF_SERVER
                                          : TRACK_ANOMALY_MISSING_PUBACK_OF_CLIENT,
                                MQTT_TYPE_PUBACK, end};
    return (struct missing){by_client ? TRACK_ANOMALY_MISSING_PUBREC_OF_SERVER : TRACK_ANOMALY_MISSING_PUBREC_OF_CLIENT,
                            MQTT_TYPE_PUBREC, end};
}

/** What an anomaly says beside the response that is missing. */
static bool is_special(const struct track_connection *connection, const struct track_inflight_entry *entry,
                       enum track_anomaly_kind kind)
{
    switch (kind) {
    case TRACK_ANOMALY_MISSING_UNSUBACK:
        return entry->filters != NULL && track_has_no_effect(connection, entry->filters);
    case TRACK_ANOMALY_MISSING_PUBREC_OF_SERVER:
    case TRACK_ANOMALY_MISSING_PUBREC_OF_CLIENT:
        return entry->waiting.record->first_sent_in != 0;
    case TRACK_ANOMALY_MISSING_PUBREL_OF_SERVER:
        return track_has_unsubscribed_since(connection, entry->waiting.first_frame);
    default:
        return false;
    }
}

/** Takes in a request: has it waited long enough? */
static void take_in(struct review *review, struct missing missing, struct unanswered request)
{
    const struct track_response_log *log = track_response_log_of(review->connection->checks);
    int64_t soon_ns = MAX(SOON_NS, log->ends[missing.requester].usual_wait_ms * MS_NS);
    bool is_known = review->end_ns != TRACK_TIME_UNKNOWN;
    int64_t waited_ns =
        is_known ? track_least_elapsed_ns(&review->connection->capture->clock, request.sent_ns, review->end_ns) : 0;

    request.is_long = is_known && waited_ns > track_long_wait_ns(log, missing.requester);
    if ((is_known && waited_ns < soon_ns) || (review->only_long && !request.is_long))
        return;
    if (!(log->ends[1 - missing.requester].stray & 1u << missing.response))
        add_unanswered(&review->kinds[missing.kind - TRACK_ANOMALY_MISSING_SUBACK], request);
}

/** True where the end that has to respond to a transaction that `end` began is known to have read on: it responded to what
 *  was sent later. That a publisher has the PUBREC shows in what it sends later, too. */
static bool has_read_on(const struct track_response_log *log, const struct track_inflight_entry *entry, unsigned end,
                        unsigned requester)
{
    return track_is_before(entry->waiting.record->pdu, log->ends[requester].answered) ||
           (entry->state == TRACK_INFLIGHT_RECEIVED && track_has_sent_since(log, end, entry->waiting.sent_to));
}

/** A transaction that `end` began. */
static void take_in_entry(struct review *review, unsigned end, const struct track_inflight_entry *entry)
{
    const struct track_connection_checks *checks = review->connection->checks;
    const struct track_packet_id_history *history =
        track_find_packet_id_history(checks->packet_ids, end, entry->by_id.id);
    struct missing missing = missing_of(entry, end, end != review->broker);

    if (!entry->is_inherited && entry->waiting.record != NULL && (history == NULL || !history->is_reported) &&
        has_read_on(track_response_log_of(checks), entry, end, missing.requester))
        take_in(review, missing,
                (struct unanswered){.pdu = entry->waiting.record->pdu,
                                    .sent_ns = entry->waiting.sent_ns,
                                    .also = is_special(review->connection, entry, missing.kind)});
}

/** A request of the Client's without a Packet Identifier. */
static void take_in_other(struct review *review, enum track_anomaly_kind kind, enum mqtt_packet_type response,
                          struct track_logged_request request)
{
    const struct track_response_log *log = track_response_log_of(review->connection->checks);
    unsigned client = 1 - review->broker;

    if (track_is_before(request.pdu, log->ends[client].answered))
        take_in(review, (struct missing){kind, response, client},
                (struct unanswered){.pdu = request.pdu, .sent_ns = request.ns});
}

static void take_in_all(struct review *review)
{
    const struct track_response_log *log = track_response_log_of(review->connection->checks);

    for (unsigned end = 0; end < 2; end++) {
        const struct track_inflight *inflight = &review->connection->inflight[end];
        if (inflight->entries.count == 0)
            continue;
        wmem_array_t *entries = track_inflight_entries(inflight);
        for (unsigned i = 0; i < wmem_array_get_count(entries); i++)
            take_in_entry(review, end, *(struct track_inflight_entry **)wmem_array_index(entries, i));
        wmem_destroy_array(entries);
    }
    if (log->pings > 0)
        take_in_other(review, TRACK_ANOMALY_MISSING_PINGRESP, MQTT_TYPE_PINGRESP, log->ping);
    if (log->auth.pdu.frame != 0)
        take_in_other(review, TRACK_ANOMALY_MISSING_AUTH, MQTT_TYPE_AUTH, log->auth);
}

/** The earliest of what is left to report; NULL where nothing is. */
static struct unanswered *next_to_report(struct review *review)
{
    struct unanswered *next = NULL;

    for (unsigned i = 0; i < KINDS; i++) {
        struct unanswered *each = &review->kinds[i];
        if (each->pdu.frame != 0 && (next == NULL || track_is_before(each->pdu, next->pdu)))
            next = each;
    }
    return next;
}

/** Reports at the packet being tracked what had no response on a connection that has ended; `doubt` is of its end. */
static void report_all(struct track_context *tracking, struct track_connection *connection, struct review *review,
                       enum track_doubt doubt)
{
    take_in_all(review);
    unsigned reported;
    for (reported = 0; reported < REPORTED_MAX; reported++) {
        struct unanswered *each = next_to_report(review);
        if (each == NULL)
            break;
        enum track_anomaly_kind kind = (enum track_anomaly_kind)(TRACK_ANOMALY_MISSING_SUBACK + (each - review->kinds));
        int64_t waited_ns = review->end_ns != TRACK_TIME_UNKNOWN ? review->end_ns - each->sent_ns : 0;
        report(tracking, kind, each, doubt == TRACK_DOUBT_NONE && !each->is_long ? TRACK_DOUBT_SOON : doubt,
               review->lack, waited_ns);
        each->pdu.frame = 0;
    }
    /* Once, even if this Client is refused and the next one resumes the session. */
    connection->checks->is_reviewed = reported > 0 || !review->only_long;
}

/** What of a connection was not captured that its missing responses rest on. */
static enum track_lack review_lack(const struct track_connection *connection, const struct track_snapshot *snapshot,
                                   bool has_ended)
{
    const struct track_end_progress *ends = connection->progress.ends;
    struct track_transport_state transport = track_transport_state_of(connection);

    if (!connection->session.connack_seen)
        return TRACK_LACK_CONNACK;
    return track_is_sequence_broken(connection) || connection->may_lose || !ends[0].is_known || !ends[1].is_known ||
                   ends[0].acknowledges_unseen || ends[1].acknowledges_unseen || snapshot->has_gap ||
                   (has_ended && track_lacks_last_packets(&connection->progress, &transport))
               ? TRACK_LACK_BYTES
               : TRACK_LACK_NOTHING;
}

/** True where the connection is one whose missing responses mean something, or would if what it lacks had been captured. */
static bool is_telling(const struct track_connection *connection, const struct track_snapshot *snapshot,
                       enum track_lack lack)
{
    const struct track_connection_checks *checks = connection->checks;

    return checks->packet_ids != NULL && !checks->is_reviewed && snapshot->connect_seen &&
           snapshot->broker != TRACK_END_UNKNOWN && connection->session.connack_code == 0 &&
           (lack == TRACK_LACK_NOTHING || connection->capture->options.keeps_undecided);
}

/** Reports what had no response on a connection, `old`, which has ended without a DISCONNECT, or on this same one. */
static void review_connection(struct track_context *tracking, struct track_connection *old)
{
    struct track_transport_state transport = track_transport_state_of(old);
    bool is_same_stream = old == tracking->connection;
    bool has_ended = is_same_stream || transport.is_finished || transport.is_reset;
    const struct track_snapshot *snapshot = track_latest_snapshot(old);
    struct review review = {
        .connection = old,
        .broker = snapshot->broker,
        .end_ns = has_ended && !is_same_stream ? transport.last_ns : tracking->now_ns,
        .lack = review_lack(old, snapshot, !is_same_stream),
    };

    if (!is_telling(old, snapshot, review.lack) || old->session.disconnected ||
        snapshot->version != tracking->packet->version || (!has_ended && !tracking->connection->session.takes_over))
        return;
    bool is_sure = has_ended && review.end_ns != TRACK_TIME_UNKNOWN;
    report_all(tracking, old, &review, is_sure ? TRACK_DOUBT_NONE : TRACK_DOUBT_EARLIER_END);
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

/** A DISCONNECT ends the connection, or its transport is closed. */
static void review_at_end(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    struct review review = {
        .connection = connection,
        .broker = tracking->snapshot.broker,
        .only_long = true,
        .end_ns = tracking->now_ns,
        .lack = review_lack(connection, &tracking->snapshot, true),
    };

    if (tracking->packet->fault.kind <= MQTT_FAULT_CUT && is_telling(connection, &tracking->snapshot, review.lack))
        report_all(tracking, connection, &review, TRACK_DOUBT_NONE);
}

/** The transaction of the Client that a packet of the Server responds to; NULL where there is none. */
static const struct track_inflight_entry *find_answered(const struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    unsigned client = 1 - tracking->sender;
    const struct track_inflight_entry *entry =
        track_inflight_find(&tracking->connection->inflight[client], packet->packet_id);

    if (entry == NULL || entry->is_inherited || entry->waiting.record == NULL ||
        entry->state == TRACK_INFLIGHT_RECEIVED || missing_of(entry, client, true).response != packet->type)
        return NULL;
    return entry;
}

/** True where a transaction waits for the same kind of response as another, and has waited for longer. */
static bool is_passed_over(const struct track_inflight_entry *entry, const struct track_inflight_entry *answered)
{
    return entry->type == answered->type && entry->qos == answered->qos && entry->state == answered->state &&
           track_is_before(entry->waiting.record->pdu, answered->waiting.record->pdu);
}

/** Looks through what the Client waits for: what of it has waited for long, and is passed over by a response to `answered`?
 *  Each is found once. */
static struct unanswered find_overdue(struct track_context *tracking, const struct track_inflight_entry *answered)
{
    struct track_packet_id_state *state = tracking->checks->packet_ids;
    unsigned client = 1 - tracking->sender;
    int64_t long_ns = track_long_wait_ns(&state->responses, client);
    int64_t oldest_ns = tracking->now_ns;
    struct unanswered found = {.count = 0};
    wmem_array_t *entries = track_inflight_entries(&tracking->connection->inflight[client]);

    for (unsigned i = 0; i < wmem_array_get_count(entries); i++) {
        const struct track_inflight_entry *entry = *(struct track_inflight_entry **)wmem_array_index(entries, i);
        const struct track_packet_id_history *history = track_find_packet_id_history(state, client, entry->by_id.id);
        if (entry == answered || entry->is_inherited || entry->waiting.record == NULL ||
            (history != NULL && (history->is_reported || history->is_overdue)))
            continue;
        oldest_ns = MIN(oldest_ns, entry->waiting.sent_ns);
        int64_t waited_ns = track_least_elapsed_ns(&tracking->capture->clock, entry->waiting.sent_ns, tracking->now_ns);
        if (waited_ns <= long_ns || !is_passed_over(entry, answered))
            continue;
        struct track_packet_id_history *kept = track_make_packet_id_history(tracking, client, entry->by_id.id);
        if (kept == NULL)
            break;
        kept->is_overdue = true;
        enum track_anomaly_kind kind = missing_of(entry, client, true).kind;
        add_unanswered(&found, (struct unanswered){.pdu = entry->waiting.record->pdu,
                                                   .sent_ns = entry->waiting.sent_ns,
                                                   .also = is_special(tracking->connection, entry, kind)});
    }
    wmem_destroy_array(entries);
    state->overdue = (struct track_overdue){.none_before_ns = oldest_ns + TRACK_LONG_WAIT_NS};
    return found;
}

/** A response of the Server. Where many requests are in flight they are looked through now and then only: it must not cost
 *  more with each. */
static void check_overdue(struct track_context *tracking)
{
    enum { FEW = 16 };
    struct track_packet_id_state *state = tracking->checks->packet_ids;
    unsigned count = tracking->connection->inflight[1 - tracking->sender].entries.count;

    if (state == NULL || tracking->now_ns < state->overdue.none_before_ns ||
        (count > FEW && ++state->overdue.responses < count) || !track_is_sequence_complete(tracking))
        return;
    const struct track_inflight_entry *answered = find_answered(tracking);
    if (answered == NULL)
        return;
    struct unanswered found = find_overdue(tracking, answered);
    struct missing missing = missing_of(answered, 1 - tracking->sender, true);
    if (found.count > 0 && !(state->responses.ends[tracking->sender].stray & 1u << missing.response))
        report(tracking, missing.kind, &found, TRACK_DOUBT_MAY_COME, TRACK_LACK_NOTHING,
               tracking->now_ns - found.sent_ns);
}

void track_check_unanswered_at_close(struct track_context *tracking)
{
    if (!tracking->connection->session.disconnected)
        review_at_end(tracking);
}

void track_check_overdue(struct track_context *tracking)
{
    switch (tracking->packet->type) {
    case MQTT_TYPE_PUBACK:
    case MQTT_TYPE_PUBREC:
    case MQTT_TYPE_PUBCOMP:
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
        if (track_is_from_server(tracking) && tracking->packet->packet_id_at != 0)
            check_overdue(tracking);
        break;
    case MQTT_TYPE_DISCONNECT:
        review_at_end(tracking);
        break;
    default:
        break;
    }
}
