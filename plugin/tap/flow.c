/* flow.c - the flow graph: one diagram of all connections whose lanes are the brokers and the clients by name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark draws a lane for each address that occurs. Ours are text: `broker` and the Client Identifiers. While a file
 * shows one broker its lane is `broker`; with the second one, both are named with their endpoints, and the arrows
 * drawn so far are renamed. So are those of a client whose name comes after its first packets, as that of an identifier which the
 * Server assigns.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <epan/tap.h>
#include <epan/to_str.h>

#include "../compat.h"
#include "exports.h"

enum {
    LANE_BYTES = 64,  /**< a longer name is shortened in the middle */
    LANE_TAIL = 16,   /**< how much of its end is kept then */
    LINE_BYTES = 240, /**< what is shown of a packet's line */
    COMMENT_BYTES = LINE_BYTES + 100,
    LANES_MAX = 40, /**< Wireshark draws no more; later ones share the last two */
};

/** What is known about a graph besides its arrows. */
struct graph_state {
    const char *first_broker; /**< endpoint of the first broker; NULL before it is met */
    bool has_several_brokers;
    GHashTable *lanes; /**< the names of its lanes, to how many ends of connections use each */
    GHashTable *ends;  /**< connection number and end to its struct end_lane */
};

/** The lane of an end of a connection. */
struct end_lane {
    char *name;       /**< what the end is called; NULL before its first arrow */
    char *lane;       /**< where that is drawn */
    GPtrArray *items; /**< its arrows; NULL once its name is final */
};

/* The states of graphs, by their addresses. A graph may go without a word; what is left of it then is replaced when a
 * graph without arrows is met at its address. */
static GHashTable *states;

/** A lane's name: plain text of bounded length. */
struct lane {
    char name[LANE_BYTES + 8];
};

/** Moves on from a byte within a UTF-8 sequence to the next character. */
static size_t next_character(const char *text, size_t at)
{
    while (((unsigned char)text[at] & 0xC0) == 0x80)
        at++;
    return at;
}

/** Moves back from a byte within a UTF-8 sequence to its first one. */
static size_t this_character(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    return at;
}

static void name_lane(struct lane *lane, const char *name)
{
    size_t length = strlen(name);

    if (length <= LANE_BYTES) {
        memcpy(lane->name, name, length + 1);
        return;
    }
    size_t head = this_character(name, LANE_BYTES - LANE_TAIL);
    size_t tail = next_character(name, length - LANE_TAIL);
    snprintf(lane->name, sizeof lane->name, "%.*s\xE2\x80\xA6%s", (int)head, name, name + tail);
}

/** The broker's `address:port`; kept once for each broker, for as long as the program runs. */
static const char *broker_endpoint(packet_info *pinfo, bool is_sender)
{
    const char *host = address_to_str(pinfo->pool, is_sender ? &pinfo->src : &pinfo->dst);
    uint32_t port = is_sender ? pinfo->srcport : pinfo->destport;
    const char *text = strchr(host, ':') != NULL ? wmem_strdup_printf(pinfo->pool, "[%s]:%u", host, port)
                                                 : wmem_strdup_printf(pinfo->pool, "%s:%u", host, port);
    return g_intern_string(text);
}

static void set_lane(address *where, const char *name)
{
    address lane;

    free_address(where);
    set_address(&lane, AT_STRINGZ, (int)strlen(name) + 1, name);
    copy_address(where, &lane);
}

static bool is_lane(const address *where, const char *name)
{
    return where->type == AT_STRINGZ && strcmp((const char *)where->data, name) == 0;
}

/** Gives the only broker so far a name with its endpoint. */
static void rename_broker(struct compat_flow *graph, struct graph_state *state)
{
    struct lane lane;

    snprintf(lane.name, sizeof lane.name, "broker %s", state->first_broker);
    for (GList *each = graph->items->head; each != NULL; each = each->next) {
        struct compat_flow_item *item = (struct compat_flow_item *)each->data;

        if (is_lane(&item->src_addr, "broker"))
            set_lane(&item->src_addr, lane.name);
        if (is_lane(&item->dst_addr, "broker"))
            set_lane(&item->dst_addr, lane.name);
    }
    void *uses = g_hash_table_lookup(state->lanes, "broker");
    if (g_hash_table_remove(state->lanes, "broker"))
        g_hash_table_insert(state->lanes, g_strdup(lane.name), uses);
}

/** The broker's lane: `broker`, with its endpoint once there are several. */
static void name_broker(struct lane *lane, struct compat_flow *graph, struct graph_state *state, const char *endpoint)
{
    if (state->first_broker == NULL) {
        state->first_broker = endpoint;
    } else if (state->first_broker != endpoint && !state->has_several_brokers) {
        state->has_several_brokers = true;
        rename_broker(graph, state);
    }
    if (state->has_several_brokers)
        snprintf(lane->name, sizeof lane->name, "broker %s", endpoint);
    else
        name_lane(lane, "broker");
}

static const char others[] = "others";
static const char their_peers[] = "their peers";

/** The lane that is shared when no lane is left. There is one for each end of a connection, whatever is learned of its roles
 *  later, because Wireshark cannot draw an arrow from the last lane to itself. */
static const char *shared_lane(const struct end_lane *other_end, bool is_peer)
{
    if (other_end->lane != NULL && strcmp(other_end->lane, their_peers) == 0)
        return others;
    if (other_end->lane != NULL && strcmp(other_end->lane, others) == 0)
        return their_peers;
    return is_peer ? their_peers : others;
}

/** Takes the lane, or the shared one. */
static void claim_lane(struct lane *lane, struct graph_state *state, const char *shared)
{
    unsigned uses = GPOINTER_TO_UINT(g_hash_table_lookup(state->lanes, lane->name));

    if (uses > 0 || g_hash_table_size(state->lanes) < LANES_MAX - 2)
        g_hash_table_insert(state->lanes, g_strdup(lane->name), GUINT_TO_POINTER(uses + 1));
    else
        name_lane(lane, shared);
}

/** An end does not use a lane any more. */
static void release_lane(struct graph_state *state, const char *name)
{
    unsigned uses = GPOINTER_TO_UINT(g_hash_table_lookup(state->lanes, name));

    if (uses > 1)
        g_hash_table_insert(state->lanes, g_strdup(name), GUINT_TO_POINTER(uses - 1));
    else
        g_hash_table_remove(state->lanes, name);
}

static void free_end_lane(gpointer given)
{
    struct end_lane *end = (struct end_lane *)given;

    g_free(end->name);
    g_free(end->lane);
    if (end->items != NULL)
        g_ptr_array_unref(end->items);
    g_free(end);
}

/** The lane of an end; made on first use. */
static struct end_lane *find_end_lane(struct graph_state *state, uint32_t connection, unsigned end)
{
    void *key = GUINT_TO_POINTER(connection << 1 | end);
    struct end_lane *found = (struct end_lane *)g_hash_table_lookup(state->ends, key);

    if (found == NULL) {
        found = g_new0(struct end_lane, 1);
        found->items = g_ptr_array_new();
        g_hash_table_insert(state->ends, key, found);
    }
    return found;
}

/** An end has another name than before. The arrows that were drawn before it had one of its own move along. */
static void move_end(struct graph_state *state, struct end_lane *end, struct lane *lane, const char *shared)
{
    char *name = g_strdup(lane->name);

    if (end->lane != NULL && end->items != NULL)
        release_lane(state, end->lane);
    claim_lane(lane, state, shared);
    for (unsigned i = 0; end->items != NULL && i < end->items->len; i++) {
        struct compat_flow_item *item = (struct compat_flow_item *)g_ptr_array_index(end->items, i);
        set_lane(is_lane(&item->src_addr, end->lane) ? &item->src_addr : &item->dst_addr, lane->name);
    }
    g_free(end->name);
    g_free(end->lane);
    end->name = name;
    end->lane = g_strdup(lane->name);
}

/** Puts an end of the arrow into its lane. */
static void place_end(struct compat_flow *graph, struct compat_flow_item *item, packet_info *pinfo,
                      const struct tap_record *record, bool is_sender)
{
    struct graph_state *state = (struct graph_state *)g_hash_table_lookup(states, graph);
    unsigned at = is_sender ? record->facts.sender : 1 - record->facts.sender;
    bool is_broker = record->snapshot.broker == at;
    bool is_peer = record->snapshot.broker == TRACK_END_UNKNOWN ? at == 1 : is_broker;
    bool is_final = record->snapshot.broker != TRACK_END_UNKNOWN && (is_broker || record->snapshot.client_id != NULL);
    struct end_lane *end = find_end_lane(state, record->facts.connection, at);
    struct lane lane;

    if (is_broker)
        name_broker(&lane, graph, state, broker_endpoint(pinfo, is_sender));
    else
        name_lane(&lane, is_sender ? record->sender_name : record->receiver_name);
    if (end->name == NULL || strcmp(end->name, lane.name) != 0)
        move_end(state, end, &lane, shared_lane(find_end_lane(state, record->facts.connection, 1 - at), is_peer));
    set_lane(is_sender ? &item->src_addr : &item->dst_addr, end->lane);
    if (is_final && end->items != NULL) {
        g_ptr_array_unref(end->items);
        end->items = NULL;
    } else if (end->items != NULL) {
        g_ptr_array_add(end->items, item);
    }
}

static void free_state(gpointer given)
{
    struct graph_state *state = (struct graph_state *)given;

    g_hash_table_destroy(state->lanes);
    g_hash_table_destroy(state->ends);
    g_free(state);
}

/** Begins to know a graph that has no arrow yet. */
static void begin_graph(struct compat_flow *graph)
{
    struct graph_state *state = g_new0(struct graph_state, 1);

    state->lanes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    state->ends = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, free_end_lane);
    g_hash_table_insert(states, graph, state);
}

/** Appends to a text of COMMENT_BYTES; what does not fit is left out. */
G_GNUC_PRINTF(2, 3) static void append(char *text, const char *format, ...)
{
    size_t length = strlen(text);
    va_list values;

    va_start(values, format);
    (void)vsnprintf(text + length, COMMENT_BYTES - length, format, values);
    va_end(values);
}

static void append_time(char *text, int64_t ns)
{
    if (ns > -1000000000 && ns < 1000000000)
        append(text, "%.3f ms", (double)ns / 1e6);
    else
        append(text, "%.3f s", (double)ns / 1e9);
}

/** The packet's line, which has more room beside the graph than along an arrow, and how long an answer took. In the
 *  packet's pool. */
static char *comment_on(packet_info *pinfo, const struct tap_record *record)
{
    const struct track_packet_record *packet_record = record->facts.record;
    char *text = (char *)wmem_alloc(pinfo->pool, COMMENT_BYTES);
    size_t length = strlen(record->line);

    if (length > LINE_BYTES)
        length = this_character(record->line, LINE_BYTES);
    memcpy(text, record->line, length);
    text[length] = '\0';
    if (packet_record != NULL && packet_record->request_in != 0) {
        append(text, "; answers frame %u", packet_record->request_in);
        if (packet_record->response_ns != TRACK_TIME_UNKNOWN) {
            append(text, " after ");
            append_time(text, packet_record->response_ns);
        }
    }
    if (packet_record != NULL && packet_record->completes_delivery &&
        packet_record->delivery_ns != TRACK_TIME_UNKNOWN) {
        append(text, "; delivered in ");
        append_time(text, packet_record->delivery_ns);
    }
    return text;
}

/** Draws one arrow. */
static tap_packet_status draw(void *graph_given, packet_info *pinfo, epan_dissect_t *dissection _U_,
                              const void *record_given, tap_flags_t flags _U_)
{
    struct compat_flow *graph = (struct compat_flow *)graph_given;
    const struct tap_record *record = (const struct tap_record *)record_given;
    struct compat_flow_item *item = sequence_analysis_create_sai_with_addresses(pinfo, graph);

    if (item == NULL)
        return TAP_PACKET_DONT_REDRAW;
    if (g_queue_is_empty(graph->items) || !g_hash_table_contains(states, graph))
        begin_graph(graph);
    place_end(graph, item, pinfo, record, true);
    place_end(graph, item, pinfo, record, false);
    item->frame_number = pinfo->num;
    item->port_src = (uint16_t)pinfo->srcport;
    item->port_dst = (uint16_t)pinfo->destport;
    item->frame_label = g_strdup(record->line);
    item->comment = g_strdup(comment_on(pinfo, record));
    item->line_style = 1;
    item->conv_num = (uint16_t)record->facts.connection;
    item->display = true;
    sequence_analysis_use_color_filter(pinfo, item);
    g_queue_push_tail(graph->items, item);
    return TAP_PACKET_REDRAW;
}

int tap_register_flow(int proto)
{
    int tap = register_tap("mqttscope_flow");

    states = g_hash_table_new_full(NULL, NULL, NULL, free_state);
    if (COMPAT_KNOWS_FLOW_GRAPH)
        register_seq_analysis("mqttscope", "MQTT Flows", proto, "mqttscope_flow", TL_REQUIRES_NOTHING, draw);
    return tap;
}
