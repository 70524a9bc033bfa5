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
#include "conformance/check-keep-alive.h"
#include "conformance/check-session-resumption.h"
#include "conformance/check-suback.h"
#include "conformance/check-topic-aliases.h"
#include "conformance/checks.h"
#include "conformance/connection-order.h"
#include "conformance/packet-id-checks.h"
#include "conformance/unanswered-requests.h"
#include "evidence/receipt.h"
#include "facts/version.h"
#include "protocol/connect-info.h"
#include "protocol/connection.h"
#include "protocol/keep-alive.h"
#include "protocol/recent-publishes.h"
#include "protocol/roles.h"
#include "protocol/session-state.h"
#include "protocol/session.h"
#include "protocol/topic-aliases.h"
#include "protocol/transactions.h"
#include "protocol/wills.h"
#include "store/packet-records.h"

/** The snapshot in force at a packet: the last one that does not begin after it. */
static const struct track_snapshot *find_snapshot(const struct track_connection *connection, struct track_pdu_ref pdu)
{
    const struct track_snapshot *earlier = connection->snapshots.earlier;
    uint32_t first = 0;
    uint32_t end = connection->snapshots.earlier_count;

    if (end == 0 || !track_is_before(pdu, connection->snapshots.latest.from))
        return &connection->snapshots.latest;
    while (end - first > 1) {
        uint32_t middle = first + (end - first) / 2;
        if (track_is_before(pdu, earlier[middle].from))
            end = middle;
        else
            first = middle;
    }
    return &earlier[first];
}

/** Keeps the latest snapshot, before another replaces it. Most connections have one or two: room is made by doubling
 *  from there. */
static void keep_latest_snapshot(struct track_connection *connection)
{
    uint32_t count = connection->snapshots.earlier_count;

    if ((count & (count - 1)) == 0) /* a power of two: the room is used up */
        connection->snapshots.earlier =
            (struct track_snapshot *)wmem_realloc(connection->capture->memory.scope, connection->snapshots.earlier,
                                                  MAX(1, 2 * (size_t)count) * sizeof *connection->snapshots.earlier);
    memcpy(&connection->snapshots.earlier[connection->snapshots.earlier_count++], &connection->snapshots.latest,
           sizeof connection->snapshots.latest);
}

/** Puts a snapshot in force where it differs from the latest. What was assumed before the first packet is replaced. */
static void begin_snapshot(struct track_connection *connection, const struct track_snapshot *snapshot)
{
    struct track_snapshot next;

    memcpy(&next, snapshot, sizeof next);
    next.from = connection->snapshots.latest.from;
    if (memcmp(&next, &connection->snapshots.latest, sizeof next) == 0)
        return;
    next.from = snapshot->from;
    if (connection->has_packets)
        keep_latest_snapshot(connection);
    memcpy(&connection->snapshots.latest, &next, sizeof next);
}

struct track_capture *track_capture_new(wmem_allocator_t *scope, const struct track_options *options)
{
    struct track_capture *capture = wmem_new0(scope, struct track_capture);

    capture->options = *options;
    capture->memory = (struct track_file_memory){.scope = scope, .max = options->max_memory};
    capture->records = track_packet_records_new(scope, options->max_memory);
    return capture;
}

struct track_connection *track_connection_new(struct track_capture *capture, const struct track_transport *transport)
{
    wmem_allocator_t *scope = capture->memory.scope;
    struct track_connection *connection = wmem_new0(scope, struct track_connection);
    enum mqtt_version preferred = capture->options.preferred_version;
    struct track_snapshot *latest = &connection->snapshots.latest;

    connection->capture = capture;
    connection->number = capture->connection_count++;
    connection->transport = *transport;
    track_keep_alive_forget(connection);
    for (unsigned end = 0; end < 2; end++)
        track_inflight_begin(&connection->inflight[end], scope, capture->options.max_inflight);
    if (capture->options.has_rules)
        connection->checks = wmem_new0(scope, struct track_connection_checks);

    latest->version = preferred;
    latest->version_source =
        preferred == MQTT_VERSION_UNKNOWN ? TRACK_VERSION_FROM_NOTHING : TRACK_VERSION_FROM_PREFERENCE;
    latest->broker = transport->server;
    latest->evidence = transport->evidence;
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
    const struct track_alias *alias = connection->aliases[sender].last;
    const struct track_packet_id_state *packet_ids = connection->checks != NULL ? connection->checks->packet_ids : NULL;

    if (packet_ids != NULL)
        prefetch(packet_ids, sizeof *packet_ids);
    if (alias != NULL)
        prefetch(alias, sizeof *alias);
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

/** Takes the packet through a part that only rules need. */
static inline void check(struct track_context *tracking, void (*part)(struct track_context *))
{
    if (tracking->checks != NULL)
        part(tracking);
}

/** Takes the packet through all parts. What is checked before the packet changes anything comes before what changes it. */
static void run_parts(struct track_context *tracking)
{
    track_loss_at(tracking);
    track_update_roles(tracking);
    track_update_connect_info(tracking);
    check(tracking, track_check_connection_order);
    check(tracking, track_check_after_disconnect);
    check(tracking, track_check_authentication);
    check(tracking, track_check_keep_alive);
    check(tracking, track_update_connection_order);
    track_update_session(tracking);
    check(tracking, track_check_unanswered);
    track_update_session_state(tracking);
    check(tracking, track_update_sequence);
    track_update_progress(tracking);
    track_update_aliases(tracking);
    check(tracking, track_check_topic_aliases);
    check(tracking, track_update_response_log);
    check(tracking, track_check_overdue);
    check(tracking, track_check_packet_ids);
    check(tracking, track_check_suback);
    track_update_transactions(tracking);
    /* Messages are recognised for rules alone, as long as nothing else shows where they come from. */
    check(tracking, track_update_recent_publishes);
    check(tracking, track_update_wills);
    check(tracking, track_check_session_resumption);
    check(tracking, track_check_delivery);
}

/** Reads the packet by the version in force, where it was read by another. */
static void read_by_version(const struct track_context *tracking, struct mqtt_packet *packet)
{
    enum mqtt_version version = tracking->snapshot.version;

    if (version != MQTT_VERSION_UNKNOWN && version != packet->version && packet->type != MQTT_TYPE_CONNECT)
        mqtt_decode(packet, packet->bytes, packet->captured, packet->length, version);
}

void track(struct track_connection *connection, unsigned sender, struct track_pdu_ref pdu,
           const struct track_arrival *arrival, struct mqtt_packet *packet, struct track_facts *facts)
{
    struct track_context tracking = {
        .capture = connection->capture,
        .connection = connection,
        .checks = connection->checks,
        .progress = &connection->progress,
        .reports = &connection->reports,
        .sender = sender,
        .pdu = pdu,
        .now_ns = arrival->ns,
        .begun_ns = track_begin_of_packet(&connection->progress.ends[sender], arrival),
        .arrival = arrival,
        .packet = packet,
        .facts = facts,
    };

    /* Records and anomalies are found again by their order. */
    assert(track_is_before(connection->capture->latest, pdu));
    connection->capture->latest = pdu;
    facts->anomaly_count = 0;
    memcpy(&tracking.snapshot, track_latest_snapshot(connection), sizeof tracking.snapshot);
    tracking.snapshot.from = pdu;
    track_version(connection, &tracking.snapshot, packet);
    read_by_version(&tracking, packet);
    run_parts(&tracking);
    track_update_missing_connect(connection, &tracking.snapshot, pdu);
    begin_snapshot(connection, &tracking.snapshot);
    connection->has_packets = true;
    facts->connection = connection->number;
    facts->sender = sender;
    facts->pdu = pdu;
    facts->snapshot = track_latest_snapshot(connection);
    facts->idle_ns = track_update_keep_alive(&tracking);
    facts->record = tracking.record != &tracking.capture->unkept ? tracking.record : NULL;
    facts->in_websocket_text = facts->is_unsure = facts->may_lack = false;
    facts->websocket_offered = facts->websocket_chosen = NULL;
}

void track_packet_begun(struct track_connection *connection, unsigned sender, const struct track_arrival *arrival)
{
    struct track_end_progress *end = &connection->progress.ends[sender];

    end->begun_ns = track_begin_of_packet(end, arrival);
    end->is_sending = true;
}

void track_packet_goes_on(struct track_connection *connection, unsigned sender, const struct track_arrival *arrival,
                          bool is_end)
{
    if (track_latest_snapshot(connection)->broker == 1 - sender)
        connection->keep_alive.last_client_ns = arrival->ns;
    connection->progress.ends[sender].is_sending &= !is_end;
}

void track_gap(struct track_connection *connection, struct track_pdu_ref pdu)
{
    struct track_snapshot snapshot;

    memcpy(&snapshot, track_latest_snapshot(connection), sizeof snapshot);
    snapshot.from = pdu;
    snapshot.has_gap = true;
    snapshot.session_known = false;
    track_update_missing_connect(connection, &snapshot, pdu);
    begin_snapshot(connection, &snapshot);
    track_recent_publishes_doubt(connection->capture);
}

void track_loss(struct track_connection *connection)
{
    connection->may_lose = true;
}

void track_recall(const struct track_connection *connection, unsigned sender, struct track_pdu_ref pdu,
                  struct track_facts *facts)
{
    const struct track_snapshot *snapshot = find_snapshot(connection, pdu);
    const struct track_packet_records *records = connection->capture->records;
    bool is_clients = snapshot->broker != TRACK_END_UNKNOWN && snapshot->broker != sender;

    facts->connection = connection->number;
    facts->sender = sender;
    facts->pdu = pdu;
    facts->snapshot = snapshot;
    facts->record = track_packet_records_find(records, pdu);
    facts->idle_ns = is_clients ? track_packet_records_idle(records, pdu, facts->record) : TRACK_TIME_UNKNOWN;
    facts->in_websocket_text = facts->is_unsure = facts->may_lack = false;
    facts->websocket_offered = facts->websocket_chosen = NULL;
    facts->anomaly_count = track_packet_records_anomalies(records, pdu, facts->anomalies);
}

void track_summarise(const struct track_connection *connection, struct track_summary *summary)
{
    const struct track_connection_session *session = &connection->session;
    unsigned broker = track_latest_snapshot(connection)->broker;

    *summary = (struct track_summary){
        .number = connection->number,
        .snapshot = track_latest_snapshot(connection),
        .connack_seen = session->connack_seen,
        .session_present = session->session_present,
        .clean_start = session->clean_start,
        .connack_code = session->connack_code,
        .disconnected = session->disconnected,
        .disconnected_by = session->disconnected_by,
        .disconnect_reason = session->disconnect_reason,
        .taken_over = session->taken_over,
        .transport = track_transport_state_of(connection),
        .last_client_ns = connection->keep_alive.last_client_ns,
        .is_client_sending = broker != TRACK_END_UNKNOWN && connection->progress.ends[1 - broker].is_sending,
        .subscriptions = session->stored != NULL ? session->stored->subscriptions : NULL,
    };
}
