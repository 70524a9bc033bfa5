/* topic-numbers.c - numbers for topics, so that a packet's record can name one in four bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * They are found by a hash, without a look at the map of all texts. The hash is not keyed: where a peer has chosen topics that are
 * alike in it, the search ends after a few of them, and the topic gets a further number.
 */
#include "topic-numbers.h"

#include <string.h>

#include "text.h"

enum { SLOTS_FIRST = 1024, PROBES = 16 };

struct track_topic_numbers {
    wmem_array_t *topics; /**< struct track_text pointers by number - 1 */
    uint32_t *slots;      /**< numbers, by the hash of their topics, or in one of the next slots; 0: none */
    uint32_t mask;        /**< slots, less one */
    uint32_t taken;       /**< slots with a number */
};

/** The slot of a topic: with its number, or the first free one; NULL where neither is near. */
static uint32_t *find_slot(const struct track_topic_numbers *numbers, const uint8_t *bytes, uint32_t length,
                           uint32_t hash)
{
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t *slot = &numbers->slots[(hash + i) & numbers->mask];
        if (*slot == 0)
            return slot;
        const struct track_text *topic = *(const struct track_text **)wmem_array_index(numbers->topics, *slot - 1);
        if (topic->length == length && memcmp(topic->bytes, bytes, length) == 0)
            return slot;
    }
    return NULL;
}

/** Doubles the slots; where there is no memory for that the topics that find none get further numbers. */
static void grow_slots(struct track_file_memory *memory, struct track_topic_numbers *numbers)
{
    struct track_topic_numbers grown = {.topics = numbers->topics, .mask = numbers->mask * 2 + 1};
    size_t size = ((size_t)numbers->mask + 1) * sizeof *numbers->slots;

    grown.slots = (uint32_t *)track_file_alloc(memory, 2 * size);
    if (grown.slots == NULL)
        return;
    for (uint32_t i = 0; i <= numbers->mask; i++) {
        if (numbers->slots[i] == 0)
            continue;
        const struct track_text *topic =
            *(const struct track_text **)wmem_array_index(numbers->topics, numbers->slots[i] - 1);
        uint32_t *slot = find_slot(&grown, topic->bytes, topic->length, track_hash_bytes(topic->bytes, topic->length));
        if (slot == NULL || *slot != 0)
            continue;
        *slot = numbers->slots[i];
        grown.taken++;
    }
    track_file_free(memory, numbers->slots, size);
    *numbers = grown;
}

/** Keeps a topic under the next number. It is not looked up among all texts: the slots find it. */
static uint32_t add_topic(struct track_capture *capture, const uint8_t *bytes, uint32_t length)
{
    struct track_topic_numbers *numbers = capture->topics;
    struct track_text *topic = (struct track_text *)track_file_keep(&capture->memory, sizeof *topic + length + 1);

    if (topic == NULL || !track_file_charge(&capture->memory, sizeof topic))
        return 0;
    topic->length = length;
    memcpy(topic->bytes, bytes, length);
    wmem_array_append_one(numbers->topics, topic);
    return wmem_array_get_count(numbers->topics);
}

static void begin_topics(struct track_capture *capture)
{
    struct track_topic_numbers *numbers =
        (struct track_topic_numbers *)track_file_alloc_always(&capture->memory, sizeof *numbers);

    numbers->topics = wmem_array_new(capture->memory.scope, sizeof(const struct track_text *));
    numbers->mask = SLOTS_FIRST - 1;
    numbers->slots = (uint32_t *)track_file_alloc_always(&capture->memory, SLOTS_FIRST * sizeof *numbers->slots);
    capture->topics = numbers;
}

uint32_t track_number_topic(struct track_capture *capture, const uint8_t *bytes, uint32_t length, uint32_t hash)
{
    if (capture->topics == NULL)
        begin_topics(capture);
    struct track_topic_numbers *numbers = capture->topics;
    uint32_t *slot = find_slot(numbers, bytes, length, hash);
    if (slot != NULL && *slot != 0)
        return *slot;
    uint32_t number = add_topic(capture, bytes, length);
    if (number == 0 || slot == NULL)
        return number;
    *slot = number;
    numbers->taken++;
    if (numbers->taken > numbers->mask / 2)
        grow_slots(&capture->memory, numbers);
    return number;
}

const struct track_text *track_numbered_topic(const struct track_capture *capture, uint32_t number)
{
    return *(const struct track_text **)wmem_array_index(capture->topics->topics, number - 1);
}
