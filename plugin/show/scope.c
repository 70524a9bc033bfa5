/* scope.c - the generated subtree with what is inferred about a packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "fields.h"
#include "show.h"

#define FIELD(symbol) show_fields[SHOW_##symbol]

static const char *const version_source_names[] = {
    [TRACK_VERSION_FROM_NOTHING] = "unknown",
    [TRACK_VERSION_FROM_PREFERENCE] = "preference",
    [TRACK_VERSION_FROM_PACKETS] = "inferred",
    [TRACK_VERSION_FROM_CONNECT] = "CONNECT",
};

static const char *const evidence_names[] = {
    [TRACK_EVIDENCE_NONE] = "none",
    [TRACK_EVIDENCE_PORT] = "port",
    [TRACK_EVIDENCE_HANDSHAKE] = "TCP handshake",
    [TRACK_EVIDENCE_PINGRESP] = "PINGRESP",
    [TRACK_EVIDENCE_PINGREQ] = "PINGREQ",
    [TRACK_EVIDENCE_UNSUBACK] = "UNSUBACK",
    [TRACK_EVIDENCE_UNSUBSCRIBE] = "UNSUBSCRIBE",
    [TRACK_EVIDENCE_SUBACK] = "SUBACK",
    [TRACK_EVIDENCE_SUBSCRIBE] = "SUBSCRIBE",
    [TRACK_EVIDENCE_CONNACK] = "CONNACK",
    [TRACK_EVIDENCE_CONNECT] = "CONNECT",
};

static void add_string(const struct show_context *context, proto_tree *tree, int field, const char *value)
{
    proto_item_set_generated(proto_tree_add_string(tree, field, context->tvb, 0, 0, value));
}

static void add_number(const struct show_context *context, proto_tree *tree, int field, uint32_t value)
{
    proto_item_set_generated(proto_tree_add_uint(tree, field, context->tvb, 0, 0, value));
}

/** A link to another frame; left out where there is none. */
static void add_link(const struct show_context *context, proto_tree *tree, int field, uint32_t frame)
{
    if (frame != 0)
        add_number(context, tree, field, frame);
}

static void add_time(const struct show_context *context, proto_tree *tree, int field, int64_t ns)
{
    nstime_t time = {(time_t)(ns / 1000000000), (int)(ns % 1000000000)};

    if (ns != TRACK_TIME_UNKNOWN)
        proto_item_set_generated(proto_tree_add_time(tree, field, context->tvb, 0, 0, &time));
}

static void show_ends(const struct show_context *context, proto_tree *tree)
{
    const struct track_snapshot *snapshot = context->facts->snapshot;
    unsigned from = context->facts->sender;
    unsigned to = 1 - from;

    if (snapshot->client_id != NULL)
        add_string(context, tree, FIELD(CLIENT), show_text_value(context, snapshot->client_id));
    add_string(context, tree, FIELD(SRC_NAME), show_end_value(context, from));
    add_string(context, tree, FIELD(SRC_ROLE), track_role_name(track_role_of(snapshot, context->facts->deeds, from)));
    add_string(context, tree, FIELD(DST_NAME), show_end_value(context, to));
    add_string(context, tree, FIELD(DST_ROLE), track_role_name(track_role_of(snapshot, context->facts->deeds, to)));
    /* One field for both names is only there where a filter asks for it. */
    if (proto_registrar_get_nth((unsigned)FIELD(NAME))->ref_type >= HF_REF_TYPE_DIRECT)
        for (unsigned end = 0; end < 2; end++)
            proto_item_set_hidden(
                proto_tree_add_string(tree, FIELD(NAME), context->tvb, 0, 0, show_end_value(context, end)));
    add_string(context, tree, FIELD(EVIDENCE), evidence_names[snapshot->evidence]);
}

static void show_version(const struct show_context *context, proto_tree *tree)
{
    const struct track_snapshot *snapshot = context->facts->snapshot;

    if (snapshot->version != MQTT_VERSION_UNKNOWN)
        add_number(context, tree, FIELD(VERSION), snapshot->version);
    add_string(context, tree, FIELD(VERSION_SOURCE), version_source_names[snapshot->version_source]);
}

/** The PUBLISH's topic whether or not an alias was used, and where the alias was set. The beginning of a topic is none. */
static void show_resolved_topic(const struct show_context *context, proto_tree *tree)
{
    const struct track_text *aliased = track_alias_topic(context->facts);
    struct mqtt_span topic = context->packet->publish.topic;

    if (topic.length > 0 && mqtt_was_read(context->packet, topic)) {
        proto_item_set_generated(show_span(context, tree, FIELD(RESOLVED_TOPIC), topic, ENC_UTF_8));
    } else if (aliased != NULL) {
        add_string(context, tree, FIELD(RESOLVED_TOPIC), show_text_value(context, aliased));
        add_link(context, tree, FIELD(ALIAS_SET_IN), context->facts->record->alias_set_in);
    }
}

/** The topic or the filters that an answer is about; each filter with what became of it. */
static void show_request(const struct show_context *context, proto_tree *tree)
{
    const struct mqtt_packet *packet = context->packet;
    const struct track_filter_list *list = track_answered_filters(context->facts, packet);

    if (context->facts->request_topic != NULL)
        add_string(context, tree, FIELD(REQUEST_TOPIC), show_text_value(context, context->facts->request_topic));
    for (uint32_t i = 0; list != NULL && i < list->count && show_has_room(tree); i++) {
        bool has_code = i < packet->list.length && packet->list.at + i < packet->captured;
        proto_item *item =
            proto_tree_add_string(tree, FIELD(REQUEST_FILTER), context->tvb, has_code ? (int)(packet->list.at + i) : 0,
                                  has_code ? 1 : 0, show_text_value(context, list->filters[i]));
        proto_item_set_generated(item);
        if (has_code && PTREE_DATA(tree)->visible)
            proto_item_append_text(item, ", %s", show_reason_text(context, packet->bytes[packet->list.at + i]));
    }
}

/** What the packet answers and what answers it. */
static void show_exchange(const struct show_context *context, proto_tree *tree)
{
    const struct track_packet_record *record = context->facts->record;

    if (record == NULL)
        return;
    add_link(context, tree, FIELD(FIRST_SENT_IN), record->first_sent_in);
    add_link(context, tree, FIELD(REQUEST_IN), record->request_in);
    if (record->request_in != 0)
        add_time(context, tree, FIELD(RESPONSE_TIME), record->response_ns);
    if (record->completes_delivery)
        add_time(context, tree, FIELD(DELIVERY_TIME), record->delivery_ns);
    add_link(context, tree, FIELD(RESPONSE_IN), record->response_in);
    if (context->packet->type == MQTT_TYPE_CONNECT && record->takes_over != 0 && !record->is_captured_twice)
        add_number(context, tree, FIELD(TAKES_OVER), record->takes_over - 1);
    if (record->has_inflight) {
        add_number(context, tree, FIELD(INFLIGHT), record->inflight);
        if (record->inflight_max != 0)
            add_number(context, tree, FIELD(INFLIGHT_MAX), record->inflight_max);
    }
}

/** The subtree itself; NULL where nobody asks for it. */
static proto_tree *add_scope(const struct show_context *context, proto_tree *parent)
{
    if (!proto_field_is_referenced(parent, show_proto_scope))
        return NULL;
    proto_item *item = proto_tree_add_item(parent, show_proto_scope, context->tvb, 0, 0, ENC_NA);
    proto_tree *tree = proto_item_add_subtree(item, show_subtrees[SHOW_SUBTREE_SCOPE]);
    proto_item_set_generated(item);
    return tree;
}

void show_connection_scope(const struct show_context *context, proto_tree *parent)
{
    proto_tree *tree = add_scope(context, parent);

    if (tree == NULL)
        return;
    show_ends(context, tree);
    show_version(context, tree);
    show_event_fields(context, tree);
    show_statements(context, tree);
    add_number(context, tree, FIELD(CONNECTION), context->facts->connection);
}

void show_scope(const struct show_context *context, proto_tree *parent)
{
    const struct track_facts *facts = context->facts;
    proto_tree *tree = add_scope(context, parent);

    if (tree == NULL)
        return;
    show_ends(context, tree);
    if (context->packet->type == MQTT_TYPE_PUBLISH)
        show_resolved_topic(context, tree);
    show_request(context, tree);
    show_exchange(context, tree);
    show_journey(context, tree);
    add_time(context, tree, FIELD(IDLE_TIME), facts->idle_ns);
    if (context->packet->type == MQTT_TYPE_CONNACK && facts->snapshot->has_keep_alive)
        add_number(context, tree, FIELD(EFFECTIVE_KEEP_ALIVE), facts->snapshot->keep_alive_s);
    show_version(context, tree);
    show_event_fields(context, tree);
    show_statements(context, tree);
    show_undecided(context, tree);
    add_number(context, tree, FIELD(CONNECTION), facts->connection);
    add_number(context, tree, FIELD(PDU), facts->pdu.pdu);
}
