/* faults.c - the expert items of decoding: what keeps a packet from being read, and what it cannot be read without.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/expert.h>

#include "fields.h"
#include "show.h"

static void add_fault(struct show_faults *faults, enum show_expert expert, struct mqtt_span at)
{
    if (faults->count < SHOW_FAULTS_MAX)
        faults->list[faults->count++] = (struct show_fault){expert, at};
}

/** Topics and filters without a character: one item a packet, on the first of them. */
static void find_empty_topic(const struct mqtt_packet *packet, struct show_faults *faults)
{
    struct mqtt_span empty = {0, 0};
    struct mqtt_filter filter;
    uint32_t at = 0;

    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        if (packet->connect.will_topic.at != 0 && packet->connect.will_topic.length == 0)
            empty = packet->connect.will_topic;
        break;
    case MQTT_TYPE_PUBLISH:
        if (packet->publish.payload.at != 0 && packet->publish.topic.length == 0 &&
            mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS) == NULL)
            empty = packet->publish.topic;
        break;
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        while (empty.at == 0 && mqtt_filters_next(packet, &at, &filter))
            if (filter.text.length == 0)
                empty = filter.text;
        break;
    default:
        break;
    }
    if (empty.at != 0)
        add_fault(faults, SHOW_EXPERT_ILLEGAL_LENGTH, (struct mqtt_span){empty.at - 2, 2});
}

/** The version by which the packet was read is a guess. */
static bool is_version_guessed(const struct track_snapshot *snapshot)
{
    return snapshot->version_source == TRACK_VERSION_FROM_NOTHING ||
           snapshot->version_source == TRACK_VERSION_FROM_PACKETS;
}

static enum show_expert fault_expert(const struct show_context *context)
{
    if (context->packet->fault.kind == MQTT_FAULT_CUT)
        return context->facts->is_partial ? SHOW_EXPERT_PARTIAL : SHOW_EXPERT_CUT;
    return is_version_guessed(context->facts->snapshot) ? SHOW_EXPERT_MALFORMED_MAYBE : SHOW_EXPERT_MALFORMED;
}

/** Why the version is unknown. */
static enum show_expert unknown_version_expert(const struct track_snapshot *snapshot)
{
    if (snapshot->has_broken_connect)
        return SHOW_EXPERT_BROKEN_CONNECT;
    return snapshot->lacks_connect ? SHOW_EXPERT_NO_CONNECT : SHOW_EXPERT_UNKNOWN_VERSION;
}

void show_find_faults(const struct show_context *context, struct show_faults *faults)
{
    const struct mqtt_packet *packet = context->packet;
    const struct track_facts *facts = context->facts;
    const struct mqtt_property *alias = NULL;

    faults->count = 0;
    if (packet->fault.kind != MQTT_FAULT_NONE)
        add_fault(faults, fault_expert(context), packet->fault.at);
    if (facts->is_tentative)
        add_fault(faults, SHOW_EXPERT_TENTATIVE, (struct mqtt_span){0, 1});
    if (facts->snapshot->version_source == TRACK_VERSION_FROM_NOTHING && packet->type != MQTT_TYPE_CONNECT)
        add_fault(faults, unknown_version_expert(facts->snapshot), (struct mqtt_span){0, 1});
    if (facts->record != NULL && facts->record->is_captured_twice)
        add_fault(faults, SHOW_EXPERT_CAPTURED_TWICE, (struct mqtt_span){0, 1});
    uint8_t limits = facts->record != NULL ? facts->record->limits : 0;
    if (limits & TRACK_LIMIT_INFLIGHT)
        add_fault(faults, SHOW_EXPERT_LIMIT_INFLIGHT, (struct mqtt_span){0, 1});
    if (limits & TRACK_LIMIT_MEMORY)
        add_fault(faults, SHOW_EXPERT_LIMIT_MEMORY, (struct mqtt_span){0, 1});
    if (facts->record != NULL && facts->record->uses_alias && facts->record->topic == NULL &&
        !(limits & TRACK_LIMIT_MEMORY))
        alias = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS);
    if (alias != NULL)
        add_fault(faults, SHOW_EXPERT_UNKNOWN_ALIAS, alias->value);
    find_empty_topic(packet, faults);
}

/** What a fault of decoding says: the text of its row in wire/faults.def with its field and numbers. */
static const char *fault_text(wmem_allocator_t *pool, const struct mqtt_packet *packet)
{
    const struct mqtt_fault *fault = &packet->fault;
    const char *field = mqtt_fault_field_name(packet);

    switch (fault->kind) {
#define FAULT_FIELD(symbol, name)
#define FAULT(symbol, text)                                                                                            \
    case MQTT_FAULT_##symbol:                                                                                          \
        return wmem_strdup_printf(pool, text, field, fault->needed, fault->needed == 1 ? "" : "s", fault->found);
#include "../wire/faults.def"
#undef FAULT_FIELD
#undef FAULT
    case MQTT_FAULT_CUT:
        return wmem_strdup_printf(pool, "%s truncated by the snapshot length: %u of %u bytes captured", field,
                                  fault->found, fault->needed);
    case MQTT_FAULT_NONE:
        break;
    }
    return "";
}

/** A rule reports the same: one fact makes one item. A malformed packet may break rules beside the one about its fault. */
static bool is_reported_by_rule(const struct show_context *context, const struct show_fault *fault)
{
    const struct check_findings *findings = context->findings;
    bool is_about_decoding = fault->expert <= SHOW_EXPERT_FRAMING;
    struct mqtt_span at = fault->at;

    for (unsigned i = 0; i < findings->count; i++) {
        bool is_of_fault = check_rule_info(findings->list[i].rule)->about == CHECK_ABOUT_FAULT;
        struct mqtt_span marked = findings->list[i].at;
        bool is_equal = marked.at == at.at && marked.length == at.length;
        bool overlaps = marked.at < at.at + MAX(at.length, 1) && at.at < marked.at + MAX(marked.length, 1);
        if (is_about_decoding ? is_of_fault || is_equal : overlaps)
            return true;
    }
    return false;
}

/** An unknown version is told once a connection; the field is in each packet, as Wireshark's own dissector has it. */
static bool is_told_before(const struct show_context *context, enum show_expert expert)
{
    const struct track_packet_record *record = context->facts->record;
    bool is_of_version = expert >= SHOW_EXPERT_UNKNOWN_VERSION && expert <= SHOW_EXPERT_BROKEN_CONNECT;

    return is_of_version && (record == NULL || !record->is_version_unknown);
}

/** What happened in other connections, with their numbers; NULL where it says nothing of others. */
static const char *text_about_others(const struct show_context *context, enum show_expert expert)
{
    wmem_allocator_t *pool = context->pinfo->pool;
    const struct track_packet_record *record = context->facts->record;

    if (expert == SHOW_EXPERT_CAPTURED_TWICE)
        return wmem_strdup_printf(
            pool, "Connection captured twice, also as mqttscope.connection %u: checked and counted once",
            record->captured_as);
    return NULL;
}

static void raise_fault(const struct show_context *context, proto_tree *tree, const struct show_fault *fault)
{
    const struct mqtt_packet *packet = context->packet;
    uint32_t start = MIN(fault->at.at, packet->captured);
    int length = (int)MIN(fault->at.length, packet->captured - start);
    expert_field *expert = &show_experts[fault->expert];

    const char *text = text_about_others(context, fault->expert);

    if (text != NULL)
        proto_tree_add_expert_format(tree, context->pinfo, expert, context->tvb, (int)start, length, "%s", text);
    else if (is_reported_by_rule(context, fault) || is_told_before(context, fault->expert))
        proto_item_set_hidden(proto_tree_add_item(tree, expert->hf, context->tvb, (int)start, length, ENC_NA));
    else if (fault->expert <= SHOW_EXPERT_CUT)
        proto_tree_add_expert_format(tree, context->pinfo, expert, context->tvb, (int)start, length, "%s",
                                     fault_text(context->pinfo->pool, packet));
    else
        proto_tree_add_expert(tree, context->pinfo, expert, context->tvb, (int)start, length);
}

void show_faults(const struct show_context *context, proto_tree *tree, const struct show_faults *faults)
{
    for (unsigned i = 0; i < faults->count; i++)
        raise_fault(context, tree, &faults->list[i]);
}
