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

/** A string has + or #. */
static inline bool has_wildcard(const struct mqtt_packet *packet, struct mqtt_span text)
{
    const uint8_t *bytes = packet->bytes + text.at;
    return memchr(bytes, '+', text.length) != NULL || memchr(bytes, '#', text.length) != NULL;
}

/** The characters of a string that was captured. */
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

/** The PUBLISH says by a Topic Alias what its empty Topic Name stands for. */
bool is_named_by_alias(const struct check_subject *subject);

/** The place of the first # or + of a filter, from 1, that stands where it may not; 0 where each is well placed. Of a
 *  shared subscription in MQTT 5.0, only what follows the ShareName counts. */
uint32_t misplaced_hash(const struct check_subject *subject);
uint32_t misplaced_plus(const struct check_subject *subject);

/** The filter is one of a shared subscription (MQTT 5.0 section 4.8.2). */
bool is_shared(const struct check_subject *subject);

/** What is wrong with the words in front of a shared subscription's filter. */
enum share_fault {
    SHARE_GOOD, /**< or not shared */
    SHARE_NAME_EMPTY,
    SHARE_NAME_WILDCARD,
    SHARE_FILTER_MISSING,
};
enum share_fault share_fault(const struct check_subject *subject);

#endif
