/* ledger.c - the exchanges of a connection that are under way.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "ledger.h"

/* Most connections have one or two exchanges under way, and there may be 100,000 connections: a hash table pays only
 * beyond this many. */
enum { INDEX_FROM = 16 };

void mqtt_ledger_begin(struct mqtt_ledger *ledger, wmem_allocator_t *scope, uint32_t most)
{
    *ledger = (struct mqtt_ledger){.scope = scope, .most = most};
}

static enum mqtt_flow_list list_of(const struct mqtt_ledger *ledger, const struct mqtt_flow *flow)
{
    if (flow->type != MQTT_TYPE_PUBLISH)
        return MQTT_FLOWS_REQUESTS;
    return flow->life == ledger->life ? MQTT_FLOWS_PUBLISHES : MQTT_FLOWS_INHERITED;
}

static void link_flow(struct mqtt_ledger *ledger, struct mqtt_flow *flow)
{
    enum mqtt_flow_list list = list_of(ledger, flow);

    flow->previous = NULL;
    flow->next = ledger->first[list];
    if (flow->next != NULL)
        flow->next->previous = flow;
    else
        ledger->last[list] = flow;
    ledger->first[list] = flow;
    ledger->count++;
    ledger->publishes += list == MQTT_FLOWS_PUBLISHES;
}

static void unlink_flow(struct mqtt_ledger *ledger, struct mqtt_flow *flow)
{
    enum mqtt_flow_list list = list_of(ledger, flow);

    *(flow->next != NULL ? &flow->next->previous : &ledger->last[list]) = flow->previous;
    *(flow->previous != NULL ? &flow->previous->next : &ledger->first[list]) = flow->next;
    ledger->count--;
    ledger->publishes -= list == MQTT_FLOWS_PUBLISHES;
}

struct mqtt_flow *mqtt_ledger_find(const struct mqtt_ledger *ledger, uint16_t packet_id)
{
    if (ledger->index != NULL)
        return (struct mqtt_flow *)wmem_map_lookup(ledger->index, GUINT_TO_POINTER(packet_id));
    for (unsigned list = 0; list < MQTT_FLOW_LISTS; list++)
        for (struct mqtt_flow *flow = ledger->first[list]; flow != NULL; flow = flow->next)
            if (flow->packet_id == packet_id)
                return flow;
    return NULL;
}

/** Makes the index of what is in the lists. */
static void make_index(struct mqtt_ledger *ledger)
{
    ledger->index = wmem_map_new(ledger->scope, g_direct_hash, g_direct_equal);
    for (unsigned list = 0; list < MQTT_FLOW_LISTS; list++)
        for (struct mqtt_flow *flow = ledger->first[list]; flow != NULL; flow = flow->next)
            wmem_map_insert(ledger->index, GUINT_TO_POINTER(flow->packet_id), flow);
}

/** Puts a flow in, whoever had it before. */
static void add_flow(struct mqtt_ledger *ledger, struct mqtt_flow *flow)
{
    if (ledger->index == NULL && ledger->count >= INDEX_FROM)
        make_index(ledger);
    if (ledger->index != NULL)
        wmem_map_insert(ledger->index, GUINT_TO_POINTER(flow->packet_id), flow);
    link_flow(ledger, flow);
}

struct mqtt_flow *mqtt_ledger_open(struct mqtt_ledger *ledger, uint16_t packet_id, enum mqtt_packet_type type,
                                   unsigned qos)
{
    if (ledger->count >= ledger->most)
        return NULL;
    struct mqtt_flow *flow = wmem_new0(ledger->scope, struct mqtt_flow);
    flow->packet_id = packet_id;
    flow->life = ledger->life;
    flow->type = (uint8_t)type;
    flow->qos = (uint8_t)qos;
    flow->state = type == MQTT_TYPE_PUBLISH ? MQTT_FLOW_PUBLISHED : MQTT_FLOW_REQUESTED;
    add_flow(ledger, flow);
    return flow;
}

void mqtt_ledger_close(struct mqtt_ledger *ledger, struct mqtt_flow *flow)
{
    if (ledger->index != NULL)
        wmem_map_remove(ledger->index, GUINT_TO_POINTER(flow->packet_id));
    unlink_flow(ledger, flow);
    wmem_free(ledger->scope, flow);
}

void mqtt_ledger_set_inherited(struct mqtt_ledger *ledger, struct mqtt_flow *flow, bool is_inherited)
{
    unlink_flow(ledger, flow);
    flow->life = ledger->life - is_inherited;
    link_flow(ledger, flow);
}

static void close_list(struct mqtt_ledger *ledger, enum mqtt_flow_list list)
{
    while (ledger->first[list] != NULL)
        mqtt_ledger_close(ledger, ledger->first[list]);
}

void mqtt_ledger_clear(struct mqtt_ledger *ledger, bool only_inherited)
{
    close_list(ledger, MQTT_FLOWS_INHERITED);
    if (only_inherited)
        return;
    close_list(ledger, MQTT_FLOWS_PUBLISHES);
    close_list(ledger, MQTT_FLOWS_REQUESTS);
}

/** Puts the flows of an old ledger into `ledger`, as its own or as inherited ones, as they were. `wins`: they replace what
 *  is there under the same identifier. What does not fit is dropped. */
static void move_flows(struct mqtt_ledger *ledger, const struct mqtt_ledger *old, bool wins, bool as_inherited)
{
    for (unsigned list = 0; list < MQTT_FLOW_LISTS; list++) {
        struct mqtt_flow *next;
        for (struct mqtt_flow *flow = old->first[list]; flow != NULL; flow = next) {
            struct mqtt_flow *same = mqtt_ledger_find(ledger, flow->packet_id);
            next = flow->next;
            if (same != NULL && wins)
                mqtt_ledger_close(ledger, same);
            if ((same != NULL && !wins) || ledger->count >= ledger->most) {
                wmem_free(ledger->scope, flow);
                continue;
            }
            flow->life = ledger->life - (as_inherited || flow->life != old->life);
            add_flow(ledger, flow);
        }
    }
}

/** Begins a new life: all PUBLISHes of the ledger are inherited ones. */
static void inherit_all(struct mqtt_ledger *ledger)
{
    struct mqtt_flow *last = ledger->last[MQTT_FLOWS_PUBLISHES];

    ledger->life++;
    if (last == NULL)
        return;
    last->next = ledger->first[MQTT_FLOWS_INHERITED];
    if (last->next != NULL)
        last->next->previous = last;
    else
        ledger->last[MQTT_FLOWS_INHERITED] = last;
    ledger->first[MQTT_FLOWS_INHERITED] = ledger->first[MQTT_FLOWS_PUBLISHES];
    ledger->first[MQTT_FLOWS_PUBLISHES] = ledger->last[MQTT_FLOWS_PUBLISHES] = NULL;
    ledger->publishes = 0;
}

/* A session may have 65,535 exchanges under way and be taken up again and again. So the larger ledger changes hands as it
 * is, and only the flows of the smaller one are moved. */
void mqtt_ledger_inherit(struct mqtt_ledger *to, struct mqtt_ledger *from)
{
    struct mqtt_ledger old_to = *to;
    struct mqtt_ledger old_from;

    close_list(from, MQTT_FLOWS_REQUESTS);
    old_from = *from;
    mqtt_ledger_begin(from, from->scope, from->most);
    if (old_from.count < old_to.count) {
        move_flows(to, &old_from, false, true);
        return;
    }
    *to = old_from;
    to->most = old_to.most;
    inherit_all(to);
    move_flows(to, &old_to, true, false);
}
