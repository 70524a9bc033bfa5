/* facts.h - what may be known about one control packet, as plain data for checking and showing it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two kinds of knowledge are kept apart. Slow facts (version, roles, limits) change a few times in a connection's life:
 * each change appends an immutable snapshot, and a later visit finds the snapshot that held at its packet. What concerns one
 * packet only (its request, the topic behind its alias) is a record. So the first pass, the second and random access
 * give the same answer, and a packet with nothing to remember costs no memory.
 */
#ifndef MQTTSCOPE_MODEL_FACTS_FACTS_H
#define MQTTSCOPE_MODEL_FACTS_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../wire/packet.h"
#include "anomalies.h"
#include "events.h"
#include "journey.h"

/** Which control packet of the file. */
struct track_pdu_ref {
    uint32_t frame; /**< number of the frame that completes the packet, from 1 */
    uint32_t pdu;   /**< number of the packet within that frame, from 1 */
};

/** True where one packet comes before another in the file. */
static inline bool track_is_before(struct track_pdu_ref one, struct track_pdu_ref other)
{
    return one.frame != other.frame ? one.frame < other.frame : one.pdu < other.pdu;
}

/** Text from the wire kept for the file's life: a Topic Name, a Topic Filter, a Client Identifier. */
struct track_text {
    uint32_t length;
    uint8_t bytes[]; /**< followed by a null byte that does not count */
};

/** The Topic Filters of a SUBSCRIBE or UNSUBSCRIBE, in their order. File scope. */
struct track_filter_list {
    uint32_t count;
    const struct track_text *filters[];
};

/** Where the version in force is known from, weakest first. */
enum track_version_source {
    TRACK_VERSION_FROM_NOTHING,
    TRACK_VERSION_FROM_PREFERENCE,
    TRACK_VERSION_FROM_PACKETS, /**< inferred: the packets admit no other */
    TRACK_VERSION_FROM_CONNECT,
};

/** What tells the broker from its client, weakest first. */
enum track_evidence {
    TRACK_EVIDENCE_NONE,
    TRACK_EVIDENCE_PORT,
    TRACK_EVIDENCE_HANDSHAKE, /**< which end sent the SYN */
    TRACK_EVIDENCE_PINGRESP,
    TRACK_EVIDENCE_PINGREQ,
    TRACK_EVIDENCE_UNSUBACK,
    TRACK_EVIDENCE_UNSUBSCRIBE,
    TRACK_EVIDENCE_SUBACK,
    TRACK_EVIDENCE_SUBSCRIBE,
    TRACK_EVIDENCE_CONNACK,
    TRACK_EVIDENCE_CONNECT,
};

/** What one end of a connection is. */
enum track_role {
    TRACK_ROLE_UNKNOWN,
    TRACK_ROLE_BROKER,
    TRACK_ROLE_CLIENT, /**< has neither published nor subscribed yet */
    TRACK_ROLE_PUBLISHER,
    TRACK_ROLE_SUBSCRIBER,
    TRACK_ROLE_PUBLISHER_SUBSCRIBER,
    TRACK_ROLE_BRIDGE,
};

/** "Neither end", where an end is 0 or 1. */
enum { TRACK_END_UNKNOWN = 2 };

/** What one end allows the other, as its CONNECT or CONNACK granted it (MQTT 5.0 sections 3.1.2.11 and 3.2.2.3). */
struct track_limits {
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

/** What a Client said in its first CONNECT of a connection, with which later packets are compared. File scope, shared by
 *  connections that said the same. */
struct track_connect_info {
    const struct track_text *auth_method; /**< the Authentication Method; NULL: none */
    uint16_t client_id_length;            /**< bytes of the Client Identifier; 0: it gave none */
    uint16_t client_id_characters;
    uint16_t keep_alive_s; /**< as the Client wants it */
    uint8_t will_qos;
    bool has_plain_client_id; /**< 1 to 23 of the characters that each Server has to accept (section 3.1.3.1) */
    bool clean_start;
    bool has_user_name;
    bool has_will;
    bool will_retain;
    bool wants_response_information;
    bool refuses_problem_information;
};

/** The slow facts of a connection from one packet on. File scope, never changed. Each connection has a few, so they are
 *  kept small. */
struct track_snapshot {
    struct track_pdu_ref from;
    uint8_t version;        /**< enum mqtt_version: MQTT_VERSION_UNKNOWN where nothing tells it */
    uint8_t version_source; /**< enum track_version_source */
    uint8_t broker;         /**< the end that is the broker: 0, 1 or TRACK_END_UNKNOWN */
    uint8_t evidence;       /**< enum track_evidence: the strongest seen for `broker` */
    bool is_bridge : 1;     /**< the client said by its protocol level that it is a bridge */
    bool connect_seen : 1;  /**< the CONNECT was captured */
    bool lacks_connect : 1; /**< the Client's first packet was captured, and is no CONNECT */
    bool session_known : 1; /**< nothing in flight can stem from before the capture */
    bool has_gap : 1;       /**< bytes of this connection are missing before this packet */
    bool has_keep_alive : 1;
    bool has_broken_connect : 1; /**< a CONNECT was captured whose version cannot be read */
    bool is_copy : 1;            /**< its packets are in the capture already, at other addresses */
    bool is_local : 1;           /**< both ends are on one host, so that the port alone tells its clients apart */
    bool is_broker_counted : 1;  /**< the one below is good */
    bool is_further_broker : 1;  /**< the broker is not the one that the file shows first */
    uint16_t keep_alive_s;       /**< the Keep Alive in force: a Server Keep Alive wins */
    const struct track_text *client_id;   /**< NULL while unknown, or where the Client gave none */
    const struct track_limits *limits[2]; /**< what each end allows the other; NULL before it said so */
    const struct track_connect_info
        *connect_info; /**< what the CONNECT said; NULL where it was not captured, or malformed */
};

/** A span of time that is not known. */
#define TRACK_TIME_UNKNOWN INT64_MIN

/** Limits of the user's, as bits: what was over one of them was not followed. */
enum track_limit {
    TRACK_LIMIT_INFLIGHT = 0x01, /**< the transaction that this packet begins is not followed */
    TRACK_LIMIT_MEMORY = 0x02,   /**< what this packet says, or what its alias stands for, was not kept */
};

/** What was learnt about one packet. File scope. Frame numbers are 0 where there is no such frame. One is kept for each
 *  packet that is part of a transaction, so it is kept small: what different packets have shares memory. */
struct track_packet_record {
    struct track_pdu_ref pdu;
    uint32_t response_in;   /**< the response to this packet; filled in when it comes */
    uint32_t request_in;    /**< what this packet is the response to */
    uint32_t first_sent_in; /**< where a packet that is re-sent was sent first */
    union {
        uint32_t alias_set_in;  /**< PUBLISH by Topic Alias: where this direction said what it stands for */
        uint32_t takes_over;    /**< CONNECT of a Client Identifier that is connected: that connection's number + 1 */
        uint32_t request_topic; /**< where `has_request_topic`: its number in store/topic-numbers.h */
        uint32_t captured_as; /**< the number of the connection that has the same packets, where `is_captured_twice` */
    };
    uint16_t
        inflight; /**< QoS 1 and 2 PUBLISHes of the transaction's direction, sent on this connection and not completed
                                after this packet */
    uint16_t inflight_max; /**< the Receive Maximum that binds them; 0: none */
    uint8_t limits;        /**< enum track_limit: what was reached at this packet */
    bool has_inflight : 1;
    bool is_header_judged : 1;   /**< the rules of the fixed header have decided where the packet begins */
    bool uses_alias : 1;         /**< PUBLISH without a Topic Name: `topic` is set */
    bool completes_delivery : 1; /**< the last acknowledgement of a QoS 1 or 2 PUBLISH: `delivery_ns` is set */
    bool has_idle : 1;           /**< it is no response: `idle_ns` is set */
    bool is_id_in_use : 1;       /**< CONNECT: the connection at `takes_over` is open, and of the same user */
    bool has_request_topic : 1;  /**< PUBACK, PUBREC, PUBREL or PUBCOMP: the topic of its PUBLISH is known */
    bool is_version_unknown : 1; /**< it is the first of its connection whose version nothing tells */
    bool is_captured_twice : 1;  /**< it shows that the connection's packets are in the capture twice */
    union {
        int64_t response_ns; /**< since the packet at `request_in`; good where that is not 0 */
        int64_t idle_ns;     /**< for track_packet_records_idle() to read */
    };
    union {
        const struct track_text *topic;          /**< what the alias stands for; NULL where it was never set */
        int64_t delivery_ns;                     /**< since the first PUBLISH */
        const struct track_filter_list *filters; /**< SUBACK, UNSUBACK: what it answers; NULL where that is not known */
    };
};

/** Bytes of payload by which messages are told apart. With a timestamp or a counter most have as many; a mere number or a
 *  word of state is the same in many messages. */
enum { TRACK_CONTENT_LEAST = 6 };

/** How many anomalies of one packet are kept. */
enum { TRACK_ANOMALIES_MAX = 12 };

/** What an end has sent by a packet, this one included. */
struct track_deeds {
    bool has_published;  /**< a PUBLISH */
    bool has_subscribed; /**< a SUBSCRIBE */
};

/** All that may be known while one packet is checked and shown. Its pointers are good until the next packet is tracked;
 *  what they point to (but for the snapshot itself) for the file's life. */
struct track_facts {
    uint32_t connection; /**< number of the MQTT connection in the file, from 0 */
    unsigned sender;     /**< the end that sent the packet: 0 or 1 */
    struct track_pdu_ref pdu;
    const struct track_snapshot *snapshot;
    struct track_deeds deeds[2];              /**< of each end */
    const struct track_packet_record *record; /**< NULL where nothing had to be kept about this packet */
    const struct track_text
        *request_topic; /**< of the PUBLISH that a PUBACK and its like is about; NULL where not known */
    int64_t idle_ns;    /**< packets of the client: since its previous one, or TRACK_TIME_UNKNOWN */
    /* Of the transport, for it to say. */
    bool in_websocket;      /**< it came over WebSocket */
    bool in_websocket_text; /**< it came in a WebSocket text frame */
    bool is_plain_text;     /**< CONNECT: neither TLS nor QUIC is below it */
    bool is_partial;        /**< its first byte is invalid, so that its rest was not waited for */
    bool is_tentative;      /**< it is not known that a packet begins there: its flags are invalid */
    bool may_lack;          /**< packets of either end may have been missed, and what rests on them is doubtful */
    bool is_unsure;         /**< bytes may have been missed, and this may be no packet that an end sent */
    const char *websocket_offered; /**< the Client's list of subprotocols; NULL: none, not known, or no WebSocket */
    const char *websocket_chosen;  /**< the one that the Server chose; NULL likewise */
    struct track_journey journey;  /**< its part in the journey of a message */
    unsigned anomaly_count;        /**< what was found at the packet */
    const struct track_anomaly *anomalies[TRACK_ANOMALIES_MAX];
    unsigned event_count; /**< what happened at the packet */
    const struct track_event *events[TRACK_EVENTS_MAX];
};

/** The first anomaly of a kind at the packet; NULL where there is none. */
static inline const struct track_anomaly *track_find_anomaly(const struct track_facts *facts,
                                                             enum track_anomaly_kind kind)
{
    for (unsigned i = 0; i < facts->anomaly_count; i++)
        if (facts->anomalies[i]->kind == kind)
            return facts->anomalies[i];
    return NULL;
}

/** The topic behind the Topic Alias that the packet uses; NULL where it uses none, or one that was never set. */
static inline const struct track_text *track_alias_topic(const struct track_facts *facts)
{
    return facts->record != NULL && facts->record->uses_alias ? facts->record->topic : NULL;
}

/** The filters that a SUBACK or UNSUBACK, which `packet` is, answers; NULL where they are not known. */
static inline const struct track_filter_list *track_answered_filters(const struct track_facts *facts,
                                                                     const struct mqtt_packet *packet)
{
    bool is_answer = packet->type == MQTT_TYPE_SUBACK || packet->type == MQTT_TYPE_UNSUBACK;
    return is_answer && facts->record != NULL ? facts->record->filters : NULL;
}

/** What an end of a connection is, by the snapshot and what both ends have sent by then. */
enum track_role track_role_of(const struct track_snapshot *snapshot, const struct track_deeds deeds[2], unsigned end);

/** A role's name, as in the filter fields. */
const char *track_role_name(enum track_role role);

#endif
