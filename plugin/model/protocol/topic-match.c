/* topic-match.c - does a Topic Name match a Topic Filter (MQTT 5.0 sections 4.7 and 4.8.2)?
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "topic-match.h"

#include <string.h>

bool track_is_clear_filter(const struct track_text *filter)
{
    for (uint32_t i = 0; i < filter->length; i++) {
        uint8_t byte = filter->bytes[i];
        bool begins_level = i == 0 || filter->bytes[i - 1] == '/';
        bool ends_level = i + 1 == filter->length || filter->bytes[i + 1] == '/';
        if ((byte == '+' && !(begins_level && ends_level)) ||
            (byte == '#' && !(begins_level && i + 1 == filter->length)))
            return false;
    }
    return filter->length > 0;
}

bool track_is_wide_filter(const struct track_text *filter)
{
    return filter->bytes[0] == '$' || memchr(filter->bytes, '+', filter->length) != NULL ||
           memchr(filter->bytes, '#', filter->length) != NULL;
}

bool track_is_shared_filter(const struct track_text *filter)
{
    return (filter->length > 7 && memcmp(filter->bytes, "$share/", 7) == 0) ||
           (filter->length > 7 && memcmp(filter->bytes, "$queue/", 7) == 0);
}

static bool is_same_byte(uint8_t one, uint8_t other, bool ignores_case)
{
    if (one == other)
        return true;
    uint8_t folded = one | 0x20;
    return ignores_case && folded == (other | 0x20) && folded >= 'a' && folded <= 'z';
}

/** Compares the levels of a topic with those of a pattern; # matches its parent level, too. */
static bool match_levels(struct track_topic pattern, struct track_topic topic, bool ignores_case)
{
    uint32_t at = 0;
    uint32_t in = 0;

    while (at < pattern.length) {
        if (pattern.bytes[at] == '#')
            return true;
        if (pattern.bytes[at] == '+') {
            at++;
            while (in < topic.length && topic.bytes[in] != '/')
                in++;
        }
        while (at < pattern.length && pattern.bytes[at] != '/') {
            if (in >= topic.length || !is_same_byte(pattern.bytes[at], topic.bytes[in], ignores_case))
                return false;
            at++;
            in++;
        }
        if (at == pattern.length)
            break;
        if (in == topic.length)
            return pattern.length - at == 2 && pattern.bytes[at + 1] == '#';
        if (topic.bytes[in] != '/')
            return false;
        at++;
        in++;
    }
    return in == topic.length;
}

/** A name without a slash at its ends. */
static struct track_topic without_slashes(struct track_topic name)
{
    if (name.length > 1 && name.bytes[0] == '/') {
        name.bytes++;
        name.length--;
    }
    if (name.length > 1 && name.bytes[name.length - 1] == '/')
        name.length--;
    return name;
}

static enum track_match match_pattern(struct track_topic pattern, struct track_topic topic, bool is_kind)
{
    bool is_wild_first = pattern.length > 0 && (pattern.bytes[0] == '+' || pattern.bytes[0] == '#');

    if (match_levels(pattern, topic, false))
        return is_wild_first && topic.bytes[0] == '$' ? TRACK_MATCHES_BUT_FOR_DOLLAR : TRACK_MATCHES;
    return is_kind && match_levels(without_slashes(pattern), without_slashes(topic), true) ? TRACK_MATCHES_BUT_FOR_CASE
                                                                                           : TRACK_MATCHES_NOT;
}

enum track_match track_match_topic(const struct track_text *filter, struct track_topic topic, bool is_kind)
{
    enum { PREFIX_LEVELS = 2 };
    struct track_topic pattern = {filter->bytes, filter->length};
    enum track_match best = match_pattern(pattern, topic, is_kind);

    for (unsigned level = 0; level < PREFIX_LEVELS && filter->bytes[0] == '$' && best != TRACK_MATCHES; level++) {
        const uint8_t *slash = (const uint8_t *)memchr(pattern.bytes, '/', pattern.length);
        if (slash == NULL)
            break;
        pattern.length -= (uint32_t)(slash + 1 - pattern.bytes);
        pattern.bytes = slash + 1;
        enum track_match match = match_pattern(pattern, topic, is_kind);
        if (match > best)
            best = match;
    }
    return best;
}
