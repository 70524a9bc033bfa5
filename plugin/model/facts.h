/* facts.h - what may be known about one control packet, as plain data for those who check and show it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two kinds of knowledge are kept apart. Slow facts (version, roles, limits) change a few times in a connection's life:
 * each change appends an immutable epoch, and a later visit finds the epoch that held at its packet. What concerns one
 * packet only (what it answers, the topic behind its alias) is a note. So the first pass, the second and random access
 * give the same answer, and a packet with nothing to remember costs no memory.
 */
#ifndef MQTTSCOPE_MODEL_FACTS_H
#define MQTTSCOPE_MODEL_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../wire/packet.h"
#include "observations.h"

/** A control packet's place in the file. */
struct mqtt_place {
    uint32_t frame; /**< number of the frame that completes the packet, from 1 */
    uint32_t pdu;   /**< number of the packet within that frame, from 1 */
};

/** Text from the wire kept for the file's life: a Topic Name, a Topic Filter, a Client Identifier. */
struct mqtt_text {
    uint32_t length;
    uint8_t bytes[]; /**< followed by a null byte that does not count */
};

/** Where the version in force is known from, weakest first. */
enum mqtt_version_source {
    MQTT_VERSION_FROM_NOTHING,
    MQTT_VERSION_FROM_PREFERENCE,
    MQTT_VERSION_FROM_PACKETS, /**< inferred: the packets admit no other */
    MQTT_VERSION_FROM_CONNECT,
};

/** What tells the broker from its client, weakest first. */
enum mqtt_evidence {
    MQTT_EVIDENCE_NONE,
    MQTT_EVIDENCE_PORT,
    MQTT_EVIDENCE_HANDSHAKE, /**< who sent the SYN */
    MQTT_EVIDENCE_PINGRESP,
    MQTT_EVIDENCE_PINGREQ,
    MQTT_EVIDENCE_UNSUBACK,
    MQTT_EVIDENCE_UNSUBSCRIBE,
    MQTT_EVIDENCE_SUBACK,
    MQTT_EVIDENCE_SUBSCRIBE,
    MQTT_EVIDENCE_CONNACK,
    MQTT_EVIDENCE_CONNECT,
};

/** What one end of a connection is. */
enum mqtt_role {
    MQTT_ROLE_UNKNOWN,
    MQTT_ROLE_BROKER,
    MQTT_ROLE_CLIENT, /**< has neither published nor subscribed yet */
    MQTT_ROLE_PUBLISHER,
    MQTT_ROLE_SUBSCRIBER,
    MQTT_ROLE_PUBLISHER_SUBSCRIBER,
    MQTT_ROLE_BRIDGE,
};

/** Stands for "neither end" where an end is 0 or 1. */
enum { MQTT_END_UNKNOWN = 2 };

/** What one end allows the other, as its CONNECT or CONNACK granted it (MQTT 5.0 sections 3.1.2.11 and 3.2.2.3). */
struct mqtt_limits {
    uint16_t receive_maximum;
    uint16_t topic_alias_maximum;
    uint32_t maximum_packet_size; /**< 0: none but the protocol's own */
    uint32_t session_expiry_s;
    uint8_t maximum_qos;
    bool retain_available;
    bool wildcard_available;
    bool subscription_id_available;
    bool shared_available;
};

/** What a Client said in its first CONNECT of a connection, where later packets are held against it. File scope, shared by
 *  connections that said the same. */
struct mqtt_greeting {
    const struct mqtt_text *auth_method; /**< the Authentication Method; NULL: none */
    uint16_t client_id_length;           /**< bytes of the Client Identifier; 0: it gave none */
    uint16_t client_id_characters;
    uint16_t keep_alive_s; /**< as the Client wants it */
    uint8_t will_qos;
    bool has_plain_client_id; /**< 1 to 23 of the characters that each Server has to accept (section 3.1.3.1) */
    bool clean_start;
    bool has_will;
    bool will_retain;
    bool wants_response_information;
    bool refuses_problem_information;
};

/** The slow facts of a connection from one packet on. File scope, never changed. Each connection has a few, so they are
 *  kept small. */
struct mqtt_epoch {
    struct mqtt_place from;
    uint8_t version;         /**< enum mqtt_version: MQTT_VERSION_UNKNOWN where nothing tells it */
    uint8_t version_source;  /**< enum mqtt_version_source */
    uint8_t broker;          /**< the end that is the broker: 0, 1 or MQTT_END_UNKNOWN */
    uint8_t evidence;        /**< enum mqtt_evidence: the strongest seen for `broker` */
    bool is_bridge : 1;      /**< the client said by its protocol level that it is a bridge */
    bool has_published : 1;  /**< the client sent a PUBLISH */
    bool has_subscribed : 1; /**< the client sent a SUBSCRIBE */
    bool connect_seen : 1;   /**< the CONNECT was captured */
    bool session_known : 1;  /**< nothing in flight can stem from before the capture */
    bool has_gap : 1;        /**< bytes of this connection are missing before this packet */
    bool has_keep_alive : 1;
    uint16_t keep_alive_s;               /**< the Keep Alive in force: a Server Keep Alive wins */
    const struct mqtt_text *client_id;   /**< NULL while unknown, or where the Client gave none */
    const struct mqtt_limits *limits[2]; /**< what each end allows the other; NULL before it said so */
    const struct mqtt_greeting
        *greeting; /**< what the CONNECT said; NULL where it was not seen or not read to its end */
};

/** A span of time that is not known. */
#define MQTT_TIME_UNKNOWN INT64_MIN

/** Limits of the user's, as bits: what was beyond one of them was not followed. */
enum mqtt_limit {
    MQTT_LIMIT_INFLIGHT = 0x01, /**< the exchange that this packet begins is not followed */
    MQTT_LIMIT_MEMORY = 0x02,   /**< what this packet says, or what its alias stands for, was not kept */
};

/** What was learnt about one packet. File scope. Frame numbers are 0 where there is no such frame. One is kept for each
 *  packet that is part of an exchange, so it is kept small: what different packets have shares its place. */
struct mqtt_note {
    struct mqtt_place place;
    uint32_t response_in;   /**< the answer to this packet; filled in when it comes */
    uint32_t request_in;    /**< what this packet answers */
    uint32_t first_sent_in; /**< where a packet that is sent again was sent first */
    union {
        uint32_t alias_set_in; /**< PUBLISH by Topic Alias: where this direction said what it stands for */
        uint32_t takes_over;   /**< CONNECT of a Client Identifier that is connected: that connection's number + 1 */
    };
    uint16_t inflight;     /**< QoS 1 and 2 PUBLISHes of the flow's direction, sent on this connection and not completed
                                after this packet */
    uint16_t inflight_max; /**< the Receive Maximum that binds them; 0: none */
    uint8_t limits;        /**< enum mqtt_limit: what was reached at this packet */
    bool has_inflight : 1;
    bool uses_alias : 1;         /**< PUBLISH without a Topic Name: `topic` is set */
    bool completes_delivery : 1; /**< the last acknowledgement of a QoS 1 or 2 PUBLISH: `delivery_ns` is set */
    bool has_idle : 1;           /**< it answers nothing: `idle_ns` is set */
    union {
        int64_t response_ns; /**< since the packet at `request_in`; good where that is not 0 */
        int64_t idle_ns;     /**< for mqtt_notes_idle() to read */
    };
    union {
        const struct mqtt_text *topic; /**< what the alias stands for; NULL where it was never set */
        int64_t delivery_ns;           /**< since the first PUBLISH */
    };
};

/** How many observations of one packet are kept. */
enum { MQTT_OBSERVATIONS_MAX = 12 };

/** All that may be known while one packet is checked and shown. Its pointers are good until the next packet is tracked;
 *  what they point to (but for the epoch itself) for the file's life. */
struct mqtt_facts {
    uint32_t connection; /**< number of the MQTT connection in the file, from 0 */
    unsigned sender;     /**< the end that sent the packet: 0 or 1 */
    struct mqtt_place place;
    const struct mqtt_epoch *epoch;
    const struct mqtt_note *note; /**< NULL where nothing was noted about this packet */
    int64_t idle_ns;              /**< packets of the client: since its previous one, or MQTT_TIME_UNKNOWN */
    /* Of the transport, for it to say. */
    bool in_websocket_text; /**< it came in a WebSocket text frame */
    bool may_lack;          /**< packets of either end may have gone by unseen, and what rests on them is doubtful */
    bool is_unsure;         /**< bytes may have gone by unseen, and this may be no packet that anybody sent */
    const char *websocket_offered; /**< the Client's list of subprotocols; NULL: none, not known, or no WebSocket */
    const char *websocket_chosen;  /**< the one that the Server chose; NULL likewise */
    unsigned observation_count;    /**< what was noticed at the packet */
    const struct mqtt_observation *observations[MQTT_OBSERVATIONS_MAX];
};

/** The first observation of a kind at the packet; NULL where there is none. */
static inline const struct mqtt_observation *mqtt_observed(const struct mqtt_facts *facts,
                                                           enum mqtt_observation_kind kind)
{
    for (unsigned i = 0; i < facts->observation_count; i++)
        if (facts->observations[i]->kind == kind)
            return facts->observations[i];
    return NULL;
}

/** The topic behind the Topic Alias that the packet uses; NULL where it uses none, or one that was never set. */
static inline const struct mqtt_text *mqtt_alias_topic(const struct mqtt_facts *facts)
{
    return facts->note != NULL && facts->note->uses_alias ? facts->note->topic : NULL;
}

/** What an end of the connection is, as known at the packet. */
enum mqtt_role mqtt_role_of(const struct mqtt_epoch *epoch, unsigned end);

/** A role's name, as in the filter fields. */
const char *mqtt_role_name(enum mqtt_role role);

#endif
