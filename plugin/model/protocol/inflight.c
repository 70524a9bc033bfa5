/* inflight.c - the exchanges of a connection that are under way.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "inflight.h"

/* Most connections have one or two exchanges under way, and there may be 100,000 connections: a hash table pays only
 * beyond this many. */
enum { INDEX_FROM = 16 };

/* Who takes a session up again and again must not cost time for ever more exchanges each time. */
enum { INHERITED_MOST = 128 };

void track_inflight_begin(struct track_inflight *ledger, wmem_allocator_t *scope, uint32_t most)
{
    *ledger = (struct track_inflight){.scope = scope, .most = (uint16_t)MIN(most, UINT16_MAX)};
}

struct track_inflight_entry *track_inflight_find(const struct track_inflight *ledger, uint16_t packet_id)
{
    if (ledger->is_indexed)
        return (struct track_inflight_entry *)wmem_map_lookup(ledger->index, GUINT_TO_POINTER(packet_id));
    struct track_inflight_entry *flow = ledger->flows;
    while (flow != NULL && flow->packet_id != packet_id)
        flow = flow->next;
    return flow;
}

/** Changes over from the list to the index. */
static void make_index(struct track_inflight *ledger)
{
    wmem_map_t *index = wmem_map_new(ledger->scope, g_direct_hash, g_direct_equal);

    for (struct track_inflight_entry *flow = ledger->flows; flow != NULL; flow = flow->next)
        wmem_map_insert(index, GUINT_TO_POINTER(flow->packet_id), flow);
    ledger->index = index;
    ledger->is_indexed = true;
}

/** Puts a flow in, whoever had it before. */
static void add_flow(struct track_inflight *ledger, struct track_inflight_entry *flow)
{
    if (!ledger->is_indexed && ledger->count >= INDEX_FROM)
        make_index(ledger);
    if (ledger->is_indexed) {
        wmem_map_insert(ledger->index, GUINT_TO_POINTER(flow->packet_id), flow);
    } else {
        flow->next = ledger->flows;
        ledger->flows = flow;
    }
    ledger->count++;
    if (flow->type == MQTT_TYPE_PUBLISH)
        ledger->publishes++;
}

struct track_inflight_entry *track_inflight_open(struct track_inflight *ledger, uint16_t packet_id,
                                                 enum mqtt_packet_type type, unsigned qos)
{
    if (track_inflight_is_full(ledger))
        return NULL;
    struct track_inflight_entry *flow = wmem_new0(ledger->scope, struct track_inflight_entry);
    flow->packet_id = packet_id;
    flow->type = (uint8_t)type;
    flow->qos = (uint8_t)qos;
    flow->state = type == MQTT_TYPE_PUBLISH ? TRACK_INFLIGHT_PUBLISHED : TRACK_INFLIGHT_REQUESTED;
    add_flow(ledger, flow);
    return flow;
}

void track_inflight_close(struct track_inflight *ledger, struct track_inflight_entry *flow)
{
    if (ledger->is_indexed) {
        wmem_map_remove(ledger->index, GUINT_TO_POINTER(flow->packet_id));
    } else {
        struct track_inflight_entry **link = &ledger->flows;
        while (*link != flow)
            link = &(*link)->next;
        *link = flow->next;
    }
    ledger->count--;
    if (flow->type == MQTT_TYPE_PUBLISH && !flow->is_inherited)
        ledger->publishes--;
    wmem_free(ledger->scope, flow);
}

void track_inflight_set_inherited(struct track_inflight *ledger, struct track_inflight_entry *flow, bool is_inherited)
{
    if (flow->type == MQTT_TYPE_PUBLISH && flow->is_inherited != is_inherited)
        ledger->publishes = (uint16_t)(ledger->publishes + (is_inherited ? -1 : 1));
    flow->is_inherited = is_inherited;
}

static void collect(void *key G_GNUC_UNUSED, void *value, void *data)
{
    wmem_array_append((wmem_array_t *)data, &value, 1);
}

wmem_array_t *track_inflight_entries(const struct track_inflight *ledger)
{
    wmem_array_t *flows = wmem_array_new(NULL, sizeof(struct track_inflight_entry *));

    if (ledger->is_indexed) {
        wmem_map_foreach(ledger->index, collect, flows);
        return flows;
    }
    for (struct track_inflight_entry *flow = ledger->flows; flow != NULL; flow = flow->next)
        wmem_array_append(flows, &flow, 1);
    return flows;
}

void track_inflight_clear(struct track_inflight *ledger, bool only_inherited)
{
    if (ledger->count == 0)
        return;
    wmem_array_t *flows = track_inflight_entries(ledger);

    for (unsigned i = 0; i < wmem_array_get_count(flows); i++) {
        struct track_inflight_entry *flow = *(struct track_inflight_entry **)wmem_array_index(flows, i);
        if (!only_inherited || flow->is_inherited)
            track_inflight_close(ledger, flow);
    }
    wmem_destroy_array(flows);
}

bool track_inflight_inherit(struct track_inflight *to, struct track_inflight *from)
{
    if (from->count == 0)
        return true;
    if (from->count > INHERITED_MOST) {
        track_inflight_clear(from, false);
        return false;
    }
    wmem_array_t *flows = track_inflight_entries(from);

    /* The latest come first in a list: walking it from the back keeps their order. */
    for (unsigned i = wmem_array_get_count(flows); i > 0; i--) {
        struct track_inflight_entry *flow = *(struct track_inflight_entry **)wmem_array_index(flows, i - 1);
        if (flow->type != MQTT_TYPE_PUBLISH || track_inflight_find(to, flow->packet_id) != NULL)
            continue;
        struct track_inflight_entry *heir = track_inflight_open(to, flow->packet_id, MQTT_TYPE_PUBLISH, flow->qos);
        if (heir == NULL)
            break;
        heir->state = flow->state;
        track_inflight_set_inherited(to, heir, true);
        heir->content_hash = flow->content_hash;
        heir->subscription_id = flow->subscription_id;
        heir->begun_ns = flow->begun_ns;
        heir->waiting = flow->waiting;
    }
    wmem_destroy_array(flows);
    track_inflight_clear(from, false);
    return true;
}

const struct track_inflight_entry *track_inflight_find_older(const struct track_inflight *ledger, uint32_t frame)
{
    wmem_array_t *flows = track_inflight_entries(ledger);
    const struct track_inflight_entry *oldest = NULL;

    for (unsigned i = 0; i < wmem_array_get_count(flows); i++) {
        const struct track_inflight_entry *flow = *(struct track_inflight_entry **)wmem_array_index(flows, i);
        if (flow->type == MQTT_TYPE_PUBLISH && flow->waiting.note != NULL && flow->waiting.note->place.frame < frame &&
            (oldest == NULL || flow->waiting.first_frame < oldest->waiting.first_frame))
            oldest = flow;
    }
    wmem_destroy_array(flows);
    return oldest;
}

const struct track_inflight_entry *track_inflight_find_twin(const struct track_inflight *ledger,
                                                            const struct track_inflight_entry *flow)
{
    wmem_array_t *flows = track_inflight_entries(ledger);
    const struct track_inflight_entry *twin = NULL;

    for (unsigned i = 0; i < wmem_array_get_count(flows) && twin == NULL; i++) {
        const struct track_inflight_entry *each = *(struct track_inflight_entry **)wmem_array_index(flows, i);
        if (each != flow && each->is_inherited && each->type == MQTT_TYPE_PUBLISH && each->qos == flow->qos &&
            each->state == TRACK_INFLIGHT_PUBLISHED && each->content_hash == flow->content_hash)
            twin = each;
    }
    wmem_destroy_array(flows);
    return twin;
}
