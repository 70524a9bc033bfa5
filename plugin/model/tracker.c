/* tracker.c - follows one MQTT connection packet by packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tracker.h"

#include <string.h>

#include "conformance/packet-id-state.h"
#include "facts/version.h"
#include "protocol/recent-publishes.h"
#include "state.h"

/** The snapshot that held at a place: the last one that does not begin behind it. */
static const struct track_snapshot *find_snapshot(const struct track_connection *connection, struct track_pdu_ref pdu)
{
    const struct track_snapshot *earlier = connection->earlier;
    uint32_t first = 0;
    uint32_t behind = connection->earlier_count;

    if (behind == 0 || !track_is_before(pdu, connection->latest.from))
        return &connection->latest;
    while (behind - first > 1) {
        uint32_t middle = first + (behind - first) / 2;
        if (track_is_before(pdu, earlier[middle].from))
            behind = middle;
        else
            first = middle;
    }
    return &earlier[first];
}

/** Keeps the latest snapshot, before another comes in its place. Most connections have one or two: room is made by doubling
 *  from there. */
static void keep_latest_snapshot(struct track_connection *connection)
{
    uint32_t count = connection->earlier_count;

    if ((count & (count - 1)) == 0) /* a power of two: the room is used up */
        connection->earlier = (struct track_snapshot *)wmem_realloc(
            connection->capture->scope, connection->earlier, MAX(1, 2 * (size_t)count) * sizeof *connection->earlier);
    memcpy(&connection->earlier[connection->earlier_count++], &connection->latest, sizeof connection->latest);
}

/** Puts a snapshot in force where it differs from the latest. What was assumed before the first packet is replaced. */
static void begin_snapshot(struct track_connection *connection, const struct track_snapshot *snapshot)
{
    struct track_snapshot next;

    memcpy(&next, snapshot, sizeof next);
    next.from = connection->latest.from;
    if (memcmp(&next, &connection->latest, sizeof next) == 0)
        return;
    next.from = snapshot->from;
    if (connection->has_packets)
        keep_latest_snapshot(connection);
    memcpy(&connection->latest, &next, sizeof next);
}

struct track_capture *track_capture_new(wmem_allocator_t *scope, const struct track_options *options)
{
    struct track_capture *capture = wmem_new0(scope, struct track_capture);

    capture->scope = scope;
    capture->options = *options;
    capture->records = track_packet_records_new(scope, options->max_memory);
    capture->texts = wmem_map_new(scope, track_hash_of_text, track_is_equal_text);
    track_subscriptions_begin(capture);
    return capture;
}

struct track_connection *track_connection_new(struct track_capture *capture, const struct track_transport *transport)
{
    struct track_connection *connection = wmem_new0(capture->scope, struct track_connection);
    enum mqtt_version preferred = capture->options.preferred_version;

    connection->capture = capture;
    connection->number = capture->connections++;
    connection->transport = *transport;
    connection->last_client_ns = TRACK_TIME_UNKNOWN;
    for (unsigned end = 0; end < 2; end++)
        track_inflight_begin(&connection->ends[end].inflight, capture->scope, capture->options.max_inflight);

    connection->latest.version = preferred;
    connection->latest.version_source =
        preferred == MQTT_VERSION_UNKNOWN ? TRACK_VERSION_FROM_NOTHING : TRACK_VERSION_FROM_PREFERENCE;
    connection->latest.broker = transport->server;
    connection->latest.evidence = transport->evidence;
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
}

void track_connection_expect_packet(const struct track_connection *connection, unsigned sender)
{
    const struct track_alias *alias = connection->ends[sender].last_alias;

    if (connection->packet_ids != NULL)
        prefetch(connection->packet_ids, sizeof *connection->packet_ids);
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

struct track_packet_record *track_record_of(struct track_context *tracking)
{
    struct track_capture *capture = tracking->connection->capture;

    if (tracking->record != NULL)
        return tracking->record;
    tracking->record = track_packet_records_add(capture->records, tracking->pdu);
    if (tracking->record == NULL && !tracking->connection->is_memory_reported) {
        tracking->connection->is_memory_reported = true;
        tracking->record = track_packet_records_add_always(capture->records, tracking->pdu);
        tracking->record->limits = TRACK_LIMIT_MEMORY;
    } else if (tracking->record == NULL) {
        memset(&capture->unkept, 0, sizeof capture->unkept);
        tracking->record = &capture->unkept;
    }
    return tracking->record;
}

struct track_packet_record *track_kept_record_of(struct track_context *tracking)
{
    struct track_packet_record *record = track_record_of(tracking);
    return record != &tracking->connection->capture->unkept ? record : NULL;
}

/** Settles the version in force with this packet: a CONNECT names it, other packets may prove it. */
static void track_version(struct track_snapshot *snapshot, const struct mqtt_packet *packet)
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
    if (guess.certain && guess.version != snapshot->version) {
        snapshot->version = guess.version;
        snapshot->version_source = TRACK_VERSION_FROM_PACKETS;
    }
}

/** The record of the packet; NULL where it has none that stays. */
static struct track_packet_record *kept_record(const struct track_context *tracking)
{
    return tracking->record != &tracking->connection->capture->unkept ? tracking->record : NULL;
}

/** How long the client was silent before this packet. */
static int64_t track_silence(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    int64_t last_ns = connection->last_client_ns;
    bool is_clients = tracking->snapshot.broker != TRACK_END_UNKNOWN && tracking->snapshot.broker != tracking->sender;

    if (!is_clients)
        return TRACK_TIME_UNKNOWN;
    int64_t idle_ns = last_ns == TRACK_TIME_UNKNOWN ? TRACK_TIME_UNKNOWN : tracking->now_ns - last_ns;
    connection->last_client_ns = tracking->now_ns;
    if (track_packet_records_add_idle(connection->capture->records, tracking->pdu, kept_record(tracking), idle_ns))
        return idle_ns;
    track_report_memory_limit(tracking);
    return TRACK_TIME_UNKNOWN;
}

/** Where bytes may go missing unseen, a packet that cannot be read is the sign of it. */
static void note_loss(struct track_context *tracking)
{
    if (!tracking->connection->may_lose)
        return;
    if (tracking->packet->fault.kind > MQTT_FAULT_CUT) {
        tracking->snapshot.has_gap = true;
        tracking->snapshot.session_known = false;
    }
}

void track(struct track_connection *connection, unsigned sender, struct track_pdu_ref pdu,
           const struct track_arrival *arrival, struct mqtt_packet *packet, struct track_facts *facts)
{
    struct track_context tracking = {
        .connection = connection,
        .sender = sender,
        .pdu = pdu,
        .now_ns = arrival->ns,
        .arrival = arrival,
        .facts = facts,
    };

    facts->anomaly_count = 0;
    memcpy(&tracking.snapshot, track_latest_snapshot(connection), sizeof tracking.snapshot);
    tracking.snapshot.from = pdu;
    tracking.packet = packet;
    track_version(&tracking.snapshot, packet);
    enum mqtt_version version = tracking.snapshot.version;
    if (version != MQTT_VERSION_UNKNOWN && version != packet->version && packet->type != MQTT_TYPE_CONNECT)
        mqtt_decode(packet, packet->bytes, packet->captured, packet->length, version);

    note_loss(&tracking);
    track_update_roles(&tracking);
    track_update_connect_info(&tracking);
    track_check_order(&tracking);
    track_update_session(&tracking);
    track_update_packet_id_state(&tracking);
    track_update_aliases(&tracking);
    track_check_alias(&tracking);
    track_check_packet_ids(&tracking);
    track_update_transactions(&tracking);
    track_check_resumption(&tracking);
    track_check_delivery(&tracking);
    track_missing_connect_add(connection, &tracking.snapshot, pdu);
    begin_snapshot(connection, &tracking.snapshot);
    connection->has_packets = true;
    facts->connection = connection->number;
    facts->sender = sender;
    facts->pdu = pdu;
    facts->snapshot = track_latest_snapshot(connection);
    facts->idle_ns = track_silence(&tracking);
    facts->record = kept_record(&tracking);
    facts->in_websocket_text = facts->is_unsure = facts->may_lack = false;
    facts->websocket_offered = facts->websocket_chosen = NULL;
}

void track_gap(struct track_connection *connection, struct track_pdu_ref pdu)
{
    struct track_snapshot snapshot;

    memcpy(&snapshot, track_latest_snapshot(connection), sizeof snapshot);
    snapshot.from = pdu;
    snapshot.has_gap = true;
    snapshot.session_known = false;
    track_missing_connect_add(connection, &snapshot, pdu);
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

struct track_transport_state track_transport_state_of(const struct track_connection *connection)
{
    const struct track_options *options = &connection->capture->options;

    if (options->state_of == NULL || connection->transport.handle == NULL)
        return (struct track_transport_state){.last_ns = TRACK_TIME_UNKNOWN};
    return options->state_of(connection->transport.handle);
}

void track_summarise(const struct track_connection *connection, struct track_summary *summary)
{
    *summary = (struct track_summary){
        .number = connection->number,
        .snapshot = track_latest_snapshot(connection),
        .connack_seen = connection->connack_seen,
        .session_present = connection->session_present,
        .clean_start = connection->clean_start,
        .connack_code = connection->connack_code,
        .disconnected = connection->disconnected,
        .disconnected_by = connection->disconnected_by,
        .disconnect_reason = connection->disconnect_reason,
        .taken_over = connection->taken_over,
        .transport = track_transport_state_of(connection),
        .last_client_ns = connection->last_client_ns,
        .subscriptions = connection->session != NULL ? connection->session->subscriptions : NULL,
    };
}
