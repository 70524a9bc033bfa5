/* predicates.h - predicates that rows of the rules use; each family's longer ones are in its predicates-*.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All are pure: they read the subject, the packet and its facts, and nothing else.
 */
#ifndef MQTTSCOPE_CHECK_PREDICATES_H
#define MQTTSCOPE_CHECK_PREDICATES_H

#include "check.h"
#include "predicates-flows.h"

/** A run of bytes. */
static inline struct mqtt_span bytes_at(uint32_t at, uint32_t length)
{
    return (struct mqtt_span){at, length};
}

/** The whole packet. */
static inline struct mqtt_span whole_packet(const struct mqtt_packet *packet)
{
    return (struct mqtt_span){0, packet->length};
}

/** A string's length field and its bytes. */
static inline struct mqtt_span with_length(struct mqtt_span string)
{
    return (struct mqtt_span){string.at - 2, string.length + 2};
}

/** The four flags of a fixed header as digits, bit 3 first: four arguments for "%u%u%u%u". */
#define FLAG_BITS(flags) (flags) >> 3 & 1u, (flags) >> 2 & 1u, (flags) >> 1 & 1u, (flags)&1u

/** How much of a string a message has room for: the precision of "%.*s". */
static inline int beginning_of(struct mqtt_span text)
{
    return text.length < 16 ? (int)text.length : 16;
}

/** The ending of a noun after a number: "%u byte%s". */
#define PLURAL(number) ((number) == 1 ? "" : "s")

/** A code's name in a packet type's table in the version in force; "not defined" where the table does not have it. */
static inline const char *code_name(const struct check_subject *subject, enum mqtt_packet_type type, unsigned code)
{
    const char *name = mqtt_reason_name(subject->packet->version, type, (uint8_t)code);
    return name != NULL ? name : "not defined";
}

/** The packet was sent by the Client, or by the Server; false where nobody knows. */
static inline bool is_from_client(const struct track_facts *facts)
{
    return facts->snapshot->broker == 1 - facts->sender;
}
static inline bool is_from_server(const struct track_facts *facts)
{
    return facts->snapshot->broker == facts->sender;
}

/** What the receiver of the packet allows its sender; NULL before it said so, and before MQTT 5.0. */
static inline const struct track_limits *receiver_limits(const struct track_facts *facts)
{
    return facts->snapshot->limits[1 - facts->sender];
}

/** What the sender of the packet allows its receiver; NULL before it said so, and before MQTT 5.0. */
static inline const struct track_limits *sender_limits(const struct track_facts *facts)
{
    return facts->snapshot->limits[facts->sender];
}

#include "predicates-framing.h"
#include "predicates-occasions.h"
#include "predicates-order.h"
#include "predicates-packets.h"
#include "predicates-properties.h"
#include "predicates-subscriptions.h"
#include "predicates-text.h"

#endif
