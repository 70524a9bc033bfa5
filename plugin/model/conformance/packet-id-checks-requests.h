/* packet-id-checks-requests.h - finds requests under identifiers that are in flight, and packets re-sent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_PACKET_ID_CHECKS_REQUESTS_H
#define MQTTSCOPE_MODEL_CONFORMANCE_PACKET_ID_CHECKS_REQUESTS_H

#include "packet-id-history.h"

/** Checks a PUBLISH. */
void packet_id_check_publish(struct packet_id_check *check);

/** Checks SUBSCRIBE and UNSUBSCRIBE. */
void packet_id_check_request(struct packet_id_check *check);

#endif
