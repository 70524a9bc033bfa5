/* topic-aliases.c - follows the Topic Aliases of each direction (MQTT 5.0 section 3.3.2.3.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An alias may be set anew with each PUBLISH, and mostly to a topic that is never asked for. So an alias has a buffer of
 * its own that the next topic overwrites; only a topic that is used through its alias is kept, for the records to refer to.
 */
#include <string.h>

#include "../conformance/packet-id-state.h"

/** The aliases of an end; made on first use. */
static struct track_aliases *aliases_of(const struct track_capture *capture, struct track_end *end)
{
    if (end->aliases == NULL)
        end->aliases = wmem_new0(capture->scope, struct track_aliases);
    return end->aliases;
}

static struct track_alias *find_alias(struct track_end *end, uint32_t number)
{
    if (end->last_alias != NULL && end->last_alias->number == number)
        return end->last_alias;
    if (end->aliases == NULL || end->aliases->by_number == NULL)
        return NULL;
    struct track_alias *alias =
        (struct track_alias *)wmem_map_lookup(end->aliases->by_number, GUINT_TO_POINTER(number));
    if (alias != NULL)
        end->last_alias = alias;
    return alias;
}

/** The alias of a number; made where it is met for the first time. NULL where there is no memory for it. */
static struct track_alias *make_alias(struct track_capture *capture, struct track_end *end, uint32_t number)
{
    struct track_aliases *aliases = aliases_of(capture, end);
    struct track_alias *alias = find_alias(end, number);

    if (alias != NULL)
        return alias;
    alias = (struct track_alias *)track_file_alloc(capture, sizeof *alias);
    if (alias == NULL)
        return NULL;
    alias->number = number;
    if (aliases->by_number == NULL)
        aliases->by_number = wmem_map_new(capture->scope, g_direct_hash, g_direct_equal);
    wmem_map_insert(aliases->by_number, GUINT_TO_POINTER(number), alias);
    end->last_alias = alias;
    return alias;
}

static size_t size_of_room(uint32_t room)
{
    return sizeof(struct track_text) + room + 1;
}

/** Makes room for a topic; false where there is no memory for it. */
static bool make_room(struct track_capture *capture, struct track_alias *alias, uint32_t length)
{
    if (alias->latest != NULL && alias->room >= length)
        return true;
    if (alias->latest != NULL)
        track_file_free(capture, alias->latest, size_of_room(alias->room));
    alias->latest = (struct track_text *)track_file_alloc(capture, size_of_room(length));
    alias->room = alias->latest != NULL ? length : 0;
    return alias->latest != NULL;
}

static void set_alias(struct track_context *tracking, struct track_end *end, uint32_t number)
{
    struct track_capture *capture = tracking->connection->capture;
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_span topic = packet->publish.topic;
    struct track_alias *alias = make_alias(capture, end, number);

    /* Some clients send topic and alias with each PUBLISH. */
    bool same = alias != NULL && alias->latest != NULL && alias->latest->length == topic.length &&
                memcmp(alias->latest->bytes, packet->bytes + topic.at, topic.length) == 0;
    if (!same && alias != NULL) {
        alias->topic = NULL;
        if (make_room(capture, alias, topic.length)) {
            alias->latest->length = topic.length;
            memcpy(alias->latest->bytes, packet->bytes + topic.at, topic.length);
            alias->latest->bytes[topic.length] = '\0';
        }
    }
    if (alias == NULL || alias->latest == NULL) {
        end->aliases->is_incomplete = true;
        track_report_memory_limit(tracking);
        return;
    }
    alias->set_in = tracking->pdu.frame;
    alias->life = end->aliases->life;
}

static void use_alias(struct track_context *tracking, struct track_end *end, uint32_t number)
{
    struct track_packet_record *record = track_record_of(tracking);
    struct track_alias *alias = find_alias(end, number);
    bool is_set = alias != NULL && alias->latest != NULL && alias->life == end->aliases->life;

    record->uses_alias = true;
    if (is_set && alias->topic == NULL)
        alias->topic = track_intern_text(tracking->connection->capture, alias->latest);
    if (is_set && alias->topic != NULL) {
        record->topic = alias->topic;
        __builtin_prefetch(record->topic);
        record->alias_set_in = alias->set_in;
    } else if (is_set || (end->aliases != NULL && end->aliases->is_incomplete)) {
        record->limits |= TRACK_LIMIT_MEMORY;
    }
}

void track_update_aliases(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_end *ends = tracking->connection->ends;

    if (packet->type == MQTT_TYPE_CONNECT)
        for (unsigned end = 0; end < 2; end++)
            if (ends[end].aliases != NULL)
                ends[end].aliases->life++;
    if (packet->type != MQTT_TYPE_PUBLISH || packet->version != MQTT_V50 || packet->publish.topic.at == 0)
        return;
    const struct mqtt_property *property = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
    if (property == NULL || property->number == 0)
        return;
    if (packet->publish.topic.length == 0)
        use_alias(tracking, &ends[tracking->sender], property->number);
    else if (track_has_span(packet, packet->publish.topic))
        set_alias(tracking, &ends[tracking->sender], property->number);
}

/** A PUBLISH that was not captured as far as its properties may have set any alias. */
static bool is_alias_hidden(const struct mqtt_packet *packet)
{
    if (packet->fault.kind == MQTT_FAULT_NONE)
        return false;
    return packet->publish.payload.at == 0 || !track_has_span(packet, packet->publish.topic);
}

/** The PUBLISH names a Topic Alias; is it one that the other end has to take? */
static void observe_use(struct track_context *tracking, const struct mqtt_property *property)
{
    struct track_packet_id_end_state *own = &track_packet_id_state_of(tracking->connection)->ends[tracking->sender];
    const struct track_limits *limits = tracking->snapshot.limits[1 - tracking->sender];
    const struct track_packet_record *record = tracking->record;
    bool is_above = limits != NULL && property->number > limits->topic_alias_maximum;
    bool is_unset = record != NULL && record->uses_alias && record->topic == NULL;

    own->used_alias = true;
    own->used_bad_alias |= property->number == 0 || limits == NULL || is_above || is_unset;
    if (!is_unset || is_above || own->alias_is_unsure || own->no_alias != NULL || !track_is_sequence_complete(tracking))
        return;
    track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_ALIAS_NEVER_SET,
                                                          .at = property->whole,
                                                          .value = property->number});
    own->no_alias = wmem_new(tracking->connection->capture->scope, struct track_stream_position);
    *own->no_alias = track_stream_position_of(tracking);
}

/** The other end used an alias that was never set: whoever goes on after it takes it from an earlier connection. What is
 *  on its way excuses a few packets, and who refuses the PUBLISH is not meant. */
static void observe_going_on(struct track_context *tracking, struct track_packet_id_end_state *other)
{
    enum { EXCUSED = 2 };
    const struct mqtt_packet *packet = tracking->packet;
    bool is_refusal = packet->type == MQTT_TYPE_DISCONNECT ||
                      ((packet->type == MQTT_TYPE_PUBACK || packet->type == MQTT_TYPE_PUBREC) &&
                       mqtt_reason_is_error(packet->type, packet->reason));

    if (is_refusal)
        other->after_no_alias = UINT8_MAX;
    if (other->after_no_alias == UINT8_MAX || track_sender_had_received(tracking, other->no_alias) != TRACK_RECEIVED)
        return;
    if (other->after_no_alias++ < EXCUSED)
        return;
    track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_WENT_ON_AFTER_UNSET_ALIAS,
                                                          .at = {0, packet->length},
                                                          .frame = other->no_alias->frame});
    other->after_no_alias = UINT8_MAX;
}

/** A DISCONNECT says that an alias was not valid. */
static void observe_refused_alias(struct track_context *tracking, const struct track_packet_id_end_state *other)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_limits *limits = tracking->snapshot.limits[tracking->sender];

    if (packet->reason != MQTT_REASON_TOPIC_ALIAS_INVALID || limits == NULL || !other->used_alias ||
        other->used_bad_alias || other->alias_is_unsure || !track_is_sequence_complete(tracking))
        return;
    track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_ALIAS_REFUSED,
                                                          .at = {packet->reason_at, 1},
                                                          .value = limits->topic_alias_maximum});
}

void track_check_alias(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connection *connection = tracking->connection;

    if (!connection->is_watched || packet->version != MQTT_V50)
        return;
    if (packet->type == MQTT_TYPE_PUBLISH) {
        const struct mqtt_property *property = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
        if (is_alias_hidden(packet))
            track_packet_id_state_of(connection)->ends[tracking->sender].alias_is_unsure = true;
        if (property != NULL)
            observe_use(tracking, property);
    }
    if (connection->packet_ids == NULL)
        return; /* nobody used an alias yet */
    struct track_packet_id_end_state *other = &connection->packet_ids->ends[1 - tracking->sender];
    if (packet->type == MQTT_TYPE_DISCONNECT)
        observe_refused_alias(tracking, other);
    if (other->no_alias != NULL)
        observe_going_on(tracking, other);
}
