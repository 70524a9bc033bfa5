/* tls-hello.h - reads which protocols a TLS client offers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_WIRE_TLS_HELLO_H
#define MQTTSCOPE_WIRE_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Names that are still to be read; they point into the ClientHello. */
struct mqtt_tls_offer {
    const uint8_t *bytes;
    size_t length;
};

/** Finds the names that a ClientHello offers by ALPN (RFC 7301 section 3.1), where the bytes begin with the record of one (RFC
 *  8446 sections 4.1.2 and 5.1). False where they do not, or it has no such extension within the bytes and its first record. */
bool mqtt_tls_find_offer(const uint8_t *bytes, size_t captured, struct mqtt_tls_offer *offer);

/** The next of the names, not terminated; false behind the last one that is there to its end. */
bool mqtt_tls_next_name(struct mqtt_tls_offer *offer, const uint8_t **name, size_t *length);

#endif
