/* connection.h - the struct of a connection: all that is known about it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_CONNECTION_H
#define MQTTSCOPE_MODEL_PROTOCOL_CONNECTION_H

#include "../evidence/receipt.h"
#include "../facts/transport.h"
#include "../store/capture.h"
#include "../store/context.h"
#include "connect-info.h"
#include "ending.h"
#include "inflight.h"
#include "journey-state.h"
#include "keep-alive.h"
#include "roles.h"
#include "session.h"
#include "topic-aliases.h"
#include "unfinished-packets.h"

struct track_pending_request;
struct track_subscription_history;
struct track_will;

/** The slow facts of a connection. Written by snapshots.c. */
struct track_snapshots {
    struct track_snapshot latest;   /**< what is known by now */
    struct track_snapshot *earlier; /**< what was known before, in the order of the packets */
    uint32_t earlier_count;
    bool is_closed;         /**< there was no memory for more: the latest stays */
    uint8_t version_proofs; /**< packets that prove the version in force, less those that prove another */
};

/** A connection. File scope. Each member is written by the file that is named at it, and read by any. There may be 100,000
 *  of them, so what most have no use for is a pointer. Where a member is an array, an end has its own: the Packet
 *  Identifiers and Topic Aliases of the two directions are separate spaces. */
struct track_connection {
    struct track_capture *capture;
    uint32_t number;                               /**< tracker.c */
    bool has_packets;                              /**< tracker.c: the first packet was tracked */
    bool is_seen_alive;                            /**< rivals.c: its Client is, though it was taken over */
    bool may_lose;                                 /**< tracker.c: packets may be missed without a gap that tells */
    struct track_connect_state connect;            /**< connect-info.c */
    struct track_closing closing;                  /**< unfinished-packets.c */
    struct track_transport transport;              /**< tracker.c, once */
    struct track_snapshots snapshots;              /**< tracker.c */
    struct track_first_sent first_sent[2];         /**< roles.c */
    struct track_reports reports;                  /**< store/context.c, evidence/report-anomaly.c */
    struct track_progress progress;                /**< evidence/receipt.c */
    struct track_keep_alive keep_alive;            /**< keep-alive.c */
    struct track_connection_session session;       /**< session.c, session-state.c */
    struct track_ending ending;                    /**< ending.c */
    struct track_inflight inflight[2];             /**< transactions.c, session-state.c, by inflight.c */
    struct track_pending_request *pending[2];      /**< pending-requests.c: NULL while none waits */
    struct track_topic_aliases *aliases[2];        /**< topic-aliases.c: NULL until one is set */
    struct track_subscription_history *subscribed; /**< subscription-history.c: NULL until there is something in it */
    struct track_journey_state journey;            /**< journey.c */
    struct track_begun_packets *begun;      /**< unfinished-packets.c: NULL until a packet began without its end */
    struct track_will *will;                /**< wills.c: the latest that it had; its slot may have been reused */
    struct track_connection_checks *checks; /**< conformance/checks.h: NULL where no rules are wanted */
};

/** It stands for all connections that there was no memory for. */
static inline bool track_is_untracked(const struct track_connection *connection)
{
    return connection == connection->capture->untracked;
}

/** What is known of a connection by now. */
static inline const struct track_snapshot *track_latest_snapshot(const struct track_connection *connection)
{
    return &connection->snapshots.latest;
}

/** A Server may keep a session that it denies, with the messages and subscriptions in it: of the connection before, or of one
 *  that was not captured. */
static inline bool track_may_keep_session(const struct track_connection *connection)
{
    return !connection->session.clean_start;
}

/** When the last frame of the connection's transport came, by its own time; TRACK_TIME_UNKNOWN where that is not known. */
static inline int64_t track_transport_end_of(const struct track_connection *connection)
{
    const struct track_options *options = &connection->capture->options;

    if (options->state_of == NULL || connection->transport.handle == NULL)
        return TRACK_TIME_UNKNOWN;
    return options->state_of(connection->transport.handle).last_ns;
}

/** The state of the connection's transport by now. */
static inline struct track_transport_state track_transport_state_of(const struct track_connection *connection)
{
    const struct track_options *options = &connection->capture->options;

    if (options->state_of == NULL || connection->transport.handle == NULL)
        return (struct track_transport_state){.last_ns = TRACK_TIME_UNKNOWN};
    struct track_transport_state state = options->state_of(connection->transport.handle);
    if (state.last_ns != TRACK_TIME_UNKNOWN)
        state.last_ns = track_clock_convert(&connection->capture->clock, state.last_ns);
    return state;
}

#endif
