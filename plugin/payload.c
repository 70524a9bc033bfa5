/* payload.c - hands a PUBLISH's payload to the dissector that knows what it is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The first of these that fits decides, and none is tried after it: the user's table of Wireshark's own MQTT dissector
 * (Message Decoding), the Content Type of MQTT 5.0, the dissectors that judge by the topic (Sparkplug B), and JSON where
 * the payload is that. Plain text is shown in the packet's own tree.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/charsets.h>
#include <epan/column-utils.h>
#include <epan/exceptions.h>
#include <epan/prefs-int.h>
#include <epan/prefs.h>
#include <epan/show_exception.h>
#include <epan/uat-int.h>

#include "compat.h"
#include "mqttscope.h"
#include "wire/json.h"
#include "wire/utf8.h"

/** How a row of the table compares its pattern with the topic. */
enum match { MATCH_EQUAL, MATCH_CONTAINS, MATCH_STARTS_WITH, MATCH_ENDS_WITH, MATCH_REGEX };

/** A row of the user's table, ready to be applied. */
struct decoding {
    enum match match;
    char *pattern;
    GRegex *regex; /**< MATCH_REGEX only */
    bool compressed;
    dissector_handle_t dissector;
    char *dissector_name; /**< as the user wrote it */
};

static GArray *decodings; /* struct decoding */
static bool decodings_are_read;
static dissector_table_t media_types;
static heur_dissector_list_t topic_heuristics;
static bool are_all_topics_judged; /* others judge by the topic than Sparkplug B */
static dissector_handle_t json;
static int json_proto = -1;

static void free_decoding(void *data)
{
    struct decoding *decoding = (struct decoding *)data;
    g_free(decoding->pattern);
    g_free(decoding->dissector_name);
    if (decoding->regex != NULL)
        g_regex_unref(decoding->regex);
}

void payload_handoff(void)
{
    media_types = find_dissector_table("media_type");
    topic_heuristics = find_heur_dissector_list("mqtt.topic");
    json = find_dissector("json");
    json_proto = json != NULL ? dissector_handle_get_protocol_index(json) : -1;
    decodings = g_array_new(FALSE, FALSE, sizeof(struct decoding));
    g_array_set_clear_func(decodings, free_decoding);
}

/** A cell of the user's table as text. The table belongs to the built-in dissector, whose rows are its own affair; the
 *  columns know how to print themselves. */
static char *table_cell(const uat_t *table, unsigned row, unsigned column)
{
    const uat_field_t *field = &table->fields[column];
    char *text = NULL;
    unsigned length = 0;

    field->cb.tostr((char *)*table->user_ptr + row * table->record_size, &text, &length, field->cbdata.tostr,
                    field->fld_data);
    return text;
}

/** The number of a column, found by its name; the number of columns where there is none. */
static unsigned table_column(const uat_t *table, const char *name)
{
    unsigned column = 0;
    while (column < table->ncols && strcmp(table->fields[column].name, name) != 0)
        column++;
    return column;
}

static enum match match_from_text(const char *text)
{
    static const char *const texts[] = {"Equal to", "Contains", "Starts with", "Ends with", "Regular Expression"};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        if (g_ascii_strcasecmp(text, texts[i]) == 0)
            return (enum match)i;
    return MATCH_EQUAL;
}

static void note_other(const char *table _U_, struct heur_dtbl_entry *entry, void *data)
{
    bool *is_other = (bool *)data;
    *is_other |= strcmp(proto_get_protocol_filter_name(proto_get_id(entry->protocol)), "sparkplugb") != 0;
}

void payload_reset(void)
{
    decodings_are_read = false;
    are_all_topics_judged = false;
    if (topic_heuristics != NULL)
        heur_dissector_table_foreach("mqtt.topic", note_other, &are_all_topics_judged);
}

/** Reads the user's table at its first use in a file: some versions load it only after payload_reset(). */
static void read_decodings(void)
{
    /* By its preference, because the table's own name is not unique in all versions. */
    module_t *module = prefs_find_module("mqtt");
    pref_t *preference = module != NULL ? prefs_find_preference(module, "message_decode_table") : NULL;
    const uat_t *table = preference != NULL ? prefs_get_uat_value(preference) : NULL;

    decodings_are_read = true;
    g_array_set_size(decodings, 0);
    if (table == NULL || *table->user_ptr == NULL)
        return;
    unsigned match = table_column(table, "match_criteria");
    unsigned pattern = table_column(table, "topic_pattern");
    unsigned encoding = table_column(table, "msg_decoding");
    unsigned dissector = table_column(table, "payload_proto");
    if (MAX(MAX(match, pattern), MAX(encoding, dissector)) >= table->ncols)
        return;
    for (unsigned row = 0; row < *table->nrows_p; row++) {
        char *match_text = table_cell(table, row, match);
        char *encoding_text = table_cell(table, row, encoding);
        struct decoding decoding = {.match = match_from_text(match_text), .pattern = table_cell(table, row, pattern)};

        decoding.compressed = strcmp(encoding_text, "none") != 0;
        decoding.dissector_name = table_cell(table, row, dissector);
        decoding.dissector = find_dissector(decoding.dissector_name);
        if (decoding.match == MATCH_REGEX)
            decoding.regex = g_regex_new(decoding.pattern, G_REGEX_OPTIMIZE, (GRegexMatchFlags)0, NULL);
        g_array_append_val(decodings, decoding);
        g_free(match_text);
        g_free(encoding_text);
    }
}

static bool topic_matches(const struct decoding *decoding, const char *topic)
{
    switch (decoding->match) {
    case MATCH_EQUAL:
        return strcmp(topic, decoding->pattern) == 0;
    case MATCH_CONTAINS:
        return strstr(topic, decoding->pattern) != NULL;
    case MATCH_STARTS_WITH:
        return g_str_has_prefix(topic, decoding->pattern);
    case MATCH_ENDS_WITH:
        return g_str_has_suffix(topic, decoding->pattern);
    case MATCH_REGEX:
        return decoding->regex != NULL && g_regex_match(decoding->regex, topic, (GRegexMatchFlags)0, NULL);
    }
    return false;
}

/** The topic as the built-in hands it on: text in the packet's pool, the alias resolved. */
static char *plain_topic(const struct show_context *context)
{
    wmem_allocator_t *pool = context->pinfo->pool;
    const struct track_text *aliased = track_alias_topic(context->facts);
    struct mqtt_span topic = context->packet->publish.topic;
    const uint8_t *bytes = context->packet->bytes + topic.at;
    uint32_t length = topic.length;

    if (length == 0 && aliased != NULL) {
        bytes = aliased->bytes;
        length = aliased->length;
    }
    if (mqtt_utf8_is_plain(bytes, length)) {
        char *text = (char *)wmem_alloc(pool, length + 1);
        memcpy(text, bytes, length);
        text[length] = '\0';
        return text;
    }
    return (char *)get_utf_8_string(pool, bytes, (int)length);
}

/** The user's table. True where a row fits the topic, even if its dissector could do nothing with the payload. */
static bool try_table(const struct show_context *context, proto_tree *parent, proto_tree *tree, tvbuff_t *payload,
                      const char *topic)
{
    packet_info *pinfo = context->pinfo;

    if (!decodings_are_read)
        read_decodings();
    for (unsigned i = 0; i < decodings->len; i++) {
        const struct decoding *decoding = &g_array_index(decodings, struct decoding, i);
        if (decoding->dissector == NULL || *topic == '\0' || !topic_matches(decoding, topic))
            continue;
        if (decoding->compressed) {
            payload = compat_inflate(payload, payload, 0, (int)tvb_captured_length(payload));
            if (payload == NULL)
                return true;
            add_new_data_source(pinfo, payload, "Uncompressed Message");
        }
        proto_item_set_generated(proto_tree_add_string(tree, show_fields[SHOW_PAYLOAD_DECODED_AS], payload, 0, -1,
                                                       decoding->dissector_name));
        call_dissector(decoding->dissector, payload, pinfo, parent);
        return true;
    }
    return false;
}

/** The Content Type of MQTT 5.0 (section 3.3.2.3.9): a MIME type by custom, whose parameters do not count. */
static bool try_content_type(const struct show_context *context, proto_tree *parent, tvbuff_t *payload)
{
    const struct mqtt_property *property =
        mqtt_properties_find(&context->packet->properties, MQTT_PROPERTY_CONTENT_TYPE);
    if (property == NULL || media_types == NULL)
        return false;

    wmem_allocator_t *pool = context->pinfo->pool;
    char *type =
        (char *)tvb_get_string_enc(pool, context->tvb, (int)property->text.at, (int)property->text.length, ENC_UTF_8);
    type[strcspn(type, ";")] = '\0';
    g_strstrip(type);
    for (char *c = type; *c != '\0'; c++)
        *c = g_ascii_tolower(*c);
    return compat_try_string(media_types, type, payload, context->pinfo, parent, NULL) > 0;
}

/** More items than the JSON dissector makes of a value: in 4.0, 4.4 and 4.6 they are six for a member of an object. */
enum { ITEMS_PER_JSON_VALUE = 12 };

/** Has the JSON dissector show a payload that is JSON; where the frame's tree has no room for it, says so. */
static void show_json(const struct show_context *context, proto_tree *parent, proto_tree *tree, tvbuff_t *payload,
                      uint32_t values)
{
    if (show_has_room_for(parent, (uint64_t)values * ITEMS_PER_JSON_VALUE))
        call_dissector_only(json, payload, context->pinfo, parent, NULL);
    else
        show_no_room(context, tree);
}

/** JSON without a Content Type. It is dissected only where the tree is visible or a field of JSON's is referenced; the
 *  Protocol column is the same either way. */
static void try_json(const struct show_context *context, proto_tree *parent, proto_tree *tree, tvbuff_t *payload)
{
    column_info *columns = context->pinfo->cinfo;
    uint32_t length = tvb_captured_length(payload);
    uint32_t values;

    if (json == NULL || !proto_is_protocol_enabled(find_protocol_by_id(json_proto)) ||
        length < tvb_reported_length(payload))
        return;
    bool is_wanted = proto_field_is_referenced(parent, json_proto);
    if (!is_wanted && !col_get_writable(columns, COL_PROTOCOL))
        return;
    if (!mqtt_json_check(tvb_get_ptr(payload, 0, (int)length), length, &values))
        return;
    /* As the JSON dissector does it. */
    col_append_sep_str(columns, COL_PROTOCOL, "/", "JSON");
    if (!is_wanted)
        return;
    col_set_writable(columns, COL_PROTOCOL, FALSE);
    show_json(context, parent, tree, payload, values);
}

/** The dissectors that judge by the topic. Sparkplug B's takes a topic into its levels, which costs more than all else that is done
 *  for a payload; so where it is alone, only topics are handed to it that begin with its namespace (Sparkplug 3.0 section 4.1). */
static bool try_topic(const struct show_context *context, proto_tree *parent, tvbuff_t *payload, char *topic)
{
    heur_dtbl_entry_t *entry;

    if (topic_heuristics == NULL || (!are_all_topics_judged && !g_str_has_prefix(topic, "spBv1.0")))
        return false;
    return dissector_try_heuristic(topic_heuristics, payload, context->pinfo, parent, &entry, topic);
}

static void try_each(const struct show_context *context, proto_tree *parent, proto_tree *tree, tvbuff_t *payload)
{
    char *topic = plain_topic(context);

    if (!try_table(context, parent, tree, payload, topic) && !try_content_type(context, parent, payload) &&
        !try_topic(context, parent, payload, topic))
        try_json(context, parent, tree, payload);
}

/** Runs the hand-over so that it can harm neither the packets after this one nor TCP's idea of the stream: the payload is
 *  whole, whatever its dissector thinks of it, and its faults are its own affair. */
static void try_each_safely(const struct show_context *context, proto_tree *parent, proto_tree *tree, tvbuff_t *payload)
{
    packet_info *pinfo = context->pinfo;
    const char *const current_proto = pinfo->current_proto;
    const uint16_t can_desegment = pinfo->can_desegment;
    const int desegment_offset = pinfo->desegment_offset;
    const uint32_t desegment_len = pinfo->desegment_len;
    const uint16_t want_pdu_tracking = pinfo->want_pdu_tracking;
    const uint32_t bytes_until_next_pdu = pinfo->bytes_until_next_pdu;

    pinfo->can_desegment = 0;
    TRY
    {
        try_each(context, parent, tree, payload);
    }
    CATCH6(BoundsError, FragmentBoundsError, ReportedBoundsError, ContainedBoundsError, ScsiBoundsError,
           ReassemblyError)
    {
        show_exception(payload, pinfo, parent, EXCEPT_CODE, GET_MESSAGE);
        pinfo->current_proto = current_proto;
    }
    ENDTRY;
    pinfo->can_desegment = can_desegment;
    pinfo->desegment_offset = desegment_offset;
    pinfo->desegment_len = desegment_len;
    pinfo->want_pdu_tracking = want_pdu_tracking;
    pinfo->bytes_until_next_pdu = bytes_until_next_pdu;
}

void payload_hand_over(const struct show_context *context, proto_tree *parent, proto_tree *tree)
{
    struct mqtt_span span = context->packet->publish.payload;
    packet_info *pinfo = context->pinfo;

    if (span.at >= context->packet->captured)
        return;
    uint32_t captured = MIN(span.length, context->packet->captured - span.at);
    tvbuff_t *payload = tvb_new_subset_length_caplen(context->tvb, (int)span.at, (int)captured, (int)span.length);

    /* The Info column is ours. */
    bool info_is_open = col_get_writable(pinfo->cinfo, COL_INFO);
    bool protocol_is_open = col_get_writable(pinfo->cinfo, COL_PROTOCOL);
    col_set_writable(pinfo->cinfo, COL_INFO, FALSE);
    try_each_safely(context, parent, tree, payload);
    col_set_writable(pinfo->cinfo, COL_INFO, info_is_open);
    col_set_writable(pinfo->cinfo, COL_PROTOCOL, protocol_is_open);
}
