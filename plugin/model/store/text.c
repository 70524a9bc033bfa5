/* text.c - text of the packets: kept once for the file's life, compared, hashed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "text.h"

#include <string.h>

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15) /* odd, its bits without a pattern: 2^64 by the golden ratio */

/** Mixes eight bytes at a time into a hash; returns it, and in `last` the last eight, or all where there are fewer. */
static uint64_t mix_bytes(uint64_t hash, const uint8_t *bytes, uint32_t length, uint64_t *last)
{
    const uint8_t *end = bytes + length;
    uint64_t eight = 0;

    if (length < sizeof eight) {
        memcpy(&eight, bytes, length);
        *last = eight;
        return hash;
    }
    for (; end - bytes > (ptrdiff_t)sizeof eight; bytes += sizeof eight) {
        memcpy(&eight, bytes, sizeof eight);
        hash = (hash ^ eight) * GOLDEN;
        hash ^= hash >> 32;
    }
    memcpy(last, end - sizeof eight, sizeof eight);
    return hash;
}

uint32_t track_hash_bytes(const uint8_t *bytes, uint32_t length)
{
    uint64_t last;
    uint64_t hash = mix_bytes(length, bytes, length, &last);

    hash = (hash ^ last) * GOLDEN;
    return (uint32_t)(hash ^ hash >> 32);
}

uint64_t track_hash_keyed(uint64_t key, const uint8_t *bytes, uint32_t length)
{
    uint64_t last;
    uint64_t hash = mix_bytes(key ^ length * GOLDEN, bytes, length, &last);

    hash = (hash ^ last ^ key >> 7) * GOLDEN;
    hash = (hash ^ hash >> 29) * UINT64_C(0xD6E8FEB86659FD93);
    return hash ^ hash >> 32;
}

guint track_hash_text(guint seed, const struct track_text *text)
{
    /* Keyed: whoever chooses the text cannot foresee it. */
    return (seed ^ wmem_strong_hash(text->bytes, text->length)) * 16777619u;
}

bool track_is_same_text(const struct track_text *one, const struct track_text *other)
{
    return one->length == other->length && memcmp(one->bytes, other->bytes, one->length) == 0;
}

static guint hash_interned(gconstpointer text)
{
    return track_hash_text(0, (const struct track_text *)text);
}

static gboolean is_same_interned(gconstpointer one, gconstpointer other)
{
    return track_is_same_text((const struct track_text *)one, (const struct track_text *)other);
}

const struct track_text *track_intern_text(struct track_capture *capture, const struct track_text *text)
{
    size_t size = sizeof *text + text->length + 1;

    if (capture->texts == NULL)
        capture->texts = wmem_map_new(capture->memory.scope, hash_interned, is_same_interned);
    struct track_text *kept = (struct track_text *)wmem_map_lookup(capture->texts, text);
    if (kept != NULL)
        return kept;
    kept = (struct track_text *)track_file_keep_entry(&capture->memory, size);
    if (kept == NULL)
        return NULL;
    memcpy(kept, text, size);
    wmem_map_insert(capture->texts, kept, kept);
    return kept;
}

struct track_text *track_copy_span(const struct mqtt_packet *packet, struct mqtt_span span)
{
    struct track_text *text = (struct track_text *)wmem_alloc(NULL, sizeof *text + span.length + 1);

    text->length = span.length;
    memcpy(text->bytes, packet->bytes + span.at, span.length);
    text->bytes[span.length] = '\0';
    return text;
}

const struct track_text *track_intern_span(struct track_capture *capture, const struct mqtt_packet *packet,
                                           struct mqtt_span span)
{
    struct track_text *text = track_copy_span(packet, span);
    const struct track_text *kept = track_intern_text(capture, text);

    wmem_free(NULL, text);
    return kept;
}
