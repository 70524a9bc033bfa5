/* conversations.c - the tabs MQTT of Wireshark's windows Conversations and Endpoints: clients and brokers by name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The ends are text addresses with their names. Wireshark makes a filter of such a text by putting it into quotes as it is, so a
 * name is kept as the filter language writes it: in a name with a quote or a backslash these are seen escaped. For both
 * directions Wireshark asks one field for both names: `mqttscope.name`, which each packet has twice.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/conversation_table.h>

#include "../compat.h"
#include "tap.h"

enum { CONVERSATION_NAME_CHARACTERS = 200 };

static const char *conversation_filter(conv_item_t *item _U_, conv_filter_type_e filter)
{
    switch (filter) {
    case CONV_FT_SRC_ADDRESS:
        return "mqttscope.src.name";
    case CONV_FT_DST_ADDRESS:
        return "mqttscope.dst.name";
    case CONV_FT_ANY_ADDRESS:
        return "mqttscope.name";
    default:
        return CONV_FILTER_INVALID;
    }
}

static const char *endpoint_filter(endpoint_item_t *item _U_, conv_filter_type_e filter)
{
    return conversation_filter(NULL, filter);
}

static ct_dissector_info_t conversation_info = {conversation_filter};
static et_dissector_info_t endpoint_info = {endpoint_filter};

/** The text address of an end; in the packet's pool. Wireshark copies it where it keeps it. */
static void set_end(packet_info *pinfo, address *end, const char *name)
{
    char *text = tap_filter_text(name);
    char *shortened = tap_shorten(text, CONVERSATION_NAME_CHARACTERS);
    const char *kept = wmem_strdup(pinfo->pool, shortened);
    set_address(end, AT_STRINGZ, (int)strlen(kept) + 1, kept);
    g_free(shortened);
    g_free(text);
}

/** The packet of a record and the addresses of its ends; NULL where it is no packet's. */
static const struct mqtt_packet *take_packet(conv_hash_t *hash, packet_info *pinfo, const void *queued,
                                             tap_flags_t flags, address *from, address *to)
{
    const struct tap_record *record = (const struct tap_record *)queued;

    hash->flags = flags;
    if (record->subject != TAP_PACKET)
        return NULL;
    set_end(pinfo, from, record->sender_value);
    set_end(pinfo, to, record->receiver_value);
    return &record->packet;
}

static tap_packet_status conversations_on_packet(void *table, packet_info *pinfo, epan_dissect_t *edt _U_,
                                                 const void *queued, tap_flags_t flags)
{
    conv_hash_t *hash = (conv_hash_t *)table;
    address from;
    address to;
    const struct mqtt_packet *packet = take_packet(hash, pinfo, queued, flags, &from, &to);

    if (packet == NULL)
        return TAP_PACKET_DONT_REDRAW;
    add_conversation_table_data(hash, &from, &to, 0, 0, 1, (int)packet->length, &pinfo->rel_ts, &pinfo->abs_ts,
                                &conversation_info, CONVERSATION_NONE);
    return TAP_PACKET_REDRAW;
}

static tap_packet_status endpoints_on_packet(void *table, packet_info *pinfo, epan_dissect_t *edt _U_,
                                             const void *queued, tap_flags_t flags)
{
    conv_hash_t *hash = (conv_hash_t *)table;
    address from;
    address to;
    const struct mqtt_packet *packet = take_packet(hash, pinfo, queued, flags, &from, &to);

    if (packet == NULL)
        return TAP_PACKET_DONT_REDRAW;
    add_endpoint_table_data(hash, &from, 0, TRUE, 1, (int)packet->length, &endpoint_info, ENDPOINT_NONE);
    add_endpoint_table_data(hash, &to, 0, FALSE, 1, (int)packet->length, &endpoint_info, ENDPOINT_NONE);
    return TAP_PACKET_REDRAW;
}

void tap_register_conversations(int proto)
{
    register_conversation_table(proto, TRUE, conversations_on_packet, endpoints_on_packet);
}
