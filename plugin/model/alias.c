/* alias.c - follows the Topic Aliases of each direction (MQTT 5.0 section 3.3.2.3.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An alias may be set anew with each PUBLISH, and mostly to a topic that is never asked for. So an alias has a buffer of
 * its own that the next topic overwrites; only a topic that is used through its alias is kept, for the notes to refer to.
 */
#include <string.h>

#include "state.h"

static struct mqtt_alias *find_alias(const struct mqtt_end *end, uint32_t number)
{
    if (end->aliases == NULL)
        return NULL;
    return (struct mqtt_alias *)wmem_map_lookup(end->aliases, GUINT_TO_POINTER(number));
}

/** The alias of a number; made where it is met for the first time. NULL where there is no memory for it. */
static struct mqtt_alias *make_alias(struct mqtt_world *world, struct mqtt_end *end, uint32_t number)
{
    struct mqtt_alias *alias = find_alias(end, number);

    if (alias != NULL)
        return alias;
    alias = (struct mqtt_alias *)mqtt_keep(world, sizeof *alias);
    if (alias == NULL)
        return NULL;
    if (end->aliases == NULL)
        end->aliases = wmem_map_new(world->scope, g_direct_hash, g_direct_equal);
    wmem_map_insert(end->aliases, GUINT_TO_POINTER(number), alias);
    return alias;
}

static size_t size_of_room(uint32_t room)
{
    return sizeof(struct mqtt_text) + room + 1;
}

/** Makes room for a topic; false where there is no memory for it. */
static bool make_room(struct mqtt_world *world, struct mqtt_alias *alias, uint32_t length)
{
    if (alias->latest != NULL && alias->room >= length)
        return true;
    if (alias->latest != NULL)
        mqtt_keep_no_longer(world, alias->latest, size_of_room(alias->room));
    alias->latest = (struct mqtt_text *)mqtt_keep(world, size_of_room(length));
    alias->room = alias->latest != NULL ? length : 0;
    return alias->latest != NULL;
}

static void set_alias(struct mqtt_tracking *tracking, struct mqtt_end *end, uint32_t number)
{
    struct mqtt_world *world = tracking->connection->world;
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_span topic = packet->publish.topic;
    struct mqtt_alias *alias = make_alias(world, end, number);

    /* Some clients send topic and alias with each PUBLISH. */
    bool same = alias != NULL && alias->latest != NULL && alias->latest->length == topic.length &&
                memcmp(alias->latest->bytes, packet->bytes + topic.at, topic.length) == 0;
    if (!same && alias != NULL) {
        alias->topic = NULL;
        if (make_room(world, alias, topic.length)) {
            alias->latest->length = topic.length;
            memcpy(alias->latest->bytes, packet->bytes + topic.at, topic.length);
            alias->latest->bytes[topic.length] = '\0';
        }
    }
    if (alias == NULL || alias->latest == NULL) {
        end->aliases_lost = true;
        mqtt_note_no_memory(tracking);
        return;
    }
    alias->set_in = tracking->place.frame;
    alias->life = end->alias_life;
}

static void use_alias(struct mqtt_tracking *tracking, const struct mqtt_end *end, uint32_t number)
{
    struct mqtt_note *note = mqtt_tracking_note(tracking);
    struct mqtt_alias *alias = find_alias(end, number);
    bool is_set = alias != NULL && alias->latest != NULL && alias->life == end->alias_life;

    note->uses_alias = true;
    if (is_set && alias->topic == NULL)
        alias->topic = mqtt_keep_copy(tracking->connection->world, alias->latest);
    if (is_set && alias->topic != NULL) {
        note->topic = alias->topic;
        note->alias_set_in = alias->set_in;
    } else if (is_set || end->aliases_lost) {
        note->limits |= MQTT_LIMIT_MEMORY;
    }
}

void mqtt_track_alias(struct mqtt_tracking *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_end *ends = tracking->connection->ends;

    if (packet->type == MQTT_TYPE_CONNECT) {
        ends[0].alias_life++;
        ends[1].alias_life++;
    }
    if (packet->type != MQTT_TYPE_PUBLISH || packet->version != MQTT_V50 || packet->publish.topic.at == 0)
        return;
    const struct mqtt_property *property = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
    if (property == NULL || property->number == 0)
        return;
    if (packet->publish.topic.length == 0)
        use_alias(tracking, &ends[tracking->sender], property->number);
    else if (mqtt_has_span(packet, packet->publish.topic))
        set_alias(tracking, &ends[tracking->sender], property->number);
}
