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
#include "file-memory.h"

struct track_packet_records;
struct track_broker_history;
struct track_wills;
struct track_capture_checks;

/** A capture file. File scope. Each member is written by the file that is named at it, and read by any. */
struct track_capture {
    struct track_pdu_ref latest;          /**< tracker.c: the packet that was tracked last */
    struct track_options options;         /**< tracker.c, once */
    uint32_t connection_count;            /**< tracker.c */
    struct track_file_memory memory;      /**< store/file-memory.c */
    wmem_map_t *texts;                    /**< store/text.c: interned text to itself; NULL until there is one */
    struct track_packet_records *records; /**< store/packet-records.c */
    struct track_packet_record unkept; /**< store/context.c: of the packet being tracked, where the limit allows it no
                                               record that stays */
    wmem_map_t *missing_connects;      /**< evidence/missing-connect.c: by broker; NULL until there is one */
    uint32_t missing_connect_in;       /**< the same: the frame of one that there was no memory for */
    wmem_map_t *sessions;              /**< protocol/session.c: struct track_session to itself; NULL likewise */
    wmem_map_t *subscriptions;         /**< protocol/subscriptions.c: by session and filter; NULL likewise */
    const struct track_connect_info
        *connect_info; /**< protocol/connect-info.c: the latest one: most Clients say the same */
    struct track_broker_history *
        *brokers;                        /**< protocol/recent-publishes.c: of the first brokers; NULL until a PUBLISH */
    uint32_t broker_count;               /**< the same */
    struct track_wills *wills;           /**< protocol/wills.c: NULL until a CONNECT has a Will */
    struct track_capture_checks *checks; /**< conformance/checks.h: NULL until there is something to remember */
};

#endif
