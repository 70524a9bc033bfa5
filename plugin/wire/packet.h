/* packet.h - what an MQTT Control Packet says, as plain structs, and the reader that fills them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing here owns memory. A packet points into the caller's buffer and is good as long as that is. Lists (properties,
 * Topic Filters, codes) are not copied: the iterators below read them again, so that a packet of any size costs the same.
 */
#ifndef MQTTSCOPE_WIRE_PACKET_H
#define MQTTSCOPE_WIRE_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "cursor.h"

/** The protocol versions, by their number in the CONNECT. */
enum mqtt_version {
    MQTT_VERSION_UNKNOWN = 0,
    MQTT_V31 = 3,
    MQTT_V311 = 4,
    MQTT_V50 = 5,
};

/** The bit of the protocol level that Mosquitto, VerneMQ and EMQX set in the CONNECT of a bridge. */
#define MQTT_LEVEL_BRIDGE 0x80

/** The largest number that four bytes of a Variable Byte Integer hold (MQTT 5.0 section 1.5.5). */
#define MQTT_VARINT_MAX 268435455u

/** MQTT Control Packet types (section 2.1.2). WILL is no packet: it names the Will Properties within a CONNECT where a
 *  set of packets is meant. */
enum mqtt_packet_type {
#define PACKET_TYPE(symbol, number, name, senders, flags) MQTT_TYPE_##symbol = number,
#include "packet-types.def"
#undef PACKET_TYPE
    MQTT_TYPE_WILL = 16,
};

/** Who may send a packet or a code. */
enum mqtt_senders {
    MQTT_SENT_BY_NOBODY = 0,
    MQTT_SENT_BY_CLIENT = 1,
    MQTT_SENT_BY_SERVER = 2,
    MQTT_SENT_BY_EITHER = 3,
};

/** Reason Codes of MQTT 5.0 (section 2.4). Code 0x00 has three names, by what it answers. */
enum mqtt_reason {
#define CODE(symbol, code, name) MQTT_REASON_##symbol = (code),
#define REASON_CODE(packet, symbol, senders)
#define RETURN_CODE(packet, symbol, code, name, versions)
#include "reason-codes.def"
#undef CODE
#undef REASON_CODE
#undef RETURN_CODE
};

/** Return codes of MQTT 3.1 and 3.1.1: those of a CONNACK, and those of a SUBACK. */
enum mqtt_return_code {
#define CODE(symbol, code, name)
#define REASON_CODE(packet, symbol, senders)
#define RETURN_CODE(packet, symbol, code, name, versions) MQTT_RETURN_##symbol = (code),
#include "reason-codes.def"
#undef CODE
#undef REASON_CODE
#undef RETURN_CODE
};

/** A code of this packet says that what was requested is refused or has failed: 0x80 and above (MQTT 5.0 section 2.4), in a
 *  CONNACK all but 0x00, since MQTT 3 refuses with 1 to 5 (section 3.2.2.3). */
static inline bool mqtt_reason_is_error(enum mqtt_packet_type type, uint8_t code)
{
    return type == MQTT_TYPE_CONNACK ? code != MQTT_REASON_SUCCESS : code >= MQTT_REASON_UNSPECIFIED_ERROR;
}

/** Index of a property in its table; not its identifier on the wire. */
enum mqtt_property_index {
#define PROPERTY(symbol, id, name, type, meaning, field, packets, repeats) MQTT_PROPERTY_##symbol,
#include "properties.def"
#undef PROPERTY
    MQTT_PROPERTY_COUNT
};

/** How the value of a property is written. */
enum mqtt_property_type {
    MQTT_PROPERTY_BYTE,
    MQTT_PROPERTY_TWO_BYTE,
    MQTT_PROPERTY_FOUR_BYTE,
    MQTT_PROPERTY_VARINT,
    MQTT_PROPERTY_TEXT,
    MQTT_PROPERTY_BINARY,
    MQTT_PROPERTY_PAIR,
};

/** What a row of properties.def says. */
struct mqtt_property_info {
    const char *name;
    uint32_t packets; /**< bit 1 << type for each packet where it is allowed */
    uint32_t repeats; /**< the same for where there may be more than one */
    uint8_t id;
    enum mqtt_property_type type;
};

/** One property of a block. */
struct mqtt_property {
    enum mqtt_property_index index;
    struct mqtt_span whole; /**< identifier and value */
    struct mqtt_span value; /**< the value, with the length prefixes that it has */
    struct mqtt_span text;  /**< TEXT and BINARY: the bytes; PAIR: the name's bytes */
    struct mqtt_span text2; /**< PAIR: the value's bytes */
    uint32_t number;        /**< BYTE, TWO_BYTE, FOUR_BYTE, VARINT */
};

/** The bit of a property in a set of them. */
static inline uint32_t mqtt_property_bit(enum mqtt_property_index index)
{
    return UINT32_C(1) << index;
}
_Static_assert(MQTT_PROPERTY_COUNT <= 32, "a set of properties has a bit for each");

/** A property block (section 2.2.2). */
struct mqtt_properties {
    struct mqtt_span length_at; /**< the Property Length field; `at` 0 where the packet has no block */
    struct mqtt_span block;     /**< what follows it, no further than the packet's end */
    uint32_t announced;         /**< the value of the Property Length field */
    uint32_t seen;              /**< mqtt_property_bit() of each property read */
    uint32_t repeated;          /**< the same for those read more than once */
    struct mqtt_property first[MQTT_PROPERTY_COUNT]; /**< the first of each kind; valid where its bit is in `seen` */
};

/** Connect Flags (section 3.1.2.3). */
enum mqtt_connect_flags {
    MQTT_CONNECT_RESERVED = 0x01,
    MQTT_CONNECT_CLEAN_START = 0x02,
    MQTT_CONNECT_WILL = 0x04,
    MQTT_CONNECT_WILL_QOS = 0x18,
    MQTT_CONNECT_WILL_RETAIN = 0x20,
    MQTT_CONNECT_PASSWORD = 0x40,
    MQTT_CONNECT_USER_NAME = 0x80,
};

/** The variable header and payload of a CONNECT (section 3.1). */
struct mqtt_connect {
    struct mqtt_span protocol_name;
    uint32_t level_at;
    uint8_t level; /**< as on the wire, the bridge bit included */
    uint8_t flags;
    uint32_t flags_at;
    uint16_t keep_alive_s;
    uint32_t keep_alive_at;
    struct mqtt_span client_id;
    struct mqtt_properties will_properties;
    struct mqtt_span will_topic;
    struct mqtt_span will_payload;
    struct mqtt_span user_name;
    struct mqtt_span password;
};

/** The variable header and payload of a PUBLISH (section 3.3). */
struct mqtt_publish {
    bool dup;
    bool retain;
    uint8_t qos;
    struct mqtt_span topic;
    struct mqtt_span payload; /**< `length` is that of the packet, even where the capture holds less */
};

/** An MQTT Control Packet. Fields that the packet's type does not have are zero, and so are those after a fault. */
struct mqtt_packet {
    const uint8_t *bytes;
    uint32_t captured;         /**< bytes in the buffer */
    uint32_t length;           /**< bytes of the packet, fixed header included */
    enum mqtt_version version; /**< the version by whose rules it was read */
    enum mqtt_packet_type type;
    uint8_t flags; /**< the lower four bits of the first byte */
    struct mqtt_span remaining_length_at;
    uint32_t remaining_length;
    uint16_t packet_id;
    uint32_t packet_id_at; /**< 0: the packet has no Packet Identifier */
    uint8_t reason;
    uint32_t reason_at; /**< 0: no code on the wire (in MQTT 5.0 that means 0x00) */
    uint8_t ack_flags;  /**< CONNACK: Connect Acknowledge Flags */
    uint32_t ack_flags_at;
    struct mqtt_span list; /**< SUBSCRIBE, UNSUBSCRIBE: the topic filters; SUBACK, UNSUBACK: the codes */
    uint32_t read_to;      /**< the first byte that was not understood */
    struct mqtt_fault fault;
    union {
        struct mqtt_connect connect;
        struct mqtt_publish publish;
    };
    struct mqtt_properties properties;
};

/** The packet is malformed: it cannot be read to its end, although the capture has all of it. */
static inline bool mqtt_is_malformed(const struct mqtt_packet *packet)
{
    return packet->fault.kind > MQTT_FAULT_CUT;
}

/** The packet has this field, and all of it was read: neither the packet nor the capture ends within it. */
static inline bool mqtt_was_read(const struct mqtt_packet *packet, struct mqtt_span field)
{
    return field.at != 0 && field.at + field.length <= packet->read_to;
}

/** One entry of a SUBSCRIBE (section 3.8.3) or an UNSUBSCRIBE (3.10.3). */
struct mqtt_filter {
    struct mqtt_span text;
    uint32_t options_at; /**< 0 in an UNSUBSCRIBE, or where the packet ends early */
    uint8_t options;
};

/** Result of looking at the fixed header. */
enum mqtt_frame_state {
    MQTT_FRAME_WHOLE,      /**< the length is known */
    MQTT_FRAME_UNFINISHED, /**< the Remaining Length continues after the bytes given */
    MQTT_FRAME_UNREADABLE, /**< the Remaining Length has more than four bytes: nothing after it can be framed */
};

/** Finds the length of the control packet that begins at `bytes` (section 2.1.4): its fixed header and Remaining
 *  Length. `*length` is set only for MQTT_FRAME_WHOLE. */
enum mqtt_frame_state mqtt_frame(const uint8_t *bytes, uint32_t available, uint32_t *length);

/** Reads one control packet.
 *
 * `bytes` holds `captured` of the packet's `length` bytes. `version` is the version in force; MQTT_VERSION_UNKNOWN is
 * allowed for a CONNECT, which names its own, and reads anything else as MQTT 3.1.1. Two CONNACKs of a Server that
 * does not support the Client's version are read by their own form: the refusal of two bytes by a 3.x Server, and 0x84 of
 * one that supports 5.0 only; `packet->version` then says so. Any other CONNACK of two bytes is read as one of 5.0 that lacks its
 * Property Length. Never fails: what stopped it is in `packet->fault`. */
void mqtt_decode(struct mqtt_packet *packet, const uint8_t *bytes, uint32_t captured, uint32_t length,
                 enum mqtt_version version);

/** Copies what a packet says; of its properties only those that it has, which most of its bytes are for. */
void mqtt_copy(struct mqtt_packet *to, const struct mqtt_packet *from);

/** Reads a property block; used by mqtt_decode. `field` names the block's length in faults. */
void mqtt_properties_read(struct mqtt_cursor *cursor, struct mqtt_properties *properties, enum mqtt_field field);

/** Walks a property block. `*at` is 0 at first and is the iterator's own. False at the block's end and at the first
 *  property that is malformed. */
bool mqtt_properties_next(const struct mqtt_packet *packet, const struct mqtt_properties *properties, uint32_t *at,
                          struct mqtt_property *property);

/** The first property of a kind, NULL where the block has none. */
const struct mqtt_property *mqtt_properties_find(const struct mqtt_properties *properties,
                                                 enum mqtt_property_index index);

/** Walks the topic filters of a SUBSCRIBE or UNSUBSCRIBE, as mqtt_properties_next() does. */
bool mqtt_filters_next(const struct mqtt_packet *packet, uint32_t *at, struct mqtt_filter *filter);

/** True where no bit, code, flag, property or string of the packet contradicts the version it was read by: the test
 *  that distinguishes versions, finds where a packet begins after a gap and recognises MQTT on unknown ports. Stricter than
 *  `fault`: a packet that fails here need not be wrong. */
bool mqtt_packet_is_plausible(const struct mqtt_packet *packet);

/** The packets in a chunk of a stream that is read from its first byte. */
struct mqtt_run {
    uint32_t packets; /**< whole, plausible packets */
    uint32_t length;  /**< the bytes they take */
    uint8_t senders;  /**< who alone may send some of them: bits of enum mqtt_senders */
    bool broken;      /**< what follows them is not the beginning of a plausible packet */
    bool begun;       /**< what follows them is a PUBLISH that continues after the chunk and has a plausible topic */
};

/** Reads as many plausible packets as `bytes` holds, by `version` or, if that is unknown, by any. Serves to find where
 *  packets begin; mqtt_packet_is_plausible() says what counts. */
struct mqtt_run mqtt_read_run(const uint8_t *bytes, uint32_t captured, enum mqtt_version version);

/** Whole packets fill `bytes`, each with a meaning whoever sent it, though the flags of one or more are invalid: plausible by
 *  `version` or, if that is unknown, by any, but for the flags. PUBLISH is none: its flags say how it is to be read. */
bool mqtt_is_filled_but_for_flags(const uint8_t *bytes, uint32_t length, enum mqtt_version version);

/** How much bytes look like the beginning of a CONNECT. */
enum mqtt_connect_match {
    MQTT_CONNECT_NO,
    MQTT_CONNECT_BEGUN, /**< all that is there fits, but its protocol level is not there */
    MQTT_CONNECT_YES,   /**< protocol name and level belong together */
};

/** Compares bytes with the beginning of a CONNECT (section 3.1). Needs no more of it than the first 7 (MQTT) or 9 (MQIsdp)
 *  bytes after the fixed header. */
enum mqtt_connect_match mqtt_match_connect(const uint8_t *bytes, uint32_t captured);

/** The specification's name of a packet type. */
const char *mqtt_packet_type_name(enum mqtt_packet_type type);

/** The specification's name of the field that a packet's fault is about; "" where there is no fault. */
const char *mqtt_fault_field_name(const struct mqtt_packet *packet);

/** Who may send a packet type. */
enum mqtt_senders mqtt_packet_type_senders(enum mqtt_packet_type type);

/** What the lower four bits of a packet's first byte have to be, -1 where they carry a meaning. */
int mqtt_packet_type_flags(enum mqtt_packet_type type);

/** The row of a property. */
const struct mqtt_property_info *mqtt_property_info(enum mqtt_property_index index);

/** The name of a Reason Code in a packet of MQTT 5.0, or of a return code before; NULL where the packet's table does not
 *  have it. */
const char *mqtt_reason_name(enum mqtt_version version, enum mqtt_packet_type type, uint8_t code);

/** Who may send a Reason Code of MQTT 5.0 in a packet; MQTT_SENT_BY_NOBODY where the packet's table does not have it. */
enum mqtt_senders mqtt_reason_senders(enum mqtt_packet_type type, uint8_t code);

#endif
