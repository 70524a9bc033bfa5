/* packet-id-checks-responses.h - finds responses without a request, of the wrong kind, repeated and out of order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_PACKET_ID_CHECKS_RESPONSES_H
#define MQTTSCOPE_MODEL_CONFORMANCE_PACKET_ID_CHECKS_RESPONSES_H

#include "packet-id-history.h"

/** Checks PUBACK and PUBREC. */
void packet_id_check_publish_response(struct packet_id_check *check);

/** Checks PUBREL. */
void packet_id_check_pubrel(struct packet_id_check *check);

/** Checks PUBCOMP. */
void packet_id_check_pubcomp(struct packet_id_check *check);

/** Checks SUBACK and UNSUBACK. */
void packet_id_check_request_response(struct packet_id_check *check);

#endif
