/* missing-connect.c - remembers the brokers to which somebody connected whose CONNECT is not known.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Such a connection may be of any Client. It may have taken a session up, changed and left it, or have any Will. What is
 * held against the next connection of the session would then be wrong.
 */
#include <string.h>

#include "../state.h"

/** The latest of those connections to one broker. File scope. */
struct track_missing_connect {
    struct track_endpoint broker;
    uint32_t frame;
};

bool track_is_same_endpoint(const struct track_endpoint *one, const struct track_endpoint *other)
{
    return one->port == other->port && one->length == other->length &&
           memcmp(one->address, other->address, one->length) == 0;
}

guint track_hash_endpoint(const struct track_endpoint *endpoint)
{
    guint hash = 2166136261u ^ endpoint->port;

    for (unsigned i = 0; i < endpoint->length; i++)
        hash = (hash ^ endpoint->address[i]) * 16777619u;
    return hash;
}

static guint hash_stranger(gconstpointer key)
{
    return track_hash_endpoint(&((const struct track_missing_connect *)key)->broker);
}

static gboolean is_same_stranger(gconstpointer one, gconstpointer other)
{
    return track_is_same_endpoint(&((const struct track_missing_connect *)one)->broker,
                                  &((const struct track_missing_connect *)other)->broker);
}

static struct track_missing_connect *find_stranger(const struct track_capture *world,
                                                   const struct track_endpoint *broker)
{
    struct track_missing_connect wanted = {.broker = *broker};
    return world->strangers != NULL ? (struct track_missing_connect *)wmem_map_lookup(world->strangers, &wanted) : NULL;
}

static void mark_broker(struct track_capture *world, const struct track_endpoint *broker, uint32_t frame)
{
    struct track_missing_connect *stranger = find_stranger(world, broker);

    if (stranger == NULL) {
        stranger = (struct track_missing_connect *)track_file_alloc(world, sizeof *stranger + TRACK_MAP_ENTRY_SIZE);
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

void track_missing_connect_add(struct track_connection *connection, const struct track_snapshot *epoch,
                               struct track_pdu_ref place)
{
    /* What breaks the rules begins no session. */
    if (epoch->greeting != NULL || connection->order.is_connect_bad || connection->is_stranger)
        return;
    connection->is_stranger = true;
    for (unsigned end = 0; end < 2; end++)
        if (epoch->broker == end || epoch->broker == TRACK_END_UNKNOWN)
            mark_broker(connection->world, &connection->transport.ends[end], place.frame);
}

uint32_t track_missing_connect_frame(const struct track_capture *world, const struct track_endpoint *broker)
{
    const struct track_missing_connect *stranger = find_stranger(world, broker);
    return MAX(world->stranger_in, stranger != NULL ? stranger->frame : 0);
}
