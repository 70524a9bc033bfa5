/* missing-connect.c - remembers the brokers to which a Client connected whose CONNECT is not known.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Such a connection may be of any Client. It may have resumed a session, changed and left it, or have any Will. What is
 * found in a comparison with the next connection of the session would then be wrong.
 */
#include "missing-connect.h"

#include "../store/endpoint.h"

/** The latest of those connections to one broker. File scope. */
struct track_missing_connect {
    struct track_endpoint broker;
    uint32_t frame;
};

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

    if (capture->missing_connects == NULL)
        return NULL;
    return (struct track_missing_connect *)wmem_map_lookup(capture->missing_connects, &wanted);
}

void track_missing_connect_anywhere(struct track_capture *capture, uint32_t frame)
{
    capture->missing_connect_in = frame;
}

void track_missing_connect_add(struct track_capture *capture, const struct track_endpoint *broker, uint32_t frame)
{
    struct track_missing_connect *missing = find_missing(capture, broker);

    if (missing == NULL) {
        missing = (struct track_missing_connect *)track_file_keep_entry(&capture->memory, sizeof *missing);
        if (missing == NULL) {
            track_missing_connect_anywhere(capture, frame);
            return;
        }
        missing->broker = *broker;
        if (capture->missing_connects == NULL)
            capture->missing_connects = wmem_map_new(capture->memory.scope, hash_missing, is_same_missing);
        wmem_map_insert(capture->missing_connects, missing, missing);
    }
    missing->frame = frame;
}

uint32_t track_missing_connect_frame(const struct track_capture *capture, const struct track_endpoint *broker)
{
    const struct track_missing_connect *missing = find_missing(capture, broker);
    return MAX(capture->missing_connect_in, missing != NULL ? missing->frame : 0);
}
