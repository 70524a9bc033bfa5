/* alias.c - follows the Topic Aliases of each direction (MQTT 5.0 section 3.3.2.3.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "state.h"

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
