/* message.h - what a PUBLISH or a Will carries: its topic, its contents, its properties.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_MESSAGE_H
#define MQTTSCOPE_MODEL_PROTOCOL_MESSAGE_H

#include "../store/context.h"
#include "topic-match.h"

/** The properties that a Server forwards unchanged (MQTT 5.0 section 3.3.2.3). */
enum track_forwarded {
    TRACK_FORWARDED_FORMAT,
    TRACK_FORWARDED_CONTENT_TYPE,
    TRACK_FORWARDED_RESPONSE_TOPIC,
    TRACK_FORWARDED_CORRELATION,
    TRACK_FORWARDED_KINDS
};

/** What is kept of a message's properties: hashes, 0 where it has none. */
struct track_forwarded_properties {
    uint32_t values[TRACK_FORWARDED_KINDS];
    uint32_t bare[TRACK_FORWARDED_KINDS]; /**< the same without U+FEFF; 0 where the text has none */
    uint32_t users;                       /**< User Properties, in their order */
    uint32_t users_unsorted;              /**< the same in any order */
    uint32_t user_count;
    uint32_t expiry_s;
    bool has_expiry;
};

/** The topic of the PUBLISH being tracked, resolved where it uses an alias; read once, after the packet's own alias was taken up
 *  (protocol/topic-aliases.h). False where it is not known, or is no topic. */
bool track_topic_of_publish(struct track_context *tracking, struct track_topic *topic);

/** A hash of what the request being tracked holds, to tell one that is re-sent from another: of a PUBLISH its topic and payload,
 *  else all of it. */
uint32_t track_content_hash(struct track_context *tracking);

/** Of a longer payload only as many bytes at both ends are compared. */
enum { TRACK_SAMPLE = 2048 };

/** True where two payloads that are taken for the same may differ in the middle. */
static inline bool track_is_sampled(struct mqtt_span payload)
{
    return payload.length > 2 * TRACK_SAMPLE;
}

/** A hash by which a message of the packet being tracked, its PUBLISH's or its Will, is recognised where it is delivered: of its
 *  topic, given as a hash, and payload; 0 where they were not all captured, or are too short to be told from others. */
uint32_t track_message_hash(struct track_context *tracking, uint32_t topic, struct mqtt_span payload);

/** The same for messages of any length, which have to be captured whole. */
uint64_t track_message_content(struct track_context *tracking, struct track_topic topic, struct mqtt_span payload);

/** A hash of the topic of the PUBLISH being tracked; computed once. */
uint32_t track_topic_hash(struct track_context *tracking, struct track_topic topic);

/** The hash by which the PUBLISH being tracked is recognised; computed once. */
uint32_t track_publish_hash(struct track_context *tracking, struct track_topic topic);

/** The only Subscription Identifier of a packet; 0 where it has none, or several. */
uint32_t track_subscription_id_of(const struct mqtt_packet *packet);

/** Reads the properties that are forwarded from a property block of the packet. */
void track_read_forwarded(const struct mqtt_packet *packet, const struct mqtt_properties *block,
                          struct track_forwarded_properties *properties);

#endif
