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
    struct mqtt_flow *next; /**< in the ledger's list */
    uint16_t packet_id;
    uint8_t qos;              /**< PUBLISH only */
    uint8_t type;             /**< enum mqtt_packet_type of the request */
    uint8_t state;            /**< enum mqtt_flow_state */
    bool is_inherited;        /**< begun on an earlier connection of the session, and not sent again on this one */
    uint32_t content_hash;    /**< tells a packet sent again from a new one under the same identifier */
    uint32_t subscription_id; /**< the only one of a PUBLISH as last sent; 0: none, or several */
    int64_t begun_ns;         /**< when the first PUBLISH was sent */
    struct mqtt_step waiting; /**< the packet that the next answer is for */
    void *payload;            /**< what the owner of the ledger keeps with the exchange; file scope */
};

/** The exchanges that one end began. Each connection has two, so they are kept small. */
struct mqtt_ledger {
    wmem_allocator_t *scope;
    union {
        struct mqtt_flow *flows; /**< the few under way, the latest first */
        wmem_map_t *index;       /**< where there are many: Packet Identifier to flow */
    };
    bool is_indexed;    /**< it is `index` */
    uint16_t count;     /**< all of them */
    uint16_t publishes; /**< PUBLISHes among them, but for inherited ones: each connection has a send quota of its own
                             (section 4.9) */
    uint16_t most;      /**< how many are followed at once; what is beyond is not followed */
};

/** Makes an empty ledger in `scope` that follows at most `most` exchanges at once (and no more than there are
 *  identifiers). */
void mqtt_ledger_begin(struct mqtt_ledger *ledger, wmem_allocator_t *scope, uint32_t most);

/** The exchange of a Packet Identifier, NULL where none is under way. */
struct mqtt_flow *mqtt_ledger_find(const struct mqtt_ledger *ledger, uint16_t packet_id);

/** Begins an exchange; one under the same identifier must not be under way. NULL where the ledger is full. */
struct mqtt_flow *mqtt_ledger_open(struct mqtt_ledger *ledger, uint16_t packet_id, enum mqtt_packet_type type,
                                   unsigned qos);

/** Ends an exchange and frees it. */
void mqtt_ledger_close(struct mqtt_ledger *ledger, struct mqtt_flow *flow);

/** True where no further exchange is followed. */
static inline bool mqtt_ledger_is_full(const struct mqtt_ledger *ledger)
{
    return ledger->count >= ledger->most;
}

/** All exchanges under way; the array is the caller's to destroy. */
wmem_array_t *mqtt_ledger_flows(const struct mqtt_ledger *ledger);

/** Says whether an exchange was begun on an earlier connection; one whose PUBLISH is sent again is this connection's. */
void mqtt_ledger_set_inherited(struct mqtt_ledger *ledger, struct mqtt_flow *flow, bool is_inherited);

/** Ends all exchanges; those that were inherited only, if `only_inherited`. */
void mqtt_ledger_clear(struct mqtt_ledger *ledger, bool only_inherited);

/** Moves all PUBLISH exchanges of `from` into `to` as inherited ones, and ends the others (a SUBSCRIBE does not outlive
 *  its connection). What `to` has under the same identifier stays. False where there were too many: then they are
 *  not followed any more. */
bool mqtt_ledger_inherit(struct mqtt_ledger *to, struct mqtt_ledger *from);

/** Another PUBLISH exchange, begun on an earlier connection, of the same content; NULL where there is none. */
const struct mqtt_flow *mqtt_ledger_find_twin(const struct mqtt_ledger *ledger, const struct mqtt_flow *flow);

/** A PUBLISH exchange whose latest packet was sent before a frame; the oldest of them. NULL where there is none. */
const struct mqtt_flow *mqtt_ledger_find_older(const struct mqtt_ledger *ledger, uint32_t frame);

#endif
