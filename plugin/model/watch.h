/* watch.h - what the observers of exchanges remember of a connection beside its ledgers; for them alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A ledger says what is under way. To judge what does not fit it takes a little more: what was sent more often than once,
 * what was broken before, in what order answers came. A connection may have such a record only if rules are wanted and its
 * CONNECT was captured; without that nothing about exchanges can be called wrong. It is made at the first packet that
 * leaves something to remember.
 */
#ifndef MQTTSCOPE_MODEL_WATCH_H
#define MQTTSCOPE_MODEL_WATCH_H

#include "state.h"

/** What is out of the ordinary with a Packet Identifier of one end. Most have none. File scope. */
struct mqtt_oddity {
    uint8_t answers;       /**< PUBACK, PUBREC, SUBACK or UNSUBACK that may come beyond the one waited for */
    uint8_t completions;   /**< the same for PUBCOMP */
    bool is_excused : 1;   /**< a PUBREL may come that fits nothing */
    bool is_accused : 1;   /**< the exchange was found broken: one finding is enough */
    bool has_failed : 1;   /**< a PUBREC of 0x80 or above ended the delivery */
    bool is_resent : 1;    /**< sent more often than once: which one an answer is for is not known */
    bool had_pubrec : 1;   /**< a further PUBREC came, which another PUBREL may answer */
    bool had_released : 1; /**< a PUBREL was sent on this connection, for a delivery begun on an earlier one */
};

/** A PUBLISH that had a PUBACK or PUBREC of 0x80 or above. */
struct mqtt_refusal {
    uint32_t frame; /**< of the refusal; 0: none */
    uint32_t content_hash;
    uint16_t packet_id;
    uint8_t code;
};

enum { MQTT_REFUSALS_KEPT = 8 };

/** The latest refusals of one end's PUBLISHes. File scope. */
struct mqtt_refusals {
    struct mqtt_refusal list[MQTT_REFUSALS_KEPT];
    unsigned next; /**< the place of the oldest */
};

/** What is remembered of the packets of one end. */
struct mqtt_watched_end {
    wmem_map_t *oddities; /**< Packet Identifier to struct mqtt_oddity; NULL while there is none */
    uint64_t ids;         /**< Packet Identifiers that a PUBLISH took on this connection: a bit for each remainder */
    struct mqtt_mark
        *no_alias; /**< a PUBLISH by a Topic Alias that was never set, while the other end may still object */
    struct mqtt_refusals *refusals; /**< NULL while none of its PUBLISHes was refused */
    struct mqtt_place answered;     /**< the latest packet of this end that the other end answered */
    uint16_t highest_id;            /**< the largest in `ids`; 0: none */
    uint16_t quota;                 /**< how much of its send quota is used (MQTT 5.0 section 4.9) */
    uint16_t stray_answers;         /**< bit 1 << type for each answer to nothing that this end sent */
    uint8_t after_no_alias;         /**< packets of the other end that were sent knowing of `no_alias` */
    bool is_over_quota : 1;         /**< said so; not again before the quota was kept */
    bool alias_is_unsure : 1;       /**< a PUBLISH could not be read as far as its Topic Alias */
    bool used_alias : 1;            /**< it used a Topic Alias */
    bool used_bad_alias : 1;        /**< or one that the other end need not take */
};

struct mqtt_watch {
    struct mqtt_watched_end ends[2];
    /* Of the Client's packets */
    struct mqtt_place acknowledged; /**< the PUBLISH that its latest PUBACK is for */
    struct mqtt_place received;     /**< the PUBLISH that its latest PUBREC is for */
    struct mqtt_place released;     /**< the PUBREC that its latest PUBREL is for */
    uint32_t resent;                /**< where the PUBLISH that it sent again last was sent first */
    struct mqtt_place auth;         /**< the latest AUTH not yet answered, behind the CONNACK; `auth_ns`: its time */
    struct mqtt_place ping;         /**< the latest PINGREQ; `ping_ns`: its time */
    int64_t auth_ns;
    int64_t ping_ns;
    int64_t ping_since_ns; /**< since when the Client waits for a PINGRESP, good while `pings` is not 0 */
    uint32_t ping_got_to;  /**< what the Client had received then, where the transport counts */
    uint16_t pings;        /**< PINGREQs not yet answered */
};

/** The record of a connection that is watched; made where there is none. */
struct mqtt_watch *mqtt_watch_of(struct mqtt_connection *connection);

/** True where everything that the packet being tracked may rest on was captured. */
bool mqtt_watch_is_sure(const struct mqtt_tracking *tracking);

/** The oddity of a Packet Identifier of one end; NULL where there is none. */
struct mqtt_oddity *mqtt_find_oddity(const struct mqtt_watch *watch, unsigned end, uint16_t packet_id);

/** True where one place comes before another. */
static inline bool mqtt_is_before(struct mqtt_place one, struct mqtt_place other)
{
    return one.frame != other.frame ? one.frame < other.frame : one.pdu < other.pdu;
}

#endif
