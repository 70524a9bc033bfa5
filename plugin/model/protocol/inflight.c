/* inflight.c - which Packet Identifiers of a connection are in flight, and what each is used for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "inflight.h"

/* Most connections have one or two transactions in flight, and there may be 100,000 connections: a hash table pays only
 * from this many on. */
enum { INDEX_FROM = 16 };

/* A Client that resumes its session again and again must not cost time for ever more transactions each time. */
enum { INHERITED_MOST = 128 };

void track_inflight_begin(struct track_inflight *inflight, wmem_allocator_t *scope, uint32_t most)
{
    *inflight = (struct track_inflight){.scope = scope, .most = (uint16_t)MIN(most, UINT16_MAX)};
}

struct track_inflight_entry *track_inflight_find(const struct track_inflight *inflight, uint16_t packet_id)
{
    if (inflight->is_indexed)
        return (struct track_inflight_entry *)wmem_map_lookup(inflight->index, GUINT_TO_POINTER(packet_id));
    struct track_inflight_entry *entry = inflight->entries;
    while (entry != NULL && entry->packet_id != packet_id)
        entry = entry->next;
    return entry;
}

/** Changes over from the list to the index. */
static void make_index(struct track_inflight *inflight)
{
    wmem_map_t *index = wmem_map_new(inflight->scope, g_direct_hash, g_direct_equal);

    for (struct track_inflight_entry *entry = inflight->entries; entry != NULL; entry = entry->next)
        wmem_map_insert(index, GUINT_TO_POINTER(entry->packet_id), entry);
    inflight->index = index;
    inflight->is_indexed = true;
}

/** Puts an entry in, whichever connection it was begun on. */
static void add_entry(struct track_inflight *inflight, struct track_inflight_entry *entry)
{
    if (!inflight->is_indexed && inflight->count >= INDEX_FROM)
        make_index(inflight);
    if (inflight->is_indexed) {
        wmem_map_insert(inflight->index, GUINT_TO_POINTER(entry->packet_id), entry);
    } else {
        entry->next = inflight->entries;
        inflight->entries = entry;
    }
    inflight->count++;
    if (entry->type == MQTT_TYPE_PUBLISH)
        inflight->publishes++;
}

struct track_inflight_entry *track_inflight_open(struct track_inflight *inflight, uint16_t packet_id,
                                                 enum mqtt_packet_type type, unsigned qos)
{
    if (track_inflight_is_full(inflight))
        return NULL;
    struct track_inflight_entry *entry = wmem_new0(inflight->scope, struct track_inflight_entry);
    entry->packet_id = packet_id;
    entry->type = (uint8_t)type;
    entry->qos = (uint8_t)qos;
    entry->state = type == MQTT_TYPE_PUBLISH ? TRACK_INFLIGHT_PUBLISHED : TRACK_INFLIGHT_REQUESTED;
    add_entry(inflight, entry);
    return entry;
}

void track_inflight_close(struct track_inflight *inflight, struct track_inflight_entry *entry)
{
    if (inflight->is_indexed) {
        wmem_map_remove(inflight->index, GUINT_TO_POINTER(entry->packet_id));
    } else {
        struct track_inflight_entry **link = &inflight->entries;
        while (*link != entry)
            link = &(*link)->next;
        *link = entry->next;
    }
    inflight->count--;
    if (entry->type == MQTT_TYPE_PUBLISH && !entry->is_inherited)
        inflight->publishes--;
    wmem_free(inflight->scope, entry);
}

void track_inflight_set_inherited(struct track_inflight *inflight, struct track_inflight_entry *entry,
                                  bool is_inherited)
{
    if (entry->type == MQTT_TYPE_PUBLISH && entry->is_inherited != is_inherited)
        inflight->publishes = (uint16_t)(inflight->publishes + (is_inherited ? -1 : 1));
    entry->is_inherited = is_inherited;
}

static void collect(void *key G_GNUC_UNUSED, void *value, void *data)
{
    wmem_array_append((wmem_array_t *)data, &value, 1);
}

wmem_array_t *track_inflight_entries(const struct track_inflight *inflight)
{
    wmem_array_t *entries = wmem_array_new(NULL, sizeof(struct track_inflight_entry *));

    if (inflight->is_indexed) {
        wmem_map_foreach(inflight->index, collect, entries);
        return entries;
    }
    for (struct track_inflight_entry *entry = inflight->entries; entry != NULL; entry = entry->next)
        wmem_array_append(entries, &entry, 1);
    return entries;
}

void track_inflight_clear(struct track_inflight *inflight, bool only_inherited)
{
    if (inflight->count == 0)
        return;
    wmem_array_t *entries = track_inflight_entries(inflight);

    for (unsigned i = 0; i < wmem_array_get_count(entries); i++) {
        struct track_inflight_entry *entry = *(struct track_inflight_entry **)wmem_array_index(entries, i);
        if (!only_inherited || entry->is_inherited)
            track_inflight_close(inflight, entry);
    }
    wmem_destroy_array(entries);
}

bool track_inflight_inherit(struct track_inflight *to, struct track_inflight *from)
{
    if (from->count == 0)
        return true;
    if (from->count > INHERITED_MOST) {
        track_inflight_clear(from, false);
        return false;
    }
    wmem_array_t *entries = track_inflight_entries(from);

    /* The latest come first in a list: walking it from the back keeps tsuccessor order. */
    for (unsigned i = wmem_array_get_count(entries); i > 0; i--) {
        struct track_inflight_entry *entry = *(struct track_inflight_entry **)wmem_array_index(entries, i - 1);
        if (entry->type != MQTT_TYPE_PUBLISH || track_inflight_find(to, entry->packet_id) != NULL)
            continue;
        struct track_inflight_entry *successor =
            track_inflight_open(to, entry->packet_id, MQTT_TYPE_PUBLISH, entry->qos);
        if (successor == NULL)
            break;
        successor->state = entry->state;
        track_inflight_set_inherited(to, successor, true);
        successor->content_hash = entry->content_hash;
        successor->subscription_id = entry->subscription_id;
        successor->begun_ns = entry->begun_ns;
        successor->waiting = entry->waiting;
    }
    wmem_destroy_array(entries);
    track_inflight_clear(from, false);
    return true;
}

const struct track_inflight_entry *track_inflight_find_older(const struct track_inflight *inflight, uint32_t frame)
{
    wmem_array_t *entries = track_inflight_entries(inflight);
    const struct track_inflight_entry *oldest = NULL;

    for (unsigned i = 0; i < wmem_array_get_count(entries); i++) {
        const struct track_inflight_entry *entry = *(struct track_inflight_entry **)wmem_array_index(entries, i);
        if (entry->type == MQTT_TYPE_PUBLISH && entry->waiting.record != NULL &&
            entry->waiting.record->pdu.frame < frame &&
            (oldest == NULL || entry->waiting.first_frame < oldest->waiting.first_frame))
            oldest = entry;
    }
    wmem_destroy_array(entries);
    return oldest;
}

const struct track_inflight_entry *track_inflight_find_twin(const struct track_inflight *inflight,
                                                            const struct track_inflight_entry *entry)
{
    wmem_array_t *entries = track_inflight_entries(inflight);
    const struct track_inflight_entry *twin = NULL;

    for (unsigned i = 0; i < wmem_array_get_count(entries) && twin == NULL; i++) {
        const struct track_inflight_entry *each = *(struct track_inflight_entry **)wmem_array_index(entries, i);
        if (each != entry && each->is_inherited && each->type == MQTT_TYPE_PUBLISH && each->qos == entry->qos &&
            each->state == TRACK_INFLIGHT_PUBLISHED && each->content_hash == entry->content_hash)
            twin = each;
    }
    wmem_destroy_array(entries);
    return twin;
}
