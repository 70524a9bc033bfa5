/* fields.c - registers the filter fields, subtrees and expert items.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "fields.h"

#include <epan/tfs.h>
#include <epan/unit_strings.h>

#include "../compat.h"
#include "show.h"

int show_fields[SHOW_FIELD_COUNT];
int show_property_fields[MQTT_PROPERTY_COUNT];
int show_will_property_fields[MQTT_PROPERTY_COUNT];
int show_user_property_fields[SHOW_USER_PROPERTY_PARTS];
int show_will_user_property_fields[SHOW_USER_PROPERTY_PARTS];
int show_subtrees[SHOW_SUBTREE_COUNT];
expert_field show_experts[SHOW_EXPERT_COUNT];
int show_proto_mqtt = -1;
int show_proto_scope = -1;

static const value_string show_type_strings[] = {
#define PACKET_TYPE(symbol, number, name, senders, flags) {number, name},
#include "../wire/packet-types.def"
#undef PACKET_TYPE
    {0, NULL},
};

static const value_string show_qos_strings[] = {
    {0, "At most once delivery"},
    {1, "At least once delivery"},
    {2, "Exactly once delivery"},
    {3, "Reserved, must not be used"},
    {0, NULL},
};

static const value_string show_level_strings[] = {
    {MQTT_V31, "MQTT 3.1"},
    {MQTT_V311, "MQTT 3.1.1"},
    {MQTT_V50, "MQTT 5.0"},
    {MQTT_V31 | MQTT_LEVEL_BRIDGE, "MQTT 3.1, bridge"},
    {MQTT_V311 | MQTT_LEVEL_BRIDGE, "MQTT 3.1.1, bridge"},
    {MQTT_V50 | MQTT_LEVEL_BRIDGE, "MQTT 5.0, bridge"},
    {0, NULL},
};

static const value_string show_version_strings[] = {
    {MQTT_V31, "MQTT 3.1"},
    {MQTT_V311, "MQTT 3.1.1"},
    {MQTT_V50, "MQTT 5.0"},
    {0, NULL},
};

static const value_string show_retain_handling_strings[] = {
    {0, "Send retained messages at the time of the subscribe"},
    {1, "Send retained messages only if the subscription is new"},
    {2, "Do not send retained messages at the time of the subscribe"},
    {3, "Reserved, must not be used"},
    {0, NULL},
};

static const value_string payload_format_strings[] = {
    {0, "Unspecified bytes"},
    {1, "UTF-8 Encoded Character Data"},
    {0, NULL},
};

/** The names of one packet's codes, as Wireshark wants them; made once and kept for the program's life. */
static const value_string *show_reasons(enum mqtt_version version, enum mqtt_packet_type type)
{
    GArray *strings = g_array_new(TRUE, TRUE, sizeof(value_string));

    for (unsigned code = 0; code <= 0xFF; code++) {
        const char *name = mqtt_reason_name(version, type, (uint8_t)code);
        value_string row = {code, name};
        if (name != NULL)
            g_array_append_val(strings, row);
    }
    return (const value_string *)(void *)g_array_free(strings, FALSE);
}

/** The names of the properties by identifier; made once and kept for the program's life. */
static const value_string *show_property_strings(void)
{
    static value_string strings[MQTT_PROPERTY_COUNT + 1];

    for (unsigned i = 0; i < MQTT_PROPERTY_COUNT; i++) {
        const struct mqtt_property_info *info = mqtt_property_info((enum mqtt_property_index)i);
        strings[i] = (value_string){info->id, info->name};
    }
    return strings;
}

/* How a property's value is displayed; `meaning` of properties.def decides for numbers, its type for the rest. */
enum display { SECONDS, SIZE, FLAG, QOS, FORMAT, NUMBER, NONE };

static void set_display(header_field_info *field, enum mqtt_property_type type, enum display display)
{
    static const enum ftenum number_types[] = {
        [MQTT_PROPERTY_BYTE] = FT_UINT8,
        [MQTT_PROPERTY_TWO_BYTE] = FT_UINT16,
        [MQTT_PROPERTY_FOUR_BYTE] = FT_UINT32,
        [MQTT_PROPERTY_VARINT] = FT_UINT32,
    };

    field->display = BASE_NONE;
    if (type == MQTT_PROPERTY_TEXT || type == MQTT_PROPERTY_PAIR) {
        field->type = FT_STRING;
        return;
    }
    if (type == MQTT_PROPERTY_BINARY) {
        field->type = FT_BYTES;
        return;
    }
    field->type = number_types[type];
    field->display = BASE_DEC;
    switch (display) {
    case SECONDS:
        field->display |= BASE_UNIT_STRING;
        field->strings = UNS(&units_second_seconds);
        break;
    case SIZE:
        field->display |= BASE_UNIT_STRING;
        field->strings = UNS(&units_byte_bytes);
        break;
    case FLAG:
        field->type = FT_BOOLEAN;
        field->display = BASE_NONE;
        field->strings = TFS(&tfs_yes_no);
        break;
    case QOS:
        field->strings = VALS(show_qos_strings);
        break;
    case FORMAT:
        field->strings = VALS(payload_format_strings);
        break;
    case NUMBER:
    case NONE:
        break;
    }
}

/** Fills one property's registration; `prefix` is that of its filter name. */
static hf_register_info property_field(int *id, enum mqtt_property_index index, enum display display,
                                       const char *prefix, const char *field)
{
    const struct mqtt_property_info *info = mqtt_property_info(index);
    hf_register_info entry = {id, {info->name, NULL, FT_NONE, BASE_NONE, NULL, 0x0, NULL, HFILL}};

    entry.hfinfo.abbrev = g_strconcat(prefix, field, NULL);
    set_display(&entry.hfinfo, info->type, display);
    /* Wireshark's dissector has this one with its length counted in. */
    if (index == MQTT_PROPERTY_CONTENT_TYPE)
        entry.hfinfo.type = FT_UINT_STRING;
    *id = -1;
    return entry;
}

/** The fields of one property: in a packet's block and, for those of a Will, once more under a name of their own. */
static unsigned add_property(hf_register_info *entries, enum mqtt_property_index index, enum display display,
                             const char *field)
{
    entries[0] = property_field(&show_property_fields[index], index, display, "mqtt.property.", field);
    if (!(mqtt_property_info(index)->packets & 1u << MQTT_TYPE_WILL))
        return 1;
    entries[1] = property_field(&show_will_property_fields[index], index, display, "mqtt.will_property.", field);
    return 2;
}

static void register_property_fields(int proto)
{
    static hf_register_info entries[2 * MQTT_PROPERTY_COUNT];
    unsigned count = 0;

#define PROPERTY(symbol, id, name, type, meaning, field, packets, repeats)                                             \
    count += add_property(&entries[count], MQTT_PROPERTY_##symbol, meaning, field);
#include "../wire/properties.def"
#undef PROPERTY
    proto_register_field_array(proto, entries, (int)count);

    static hf_register_info halves[] = {
        {&show_user_property_fields[SHOW_USER_PROPERTY_NAME],
         {"Name", "mqtt.property.user_property.name", FT_STRING, BASE_NONE, NULL, 0x0, NULL, HFILL}},
        {&show_user_property_fields[SHOW_USER_PROPERTY_VALUE],
         {"Value", "mqtt.property.user_property.value", FT_STRING, BASE_NONE, NULL, 0x0, NULL, HFILL}},
        {&show_will_user_property_fields[SHOW_USER_PROPERTY_NAME],
         {"Name", "mqtt.will_property.user_property.name", FT_STRING, BASE_NONE, NULL, 0x0, NULL, HFILL}},
        {&show_will_user_property_fields[SHOW_USER_PROPERTY_VALUE],
         {"Value", "mqtt.will_property.user_property.value", FT_STRING, BASE_NONE, NULL, 0x0, NULL, HFILL}},
    };
    proto_register_field_array(proto, halves, G_N_ELEMENTS(halves));
}

/** The fields of fields.def, each under its protocol. */
static void register_listed_fields(int mqtt, int scope)
{
    static hf_register_info entries[SHOW_FIELD_COUNT];

#define MQTT(symbol, abbrev, name, type, base, strings, mask, blurb)                                                   \
    entries[SHOW_##symbol] =                                                                                           \
        (hf_register_info){&show_fields[SHOW_##symbol], {name, abbrev, type, base, strings, mask, blurb, HFILL}};      \
    show_fields[SHOW_##symbol] = -1;                                                                                   \
    proto_register_field_array(mqtt, &entries[SHOW_##symbol], 1);
#define SCOPE(symbol, abbrev, name, type, base, strings, mask, blurb)                                                  \
    entries[SHOW_##symbol] =                                                                                           \
        (hf_register_info){&show_fields[SHOW_##symbol], {name, abbrev, type, base, strings, mask, blurb, HFILL}};      \
    show_fields[SHOW_##symbol] = -1;                                                                                   \
    proto_register_field_array(scope, &entries[SHOW_##symbol], 1);
#include "fields.def"
#undef MQTT
#undef SCOPE
}

static void register_subtrees(void)
{
    int *pointers[SHOW_SUBTREE_COUNT];

    for (unsigned i = 0; i < SHOW_SUBTREE_COUNT; i++) {
        show_subtrees[i] = -1;
        pointers[i] = &show_subtrees[i];
    }
    proto_register_subtree_array(pointers, SHOW_SUBTREE_COUNT);
}

void show_register_fields(int mqtt, int scope)
{
    show_proto_mqtt = mqtt;
    show_proto_scope = scope;
    register_listed_fields(mqtt, scope);
    register_property_fields(mqtt);
    register_subtrees();
}

void show_register_experts(expert_module_t *module)
{
    static ei_register_info entries[] = {
#define EXPERT(symbol, abbrev, group, severity, text)                                                                  \
    {&show_experts[SHOW_EXPERT_##symbol], {abbrev, group, severity, text, EXPFILL}},
#include "experts.def"
#undef EXPERT
    };

    for (unsigned i = 0; i < SHOW_EXPERT_COUNT; i++)
        show_experts[i] = (expert_field)EI_INIT;
    expert_register_field_array(module, entries, SHOW_EXPERT_COUNT);
}
