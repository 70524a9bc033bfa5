/* version.h - infers the protocol version of packets whose CONNECT was not captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_VERSION_H
#define MQTTSCOPE_MODEL_FACTS_VERSION_H

#include "../../wire/packet.h"

/** What one packet says about its version. */
struct track_version_guess {
    enum mqtt_version version; /**< MQTT_VERSION_UNKNOWN where it could be any, or none */
    bool certain;              /**< no other version admits the packet; else it is only the likelier reading */
};

/** Reads a packet by each version and says which of them admit it. MQTT_V311 stands for 3.1 as well unless the packet
 *  has flags that only 3.1 allows. */
struct track_version_guess track_guess_version(const struct mqtt_packet *packet);

/** mqtt_decode() by the version in force; where that is unknown, by the likeliest one that admits the packet. The same
 *  bytes give the same reading on every visit. */
void track_read(struct mqtt_packet *packet, const uint8_t *bytes, uint32_t captured, uint32_t length,
                enum mqtt_version version);

#endif
