/* ledger.h - the exchanges of a connection that are under way: which Packet Identifier stands for what.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each end has Packet Identifiers of its own (MQTT 5.0 section 2.2.1): the Client's PUBLISH, SUBSCRIBE and UNSUBSCRIBE
 * share one space, the Server's PUBLISH have another. A ledger holds one end's: an entry for each packet that still waits
 * for its last answer. Entries leave when the exchange is complete, so a ledger is as long as what is in flight.
 */
#ifndef MQTTSCOPE_MODEL_LEDGER_H
#define MQTTSCOPE_MODEL_LEDGER_H

#include <glib.h>
#include <wsutil/wmem/wmem.h>

#include "facts.h"

/** How far an exchange has come. Legal steps: PUBLISHED (QoS 1) ends with PUBACK; PUBLISHED (QoS 2), RECEIVED with PUBREC,
 *  RELEASED with PUBREL, ends with PUBCOMP; REQUESTED ends with SUBACK or UNSUBACK. */
enum mqtt_flow_state {
    MQTT_FLOW_REQUESTED, /**< SUBSCRIBE or UNSUBSCRIBE sent */
    MQTT_FLOW_PUBLISHED, /**< PUBLISH sent */
    MQTT_FLOW_RECEIVED,  /**< PUBREC came back */
    MQTT_FLOW_RELEASED,  /**< PUBREL sent */
};

/** A packet of an exchange that may still be answered. */
struct mqtt_step {
    struct mqtt_note *note; /**< of the packet as last sent; NULL where it was not seen */
    uint32_t first_frame;   /**< where it was sent first */
    int64_t sent_ns;        /**< when it was last sent */
};

/** An exchange under way. Owned by its ledger. */
struct mqtt_flow {
    struct mqtt_flow *next; /**< in its list of the ledger */
    struct mqtt_flow *previous;
    uint16_t packet_id;
    uint8_t qos;              /**< PUBLISH only */
    uint8_t type;             /**< enum mqtt_packet_type of the request */
    uint8_t state;            /**< enum mqtt_flow_state */
    uint32_t life;            /**< the ledger's when it was begun, or sent again on this connection */
    uint32_t content_hash;    /**< tells a packet sent again from a new one under the same identifier */
    int64_t begun_ns;         /**< when the first PUBLISH was sent */
    struct mqtt_step waiting; /**< the packet that the next answer is for */
    void *payload;            /**< what the owner of the ledger keeps with the exchange; file scope */
};

/** The kinds of exchanges, each of which has a list. Inherited ones were begun on an earlier connection of the session, and
 *  not sent again on this one. */
enum mqtt_flow_list { MQTT_FLOWS_REQUESTS, MQTT_FLOWS_PUBLISHES, MQTT_FLOWS_INHERITED, MQTT_FLOW_LISTS };

/** The exchanges that one end began. */
struct mqtt_ledger {
    wmem_allocator_t *scope;
    struct mqtt_flow *first[MQTT_FLOW_LISTS];
    struct mqtt_flow *last[MQTT_FLOW_LISTS];
    wmem_map_t *index;  /**< Packet Identifier to flow; made only when there are many */
    uint32_t count;     /**< all of them */
    uint32_t publishes; /**< PUBLISHes among them, but for inherited ones: each connection has a send quota of its own
                             (section 4.9) */
    uint32_t most;      /**< how many are followed at once; what is beyond is not followed */
    uint32_t life;      /**< flows of another life are inherited: so a ledger changes hands without touching each */
};

/** Makes an empty ledger in `scope` that follows at most `most` exchanges at once. */
void mqtt_ledger_begin(struct mqtt_ledger *ledger, wmem_allocator_t *scope, uint32_t most);

/** The exchange of a Packet Identifier, NULL where none is under way. */
struct mqtt_flow *mqtt_ledger_find(const struct mqtt_ledger *ledger, uint16_t packet_id);

/** Begins an exchange; one under the same identifier must not be under way. NULL where the ledger is full. */
struct mqtt_flow *mqtt_ledger_open(struct mqtt_ledger *ledger, uint16_t packet_id, enum mqtt_packet_type type,
                                   unsigned qos);

/** Ends an exchange and frees it. */
void mqtt_ledger_close(struct mqtt_ledger *ledger, struct mqtt_flow *flow);

/** Says whether an exchange was begun on an earlier connection; one whose PUBLISH is sent again is this connection's. */
void mqtt_ledger_set_inherited(struct mqtt_ledger *ledger, struct mqtt_flow *flow, bool is_inherited);

/** Ends all exchanges; those that were inherited only, if `only_inherited`. */
void mqtt_ledger_clear(struct mqtt_ledger *ledger, bool only_inherited);

/** Moves all PUBLISH exchanges of `from` into `to` as inherited ones, and ends the others (a SUBSCRIBE does not outlive
 *  its connection). What `to` has under the same identifier stays. */
void mqtt_ledger_inherit(struct mqtt_ledger *to, struct mqtt_ledger *from);

#endif
