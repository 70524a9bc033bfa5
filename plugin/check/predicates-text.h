/* predicates-text.h - questions about strings, Topic Names and Topic Filters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_PREDICATES_TEXT_H
#define MQTTSCOPE_CHECK_PREDICATES_TEXT_H

#include <string.h>

#include "check.h"

/** The string is a Topic Name, the Will Topic or a Topic Filter. */
static inline bool is_topic(const struct check_subject *subject)
{
    return subject->text_kind == CHECK_TEXT_TOPIC || subject->text_kind == CHECK_TEXT_FILTER ||
           subject->text_kind == CHECK_TEXT_WILL_TOPIC;
}

/** The string belongs to a property. */
static inline bool is_property_text(const struct check_subject *subject)
{
    return subject->text_kind == CHECK_TEXT_PROPERTY || subject->text_kind == CHECK_TEXT_PROPERTY_VALUE;
}

/** The string belongs to this property. */
static inline bool is_text_of(const struct check_subject *subject, enum mqtt_property_index property)
{
    return is_property_text(subject) && subject->property.index == property;
}

/** The string belongs to a property whose being UTF-8 no statement of its own demands. */
bool is_other_property_text(const struct check_subject *subject);

/** A Topic Filter contains a character. */
static inline bool filter_has(const struct check_subject *subject, char character)
{
    return memchr(subject->packet->bytes + subject->filter.text.at, character, subject->filter.text.length) != NULL;
}

/** A string contains + or #. */
static inline bool has_wildcard(const struct mqtt_packet *packet, struct mqtt_span text)
{
    const uint8_t *bytes = packet->bytes + text.at;
    return memchr(bytes, '+', text.length) != NULL || memchr(bytes, '#', text.length) != NULL;
}

/** How many characters a captured string has. */
static inline uint32_t characters_of(const struct mqtt_packet *packet, struct mqtt_span text)
{
    return mqtt_utf8_characters(packet->bytes + text.at, text.length);
}

/** The first of the worst bytes of the string, counted from 1. */
static inline unsigned place_in_text(const struct check_subject *subject)
{
    return (unsigned)(subject->utf8_at - subject->text.at + 1);
}

/** The specification's name of the string. */
const char *text_name(const struct check_subject *subject);

/** MQTT 3.1: the string is ill-formed both as UTF-8 and as Java's modified form of it. A plain null is so in the latter;
 *  topics have a rule of their own about that. */
bool is_no_text_of_v31(const struct check_subject *subject);

/** MQTT 3.1: the string has U+0000, as one byte or as C0 80. */
bool has_null_of_v31(const struct check_subject *subject);

/** The PUBLISH has a Topic Alias in place of its empty Topic Name. */
bool is_named_by_alias(const struct check_subject *subject);

/** The place of the first # or + of a filter, from 1, where it must not be; 0 where there is none. Of a
 *  shared subscription in MQTT 5.0, only what follows the ShareName counts. */
uint32_t misplaced_hash(const struct check_subject *subject);
uint32_t misplaced_plus(const struct check_subject *subject);

/** A Topic Name, or a Will Topic, begins with an empty level. */
static inline bool begins_with_slash(const struct check_subject *subject)
{
    return (subject->text_kind == CHECK_TEXT_TOPIC || subject->text_kind == CHECK_TEXT_WILL_TOPIC) &&
           subject->text.length > 0 && subject->packet->bytes[subject->text.at] == '/';
}

/** The filter matches all topics. */
static inline bool is_for_everything(const struct check_subject *subject)
{
    struct mqtt_span text = subject->filter.text;
    return text.length == 1 && subject->packet->bytes[text.at] == '#';
}

/** The Client gave neither a User Name nor an Authentication Method. */
static inline bool is_anonymous(const struct track_snapshot *snapshot)
{
    const struct track_connect_info *connect_info = snapshot->connect_info;
    return connect_info != NULL && !connect_info->has_user_name && connect_info->auth_method == NULL;
}

/** The filter is one of a shared subscription (MQTT 5.0 section 4.8.2). */
bool is_shared(const struct check_subject *subject);

/** What is wrong with what precedes a shared subscription's filter. */
enum share_fault {
    SHARE_GOOD, /**< or not shared */
    SHARE_NAME_EMPTY,
    SHARE_NAME_WILDCARD,
    SHARE_FILTER_MISSING,
};
enum share_fault share_fault(const struct check_subject *subject);

#endif
