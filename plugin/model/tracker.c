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

/** The epoch that held at a place: the last one that does not begin behind it. */
static const struct track_snapshot *find_epoch(const struct track_connection *connection, struct track_pdu_ref place)
{
    const struct track_snapshot *earlier = connection->earlier;
    uint32_t first = 0;
    uint32_t behind = connection->earlier_count;

    if (behind == 0 || !track_is_before(place, connection->latest.from))
        return &connection->latest;
    while (behind - first > 1) {
        uint32_t middle = first + (behind - first) / 2;
        if (track_is_before(place, earlier[middle].from))
            behind = middle;
        else
            first = middle;
    }
    return &earlier[first];
}

/** Keeps the latest epoch, before another comes in its place. Most connections have one or two: room is made by doubling
 *  from there. */
static void keep_latest_epoch(struct track_connection *connection)
{
    uint32_t count = connection->earlier_count;

    if ((count & (count - 1)) == 0) /* a power of two: the room is used up */
        connection->earlier = (struct track_snapshot *)wmem_realloc(
            connection->world->scope, connection->earlier, MAX(1, 2 * (size_t)count) * sizeof *connection->earlier);
    memcpy(&connection->earlier[connection->earlier_count++], &connection->latest, sizeof connection->latest);
}

/** Puts an epoch in force where it differs from the latest. What was assumed before the first packet is replaced. */
static void begin_epoch(struct track_connection *connection, const struct track_snapshot *epoch)
{
    struct track_snapshot next;

    memcpy(&next, epoch, sizeof next);
    next.from = connection->latest.from;
    if (memcmp(&next, &connection->latest, sizeof next) == 0)
        return;
    next.from = epoch->from;
    if (connection->has_packets)
        keep_latest_epoch(connection);
    memcpy(&connection->latest, &next, sizeof next);
}

struct track_capture *track_capture_new(wmem_allocator_t *scope, const struct track_options *options)
{
    struct track_capture *world = wmem_new0(scope, struct track_capture);

    world->scope = scope;
    world->options = *options;
    world->notes = track_packet_records_new(scope, options->max_memory);
    world->texts = wmem_map_new(scope, track_hash_of_text, track_is_equal_text);
    track_subscriptions_begin(world);
    return world;
}

struct track_connection *track_connection_new(struct track_capture *world, const struct track_transport *transport)
{
    struct track_connection *connection = wmem_new0(world->scope, struct track_connection);
    enum mqtt_version preferred = world->options.preferred_version;

    connection->world = world;
    connection->number = world->connections++;
    connection->transport = *transport;
    connection->last_client_ns = TRACK_TIME_UNKNOWN;
    for (unsigned end = 0; end < 2; end++)
        track_inflight_begin(&connection->ends[end].ledger, world->scope, world->options.max_inflight);

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

    if (connection->watch != NULL)
        prefetch(connection->watch, sizeof *connection->watch);
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
    struct track_capture *world = tracking->connection->world;

    if (tracking->note != NULL)
        return tracking->note;
    tracking->note = track_packet_records_add(world->notes, tracking->place);
    if (tracking->note == NULL && !tracking->connection->memory_noted) {
        tracking->connection->memory_noted = true;
        tracking->note = track_packet_records_add_always(world->notes, tracking->place);
        tracking->note->limits = TRACK_LIMIT_MEMORY;
    } else if (tracking->note == NULL) {
        memset(&world->unkept, 0, sizeof world->unkept);
        tracking->note = &world->unkept;
    }
    return tracking->note;
}

struct track_packet_record *track_kept_record_of(struct track_context *tracking)
{
    struct track_packet_record *note = track_record_of(tracking);
    return note != &tracking->connection->world->unkept ? note : NULL;
}

/** Settles the version in force with this packet: a CONNECT names it, other packets may prove it. */
static void track_version(struct track_snapshot *epoch, const struct mqtt_packet *packet)
{
    if (packet->type == MQTT_TYPE_CONNECT) {
        if (packet->version != MQTT_VERSION_UNKNOWN && packet->connect.level_at != 0) {
            epoch->version = packet->version;
            epoch->version_source = TRACK_VERSION_FROM_CONNECT;
        }
        return;
    }
    if (epoch->version_source == TRACK_VERSION_FROM_CONNECT)
        return;
    struct track_version_guess guess = track_guess_version(packet);
    if (guess.certain && guess.version != epoch->version) {
        epoch->version = guess.version;
        epoch->version_source = TRACK_VERSION_FROM_PACKETS;
    }
}

/** The note of the packet; NULL where it has none that stays. */
static struct track_packet_record *kept_note(const struct track_context *tracking)
{
    return tracking->note != &tracking->connection->world->unkept ? tracking->note : NULL;
}

/** How long the client was silent before this packet. */
static int64_t track_silence(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    int64_t last_ns = connection->last_client_ns;
    bool is_clients = tracking->epoch.broker != TRACK_END_UNKNOWN && tracking->epoch.broker != tracking->sender;

    if (!is_clients)
        return TRACK_TIME_UNKNOWN;
    int64_t idle_ns = last_ns == TRACK_TIME_UNKNOWN ? TRACK_TIME_UNKNOWN : tracking->now_ns - last_ns;
    connection->last_client_ns = tracking->now_ns;
    if (track_packet_records_add_idle(connection->world->notes, tracking->place, kept_note(tracking), idle_ns))
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
        tracking->epoch.has_gap = true;
        tracking->epoch.session_known = false;
    }
}

void track(struct track_connection *connection, unsigned sender, struct track_pdu_ref place,
           const struct track_arrival *arrival, struct mqtt_packet *packet, struct track_facts *facts)
{
    struct track_context tracking = {
        .connection = connection,
        .sender = sender,
        .place = place,
        .now_ns = arrival->ns,
        .arrival = arrival,
        .facts = facts,
    };

    facts->observation_count = 0;
    memcpy(&tracking.epoch, track_latest_snapshot(connection), sizeof tracking.epoch);
    tracking.epoch.from = place;
    tracking.packet = packet;
    track_version(&tracking.epoch, packet);
    enum mqtt_version version = tracking.epoch.version;
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
    track_missing_connect_add(connection, &tracking.epoch, place);
    begin_epoch(connection, &tracking.epoch);
    connection->has_packets = true;
    facts->connection = connection->number;
    facts->sender = sender;
    facts->place = place;
    facts->epoch = track_latest_snapshot(connection);
    facts->idle_ns = track_silence(&tracking);
    facts->note = kept_note(&tracking);
    facts->in_websocket_text = facts->is_unsure = facts->may_lack = false;
    facts->websocket_offered = facts->websocket_chosen = NULL;
}

void track_gap(struct track_connection *connection, struct track_pdu_ref place)
{
    struct track_snapshot epoch;

    memcpy(&epoch, track_latest_snapshot(connection), sizeof epoch);
    epoch.from = place;
    epoch.has_gap = true;
    epoch.session_known = false;
    track_missing_connect_add(connection, &epoch, place);
    begin_epoch(connection, &epoch);
    track_recent_publishes_doubt(connection->world);
}

void track_loss(struct track_connection *connection)
{
    connection->may_lose = true;
}

void track_recall(const struct track_connection *connection, unsigned sender, struct track_pdu_ref place,
                  struct track_facts *facts)
{
    const struct track_snapshot *epoch = find_epoch(connection, place);
    const struct track_packet_records *notes = connection->world->notes;
    bool is_clients = epoch->broker != TRACK_END_UNKNOWN && epoch->broker != sender;

    facts->connection = connection->number;
    facts->sender = sender;
    facts->place = place;
    facts->epoch = epoch;
    facts->note = track_packet_records_find(notes, place);
    facts->idle_ns = is_clients ? track_packet_records_idle(notes, place, facts->note) : TRACK_TIME_UNKNOWN;
    facts->in_websocket_text = facts->is_unsure = facts->may_lack = false;
    facts->websocket_offered = facts->websocket_chosen = NULL;
    facts->observation_count = track_packet_records_anomalies(notes, place, facts->observations);
}

struct track_transport_state track_transport_state_of(const struct track_connection *connection)
{
    const struct track_options *options = &connection->world->options;

    if (options->state_of == NULL || connection->transport.handle == NULL)
        return (struct track_transport_state){.last_ns = TRACK_TIME_UNKNOWN};
    return options->state_of(connection->transport.handle);
}

void track_summarise(const struct track_connection *connection, struct track_summary *summary)
{
    *summary = (struct track_summary){
        .number = connection->number,
        .epoch = track_latest_snapshot(connection),
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
