/* alias.c - follows the Topic Aliases of each direction (MQTT 5.0 section 3.3.2.3.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "watch.h"

static void set_alias(struct mqtt_tracking *tracking, struct mqtt_end *end, uint32_t number)
{
    struct mqtt_world *world = tracking->connection->world;
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_span topic = packet->publish.topic;

    if (end->aliases == NULL)
        end->aliases = wmem_map_new(world->scope, g_direct_hash, g_direct_equal);
    struct mqtt_alias *alias = (struct mqtt_alias *)wmem_map_lookup(end->aliases, GUINT_TO_POINTER(number));
    if (alias == NULL) {
        alias = wmem_new0(world->scope, struct mqtt_alias);
        wmem_map_insert(end->aliases, GUINT_TO_POINTER(number), alias);
    }
    /* Some clients send topic and alias with each PUBLISH. */
    bool same = alias->topic != NULL && alias->topic->length == topic.length &&
                memcmp(alias->topic->bytes, packet->bytes + topic.at, topic.length) == 0;
    if (!same)
        alias->topic = mqtt_keep_text(world, packet, topic);
    alias->set_in = tracking->place.frame;
}

static void use_alias(struct mqtt_tracking *tracking, const struct mqtt_end *end, uint32_t number)
{
    struct mqtt_note *note = mqtt_tracking_note(tracking);
    const struct mqtt_alias *alias = NULL;

    if (end->aliases != NULL)
        alias = (const struct mqtt_alias *)wmem_map_lookup(end->aliases, GUINT_TO_POINTER(number));
    note->uses_alias = true;
    if (alias != NULL) {
        note->topic = alias->topic;
        note->alias_set_in = alias->set_in;
    }
}

void mqtt_track_alias(struct mqtt_tracking *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_end *end = &tracking->connection->ends[tracking->sender];

    if (packet->type == MQTT_TYPE_CONNECT)
        tracking->connection->ends[0].aliases = tracking->connection->ends[1].aliases = NULL;
    if (packet->type != MQTT_TYPE_PUBLISH || packet->version != MQTT_V50 || packet->publish.topic.at == 0)
        return;
    const struct mqtt_property *property = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
    if (property == NULL || property->number == 0)
        return;
    if (packet->publish.topic.length == 0)
        use_alias(tracking, end, property->number);
    else if (mqtt_has_span(packet, packet->publish.topic))
        set_alias(tracking, end, property->number);
}

/** A PUBLISH that was not captured as far as its properties may have set any alias. */
static bool is_alias_hidden(const struct mqtt_packet *packet)
{
    if (packet->fault.kind == MQTT_FAULT_NONE)
        return false;
    return packet->publish.payload.at == 0 || !mqtt_has_span(packet, packet->publish.topic);
}

/** The PUBLISH names a Topic Alias; is it one that the other end has to take? */
static void observe_use(struct mqtt_tracking *tracking, const struct mqtt_property *property)
{
    struct mqtt_watched_end *own = &tracking->connection->watch->ends[tracking->sender];
    const struct mqtt_limits *limits = tracking->epoch.limits[1 - tracking->sender];
    const struct mqtt_note *note = tracking->note;
    bool is_above = limits != NULL && property->number > limits->topic_alias_maximum;
    bool is_unset = note != NULL && note->uses_alias && note->topic == NULL;

    own->used_alias = true;
    own->used_bad_alias |= property->number == 0 || limits == NULL || is_above || is_unset;
    if (!is_unset || is_above || own->alias_is_unsure || own->no_alias != NULL || !mqtt_watch_is_sure(tracking))
        return;
    mqtt_observe(tracking, (struct mqtt_observation){.kind = MQTT_OBSERVED_ALIAS_NEVER_SET,
                                                     .at = property->whole,
                                                     .value = property->number});
    own->no_alias = wmem_new(tracking->connection->world->scope, struct mqtt_mark);
    *own->no_alias = mqtt_mark_of(tracking);
}

/** The other end used an alias that was never set: whoever goes on after it takes it from an earlier connection. What is
 *  on its way excuses a few packets, and who refuses the PUBLISH is not meant. */
static void observe_going_on(struct mqtt_tracking *tracking, struct mqtt_watched_end *other)
{
    enum { EXCUSED = 2 };
    const struct mqtt_packet *packet = tracking->packet;
    bool is_refusal =
        packet->type == MQTT_TYPE_DISCONNECT ||
        ((packet->type == MQTT_TYPE_PUBACK || packet->type == MQTT_TYPE_PUBREC) && packet->reason >= 0x80);

    if (is_refusal)
        other->after_no_alias = UINT8_MAX;
    if (other->after_no_alias == UINT8_MAX || mqtt_sender_awareness(tracking, other->no_alias) != MQTT_AWARE)
        return;
    if (other->after_no_alias++ < EXCUSED)
        return;
    mqtt_observe(tracking, (struct mqtt_observation){.kind = MQTT_OBSERVED_WENT_ON_AFTER_UNSET_ALIAS,
                                                     .at = {0, packet->length},
                                                     .frame = other->no_alias->frame});
    other->after_no_alias = UINT8_MAX;
}

/** DISCONNECT 0x94 says that an alias was not valid. */
static void observe_refused_alias(struct mqtt_tracking *tracking, const struct mqtt_watched_end *other)
{
    enum { TOPIC_ALIAS_INVALID = 0x94 };
    const struct mqtt_packet *packet = tracking->packet;

    if (packet->reason != TOPIC_ALIAS_INVALID || !other->used_alias || other->used_bad_alias ||
        other->alias_is_unsure || !mqtt_watch_is_sure(tracking))
        return;
    mqtt_observe(tracking,
                 (struct mqtt_observation){.kind = MQTT_OBSERVED_ALIAS_REFUSED,
                                           .at = {packet->reason_at, 1},
                                           .value = tracking->epoch.limits[tracking->sender]->topic_alias_maximum});
}

void mqtt_observe_alias(struct mqtt_tracking *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_watch *watch = tracking->connection->watch;

    if (watch == NULL || packet->version != MQTT_V50)
        return;
    struct mqtt_watched_end *other = &watch->ends[1 - tracking->sender];
    if (packet->type == MQTT_TYPE_PUBLISH) {
        const struct mqtt_property *property = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
        watch->ends[tracking->sender].alias_is_unsure |= is_alias_hidden(packet);
        if (property != NULL)
            observe_use(tracking, property);
    } else if (packet->type == MQTT_TYPE_DISCONNECT) {
        observe_refused_alias(tracking, other);
    }
    if (other->no_alias != NULL)
        observe_going_on(tracking, other);
}
