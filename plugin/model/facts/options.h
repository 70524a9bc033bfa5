/* options.h - how the user wants connections to be followed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_OPTIONS_H
#define MQTTSCOPE_MODEL_FACTS_OPTIONS_H

#include "../../wire/packet.h"
#include "transport.h"

/** How the user wants connections to be followed. */
struct track_options {
    enum mqtt_version preferred_version; /**< for connections that do not tell theirs; or MQTT_VERSION_UNKNOWN */
    uint32_t max_inflight;               /**< transactions followed at once in each direction of a connection */
    uint64_t max_memory;   /**< bytes of topics, filters, Client Identifiers and what belongs to them; 0: no limit */
    bool has_rules;        /**< find what the rules rest on */
    bool has_practices;    /**< and what only hints rest on */
    bool keeps_undecided;  /**< keep what would be found had all been captured that it rests on. Needs rules */
    bool follows_messages; /**< find where each message comes from */
    bool closed_world;     /**< find what the Server withholds, or sends twice. Needs rules and messages */
    int64_t delivery_deadline_ns;                                 /**< for how long a message may be due then */
    struct track_transport_state (*state_of)(const void *handle); /**< of the transport; may be NULL */
};

#endif
