/* earlier-publishes.h - what the Client's earlier connections leave to tell of a PUBLISH with DUP 1 in a new session.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_EARLIER_PUBLISHES_H
#define MQTTSCOPE_MODEL_CONFORMANCE_EARLIER_PUBLISHES_H

#include "../store/context.h"

enum { TRACK_UNFINISHED_MAX = 4 };

/** What one end, the Client or the Server, published on earlier connections. */
struct track_earlier_end {
    uint64_t ids;        /**< Packet Identifiers that it used: a bit for each remainder */
    uint16_t highest_id; /**< the largest of them; 0: none */
    uint8_t count;       /**< of `unfinished` */
    bool is_more;        /**< there were more */
    struct track_unfinished_publish {
        uint32_t frame;
        uint32_t content_hash;
        uint16_t packet_id;
        uint8_t qos;
    } unfinished[TRACK_UNFINISHED_MAX];
};

/** What was published on the earlier connections of a Client. File scope. Written by earlier-publishes.c. */
struct track_earlier_publishes {
    struct track_earlier_end client;
    struct track_earlier_end server;
    bool is_whole; /**< all of them were captured */
};

/** Keeps what the Client's earlier connections leave, at a CONNACK that begins a new session: before what was in flight is
 *  given up. */
void track_update_earlier_publishes(struct track_context *tracking);

/** True where all earlier connections were captured, nothing was left unfinished, and an identifier was not used. */
bool track_is_new_to_client(const struct track_earlier_publishes *earlier, const struct track_earlier_end *end,
                            uint16_t packet_id);

/** An unfinished copy of a PUBLISH; its first frame, 0 for none. */
uint32_t track_find_unfinished(const struct track_earlier_end *end, uint16_t packet_id, unsigned qos,
                               uint32_t content_hash);

#endif
