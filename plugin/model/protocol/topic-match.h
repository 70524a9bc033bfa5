/* topic-match.h - does a Topic Name match a Topic Filter (MQTT 5.0 sections 4.7 and 4.8.2)?
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_TOPIC_MATCH_H
#define MQTTSCOPE_MODEL_PROTOCOL_TOPIC_MATCH_H

#include "../facts/facts.h"

/** How well a topic matches a filter. */
enum track_match {
    TRACK_MATCHES_NOT,
    TRACK_MATCHES_BUT_FOR_CASE, /**< only if letters of either case were the same, or a slash at an end did not count */
    TRACK_MATCHES_BUT_FOR_DOLLAR, /**< only if a wildcard at the beginning matched topics that begin with $ */
    TRACK_MATCHES,
};

/** A Topic Name, wherever its bytes are. */
struct track_topic {
    const uint8_t *bytes;
    uint32_t length;
};

/** True where the wildcards of a filter are valid, so that it is clear what it matches. */
bool track_is_clear_filter(const struct track_text *filter);

/** True where a filter has a wildcard, or begins with $ and so may have a prefix that is not matched. */
bool track_is_wide_filter(const struct track_text *filter);

/** True for $share/GROUP/..., and for $queue/..., which some Servers know as well. */
bool track_is_shared_filter(const struct track_text *filter);

/** Matches a topic with a clear filter; `is_kind` tells apart what nearly matches from what does not. Of a filter that begins
 *  with $ the part after the prefix counts, but Servers know more such prefixes than the specification: all readings are
 *  tried, and the kindest is the answer. */
enum track_match track_match_topic(const struct track_text *filter, struct track_topic topic, bool is_kind);

#endif
