/* send-quota.h - how many QoS 1 and 2 PUBLISHes an end may still send: Receive Maximum (MQTT 5.0 section 4.9).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_SEND_QUOTA_H
#define MQTTSCOPE_MODEL_CONFORMANCE_SEND_QUOTA_H

#include "packet-id-history.h"

/** A PUBLISH above QoS 0 takes one of the send quota; reports where there is none left. */
void packet_id_take_quota(const struct packet_id_check *check);

/** An acknowledgement gives one of the send quota back to the end that began the transaction. */
void packet_id_give_quota_back(const struct packet_id_check *check);

#endif
