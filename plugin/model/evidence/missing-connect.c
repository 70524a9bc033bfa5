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

static guint hash_missing(gconstpointer key)
{
    return track_hash_endpoint(&((const struct track_missing_connect *)key)->broker);
}

static gboolean is_same_missing(gconstpointer one, gconstpointer other)
{
    return track_is_same_endpoint(&((const struct track_missing_connect *)one)->broker,
                                  &((const struct track_missing_connect *)other)->broker);
}

static struct track_missing_connect *find_missing(const struct track_capture *capture,
                                                  const struct track_endpoint *broker)
{
    struct track_missing_connect wanted = {.broker = *broker};
    return capture->missing_connects != NULL
               ? (struct track_missing_connect *)wmem_map_lookup(capture->missing_connects, &wanted)
               : NULL;
}

static void mark_broker(struct track_capture *capture, const struct track_endpoint *broker, uint32_t frame)
{
    struct track_missing_connect *missing = find_missing(capture, broker);

    if (missing == NULL) {
        missing = (struct track_missing_connect *)track_file_alloc(capture, sizeof *missing + TRACK_MAP_ENTRY_SIZE);
        if (missing == NULL) {
            capture->missing_connect_in = frame;
            return;
        }
        missing->broker = *broker;
        if (capture->missing_connects == NULL)
            capture->missing_connects = wmem_map_new(capture->scope, hash_missing, is_same_missing);
        wmem_map_insert(capture->missing_connects, missing, missing);
    }
    missing->frame = frame;
}

void track_missing_connect_add(struct track_connection *connection, const struct track_snapshot *snapshot,
                               struct track_pdu_ref pdu)
{
    /* What breaks the rules begins no session. */
    if (snapshot->connect_info != NULL || connection->order.is_connect_bad || connection->is_connect_missing)
        return;
    connection->is_connect_missing = true;
    for (unsigned end = 0; end < 2; end++)
        if (snapshot->broker == end || snapshot->broker == TRACK_END_UNKNOWN)
            mark_broker(connection->capture, &connection->transport.ends[end], pdu.frame);
}

uint32_t track_missing_connect_frame(const struct track_capture *capture, const struct track_endpoint *broker)
{
    const struct track_missing_connect *missing = find_missing(capture, broker);
    return MAX(capture->missing_connect_in, missing != NULL ? missing->frame : 0);
}
