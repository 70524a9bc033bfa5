/* topic-aliases.c - follows the Topic Aliases of each direction (MQTT 5.0 section 3.3.2.3.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An alias may be set again with each PUBLISH, and mostly to a topic that is never used. So an alias has a buffer of its own
 * that the next topic overwrites; only a topic that is used through its alias is interned, for the records to point to.
 */
#include "topic-aliases.h"

#include <string.h>

#include "../facts/captured.h"
#include "../store/text.h"
#include "connection.h"

static struct track_alias *find_alias(struct track_topic_aliases *aliases, uint16_t number)
{
    if (aliases->last != NULL && aliases->last->by_number.id == number)
        return aliases->last;
    struct track_alias *alias = (struct track_alias *)track_id_table_find(&aliases->by_number, number);
    if (alias != NULL)
        aliases->last = alias;
    return alias;
}

/** The alias of a number; made where it is set for the first time. NULL where there is no memory for it. */
static struct track_alias *make_alias(struct track_file_memory *memory, struct track_topic_aliases *aliases,
                                      uint16_t number)
{
    struct track_alias *alias = find_alias(aliases, number);

    if (alias != NULL)
        return alias;
    alias = (struct track_alias *)track_file_alloc(memory, sizeof *alias);
    if (alias == NULL)
        return NULL;
    alias->by_number.id = number;
    track_id_table_add(memory, &aliases->by_number, &alias->by_number);
    aliases->last = alias;
    return alias;
}

static size_t size_of_room(uint32_t room)
{
    return sizeof(struct track_text) + room + 1;
}

/** Makes room for a topic; false where there is no memory for it. */
static bool make_room(struct track_file_memory *memory, struct track_alias *alias, uint32_t length)
{
    if (alias->latest != NULL && alias->room >= length)
        return true;
    if (alias->latest != NULL)
        track_file_free(memory, alias->latest, size_of_room(alias->room));
    alias->latest = (struct track_text *)track_file_alloc(memory, size_of_room(length));
    alias->room = alias->latest != NULL ? length : 0;
    return alias->latest != NULL;
}

/** The aliases of the sender; made where there are none. That there was no memory for one has to be known, so the limit does
 *  not concern them: connections are within it. */
static struct track_topic_aliases *aliases_of_sender(struct track_context *tracking)
{
    struct track_topic_aliases **aliases = &tracking->connection->aliases[tracking->sender];

    if (*aliases == NULL)
        *aliases = (struct track_topic_aliases *)track_file_alloc_always(&tracking->capture->memory, sizeof **aliases);
    return *aliases;
}

static void set_alias(struct track_context *tracking, uint16_t number)
{
    struct track_file_memory *memory = &tracking->capture->memory;
    struct track_topic_aliases *aliases = aliases_of_sender(tracking);
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_span topic = packet->publish.topic;

    struct track_alias *alias = make_alias(memory, aliases, number);
    /* Some clients send topic and alias with each PUBLISH. */
    bool same = alias != NULL && alias->latest != NULL && alias->latest->length == topic.length &&
                memcmp(alias->latest->bytes, packet->bytes + topic.at, topic.length) == 0;
    if (!same && alias != NULL) {
        alias->topic = NULL;
        if (make_room(memory, alias, topic.length)) {
            alias->latest->length = topic.length;
            memcpy(alias->latest->bytes, packet->bytes + topic.at, topic.length);
            alias->latest->bytes[topic.length] = '\0';
        }
    }
    if (alias == NULL || alias->latest == NULL) {
        aliases->is_incomplete = true;
        track_report_memory_limit(tracking);
        return;
    }
    alias->set_in = tracking->pdu.frame;
    alias->life = aliases->life;
}

static void use_alias(struct track_context *tracking, uint16_t number)
{
    struct track_topic_aliases *aliases = tracking->connection->aliases[tracking->sender];
    struct track_packet_record *record = track_record_of(tracking);
    struct track_alias *alias = aliases != NULL ? find_alias(aliases, number) : NULL;
    bool is_set = alias != NULL && alias->latest != NULL && alias->life == aliases->life;

    record->uses_alias = true;
    if (is_set && alias->topic == NULL)
        alias->topic = track_intern_text(tracking->capture, alias->latest);
    if (is_set && alias->topic != NULL) {
        record->topic = alias->topic;
        __builtin_prefetch(record->topic);
        record->alias_set_in = alias->set_in;
    } else if (is_set || (aliases != NULL && aliases->is_incomplete)) {
        record->limits |= TRACK_LIMIT_MEMORY;
    }
}

void track_update_aliases(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_topic_aliases *const *aliases = tracking->connection->aliases;

    if (packet->type == MQTT_TYPE_CONNECT)
        for (unsigned end = 0; end < 2; end++)
            if (aliases[end] != NULL)
                aliases[end]->life++;
    if (packet->type != MQTT_TYPE_PUBLISH || packet->version != MQTT_V50 || packet->publish.topic.at == 0)
        return;
    const struct mqtt_property *property = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
    if (property == NULL || property->number == 0)
        return;
    if (packet->publish.topic.length == 0)
        use_alias(tracking, (uint16_t)property->number);
    else if (track_has_span(packet, packet->publish.topic))
        set_alias(tracking, (uint16_t)property->number);
}
