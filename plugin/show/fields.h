/* fields.h - the filter fields, subtrees and expert items of the plugin, by symbol.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_SHOW_FIELDS_H
#define MQTTSCOPE_SHOW_FIELDS_H

#include <epan/expert.h>
#include <epan/packet.h>

#include "../check/check.h"
#include "../wire/packet.h"

/** A row of fields.def. */
enum show_field {
#define MQTT(symbol, ...) SHOW_##symbol,
#define SCOPE(symbol, ...) SHOW_##symbol,
#include "fields.def"
#undef MQTT
#undef SCOPE
    SHOW_FIELD_COUNT
};

/** A row of experts.def. */
enum show_expert {
#define EXPERT(symbol, ...) SHOW_EXPERT_##symbol,
#include "experts.def"
#undef EXPERT
    SHOW_EXPERT_COUNT
};

/** The subtrees that open and close on their own. */
enum show_subtree {
    SHOW_SUBTREE_PACKET,
    SHOW_SUBTREE_HEADER,
    SHOW_SUBTREE_LEVEL,
    SHOW_SUBTREE_FLAGS,
    SHOW_SUBTREE_PROPERTIES,
    SHOW_SUBTREE_PROPERTY,
    SHOW_SUBTREE_FILTER,
    SHOW_SUBTREE_OPTIONS,
    SHOW_SUBTREE_SCOPE,
    SHOW_SUBTREE_UNDECIDED,
    SHOW_SUBTREE_JOURNEY,
    SHOW_SUBTREE_COUNT
};

/** Field ids as Wireshark gave them. */
extern int show_fields[SHOW_FIELD_COUNT];

/** Field ids of the properties: in a packet's own block, and in the Will Properties of a CONNECT. */
extern int show_property_fields[MQTT_PROPERTY_COUNT];
extern int show_will_property_fields[MQTT_PROPERTY_COUNT];

/** Field ids of a User Property's two halves, in either block. */
enum { SHOW_USER_PROPERTY_NAME, SHOW_USER_PROPERTY_VALUE, SHOW_USER_PROPERTY_PARTS };
extern int show_user_property_fields[SHOW_USER_PROPERTY_PARTS];
extern int show_will_user_property_fields[SHOW_USER_PROPERTY_PARTS];

extern int show_subtrees[SHOW_SUBTREE_COUNT];
extern expert_field show_experts[SHOW_EXPERT_COUNT];

/** The protocols: the built-in's `mqtt`, which has the wire fields, and our own. */
extern int show_proto_mqtt;
extern int show_proto_scope;

/** Registers fields and subtrees; part of show_register(). `mqtt` and `scope` are the two protocols' ids. */
void show_register_fields(int mqtt, int scope);

/** Registers the expert items of decoding; part of show_register(). */
void show_register_experts(expert_module_t *module);

#endif
