/* tracker.c - follows one MQTT connection packet by packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tracker.h"

#include <assert.h>
#include <string.h>

#include "conformance/after-disconnect.h"
#include "conformance/authentication.h"
#include "conformance/check-delivery.h"
#include "conformance/check-due-deliveries.h"
#include "conformance/check-keep-alive.h"
#include "conformance/check-practices.h"
#include "conformance/check-session-resumption.h"
#include "conformance/check-suback.h"
#include "conformance/check-topic-aliases.h"
#include "conformance/checks.h"
#include "conformance/connection-order.h"
#include "conformance/earlier-publishes.h"
#include "conformance/packet-id-checks.h"
#include "conformance/unanswered-requests.h"
#include "evidence/missing-connect.h"
#include "evidence/receipt.h"
#include "facts/version.h"
#include "protocol/captured-twice.h"
#include "protocol/connect-info.h"
#include "protocol/connection.h"
#include "protocol/ending.h"
#include "protocol/journey.h"
#include "protocol/keep-alive.h"
#include "protocol/recent-publishes.h"
#include "protocol/replies.h"
#include "protocol/rivals.h"
#include "protocol/roles.h"
#include "protocol/session-state.h"
#include "protocol/session.h"
#include "protocol/topic-aliases.h"
#include "protocol/transactions.h"
#include "protocol/unfinished-packets.h"
#include "protocol/will-events.h"
#include "protocol/wills.h"
#include "snapshots.h"
#include "store/endpoint.h"
#include "store/packet-records.h"
#include "store/topic-numbers.h"

struct track_capture *track_capture_new(wmem_allocator_t *scope, const struct track_options *options)
{
    struct track_capture *capture = wmem_new0(scope, struct track_capture);

    capture->options = *options;
    capture->memory = (struct track_file_memory){.scope = scope, .max = options->max_memory};
    capture->clock = track_clock_new();
    capture->hash_key = (uint64_t)g_random_int() << 32 | g_random_int();
    capture->records = track_packet_records_new(&capture->memory);
    capture->beyond.limits = TRACK_LIMIT_MEMORY;
    return capture;
}

bool track_capture_charge(struct track_capture *capture, uint64_t size)
{
    return track_file_charge(&capture->memory, size);
}

/** What is known of a connection that was just met. */
static void begin_connection(struct track_connection *connection, struct track_capture *capture)
{
    enum mqtt_version preferred = capture->options.preferred_version;
    struct track_snapshot *latest = &connection->snapshots.latest;

    connection->capture = capture;
    connection->number = capture->connection_count;
    track_keep_alive_forget(connection);
    for (unsigned end = 0; end < 2; end++)
        track_inflight_begin(&connection->inflight[end], capture->options.max_inflight);
    latest->version = preferred;
    latest->version_source =
        preferred == MQTT_VERSION_UNKNOWN ? TRACK_VERSION_FROM_NOTHING : TRACK_VERSION_FROM_PREFERENCE;
    latest->broker = TRACK_END_UNKNOWN;
}

/** The one that stands for all connections that there is no memory for: nothing is known of them but what each packet says. */
static struct track_connection *untracked_connection(struct track_capture *capture)
{
    if (capture->untracked == NULL) {
        capture->untracked =
            (struct track_connection *)track_file_alloc_always(&capture->memory, sizeof *capture->untracked);
        begin_connection(capture->untracked, capture);
        capture->untracked->snapshots.latest.has_gap = true;
        capture->connection_count++;
    }
    return capture->untracked;
}

/** A connection and what only rules need of it, in one piece of memory. */
struct connection_with_checks {
    struct track_connection connection;
    struct track_connection_checks checks;
};

struct track_connection *track_connection_new(struct track_capture *capture, const struct track_transport *transport)
{
    size_t size = capture->options.has_rules ? sizeof(struct connection_with_checks) : sizeof(struct track_connection);
    void *memory = track_file_keep(&capture->memory, size);
    struct track_connection *connection = (struct track_connection *)memory;

    if (memory == NULL)
        return untracked_connection(capture);
    begin_connection(connection, capture);
    capture->connection_count++;
    connection->transport = *transport;
    connection->snapshots.latest.broker = transport->server;
    connection->snapshots.latest.evidence = transport->evidence;
    connection->snapshots.latest.is_local = track_is_same_host(&transport->ends[0], &transport->ends[1]);
    if (capture->options.has_rules)
        connection->checks = &((struct connection_with_checks *)memory)->checks;
    return connection;
}

/** Fetches what the processor does not have at hand, without waiting for it. */
static void prefetch(const void *memory, size_t size)
{
    enum { LINE = 64 };

    for (size_t at = 0; at < size; at += LINE)
        __builtin_prefetch((const char *)memory + at, 1);
}

void track_connection_expect(const struct track_connection *connection)
{
    prefetch(connection, sizeof *connection);
    if (connection->checks != NULL)
        prefetch(connection->checks, sizeof *connection->checks);
}

void track_connection_expect_packet(const struct track_connection *connection, unsigned sender)
{
    const struct track_topic_aliases *aliases = connection->aliases[sender];
    const struct track_packet_id_state *packet_ids = connection->checks != NULL ? connection->checks->packet_ids : NULL;

    if (packet_ids != NULL)
        prefetch(packet_ids, sizeof *packet_ids);
    if (aliases != NULL && aliases->last != NULL)
        prefetch(aliases->last, sizeof *aliases->last);
}

const struct track_endpoint *track_connection_end(const struct track_connection *connection, unsigned end)
{
    return &connection->transport.ends[end];
}

enum mqtt_version track_connection_version(const struct track_connection *connection)
{
    return track_latest_snapshot(connection)->version;
}

enum mqtt_version track_connection_sure_version(const struct track_connection *connection)
{
    const struct track_snapshot *snapshot = track_latest_snapshot(connection);
    bool is_sure = snapshot->version_source == TRACK_VERSION_FROM_CONNECT || connection->snapshots.version_proofs > 0;

    return is_sure ? snapshot->version : MQTT_VERSION_UNKNOWN;
}

/** Puts a version in force that packets tell. */
static void infer_version(struct track_snapshot *snapshot, enum mqtt_version version)
{
    snapshot->version = (uint8_t)version;
    snapshot->version_source = TRACK_VERSION_FROM_PACKETS;
}

/** Compares a proof with the version in force. Where several packets proved that one, a single one of another version's form
 *  is more likely malformed. 3.1.1 stands for 3.1 as well, until a packet has what only 3.1 allows. */
static void weigh_proof(struct track_connection *connection, struct track_snapshot *snapshot,
                        struct track_version_guess guess)
{
    enum { ENOUGH = 3 };
    bool is_refined = snapshot->version == MQTT_V311 && guess.version == MQTT_V31;

    if (guess.admitted >> snapshot->version & 1) {
        connection->snapshots.version_proofs += connection->snapshots.version_proofs < ENOUGH;
    } else if (connection->snapshots.version_proofs > 1 && !is_refined) {
        connection->snapshots.version_proofs--;
    } else {
        infer_version(snapshot, guess.version);
        connection->snapshots.version_proofs = 1;
    }
}

/** Settles the version in force with this packet: a CONNECT names it, other packets may prove it. A mere guess counts only
 *  where nothing else is known. */
static void track_version(struct track_connection *connection, struct track_snapshot *snapshot,
                          const struct mqtt_packet *packet)
{
    if (packet->type == MQTT_TYPE_CONNECT) {
        if (packet->version != MQTT_VERSION_UNKNOWN && packet->connect.level_at != 0) {
            snapshot->version = packet->version;
            snapshot->version_source = TRACK_VERSION_FROM_CONNECT;
        } else {
            snapshot->has_broken_connect = true;
        }
        return;
    }
    if (snapshot->version_source == TRACK_VERSION_FROM_CONNECT)
        return;
    struct track_version_guess guess = track_guess_version(packet);
    if (guess.strength == TRACK_VERSION_PROVEN)
        weigh_proof(connection, snapshot, guess);
    else if (guess.strength == TRACK_VERSION_EVIDENT && snapshot->version_source == TRACK_VERSION_FROM_NOTHING)
        infer_version(snapshot, guess.version);
}

/** Where packets may be missed without a gap that tells, a malformed one is the sign of it. */
static void track_loss_at(struct track_context *tracking)
{
    if (tracking->connection->may_lose && mqtt_is_malformed(tracking->packet)) {
        tracking->snapshot.has_gap = true;
        tracking->snapshot.session_known = false;
    }
}

/** Packet types, as bits. */
#define TYPE(symbol) (1u << MQTT_TYPE_##symbol)
enum {
    OPENING = TYPE(CONNECT) | TYPE(CONNACK),
    ACKNOWLEDGEMENTS = TYPE(PUBACK) | TYPE(PUBREC) | TYPE(PUBREL) | TYPE(PUBCOMP),
    REQUESTS = TYPE(SUBSCRIBE) | TYPE(SUBACK) | TYPE(UNSUBSCRIBE) | TYPE(UNSUBACK),
};

/** A connection turns out to be a copy of the packet's, as of this packet. */
static void mark_copy(struct track_connection *copy, struct track_pdu_ref pdu)
{
    struct track_snapshot snapshot;

    if (copy == NULL)
        return;
    memcpy(&snapshot, track_latest_snapshot(copy), sizeof snapshot);
    snapshot.from = pdu;
    snapshot.is_copy = true;
    track_begin_snapshot(copy, &snapshot);
}

/** Takes the packet through a part that it concerns. */
static inline void run_if(struct track_context *tracking, unsigned is_concerned, void (*part)(struct track_context *))
{
    if (is_concerned)
        part(tracking);
}

/** Takes the packet through all parts. What is checked before the packet changes anything comes before what changes it. It is
 *  a function of its own for tools/bench to find. */
__attribute__((noinline)) static void run_parts(struct track_context *tracking)
{
    const unsigned type = 1u << tracking->packet->type;

    track_loss_at(tracking);
    track_update_roles(tracking);
    run_if(tracking, type & TYPE(CONNECT), track_update_connect_info);
    mark_copy(track_update_captured_twice(tracking), tracking->pdu);
    /* The conformance floor is left out without rules; and what is in the capture twice is judged once. */
    const unsigned judged = tracking->checks != NULL && !tracking->snapshot.is_copy ? type : 0;
    run_if(tracking, judged, track_check_connection_order);
    run_if(tracking, judged, track_check_boundaries);
    run_if(tracking, judged, track_check_after_disconnect);
    run_if(tracking, judged & TYPE(AUTH), track_check_authentication);
    run_if(tracking, judged, track_check_keep_alive);
    run_if(tracking, judged, track_update_connection_order);
    run_if(tracking, type & (OPENING | TYPE(DISCONNECT)), track_update_session);
    run_if(tracking, type & (OPENING | TYPE(DISCONNECT)), track_update_ending);
    run_if(tracking, tracking->connection->ending.taken_over_in, track_rival_sends);
    track_update_last_packet(tracking);
    run_if(tracking, judged & OPENING, track_check_unanswered);
    run_if(tracking, judged & TYPE(CONNACK), track_update_earlier_publishes);
    run_if(tracking, type & OPENING, track_update_session_state);
    run_if(tracking, judged, track_update_sequence);
    track_update_progress(tracking);
    run_if(tracking, type & (TYPE(CONNECT) | TYPE(PUBLISH)), track_update_aliases);
    run_if(tracking, judged, track_check_topic_aliases);
    run_if(tracking, judged, track_update_response_log);
    run_if(tracking, judged & (ACKNOWLEDGEMENTS | REQUESTS | TYPE(DISCONNECT)), track_check_overdue);
    run_if(tracking, judged & (TYPE(PUBLISH) | ACKNOWLEDGEMENTS | REQUESTS), track_check_packet_ids);
    run_if(tracking, judged & (TYPE(SUBACK) | TYPE(UNSUBACK)), track_check_suback);
    track_update_transactions(tracking);
    const unsigned followed = tracking->capture->options.follows_messages && !tracking->snapshot.is_copy ? type : 0;
    run_if(tracking, followed, track_update_journey);
    run_if(tracking, followed & TYPE(PUBLISH), track_update_replies);
    run_if(tracking, type & (TYPE(CONNECT) | TYPE(PUBLISH)), track_update_will_events);
    /* Messages are recognised for rules alone, as long as nothing else shows where they come from. */
    run_if(tracking, judged & TYPE(PUBLISH), track_update_recent_publishes);
    run_if(tracking, judged & (OPENING | TYPE(PUBLISH) | TYPE(DISCONNECT)), track_update_wills);
    run_if(tracking, judged, track_check_session_resumption);
    run_if(tracking, judged & (TYPE(CONNECT) | TYPE(PUBLISH) | ACKNOWLEDGEMENTS), track_check_delivery);
    const unsigned awaited = tracking->capture->options.closed_world && followed ? judged : 0;
    run_if(tracking, awaited, track_check_due_deliveries);
    const unsigned hinted = tracking->capture->options.has_practices ? judged : 0;
    run_if(tracking, hinted & (TYPE(PUBLISH) | TYPE(SUBACK) | TYPE(PINGREQ)), track_check_practices);
}

/** Reads the packet by the version in force, where it was read by another. */
static void read_by_version(const struct track_context *tracking, struct mqtt_packet *packet)
{
    enum mqtt_version version = tracking->snapshot.version;

    if (version != MQTT_VERSION_UNKNOWN && version != packet->version && packet->type != MQTT_TYPE_CONNECT)
        mqtt_decode(packet, packet->bytes, packet->captured, packet->length, version);
}

/** The topic that a packet's record names; NULL where there is none. */
static const struct track_text *request_topic_of(const struct track_capture *capture,
                                                 const struct track_packet_record *record)
{
    bool has_topic = record != NULL && record->has_request_topic;
    return has_topic ? track_numbered_topic(capture, record->request_topic) : NULL;
}

/** Records, once for each connection, that nothing tells its version. Where a Client begins with another packet than CONNECT, that one
 *  has a finding of its own. */
static void report_unknown_version(struct track_context *tracking)
{
    bool is_beginning = tracking->arrival->is_first && track_is_from_client(tracking);

    if (tracking->reports->is_version_unknown || is_beginning || tracking->packet->type == MQTT_TYPE_CONNECT)
        return;
    tracking->reports->is_version_unknown = true;
    track_record_of(tracking)->is_version_unknown = true;
}

/** A packet of a connection that is not tracked: its Client may have changed its session, and may have published what others
 *  did. */
static void pass_by(struct track_capture *capture, struct track_pdu_ref pdu)
{
    track_missing_connect_anywhere(capture, pdu.frame);
    track_recent_publishes_doubt(capture);
    track_journeys_doubt(capture);
}

void track(struct track_connection *connection, unsigned sender, struct track_pdu_ref pdu,
           const struct track_arrival *arrival, struct mqtt_packet *packet, struct track_facts *facts)
{
    int64_t now_ns = track_clock_read(&connection->capture->clock, arrival->ns);
    struct track_context tracking = {
        .capture = connection->capture,
        .connection = connection,
        .checks = connection->checks,
        .progress = &connection->progress,
        .reports = &connection->reports,
        .sender = sender,
        .pdu = pdu,
        .now_ns = now_ns,
        .begun_ns = track_begin_of_packet(&connection->progress.ends[sender], arrival, now_ns),
        .arrival = arrival,
        .packet = packet,
        .facts = facts,
    };

    /* Records and anomalies are found again by their order. */
    assert(track_is_before(tracking.capture->latest, pdu));
    tracking.capture->latest = pdu;
    if (track_is_untracked(connection)) {
        pass_by(tracking.capture, pdu);
        track_recall(connection, sender, pdu, facts);
        return;
    }
    track_packet_records_allow(tracking.capture->records);
    facts->anomaly_count = facts->event_count = 0;
    bool is_header_judged = track_unfinished_complete(connection, sender);
    memcpy(&tracking.snapshot, track_latest_snapshot(connection), sizeof tracking.snapshot);
    tracking.snapshot.from = pdu;
    /* What is not kept must not decide how the packet is read: a later visit would read it otherwise. */
    if (!connection->snapshots.is_closed)
        track_version(connection, &tracking.snapshot, packet);
    read_by_version(&tracking, packet);
    if (is_header_judged)
        track_record_of(&tracking)->is_header_judged = true;
    if (tracking.snapshot.version_source == TRACK_VERSION_FROM_NOTHING)
        report_unknown_version(&tracking);
    run_parts(&tracking);
    track_update_missing_connect(connection, &tracking.snapshot, pdu);
    if (!track_begin_snapshot(connection, &tracking.snapshot))
        track_report_memory_limit(&tracking);
    connection->has_packets = true;
    facts->connection = connection->number;
    facts->sender = sender;
    facts->pdu = pdu;
    facts->snapshot = track_latest_snapshot(connection);
    track_deeds_at(connection, pdu, facts->deeds);
    facts->idle_ns = track_update_keep_alive(&tracking);
    facts->record = tracking.record != &tracking.capture->unkept ? tracking.record : NULL;
    facts->request_topic = request_topic_of(tracking.capture, facts->record);
    facts->in_websocket = facts->in_websocket_text = facts->is_plain_text = false;
    facts->is_partial = facts->is_tentative = facts->is_unsure = facts->may_lack = false;
    facts->websocket_offered = facts->websocket_chosen = NULL;
    memset(&facts->journey, 0, sizeof facts->journey);
}

void track_gap(struct track_connection *connection, struct track_pdu_ref pdu)
{
    struct track_snapshot snapshot;

    if (track_is_untracked(connection))
        return;
    memcpy(&snapshot, track_latest_snapshot(connection), sizeof snapshot);
    snapshot.from = pdu;
    snapshot.has_gap = true;
    snapshot.session_known = false;
    track_update_missing_connect(connection, &snapshot, pdu);
    track_begin_snapshot(connection, &snapshot);
    track_recent_publishes_doubt(connection->capture);
    track_journey_doubt(connection);
}

void track_may_lose(struct track_connection *connection)
{
    connection->may_lose = true;
}

void track_loss(struct track_connection *connection)
{
    track_may_lose(connection);
    track_journey_doubt(connection);
}

void track_recall(const struct track_connection *connection, unsigned sender, struct track_pdu_ref pdu,
                  struct track_facts *facts)
{
    const struct track_snapshot *snapshot = track_snapshot_at(connection, pdu);
    const struct track_packet_records *records = connection->capture->records;
    bool is_clients = snapshot->broker != TRACK_END_UNKNOWN && snapshot->broker != sender;

    facts->connection = connection->number;
    facts->sender = sender;
    facts->pdu = pdu;
    facts->snapshot = snapshot;
    track_deeds_at(connection, pdu, facts->deeds);
    facts->record =
        track_is_untracked(connection) ? &connection->capture->beyond : track_packet_records_find(records, pdu);
    facts->request_topic = request_topic_of(connection->capture, facts->record);
    facts->idle_ns = is_clients ? track_packet_records_idle(records, pdu, facts->record) : TRACK_TIME_UNKNOWN;
    facts->in_websocket = facts->in_websocket_text = facts->is_plain_text = false;
    facts->is_partial = facts->is_tentative = facts->is_unsure = facts->may_lack = false;
    facts->websocket_offered = facts->websocket_chosen = NULL;
    facts->anomaly_count = track_packet_records_anomalies(records, pdu, facts->anomalies);
    memset(&facts->journey, 0, sizeof facts->journey);
    facts->event_count = track_packet_records_events(records, pdu, facts->events);
}

void track_summarise(const struct track_connection *connection, struct track_summary *summary)
{
    const struct track_connection_session *session = &connection->session;

    *summary = (struct track_summary){
        .number = connection->number,
        .has_packets = connection->has_packets,
        .snapshot = track_latest_snapshot(connection),
        .connack_seen = session->connack_seen,
        .session_present = session->session_present,
        .clean_start = session->clean_start,
        .connack_code = session->connack_code,
        .connack_version = session->connack_version,
        .begun_ns = connection->transport.begun_ns,
        .ended_ns = track_transport_end_of(connection),
        .disconnected = session->disconnected,
        .disconnected_by = session->disconnected_by,
        .disconnect_reason = session->disconnect_reason,
        .transport = track_transport_state_of(connection),
        .closing = connection->closing,
        .taken_over = session->taken_over,
        .last_client_ns = connection->keep_alive.last_client_ns,
        .end = connection->ending.end,
        .taken_over_in = connection->ending.taken_over_in,
        .subscriptions = session->stored != NULL ? session->stored->subscriptions : NULL,
    };
    track_deeds_at(connection, connection->capture->latest, summary->deeds);
    summary->unfinished_count = track_unfinished_list(connection, summary->unfinished);
}
