/* transactions.h - follows requests and their responses, and the QoS 1 and 2 deliveries (MQTT 5.0 section 4.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_TRANSACTIONS_H
#define MQTTSCOPE_MODEL_PROTOCOL_TRANSACTIONS_H

#include "../store/context.h"

/** Follows the transactions that the packet begins, continues or completes. */
void track_update_transactions(struct track_context *tracking);

#endif
