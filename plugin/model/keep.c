/* keep.c - the memory for what has to be known for as long as the file is open, and the user's limit for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who sends ever new topics, filters and Client Identifiers could fill all memory. Text is therefore kept once, however
 * often it comes, and beyond the limit nothing more is kept: what rests on it is then unknown.
 */
#include <string.h>

#include "state.h"

uint32_t mqtt_hash_bytes(const uint8_t *bytes, uint32_t length)
{
    const uint64_t factor =
        UINT64_C(0x9E3779B97F4A7C15); /* odd, its bits without a pattern: 2^64 by the golden ratio */
    uint64_t hash = length;
    uint64_t eight = 0;

    for (; length >= sizeof eight; bytes += sizeof eight, length -= (uint32_t)sizeof eight) {
        memcpy(&eight, bytes, sizeof eight);
        hash = (hash ^ eight) * factor;
        hash ^= hash >> 32;
    }
    eight = 0;
    memcpy(&eight, bytes, length);
    hash = (hash ^ eight) * factor;
    return (uint32_t)(hash ^ hash >> 32);
}

guint mqtt_hash_text(guint seed, const struct mqtt_text *text)
{
    /* Not to be foreseen by who chooses the text. */
    return (seed ^ wmem_strong_hash(text->bytes, text->length)) * 16777619u;
}

bool mqtt_is_same_text(const struct mqtt_text *one, const struct mqtt_text *other)
{
    return one->length == other->length && memcmp(one->bytes, other->bytes, one->length) == 0;
}

guint mqtt_hash_of_text(gconstpointer text)
{
    return mqtt_hash_text(0, (const struct mqtt_text *)text);
}

gboolean mqtt_is_equal_text(gconstpointer one, gconstpointer other)
{
    return mqtt_is_same_text((const struct mqtt_text *)one, (const struct mqtt_text *)other);
}

void *mqtt_keep(struct mqtt_world *world, size_t size)
{
    uint64_t most = world->options.max_memory;

    if (most != 0 && (size > most || world->memory > most - size))
        return NULL;
    world->memory += size;
    return wmem_alloc0(world->scope, size);
}

void mqtt_keep_no_longer(struct mqtt_world *world, void *memory, size_t size)
{
    world->memory -= size;
    wmem_free(world->scope, memory);
}

const struct mqtt_text *mqtt_keep_copy(struct mqtt_world *world, const struct mqtt_text *text)
{
    struct mqtt_text *kept = (struct mqtt_text *)wmem_map_lookup(world->texts, text);
    size_t size = sizeof *kept + text->length + 1;

    if (kept != NULL)
        return kept;
    kept = (struct mqtt_text *)mqtt_keep(world, size + MQTT_MAP_ENTRY);
    if (kept == NULL)
        return NULL;
    memcpy(kept, text, size);
    wmem_map_insert(world->texts, kept, kept);
    return kept;
}

struct mqtt_text *mqtt_copy_text(const struct mqtt_packet *packet, struct mqtt_span span)
{
    struct mqtt_text *text = (struct mqtt_text *)wmem_alloc(NULL, sizeof *text + span.length + 1);

    text->length = span.length;
    memcpy(text->bytes, packet->bytes + span.at, span.length);
    text->bytes[span.length] = '\0';
    return text;
}

const struct mqtt_text *mqtt_keep_text(struct mqtt_world *world, const struct mqtt_packet *packet,
                                       struct mqtt_span span)
{
    struct mqtt_text *text = mqtt_copy_text(packet, span);
    const struct mqtt_text *kept = mqtt_keep_copy(world, text);

    wmem_free(NULL, text);
    return kept;
}

void mqtt_note_no_memory(struct mqtt_tracking *tracking)
{
    struct mqtt_connection *connection = tracking->connection;

    if (connection->memory_noted)
        return;
    mqtt_tracking_note(tracking)->limits |= MQTT_LIMIT_MEMORY;
    connection->memory_noted = true;
}
