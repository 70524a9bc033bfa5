/* checks.h - what is remembered of a connection for rules alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECKS_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECKS_H

#include "../protocol/recent-publishes.h"
#include "after-disconnect.h"
#include "authentication.h"
#include "check-boundaries.h"
#include "check-due-deliveries.h"
#include "check-keep-alive.h"
#include "check-session-resumption.h"
#include "check-wills.h"
#include "connection-order.h"
#include "packet-id-state.h"

struct track_alias_checks;
struct track_delivery_checks;
struct track_shared_deliveries;
struct track_granted_filters;

/** Of a connection, where rules are wanted. File scope. Each member is written by the file that is named at it. */
struct track_connection_checks {
    struct track_connection_order order;        /**< connection-order.c */
    struct track_authentication authentication; /**< authentication.c */
    struct track_resumption_check resumption;   /**< check-session-resumption.c */
    struct track_sequence sequence;             /**< packet-id-state.c */
    struct track_boundaries boundaries;         /**< check-boundaries.c */
    uint8_t early_pings;                        /**< check-practices.c: in sequence */
    bool is_reviewed;                         /**< unanswered-requests.c: it was reported what had no response on it */
    struct track_keep_alive_check keep_alive; /**< check-keep-alive.c */
    struct track_after_disconnect after_disconnect; /**< after-disconnect.c */
    struct track_packet_id_state *packet_ids;       /**< packet-id-state.h; NULL while there is nothing in it */
    struct track_alias_checks *aliases;             /**< check-topic-aliases.c: NULL until one is used */
    struct track_delivery_checks *deliveries;       /**< report-delivery.c: NULL while there is nothing in it */
};

/** Of a capture. File scope. */
struct track_capture_checks {
    struct track_will_checks wills; /**< check-wills.c */
    struct track_due_messages *due; /**< check-due-deliveries.c: NULL until there is one, and where nobody wants it */
    struct track_granted_filters *granted; /**< check-practices.c: NULL until there is one */
    struct track_shared_deliveries
        *shared[TRACK_BROKERS_MAX]; /**< check-shared-subscriptions.c: NULL until there is one */
};

/** What is remembered of the capture; made on first use. */
static inline struct track_capture_checks *track_capture_checks_of(struct track_capture *capture)
{
    if (capture->checks == NULL)
        capture->checks =
            (struct track_capture_checks *)track_file_alloc_always(&capture->memory, sizeof *capture->checks);
    return capture->checks;
}

#endif
