/* predicates-order.h - questions about a packet and what the CONNECT said.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Included by predicates.h, which has what they share with other families.
 */
#ifndef MQTTSCOPE_CHECK_PREDICATES_ORDER_H
#define MQTTSCOPE_CHECK_PREDICATES_ORDER_H

#include "check.h"

/** A CONNACK that accepts a CONNECT of which all was read. */
bool accepts(const struct mqtt_packet *packet, const struct track_snapshot *snapshot);

/** A CONNACK that refuses the connection. */
bool is_refused(const struct mqtt_packet *packet);

/** The same, because of the Client Identifier. */
bool is_client_id_refused(const struct mqtt_packet *packet);

/** MQTT 3.1.1: the Client gave no Client Identifier and wants its session kept (section 3.1.3.1). */
bool has_empty_client_id_of_v311(const struct track_snapshot *snapshot);

/** A CONNACK of two bytes that answers a CONNECT of MQTT 5.0, other than the refusal by which a Server of MQTT 3.1.1 says that
 *  it does not speak the version. */
bool lacks_property_length(const struct check_subject *subject);

/** What a Server sends in response to a Client's request, PINGREQ or PUBLISH. */
bool acts_on_request(const struct mqtt_packet *packet);

/** The packet that the anomaly is about is known, and in an earlier frame. */
bool is_in_later_frame(const struct check_subject *subject);

/** A Reason String or a User Property. */
bool is_problem_information(const struct check_subject *subject);

/** An AUTH that begins re-authentication. */
bool is_reauthentication(const struct mqtt_packet *packet);

/** An Authentication Method, where the CONNECT had one. */
bool is_method_again(const struct check_subject *subject);

/** An Authentication Method that is another than the CONNECT's; false where that had none or was not read. */
bool is_other_method(const struct check_subject *subject);

#endif
