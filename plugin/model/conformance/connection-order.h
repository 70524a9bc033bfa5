/* connection-order.h - finds what is out of order in a connection: CONNECT, CONNACK and what comes before and after.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CONNECTION_ORDER_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CONNECTION_ORDER_H

#include "../store/context.h"

/** What is remembered of the order in which a connection's packets came. */
struct track_connection_order {
    bool has_sent[2];      /**< the end has sent a packet */
    uint8_t unknown_level; /**< the protocol level of the CONNECT if no specification has it, else 0 */
    bool has_connack;      /**< a CONNACK was captured, be it malformed or not */
    bool connects_again;   /**< a second CONNECT was captured */
};

/** Finds what is out of order, before the packet changes anything. */
void track_check_connection_order(struct track_context *tracking);

/** The packet comes from the Client, which had not received the CONNACK. */
bool track_has_crossed_connack(const struct track_context *tracking);

/** Remembers what the packet is in the order, after all that is checked before it changes anything. */
void track_update_connection_order(struct track_context *tracking);

#endif
