/* inflight.c - which Packet Identifiers of a connection are in flight, and what each is used for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "inflight.h"

#include "subscriptions.h"

/* A Client that resumes its session again and again must not cost time for ever more transactions each time. */
enum { INHERITED_MOST = 128 };

/* Among more than this nothing is searched for but by its identifier. */
enum { SEARCHED_MOST = 1024 };

void track_inflight_begin(struct track_inflight *inflight, uint32_t most)
{
    *inflight = (struct track_inflight){.most = (uint16_t)MIN(most, UINT16_MAX)};
}

struct track_inflight_entry *track_inflight_find(const struct track_inflight *inflight, uint16_t packet_id)
{
    return (struct track_inflight_entry *)track_id_table_find(&inflight->entries, packet_id);
}

struct track_inflight_entry *track_inflight_open(struct track_file_memory *memory, struct track_inflight *inflight,
                                                 uint16_t packet_id, enum mqtt_packet_type type, unsigned qos)
{
    struct track_inflight_entry *entry = NULL;

    if (!track_inflight_is_full(inflight))
        entry = (struct track_inflight_entry *)track_file_alloc(memory, sizeof *entry);
    if (entry == NULL) {
        inflight->is_incomplete = true;
        return NULL;
    }
    entry->by_id.id = packet_id;
    entry->type = (uint8_t)type;
    entry->qos = (uint8_t)qos;
    entry->state = type == MQTT_TYPE_PUBLISH ? TRACK_INFLIGHT_PUBLISHED : TRACK_INFLIGHT_REQUESTED;
    track_id_table_add(memory, &inflight->entries, &entry->by_id);
    if (type == MQTT_TYPE_PUBLISH)
        inflight->publishes++;
    return entry;
}

void track_inflight_close(struct track_file_memory *memory, struct track_inflight *inflight,
                          struct track_inflight_entry *entry)
{
    track_id_table_remove(&inflight->entries, &entry->by_id);
    if (entry->type == MQTT_TYPE_PUBLISH && !entry->is_inherited)
        inflight->publishes--;
    if (entry->filters != NULL)
        track_request_filters_release(memory, entry->filters);
    track_file_free(memory, entry, sizeof *entry);
}

void track_inflight_set_inherited(struct track_inflight *inflight, struct track_inflight_entry *entry,
                                  bool is_inherited)
{
    if (entry->type == MQTT_TYPE_PUBLISH && entry->is_inherited != is_inherited)
        inflight->publishes = (uint16_t)(inflight->publishes + (is_inherited ? -1 : 1));
    entry->is_inherited = is_inherited;
}

wmem_array_t *track_inflight_entries(const struct track_inflight *inflight)
{
    return track_id_table_entries(&inflight->entries);
}

void track_inflight_clear(struct track_file_memory *memory, struct track_inflight *inflight, bool only_inherited)
{
    if (inflight->entries.count == 0)
        return;
    wmem_array_t *entries = track_inflight_entries(inflight);

    for (unsigned i = 0; i < wmem_array_get_count(entries); i++) {
        struct track_inflight_entry *entry = *(struct track_inflight_entry **)wmem_array_index(entries, i);
        if (!only_inherited || entry->is_inherited)
            track_inflight_close(memory, inflight, entry);
    }
    wmem_destroy_array(entries);
    if (inflight->entries.count == 0)
        track_id_table_free(memory, &inflight->entries);
}

bool track_inflight_inherit(struct track_file_memory *memory, struct track_inflight *to, struct track_inflight *from)
{
    to->is_incomplete |= from->is_incomplete;
    if (from->entries.count == 0)
        return !from->is_incomplete;
    if (from->entries.count > INHERITED_MOST) {
        track_inflight_clear(memory, from, false);
        to->is_incomplete = true;
        return false;
    }
    wmem_array_t *entries = track_inflight_entries(from);

    /* The latest come first in a list: walking it from the back keeps their order. */
    for (unsigned i = wmem_array_get_count(entries); i > 0; i--) {
        struct track_inflight_entry *entry = *(struct track_inflight_entry **)wmem_array_index(entries, i - 1);
        if (entry->type != MQTT_TYPE_PUBLISH || track_inflight_find(to, entry->by_id.id) != NULL)
            continue;
        struct track_inflight_entry *successor =
            track_inflight_open(memory, to, entry->by_id.id, MQTT_TYPE_PUBLISH, entry->qos);
        if (successor == NULL)
            break;
        successor->state = entry->state;
        track_inflight_set_inherited(to, successor, true);
        successor->may_be_over = entry->may_be_over;
        successor->content_hash = entry->content_hash;
        successor->message = entry->message;
        successor->subscription_id = entry->subscription_id;
        successor->topic = entry->topic;
        successor->begun_ns = entry->begun_ns;
        successor->waiting = entry->waiting;
    }
    wmem_destroy_array(entries);
    track_inflight_clear(memory, from, false);
    return !to->is_incomplete;
}

const struct track_inflight_entry *track_inflight_find_older(const struct track_inflight *inflight, uint32_t frame)
{
    wmem_array_t *entries = track_inflight_entries(inflight);
    const struct track_inflight_entry *oldest = NULL;

    for (unsigned i = 0; i < wmem_array_get_count(entries); i++) {
        const struct track_inflight_entry *entry = *(struct track_inflight_entry **)wmem_array_index(entries, i);
        if (entry->type == MQTT_TYPE_PUBLISH && !entry->may_be_over && entry->waiting.record != NULL &&
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
    const struct track_inflight_entry *twin = NULL;

    if (inflight->entries.count > SEARCHED_MOST)
        return NULL;
    wmem_array_t *entries = track_inflight_entries(inflight);
    for (unsigned i = 0; i < wmem_array_get_count(entries) && twin == NULL; i++) {
        const struct track_inflight_entry *each = *(struct track_inflight_entry **)wmem_array_index(entries, i);
        if (each != entry && each->is_inherited && each->type == MQTT_TYPE_PUBLISH && each->qos == entry->qos &&
            each->state == TRACK_INFLIGHT_PUBLISHED && each->content_hash == entry->content_hash)
            twin = each;
    }
    wmem_destroy_array(entries);
    return twin;
}
