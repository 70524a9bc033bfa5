/* predicates-flows.c - questions about re-sent packets, Topic Aliases and what the other end allows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "predicates.h"

const struct mqtt_property *topic_alias_of(const struct check_subject *subject)
{
    return mqtt_properties_find(&subject->packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
}

/** The alias, 0 where there is none (or the value 0, which is wrong by itself), and the receiver's maximum. False where
 *  the receiver has not said it yet. */
static bool read_alias(const struct check_subject *subject, uint32_t *alias, uint32_t *maximum)
{
    const struct mqtt_property *property = topic_alias_of(subject);
    const struct track_limits *limits = receiver_limits(subject->facts);

    *alias = property != NULL ? property->number : 0;
    *maximum = limits != NULL ? limits->topic_alias_maximum : 0;
    return limits != NULL;
}

bool is_alias_above_maximum(const struct check_subject *subject)
{
    uint32_t alias;
    uint32_t maximum;

    return read_alias(subject, &alias, &maximum) && maximum > 0 && alias > maximum;
}

bool is_alias_not_taken(const struct check_subject *subject)
{
    uint32_t alias;
    uint32_t maximum;

    return read_alias(subject, &alias, &maximum) && maximum == 0 && alias > 0;
}

const char *origin_of_copy(const struct track_anomaly *anomaly)
{
    if (anomaly->frame != 0)
        return "earlier Session used, unfinished PUBLISH in frame ";
    return anomaly->value != 0 ? "used on no earlier connection"
                               : "an earlier Session is used, or this is the first copy";
}
