/* check-topic-aliases.c - finds Topic Aliases that were never set, and what the other end makes of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "check-topic-aliases.h"

#include "../evidence/receipt.h"
#include "../evidence/report-anomaly.h"
#include "../facts/captured.h"
#include "checks.h"

/** What is remembered of the Topic Aliases that one end uses. */
struct track_alias_end_check {
    struct track_stream_position
        unset;             /**< a PUBLISH by an alias that was never set, while the other end may still object;
                                             frame 0: none */
    uint8_t packets_after; /**< packets of the other end that were sent knowing of that */
    bool is_unsure;        /**< a PUBLISH could not be read as far as its Topic Alias */
    bool used_any;         /**< it used a Topic Alias */
    bool used_bad;         /**< or one that the other end need not accept */
};

/** What is remembered of both ends. File scope. */
struct track_alias_checks {
    struct track_alias_end_check ends[2];
};

/** What is remembered of both ends; made on first use. NULL where there is no memory for it: then the sequence is broken. */
static struct track_alias_checks *alias_checks_of(struct track_context *tracking)
{
    struct track_alias_checks **aliases = &tracking->checks->aliases;

    if (*aliases == NULL)
        *aliases = (struct track_alias_checks *)track_alloc(tracking, sizeof **aliases);
    if (*aliases == NULL)
        track_break_sequence(tracking);
    return *aliases;
}

/** A PUBLISH that was not captured as far as its properties may have set any alias. */
static bool hides_alias(const struct mqtt_packet *packet)
{
    if (packet->fault.kind == MQTT_FAULT_NONE)
        return false;
    return packet->publish.payload.at == 0 || !track_has_span(packet, packet->publish.topic);
}

/** The PUBLISH has a Topic Alias; is it one that the other end has to accept? */
static void check_use(struct track_context *tracking, struct track_alias_end_check *own,
                      const struct mqtt_property *property)
{
    const struct track_limits *limits = tracking->snapshot.limits[1 - tracking->sender];
    const struct track_packet_record *record = tracking->record;
    bool is_above = limits != NULL && property->number > limits->topic_alias_maximum;
    bool is_unset =
        record != NULL && record->uses_alias && record->topic == NULL && !(record->limits & TRACK_LIMIT_MEMORY);

    own->used_any = true;
    own->used_bad |= property->number == 0 || limits == NULL || is_above || is_unset;
    if (!is_unset || is_above || own->unset.frame != 0)
        return;
    enum track_lack lack = own->is_unsure ? TRACK_LACK_BYTES : track_sequence_lack(tracking);
    track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_ALIAS_NEVER_SET,
                                                          .lack = lack,
                                                          .at = property->whole,
                                                          .value = property->number});
    if (lack == TRACK_LACK_NOTHING)
        own->unset = track_stream_position_of(tracking);
}

/** The other end used an alias that was never set: an end that continues after it takes it from an earlier connection. A few
 *  packets may have been on their way, and an end that refuses the PUBLISH is not meant. */
static void check_continues(struct track_context *tracking, struct track_alias_end_check *other)
{
    enum { TOLERATED = 2 };
    const struct mqtt_packet *packet = tracking->packet;
    bool is_refusal = packet->type == MQTT_TYPE_DISCONNECT ||
                      ((packet->type == MQTT_TYPE_PUBACK || packet->type == MQTT_TYPE_PUBREC) &&
                       mqtt_reason_is_error(packet->type, packet->reason));

    if (is_refusal)
        other->packets_after = UINT8_MAX;
    if (other->packets_after == UINT8_MAX || track_sender_had_received(tracking, &other->unset) != TRACK_RECEIVED)
        return;
    if (other->packets_after++ < TOLERATED)
        return;
    track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_CONTINUES_AFTER_UNSET_ALIAS,
                                                          .at = {0, packet->length},
                                                          .frame = other->unset.frame});
    other->packets_after = UINT8_MAX;
}

/** A DISCONNECT says that an alias was not valid. */
static void check_refused(struct track_context *tracking, const struct track_alias_end_check *other)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_limits *limits = tracking->snapshot.limits[tracking->sender];

    if (packet->reason != MQTT_REASON_TOPIC_ALIAS_INVALID || limits == NULL || !other->used_any || other->used_bad)
        return;
    track_report_anomaly(
        tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_ALIAS_REFUSED,
                                         .lack = other->is_unsure ? TRACK_LACK_BYTES : track_sequence_lack(tracking),
                                         .at = {packet->reason_at, 1},
                                         .value = limits->topic_alias_maximum});
}

void track_check_topic_aliases(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;

    if (!tracking->checks->sequence.has_connect || packet->version != MQTT_V50)
        return;
    if (packet->type == MQTT_TYPE_PUBLISH) {
        const struct mqtt_property *property = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
        bool is_hidden = hides_alias(packet);
        struct track_alias_checks *checks = is_hidden || property != NULL ? alias_checks_of(tracking) : NULL;
        if (checks != NULL && is_hidden)
            checks->ends[tracking->sender].is_unsure = true;
        if (checks != NULL && property != NULL)
            check_use(tracking, &checks->ends[tracking->sender], property);
    }
    if (tracking->checks->aliases == NULL)
        return;
    struct track_alias_end_check *other = &tracking->checks->aliases->ends[1 - tracking->sender];
    if (packet->type == MQTT_TYPE_DISCONNECT)
        check_refused(tracking, other);
    if (other->unset.frame != 0)
        check_continues(tracking, other);
}
