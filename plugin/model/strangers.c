/* strangers.c - remembers the brokers to which somebody connected whose CONNECT is not known.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Such a connection may be of any Client. It may have taken a session up, changed and left it, or have any Will. What is
 * held against the next connection of the session would then be wrong.
 */
#include <string.h>

#include "state.h"

/** The latest of those connections to one broker. File scope. */
struct mqtt_stranger {
    struct mqtt_endpoint broker;
    uint32_t frame;
};

bool mqtt_is_same_endpoint(const struct mqtt_endpoint *one, const struct mqtt_endpoint *other)
{
    return one->port == other->port && one->length == other->length &&
           memcmp(one->address, other->address, one->length) == 0;
}

guint mqtt_hash_endpoint(const struct mqtt_endpoint *endpoint)
{
    guint hash = 2166136261u ^ endpoint->port;

    for (unsigned i = 0; i < endpoint->length; i++)
        hash = (hash ^ endpoint->address[i]) * 16777619u;
    return hash;
}

static guint hash_stranger(gconstpointer key)
{
    return mqtt_hash_endpoint(&((const struct mqtt_stranger *)key)->broker);
}

static gboolean is_same_stranger(gconstpointer one, gconstpointer other)
{
    return mqtt_is_same_endpoint(&((const struct mqtt_stranger *)one)->broker,
                                 &((const struct mqtt_stranger *)other)->broker);
}

static struct mqtt_stranger *find_stranger(const struct mqtt_world *world, const struct mqtt_endpoint *broker)
{
    struct mqtt_stranger wanted = {.broker = *broker};
    return world->strangers != NULL ? (struct mqtt_stranger *)wmem_map_lookup(world->strangers, &wanted) : NULL;
}

static void mark_broker(struct mqtt_world *world, const struct mqtt_endpoint *broker, uint32_t frame)
{
    struct mqtt_stranger *stranger = find_stranger(world, broker);

    if (stranger == NULL) {
        stranger = (struct mqtt_stranger *)mqtt_keep(world, sizeof *stranger + MQTT_MAP_ENTRY);
        if (stranger == NULL) {
            world->stranger_in = frame;
            return;
        }
        stranger->broker = *broker;
        if (world->strangers == NULL)
            world->strangers = wmem_map_new(world->scope, hash_stranger, is_same_stranger);
        wmem_map_insert(world->strangers, stranger, stranger);
    }
    stranger->frame = frame;
}

void mqtt_track_stranger(struct mqtt_connection *connection, const struct mqtt_epoch *epoch, struct mqtt_place place)
{
    /* What breaks the rules begins no session. */
    if (epoch->greeting != NULL || connection->order.is_connect_bad || connection->is_stranger)
        return;
    connection->is_stranger = true;
    for (unsigned end = 0; end < 2; end++)
        if (epoch->broker == end || epoch->broker == MQTT_END_UNKNOWN)
            mark_broker(connection->world, &connection->transport.ends[end], place.frame);
}

uint32_t mqtt_stranger_in(const struct mqtt_world *world, const struct mqtt_endpoint *broker)
{
    const struct mqtt_stranger *stranger = find_stranger(world, broker);
    return MAX(world->stranger_in, stranger != NULL ? stranger->frame : 0);
}
