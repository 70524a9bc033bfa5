/* packet-id-checks.h - finds what does not fit in the transactions of a connection (MQTT 5.0 sections 2.2.1 and 4.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_PACKET_ID_CHECKS_H
#define MQTTSCOPE_MODEL_CONFORMANCE_PACKET_ID_CHECKS_H

#include "../store/context.h"

/** Finds what does not fit in the transactions of the connection, before the packet changes anything in them. */
void track_check_packet_ids(struct track_context *tracking);

#endif
