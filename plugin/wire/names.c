/* names.c - the specification's names for packet types and codes, from the .def lists.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stddef.h>

#include "packet.h"

static const struct {
    const char *name;
    enum mqtt_senders senders;
    int flags;
} packet_types[16] = {
#define PACKET_TYPE(symbol, number, name, senders, flags) [number] = {name, MQTT_SENT_BY_##senders, flags},
#include "packet-types.def"
#undef PACKET_TYPE
};

const char *mqtt_packet_type_name(enum mqtt_packet_type type)
{
    return packet_types[type & 0x0F].name;
}

const char *mqtt_fault_field_name(const struct mqtt_packet *packet)
{
    static const char *const names[] = {
        [MQTT_FIELD_NONE] = "",
#define FAULT_FIELD(symbol, name) [MQTT_FIELD_##symbol] = name,
#define FAULT(symbol, text)
#include "faults.def"
#undef FAULT_FIELD
#undef FAULT
    };
    enum mqtt_field field = packet->fault.field;

    if (field == MQTT_FIELD_WHOLE_PACKET)
        return mqtt_packet_type_name(packet->type);
    if (field >= MQTT_FIELD_PROPERTY)
        return mqtt_property_info((enum mqtt_property_index)(field - MQTT_FIELD_PROPERTY))->name;
    return names[field];
}

enum mqtt_senders mqtt_packet_type_senders(enum mqtt_packet_type type)
{
    return packet_types[type & 0x0F].senders;
}

int mqtt_packet_type_flags(enum mqtt_packet_type type)
{
    return packet_types[type & 0x0F].flags;
}

#define CODE(symbol, code, name) static const char symbol##_name[] = name;
#define REASON_CODE(packet, symbol, senders)
#define RETURN_CODE(packet, symbol, code, name, versions)
#include "reason-codes.def"
#undef CODE
#undef REASON_CODE
#undef RETURN_CODE

/** MQTT 3.1 and 3.1.1. */
static const char *return_code_name(enum mqtt_version version, enum mqtt_packet_type type, uint8_t code)
{
    enum { V31 = 1 << MQTT_V31, V311 = 1 << MQTT_V311, BOTH = V31 | V311 };
    static const struct {
        enum mqtt_packet_type type;
        uint8_t code;
        uint8_t versions;
        const char *name;
    } return_codes[] = {
#define CODE(symbol, code, name)
#define REASON_CODE(packet, symbol, senders)
#define RETURN_CODE(packet, symbol, code, name, versions) {MQTT_TYPE_##packet, code, versions, name},
#include "reason-codes.def"
#undef CODE
#undef REASON_CODE
#undef RETURN_CODE
    };

    for (size_t i = 0; i < sizeof return_codes / sizeof return_codes[0]; i++)
        if (return_codes[i].type == type && return_codes[i].code == code && return_codes[i].versions >> version & 1)
            return return_codes[i].name;
    return NULL;
}

/** MQTT 5.0. The compiler makes one jump table of each packet's rows. */
static const char *reason_code_name(enum mqtt_packet_type type, uint8_t code)
{
    switch ((unsigned)type << 8 | code) {
#define CODE(symbol, code, name)
#define REASON_CODE(packet, symbol, senders)                                                                           \
    case (unsigned)MQTT_TYPE_##packet << 8 | (unsigned)MQTT_REASON_##symbol:                                           \
        return symbol##_name;
#define RETURN_CODE(packet, symbol, code, name, versions)
#include "reason-codes.def"
#undef CODE
#undef REASON_CODE
#undef RETURN_CODE
    default:
        return NULL;
    }
}

const char *mqtt_reason_name(enum mqtt_version version, enum mqtt_packet_type type, uint8_t code)
{
    return version == MQTT_V50 ? reason_code_name(type, code) : return_code_name(version, type, code);
}

enum mqtt_senders mqtt_reason_senders(enum mqtt_packet_type type, uint8_t code)
{
    switch ((unsigned)type << 8 | code) {
#define CODE(symbol, code, name)
#define REASON_CODE(packet, symbol, senders)                                                                           \
    case (unsigned)MQTT_TYPE_##packet << 8 | (unsigned)MQTT_REASON_##symbol:                                           \
        return MQTT_SENT_BY_##senders;
#define RETURN_CODE(packet, symbol, code, name, versions)
#include "reason-codes.def"
#undef CODE
#undef REASON_CODE
#undef RETURN_CODE
    default:
        return MQTT_SENT_BY_NOBODY;
    }
}
