/* capture.h - the struct of a capture file: all that is known about it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STORE_CAPTURE_H
#define MQTTSCOPE_MODEL_STORE_CAPTURE_H

#include <glib.h>
#include <wsutil/wmem/wmem.h>

#include "../facts/facts.h"
#include "../facts/options.h"
#include "clock.h"
#include "file-memory.h"

struct track_connection;
struct track_packet_records;
struct track_topic_numbers;
struct track_first_packets;
struct track_session_table;
struct track_broker_history;
struct track_wills;
struct track_journeys;
struct track_replies;
struct track_armed_wills;
struct track_capture_checks;

/** A capture file. File scope. Each member is written by the file that is named above it, and read by any. */
struct track_capture {
    /* tracker.c */
    struct track_options options;
    struct track_pdu_ref latest; /**< the packet that was tracked last */
    uint32_t connection_count;
    uint64_t hash_key;                  /**< for hashes that no peer foresees */
    struct track_connection *untracked; /**< stands for those that there was no memory for; NULL: none */
    struct track_packet_record beyond;  /**< of each of their packets */
    /* store/file-memory.c */
    struct track_file_memory memory;
    /* store/clock.c */
    struct track_clock clock;
    /* store/text.c */
    wmem_map_t *texts; /**< interned text to itself; NULL until there is one, as with the maps that follow */
    /* store/topic-numbers.c */
    struct track_topic_numbers *topics; /**< NULL until there is one */
    /* store/packet-records.c */
    struct track_packet_records *records;
    /* store/context.c */
    struct track_packet_record
        unkept; /**< of the packet being tracked, where the limit allows it no record that stays */
    /* protocol/roles.c */
    const struct track_endpoint *first_broker; /**< the first broker that a packet shows, as its connection has it */
    /* evidence/missing-connect.c */
    wmem_map_t *missing_connects; /**< by broker */
    uint32_t missing_connect_in;  /**< the frame of the latest at a broker that is not known */
    /* protocol/captured-twice.c */
    struct track_first_packets *first_packets; /**< NULL until there is one */
    /* protocol/session-table.c */
    struct track_session_table *sessions; /**< NULL until there is one */
    /* protocol/session.c */
    const struct track_limits *limits[2]; /**< the latest of a CONNECT and of a CONNACK: most say the same */
    /* protocol/subscriptions.c */
    wmem_map_t *subscriptions; /**< by session and filter */
    /* protocol/transactions.c */
    const struct track_filter_list
        *filters; /**< of the latest response to a request: the next is often about the same */
    /* protocol/connect-info.c */
    const struct track_connect_info *connect_info; /**< the latest: most Clients say the same */
    /* protocol/recent-publishes.c */
    struct track_broker_history **brokers; /**< of the first brokers; NULL until a PUBLISH */
    uint32_t broker_count;
    /* protocol/wills.c */
    struct track_wills *wills; /**< NULL until a CONNECT has a Will */
    /* protocol/journey.c */
    struct track_journeys *journeys; /**< NULL until there is a message, or where nobody wants them */
    /* protocol/replies.c */
    struct track_replies *replies; /**< NULL until there is a request */
    /* protocol/will-events.c */
    struct track_armed_wills *armed_wills; /**< likewise */
    /* conformance/checks.h */
    struct track_capture_checks *checks; /**< NULL until there is something to remember */
};

#endif
