/* tls-record.h - recognises TLS by the header of a record, and reads alerts that are sent in clear.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_WIRE_TLS_RECORD_H
#define MQTTSCOPE_WIRE_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MQTT_TLS_HEADER = 5 }; /* bytes before the content of a record */

/** The content types of records. */
enum mqtt_tls_content {
    MQTT_TLS_CHANGE_CIPHER_SPEC = 20,
    MQTT_TLS_ALERT,
    MQTT_TLS_HANDSHAKE,
    MQTT_TLS_APPLICATION_DATA,
};

/** The bytes begin with the header of a TLS record (RFC 8446 section 5.1), or with four bytes of one. */
bool mqtt_is_tls_record(const uint8_t *bytes, size_t captured);

/** The description of the first fatal alert in clear among the records that begin with these bytes (RFC 8446 section 6); -1 for
 *  none. An encrypted alert is longer, so that it is not taken for one. */
int mqtt_find_fatal_alert(const uint8_t *bytes, size_t captured);

/** The name of an alert's description: `unknown_ca`. `unknown` for one that the specifications do not have. Never NULL. */
const char *mqtt_tls_alert_name(uint8_t description);

#endif
