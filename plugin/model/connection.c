/* connection.c - follows one MQTT connection packet by packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "connection.h"

#include <string.h>

#include "publications.h"
#include "state.h"
#include "version.h"
#include "watch.h"

/** The epoch that held at a place: the last one that does not begin behind it. */
static const struct mqtt_epoch *find_epoch(const struct mqtt_connection *connection, struct mqtt_place place)
{
    const struct mqtt_epoch *earlier = connection->earlier;
    uint32_t first = 0;
    uint32_t behind = connection->earlier_count;

    if (behind == 0 || !mqtt_is_before(place, connection->latest.from))
        return &connection->latest;
    while (behind - first > 1) {
        uint32_t middle = first + (behind - first) / 2;
        if (mqtt_is_before(place, earlier[middle].from))
            behind = middle;
        else
            first = middle;
    }
    return &earlier[first];
}

/** Keeps the latest epoch, before another comes in its place. Most connections have one or two: room is made by doubling
 *  from there. */
static void keep_latest_epoch(struct mqtt_connection *connection)
{
    uint32_t count = connection->earlier_count;

    if ((count & (count - 1)) == 0) /* a power of two: the room is used up */
        connection->earlier = (struct mqtt_epoch *)wmem_realloc(
            connection->world->scope, connection->earlier, MAX(1, 2 * (size_t)count) * sizeof *connection->earlier);
    memcpy(&connection->earlier[connection->earlier_count++], &connection->latest, sizeof connection->latest);
}

/** Puts an epoch in force where it differs from the latest. What was assumed before the first packet is replaced. */
static void begin_epoch(struct mqtt_connection *connection, const struct mqtt_epoch *epoch)
{
    struct mqtt_epoch next;

    memcpy(&next, epoch, sizeof next);
    next.from = connection->latest.from;
    if (memcmp(&next, &connection->latest, sizeof next) == 0)
        return;
    next.from = epoch->from;
    if (connection->has_packets)
        keep_latest_epoch(connection);
    memcpy(&connection->latest, &next, sizeof next);
}

struct mqtt_world *mqtt_world_new(wmem_allocator_t *scope, const struct mqtt_tracking_options *options)
{
    struct mqtt_world *world = wmem_new0(scope, struct mqtt_world);

    world->scope = scope;
    world->options = *options;
    world->notes = mqtt_notes_new(scope, options->max_memory);
    world->texts = wmem_map_new(scope, mqtt_hash_of_text, mqtt_is_equal_text);
    mqtt_subscriptions_begin(world);
    return world;
}

struct mqtt_connection *mqtt_connection_new(struct mqtt_world *world, const struct mqtt_transport *transport)
{
    struct mqtt_connection *connection = wmem_new0(world->scope, struct mqtt_connection);
    enum mqtt_version preferred = world->options.preferred_version;

    connection->world = world;
    connection->number = world->connections++;
    connection->transport = *transport;
    connection->last_client_ns = MQTT_TIME_UNKNOWN;
    for (unsigned end = 0; end < 2; end++)
        mqtt_ledger_begin(&connection->ends[end].ledger, world->scope, world->options.max_inflight);

    connection->latest.version = preferred;
    connection->latest.version_source =
        preferred == MQTT_VERSION_UNKNOWN ? MQTT_VERSION_FROM_NOTHING : MQTT_VERSION_FROM_PREFERENCE;
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

void mqtt_connection_expect(const struct mqtt_connection *connection)
{
    prefetch(connection, sizeof *connection);
}

void mqtt_connection_expect_packet(const struct mqtt_connection *connection, unsigned sender)
{
    const struct mqtt_alias *alias = connection->ends[sender].last_alias;

    if (connection->watch != NULL)
        prefetch(connection->watch, sizeof *connection->watch);
    if (alias != NULL)
        prefetch(alias, sizeof *alias);
}

const struct mqtt_endpoint *mqtt_connection_end(const struct mqtt_connection *connection, unsigned end)
{
    return &connection->transport.ends[end];
}

enum mqtt_version mqtt_connection_version(const struct mqtt_connection *connection)
{
    return mqtt_latest_epoch(connection)->version;
}

struct mqtt_note *mqtt_tracking_note(struct mqtt_tracking *tracking)
{
    struct mqtt_world *world = tracking->connection->world;

    if (tracking->note != NULL)
        return tracking->note;
    tracking->note = mqtt_notes_add(world->notes, tracking->place);
    if (tracking->note == NULL && !tracking->connection->memory_noted) {
        tracking->connection->memory_noted = true;
        tracking->note = mqtt_notes_add_always(world->notes, tracking->place);
        tracking->note->limits = MQTT_LIMIT_MEMORY;
    } else if (tracking->note == NULL) {
        memset(&world->unkept, 0, sizeof world->unkept);
        tracking->note = &world->unkept;
    }
    return tracking->note;
}

struct mqtt_note *mqtt_tracking_kept_note(struct mqtt_tracking *tracking)
{
    struct mqtt_note *note = mqtt_tracking_note(tracking);
    return note != &tracking->connection->world->unkept ? note : NULL;
}

/** Settles the version in force with this packet: a CONNECT names it, other packets may prove it. */
static void track_version(struct mqtt_epoch *epoch, const struct mqtt_packet *packet)
{
    if (packet->type == MQTT_TYPE_CONNECT) {
        if (packet->version != MQTT_VERSION_UNKNOWN && packet->connect.level_at != 0) {
            epoch->version = packet->version;
            epoch->version_source = MQTT_VERSION_FROM_CONNECT;
        }
        return;
    }
    if (epoch->version_source == MQTT_VERSION_FROM_CONNECT)
        return;
    struct mqtt_version_guess guess = mqtt_guess_version(packet);
    if (guess.certain && guess.version != epoch->version) {
        epoch->version = guess.version;
        epoch->version_source = MQTT_VERSION_FROM_PACKETS;
    }
}

/** The note of the packet; NULL where it has none that stays. */
static struct mqtt_note *kept_note(const struct mqtt_tracking *tracking)
{
    return tracking->note != &tracking->connection->world->unkept ? tracking->note : NULL;
}

/** How long the client was silent before this packet. */
static int64_t track_silence(struct mqtt_tracking *tracking)
{
    struct mqtt_connection *connection = tracking->connection;
    int64_t last_ns = connection->last_client_ns;
    bool is_clients = tracking->epoch.broker != MQTT_END_UNKNOWN && tracking->epoch.broker != tracking->sender;

    if (!is_clients)
        return MQTT_TIME_UNKNOWN;
    int64_t idle_ns = last_ns == MQTT_TIME_UNKNOWN ? MQTT_TIME_UNKNOWN : tracking->now_ns - last_ns;
    connection->last_client_ns = tracking->now_ns;
    if (mqtt_notes_add_idle(connection->world->notes, tracking->place, kept_note(tracking), idle_ns))
        return idle_ns;
    mqtt_note_no_memory(tracking);
    return MQTT_TIME_UNKNOWN;
}

/** Where bytes may go missing unseen, a packet that cannot be read is the sign of it. */
static void track_loss(struct mqtt_tracking *tracking)
{
    if (!tracking->connection->may_lose)
        return;
    if (tracking->packet->fault.kind > MQTT_FAULT_CUT) {
        tracking->epoch.has_gap = true;
        tracking->epoch.session_known = false;
    }
}

void mqtt_track(struct mqtt_connection *connection, unsigned sender, struct mqtt_place place,
                const struct mqtt_arrival *arrival, struct mqtt_packet *packet, struct mqtt_facts *facts)
{
    struct mqtt_tracking tracking = {
        .connection = connection,
        .sender = sender,
        .place = place,
        .now_ns = arrival->ns,
        .arrival = arrival,
        .facts = facts,
    };

    facts->observation_count = 0;
    memcpy(&tracking.epoch, mqtt_latest_epoch(connection), sizeof tracking.epoch);
    tracking.epoch.from = place;
    tracking.packet = packet;
    track_version(&tracking.epoch, packet);
    enum mqtt_version version = tracking.epoch.version;
    if (version != MQTT_VERSION_UNKNOWN && version != packet->version && packet->type != MQTT_TYPE_CONNECT)
        mqtt_decode(packet, packet->bytes, packet->captured, packet->length, version);

    track_loss(&tracking);
    mqtt_track_roles(&tracking);
    mqtt_track_greeting(&tracking);
    mqtt_track_order(&tracking);
    mqtt_track_session(&tracking);
    mqtt_track_watch(&tracking);
    mqtt_track_alias(&tracking);
    mqtt_observe_alias(&tracking);
    mqtt_observe_flows(&tracking);
    mqtt_track_exchange(&tracking);
    mqtt_track_takeup(&tracking);
    mqtt_track_delivery(&tracking);
    mqtt_track_stranger(connection, &tracking.epoch, place);
    begin_epoch(connection, &tracking.epoch);
    connection->has_packets = true;
    facts->connection = connection->number;
    facts->sender = sender;
    facts->place = place;
    facts->epoch = mqtt_latest_epoch(connection);
    facts->idle_ns = track_silence(&tracking);
    facts->note = kept_note(&tracking);
    facts->in_websocket_text = facts->is_unsure = facts->may_lack = false;
    facts->websocket_offered = facts->websocket_chosen = NULL;
}

void mqtt_track_gap(struct mqtt_connection *connection, struct mqtt_place place)
{
    struct mqtt_epoch epoch;

    memcpy(&epoch, mqtt_latest_epoch(connection), sizeof epoch);
    epoch.from = place;
    epoch.has_gap = true;
    epoch.session_known = false;
    mqtt_track_stranger(connection, &epoch, place);
    begin_epoch(connection, &epoch);
    mqtt_doubt_publications(connection->world);
}

void mqtt_track_loss(struct mqtt_connection *connection)
{
    connection->may_lose = true;
}

void mqtt_recall(const struct mqtt_connection *connection, unsigned sender, struct mqtt_place place,
                 struct mqtt_facts *facts)
{
    const struct mqtt_epoch *epoch = find_epoch(connection, place);
    const struct mqtt_notes *notes = connection->world->notes;
    bool is_clients = epoch->broker != MQTT_END_UNKNOWN && epoch->broker != sender;

    facts->connection = connection->number;
    facts->sender = sender;
    facts->place = place;
    facts->epoch = epoch;
    facts->note = mqtt_notes_find(notes, place);
    facts->idle_ns = is_clients ? mqtt_notes_idle(notes, place, facts->note) : MQTT_TIME_UNKNOWN;
    facts->in_websocket_text = facts->is_unsure = facts->may_lack = false;
    facts->websocket_offered = facts->websocket_chosen = NULL;
    facts->observation_count = mqtt_notes_observations(notes, place, facts->observations);
}

struct mqtt_transport_state mqtt_transport_state_of(const struct mqtt_connection *connection)
{
    const struct mqtt_tracking_options *options = &connection->world->options;

    if (options->state_of == NULL || connection->transport.handle == NULL)
        return (struct mqtt_transport_state){.last_ns = MQTT_TIME_UNKNOWN};
    return options->state_of(connection->transport.handle);
}

void mqtt_summarise(const struct mqtt_connection *connection, struct mqtt_summary *summary)
{
    *summary = (struct mqtt_summary){
        .number = connection->number,
        .epoch = mqtt_latest_epoch(connection),
        .connack_seen = connection->connack_seen,
        .session_present = connection->session_present,
        .clean_start = connection->clean_start,
        .connack_code = connection->connack_code,
        .disconnected = connection->disconnected,
        .disconnected_by = connection->disconnected_by,
        .disconnect_reason = connection->disconnect_reason,
        .taken_over = connection->taken_over,
        .transport = mqtt_transport_state_of(connection),
        .last_client_ns = connection->last_client_ns,
        .subscriptions = connection->session != NULL ? connection->session->subscriptions : NULL,
    };
}
