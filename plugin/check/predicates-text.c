/* predicates-text.c - questions about strings, Topic Names and Topic Filters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "predicates.h"

static const char SHARE_PREFIX[] = "$share/";
enum { SHARE_PREFIX_LENGTH = sizeof SHARE_PREFIX - 1 };

const char *text_name(const struct check_subject *subject)
{
    switch (subject->text_kind) {
    case CHECK_TEXT_PROTOCOL_NAME:
        return "Protocol Name";
    case CHECK_TEXT_CLIENT_ID:
        return "Client Identifier";
    case CHECK_TEXT_WILL_TOPIC:
        return "Will Topic";
    case CHECK_TEXT_USER_NAME:
        return "User Name";
    case CHECK_TEXT_TOPIC:
        return "Topic Name";
    case CHECK_TEXT_FILTER:
        return "Topic Filter";
    case CHECK_TEXT_PROPERTY:
    case CHECK_TEXT_PROPERTY_VALUE:
        return mqtt_property_info(subject->property.index)->name;
    }
    return "";
}

bool is_other_property_text(const struct check_subject *subject)
{
    bool is_publish = subject->packet->type == MQTT_TYPE_PUBLISH;

    return is_property_text(subject) && subject->property.index != MQTT_PROPERTY_USER_PROPERTY &&
           !(is_publish && (subject->property.index == MQTT_PROPERTY_RESPONSE_TOPIC ||
                            subject->property.index == MQTT_PROPERTY_CONTENT_TYPE));
}

bool is_no_text_of_v31(const struct check_subject *subject)
{
    if (subject->utf8 == MQTT_UTF8_NULL)
        return !is_topic(subject);
    return subject->utf8 == MQTT_UTF8_ILL_FORMED &&
           !mqtt_utf8_is_modified(subject->packet->bytes + subject->text.at, subject->text.length);
}

bool has_null_of_v31(const struct check_subject *subject)
{
    const uint8_t *text = subject->packet->bytes + subject->text.at;

    if (subject->utf8 < MQTT_UTF8_NULL)
        return false;
    if (subject->utf8 == MQTT_UTF8_NULL || !mqtt_utf8_is_modified(text, subject->text.length))
        return subject->utf8 == MQTT_UTF8_NULL;
    for (uint32_t i = 0; i + 1 < subject->text.length; i++)
        if (text[i] == 0xC0 && text[i + 1] == 0x80)
            return true;
    return false;
}

bool is_named_by_alias(const struct check_subject *subject)
{
    return subject->text_kind == CHECK_TEXT_TOPIC && subject->packet->version == MQTT_V50 &&
           mqtt_properties_find(&subject->packet->properties, MQTT_PROPERTY_TOPIC_ALIAS) != NULL;
}

bool is_shared(const struct check_subject *subject)
{
    struct mqtt_span text = subject->filter.text;

    return subject->packet->version == MQTT_V50 && text.length >= SHARE_PREFIX_LENGTH &&
           memcmp(subject->packet->bytes + text.at, SHARE_PREFIX, SHARE_PREFIX_LENGTH) == 0;
}

/** Where the filter itself begins within the text: after the ShareName, if there is one. */
static uint32_t filter_start(const struct check_subject *subject)
{
    struct mqtt_span text = subject->filter.text;
    const uint8_t *bytes = subject->packet->bytes + text.at;

    if (!is_shared(subject))
        return 0;
    const uint8_t *slash = (const uint8_t *)memchr(bytes + SHARE_PREFIX_LENGTH, '/', text.length - SHARE_PREFIX_LENGTH);
    return slash != NULL ? (uint32_t)(slash - bytes) + 1 : text.length;
}

uint32_t misplaced_hash(const struct check_subject *subject)
{
    struct mqtt_span text = subject->filter.text;
    const uint8_t *bytes = subject->packet->bytes + text.at;
    uint32_t start = filter_start(subject);

    for (uint32_t i = start; i < text.length; i++)
        if (bytes[i] == '#' && !(i + 1 == text.length && (i == start || bytes[i - 1] == '/')))
            return i + 1;
    return 0;
}

uint32_t misplaced_plus(const struct check_subject *subject)
{
    struct mqtt_span text = subject->filter.text;
    const uint8_t *bytes = subject->packet->bytes + text.at;
    uint32_t start = filter_start(subject);

    for (uint32_t i = start; i < text.length; i++) {
        if (bytes[i] != '+')
            continue;
        bool opens = i == start || bytes[i - 1] == '/';
        bool closes = i + 1 == text.length || bytes[i + 1] == '/';
        bool has_neighbour = (i > start && bytes[i - 1] == '/') || (i + 1 < text.length && bytes[i + 1] == '/');
        /* MQTT 3.1 requires a slash on one side only. */
        if (!(opens && closes) && !(subject->packet->version == MQTT_V31 && has_neighbour))
            return i + 1;
    }
    return 0;
}

enum share_fault share_fault(const struct check_subject *subject)
{
    struct mqtt_span text = subject->filter.text;
    uint32_t start = filter_start(subject);

    if (!is_shared(subject))
        return SHARE_GOOD;
    const uint8_t *name = subject->packet->bytes + text.at + SHARE_PREFIX_LENGTH;
    bool has_slash = start > SHARE_PREFIX_LENGTH && name[start - SHARE_PREFIX_LENGTH - 1] == '/';
    uint32_t length = start - SHARE_PREFIX_LENGTH - (has_slash ? 1 : 0);
    if (length == 0)
        return SHARE_NAME_EMPTY;
    if (memchr(name, '+', length) != NULL || memchr(name, '#', length) != NULL)
        return SHARE_NAME_WILDCARD;
    return start == text.length ? SHARE_FILTER_MISSING : SHARE_GOOD;
}
