/* version.h - infers the protocol version of packets whose CONNECT was not captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_VERSION_H
#define MQTTSCOPE_MODEL_FACTS_VERSION_H

#include "../../wire/packet.h"

/** How much a packet says about its version. */
enum track_version_strength {
    TRACK_VERSION_LIKELIER, /**< several versions admit it; this is the likelier reading of this one packet */
    TRACK_VERSION_EVIDENT,  /**< the same, but what speaks for it is hardly an accident */
    TRACK_VERSION_PROVEN,   /**< no other version admits it */
};

/** What one packet says about its version. */
struct track_version_guess {
    enum mqtt_version version; /**< MQTT_VERSION_UNKNOWN where it could be any, or none */
    enum track_version_strength strength;
    uint8_t admitted; /**< bit 1 << version for each that admits the packet */
};

/** Reads a packet by each version and says which of them admit it. MQTT_V311 stands for 3.1 as well unless the packet
 *  has flags that only 3.1 allows. */
struct track_version_guess track_guess_version(const struct mqtt_packet *packet);

/** mqtt_decode() by the version in force; where that is unknown, by the likeliest one that admits the packet. The same
 *  bytes give the same reading on every visit. */
void track_read(struct mqtt_packet *packet, const uint8_t *bytes, uint32_t captured, uint32_t length,
                enum mqtt_version version);

#endif
