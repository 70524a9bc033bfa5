/* packet-id-state.h - what the observers of exchanges remember of a connection beside its ledgers; for them alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A inflight says what is under way. To judge what does not fit it takes a little more: what was sent more often than once,
 * what was broken before, in what order answers came. A connection may have such a record only if rules are wanted and its
 * CONNECT was captured; without that nothing about exchanges can be called wrong. It is made at the first packet that
 * leaves something to remember.
 */
#ifndef MQTTSCOPE_MODEL_WATCH_H
#define MQTTSCOPE_MODEL_WATCH_H

#include "../state.h"

/** What is out of the ordinary with a Packet Identifier of one end. Most have none. File scope. */
struct track_packet_id_history {
    uint8_t answers;       /**< PUBACK, PUBREC, SUBACK or UNSUBACK that may come beyond the one waited for */
    uint8_t completions;   /**< the same for PUBCOMP */
    bool is_tolerated : 1; /**< a PUBREL may come that fits nothing */
    bool is_reported : 1;  /**< the exchange was found broken: one finding is enough */
    bool has_failed : 1;   /**< a PUBREC of 0x80 or above ended the delivery */
    bool is_resent : 1;    /**< sent more often than once: which one an answer is for is not known */
    bool had_pubrec : 1;   /**< a further PUBREC came, which another PUBREL may answer */
    bool had_released : 1; /**< a PUBREL was sent on this connection, for a delivery begun on an earlier one */
};

/** A PUBLISH that had a PUBACK or PUBREC of 0x80 or above. */
struct track_failed_publish {
    uint32_t frame; /**< of the refusal; 0: none */
    uint32_t content_hash;
    uint16_t packet_id;
    uint8_t code;
};

enum { TRACK_FAILED_PUBLISHES_MAX = 8 };

/** The latest refusals of one end's PUBLISHes. File scope. */
struct track_failed_publishes {
    struct track_failed_publish list[TRACK_FAILED_PUBLISHES_MAX];
    unsigned next; /**< the place of the oldest */
};

/** What is remembered of the packets of one end. */
struct track_packet_id_end_state {
    wmem_map_t *histories; /**< Packet Identifier to struct track_packet_id_history; NULL while there is none */
    uint64_t ids;          /**< Packet Identifiers that a PUBLISH took on this connection: a bit for each remainder */
    struct track_stream_position
        *no_alias; /**< a PUBLISH by a Topic Alias that was never set, while the other end may still object */
    struct track_failed_publishes *refusals; /**< NULL while none of its PUBLISHes was refused */
    struct track_pdu_ref answered;           /**< the latest packet of this end that the other end answered */
    uint16_t highest_id;                     /**< the largest in `ids`; 0: none */
    uint16_t quota;                          /**< how much of its send quota is used (MQTT 5.0 section 4.9) */
    uint16_t stray_answers;                  /**< bit 1 << type for each answer to nothing that this end sent */
    uint8_t after_no_alias;                  /**< packets of the other end that were sent knowing of `no_alias` */
    bool is_over_quota : 1;                  /**< said so; not again before the quota was kept */
    bool alias_is_unsure : 1;                /**< a PUBLISH could not be read as far as its Topic Alias */
    bool used_alias : 1;                     /**< it used a Topic Alias */
    bool used_bad_alias : 1;                 /**< or one that the other end need not take */
};

struct track_packet_id_state {
    struct track_packet_id_end_state ends[2];
    /* Of the Client's packets */
    struct track_pdu_ref acknowledged; /**< the PUBLISH that its latest PUBACK is for */
    struct track_pdu_ref received;     /**< the PUBLISH that its latest PUBREC is for */
    struct track_pdu_ref released;     /**< the PUBREC that its latest PUBREL is for */
    uint32_t resent;                   /**< where the PUBLISH that it sent again last was sent first */
    struct track_pdu_ref auth;         /**< the latest AUTH not yet answered, behind the CONNACK; `auth_ns`: its time */
    struct track_pdu_ref ping;         /**< the latest PINGREQ; `ping_ns`: its time */
    int64_t auth_ns;
    int64_t ping_ns;
    int64_t ping_since_ns; /**< since when the Client waits for a PINGRESP, good while `pings` is not 0 */
    uint32_t ping_got_to;  /**< what the Client had received then, where the transport counts */
    uint16_t pings;        /**< PINGREQs not yet answered */
};

/** The record of a connection that is watched; made where there is none. */
struct track_packet_id_state *track_packet_id_state_of(struct track_connection *connection);

/** True where everything that the packet being tracked may rest on was captured. */
bool track_is_sequence_complete(const struct track_context *tracking);

/** The history of a Packet Identifier of one end; NULL where there is none. */
struct track_packet_id_history *track_find_packet_id_history(const struct track_packet_id_state *packet_ids,
                                                             unsigned end, uint16_t packet_id);

/** True where one place comes before another. */
static inline bool track_is_before(struct track_pdu_ref one, struct track_pdu_ref other)
{
    return one.frame != other.frame ? one.frame < other.frame : one.pdu < other.pdu;
}

#endif
