/* topic-numbers.c - numbers for topics, so that a packet's record can name one in four bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Most messages go to a topic of the last few hundred: these are found by a hash, without a look at the map of all texts.
 */
#include "topic-numbers.h"

#include <string.h>

#include "text.h"

enum { RECENT = 1024 };

struct track_topic_numbers {
    wmem_array_t *topics;    /**< struct track_text pointers by number - 1 */
    uint32_t recent[RECENT]; /**< numbers by the hash of their topics; 0: none */
};

/** Keeps a topic under the next number. */
static uint32_t add_topic(struct track_capture *capture, const uint8_t *bytes, uint32_t length)
{
    struct track_topic_numbers *numbers = capture->topics;
    struct mqtt_packet packet = {.bytes = bytes, .captured = length, .length = length};
    const struct track_text *topic = track_intern_span(capture, &packet, (struct mqtt_span){0, length});

    if (topic == NULL || !track_file_charge(&capture->memory, sizeof topic))
        return 0;
    wmem_array_append_one(numbers->topics, topic);
    return wmem_array_get_count(numbers->topics);
}

uint32_t track_number_topic(struct track_capture *capture, const uint8_t *bytes, uint32_t length, uint32_t hash)
{
    if (capture->topics == NULL) {
        capture->topics =
            (struct track_topic_numbers *)track_file_alloc_always(&capture->memory, sizeof *capture->topics);
        capture->topics->topics = wmem_array_new(capture->memory.scope, sizeof(const struct track_text *));
    }
    uint32_t *recent = &capture->topics->recent[hash % RECENT];
    if (*recent != 0) {
        const struct track_text *topic = track_numbered_topic(capture, *recent);
        if (topic->length == length && memcmp(topic->bytes, bytes, length) == 0)
            return *recent;
    }
    uint32_t number = add_topic(capture, bytes, length);
    if (number != 0)
        *recent = number;
    return number;
}

const struct track_text *track_numbered_topic(const struct track_capture *capture, uint32_t number)
{
    return *(const struct track_text **)wmem_array_index(capture->topics->topics, number - 1);
}
