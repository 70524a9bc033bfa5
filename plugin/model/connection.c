/* connection.c - keeps what is known about one MQTT connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "connection.h"

#include <string.h>

#include "version.h"

/** Where a Topic Alias points (MQTT 5.0 section 3.3.2.3.4). File scope. */
struct alias {
    const struct mqtt_topic *topic;
    uint32_t set_in;
};

/** What belongs to the packets of one end. The two ends' Topic Aliases are separate spaces. */
struct direction {
    wmem_map_t *aliases; /**< Topic Alias to struct alias; NULL until the first is set */
};

struct mqtt_connection {
    wmem_allocator_t *scope;
    uint32_t number;
    wmem_array_t *epochs; /**< struct mqtt_epoch, in the order of their places; never empty */
    struct direction directions[2];
};

static const struct mqtt_epoch *latest_epoch(const struct mqtt_connection *connection)
{
    const struct mqtt_epoch *epochs = (const struct mqtt_epoch *)wmem_array_get_raw(connection->epochs);
    return &epochs[wmem_array_get_count(connection->epochs) - 1];
}

/** Appends an epoch when a slow fact changes. */
static void begin_epoch(struct mqtt_connection *connection, struct mqtt_place from, enum mqtt_version version,
                        enum mqtt_version_source source)
{
    const struct mqtt_epoch *latest = latest_epoch(connection);
    if (latest->version == version && latest->version_source == source)
        return;

    struct mqtt_epoch epoch = {from, version, source};
    wmem_array_append_one(connection->epochs, epoch);
}

static bool is_before(struct mqtt_place one, struct mqtt_place other)
{
    return one.frame != other.frame ? one.frame < other.frame : one.pdu < other.pdu;
}

/** The epoch that held at a place: the last one that does not begin behind it. */
static const struct mqtt_epoch *find_epoch(const struct mqtt_connection *connection, struct mqtt_place place)
{
    const struct mqtt_epoch *epochs = (const struct mqtt_epoch *)wmem_array_get_raw(connection->epochs);
    unsigned first = 0;
    unsigned behind = wmem_array_get_count(connection->epochs);

    if (!is_before(place, epochs[behind - 1].from))
        return &epochs[behind - 1];
    while (behind - first > 1) {
        unsigned middle = first + (behind - first) / 2;
        if (is_before(place, epochs[middle].from))
            behind = middle;
        else
            first = middle;
    }
    return &epochs[first];
}

struct mqtt_connection *mqtt_connection_new(wmem_allocator_t *scope, uint32_t number, enum mqtt_version preferred)
{
    struct mqtt_connection *connection = wmem_new0(scope, struct mqtt_connection);

    connection->scope = scope;
    connection->number = number;
    connection->epochs = wmem_array_sized_new(scope, sizeof(struct mqtt_epoch), 1);
    struct mqtt_epoch first = {
        {0, 0},
        preferred,
        preferred == MQTT_VERSION_UNKNOWN ? MQTT_VERSION_FROM_NOTHING : MQTT_VERSION_FROM_PREFERENCE,
    };
    wmem_array_append_one(connection->epochs, first);
    return connection;
}

enum mqtt_version mqtt_connection_version(const struct mqtt_connection *connection)
{
    return latest_epoch(connection)->version;
}

/** Settles the version in force with this packet: a CONNECT names it, other packets may prove it. */
static void track_version(struct mqtt_connection *connection, struct mqtt_place place, const struct mqtt_packet *packet)
{
    const struct mqtt_epoch *latest = latest_epoch(connection);

    if (packet->type == MQTT_TYPE_CONNECT) {
        if (packet->version != MQTT_VERSION_UNKNOWN && packet->connect.level_at != 0)
            begin_epoch(connection, place, packet->version, MQTT_VERSION_FROM_CONNECT);
        return;
    }
    if (latest->version_source == MQTT_VERSION_FROM_CONNECT)
        return;
    struct mqtt_version_guess guess = mqtt_guess_version(packet);
    if (guess.certain)
        begin_epoch(connection, place, guess.version, MQTT_VERSION_FROM_PACKETS);
}

static const struct mqtt_topic *keep_topic(wmem_allocator_t *scope, const uint8_t *bytes, uint32_t length)
{
    struct mqtt_topic *topic = (struct mqtt_topic *)wmem_alloc(scope, sizeof *topic + length + 1);
    topic->length = length;
    memcpy(topic->bytes, bytes, length);
    topic->bytes[length] = '\0';
    return topic;
}

static void set_alias(struct mqtt_connection *connection, struct direction *direction, uint32_t number,
                      const uint8_t *bytes, uint32_t length, uint32_t frame)
{
    if (direction->aliases == NULL)
        direction->aliases = wmem_map_new(connection->scope, g_direct_hash, g_direct_equal);
    struct alias *alias = (struct alias *)wmem_map_lookup(direction->aliases, GUINT_TO_POINTER(number));
    if (alias == NULL) {
        alias = wmem_new0(connection->scope, struct alias);
        wmem_map_insert(direction->aliases, GUINT_TO_POINTER(number), alias);
    }
    bool same =
        alias->topic != NULL && alias->topic->length == length && memcmp(alias->topic->bytes, bytes, length) == 0;
    if (!same)
        alias->topic = keep_topic(connection->scope, bytes, length);
    alias->set_in = frame;
}

/** Follows the Topic Aliases of one direction (section 3.3.2.3.4). Returns a note where the packet uses one. */
static struct mqtt_note *track_alias(struct mqtt_connection *connection, struct direction *direction, uint32_t frame,
                                     const struct mqtt_packet *packet)
{
    if (packet->fault.kind != MQTT_FAULT_NONE && packet->publish.payload.at == 0)
        return NULL;
    const struct mqtt_property *property = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
    if (property == NULL || property->number == 0)
        return NULL;

    struct mqtt_span topic = packet->publish.topic;
    if (topic.length > 0) {
        set_alias(connection, direction, property->number, packet->bytes + topic.at, topic.length, frame);
        return NULL;
    }
    const struct alias *alias = NULL;
    if (direction->aliases != NULL)
        alias = (const struct alias *)wmem_map_lookup(direction->aliases, GUINT_TO_POINTER(property->number));
    struct mqtt_note *note = wmem_new0(connection->scope, struct mqtt_note);
    if (alias != NULL)
        *note = (struct mqtt_note){alias->topic, alias->set_in};
    return note;
}

struct mqtt_note *mqtt_track(struct mqtt_connection *connection, unsigned sender, struct mqtt_place place,
                             struct mqtt_packet *packet, struct mqtt_facts *facts)
{
    struct mqtt_note *note = NULL;

    track_version(connection, place, packet);
    enum mqtt_version version = mqtt_connection_version(connection);
    if (version != MQTT_VERSION_UNKNOWN && version != packet->version && packet->type != MQTT_TYPE_CONNECT)
        mqtt_decode(packet, packet->bytes, packet->captured, packet->length, version);

    if (packet->type == MQTT_TYPE_CONNECT)
        connection->directions[0].aliases = connection->directions[1].aliases = NULL;
    if (packet->type == MQTT_TYPE_PUBLISH && packet->version == MQTT_V50)
        note = track_alias(connection, &connection->directions[sender], place.frame, packet);
    mqtt_recall(connection, place, note, facts);
    return note;
}

void mqtt_recall(const struct mqtt_connection *connection, struct mqtt_place place, const struct mqtt_note *note,
                 struct mqtt_facts *facts)
{
    const struct mqtt_epoch *epoch = find_epoch(connection, place);

    *facts = (struct mqtt_facts){connection->number, place, epoch->version, epoch->version_source, note};
}
