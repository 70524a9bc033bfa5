/* filters.c - the display filters of the packet list's Conversation Filter menu: this connection, this client.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark asks for them with nothing but the selected frame in hand. What the connection's record says of that frame
 * is looked up then; dissection keeps nothing for it.
 */
#include <epan/conversation.h>
#include <epan/conversation_filter.h>
#include <epan/packet.h>

#include <epan/charsets.h>

#include "compat.h"
#include "mqttscope.h"

/** Fills the facts as they are after the frame's last control packet. False where the frame has none. */
static bool recall_frame(packet_info *pinfo, struct track_facts *facts)
{
    if (!proto_is_frame_protocol(pinfo->layers, "mqtt") && !proto_is_frame_protocol(pinfo->layers, "mqttscope"))
        return false;
    const conversation_t *conversation = find_conversation_pinfo(pinfo, 0);
    if (conversation == NULL)
        return false;
    const struct stream *stream = (const struct stream *)conversation_get_proto_data(conversation, mqttscope_proto());
    if (stream == NULL)
        return false;
    track_recall(stream->connection, 0, (struct track_pdu_ref){pinfo->num, UINT32_MAX}, facts);
    return true;
}

static ws_bool has_connection(packet_info *pinfo COMPAT_FILTER_DATA)
{
    struct track_facts facts;

    return recall_frame(pinfo, &facts);
}

static char *connection_filter(packet_info *pinfo COMPAT_FILTER_DATA)
{
    struct track_facts facts;

    if (!recall_frame(pinfo, &facts))
        return NULL;
    return g_strdup_printf("mqttscope.connection == %u", facts.connection);
}

static ws_bool has_client(packet_info *pinfo COMPAT_FILTER_DATA)
{
    struct track_facts facts;

    return recall_frame(pinfo, &facts) && facts.snapshot->client_id != NULL;
}

/** Appends text as a string of the display filter language: what would end the string, or would not be seen, is escaped
 *  byte by byte. */
static void append_quoted(GString *filter, const char *text)
{
    g_string_append_c(filter, '"');
    while (*text != '\0') {
        gunichar character = g_utf8_get_char(text);
        const char *next = text + g_unichar_to_utf8(character, NULL);

        if (*text == '"' || *text == '\\')
            g_string_append_printf(filter, "\\%c", *text);
        else if (g_unichar_isprint(character))
            g_string_append_len(filter, text, next - text);
        else
            for (const char *byte = text; byte < next; byte++)
                g_string_append_printf(filter, "\\x%02x", (unsigned char)*byte);
        text = next;
    }
    g_string_append_c(filter, '"');
}

static char *client_filter(packet_info *pinfo COMPAT_FILTER_DATA)
{
    struct track_facts facts;

    if (!recall_frame(pinfo, &facts) || facts.snapshot->client_id == NULL)
        return NULL;
    const struct track_text *client = facts.snapshot->client_id;
    GString *filter = g_string_new("mqttscope.client == ");

    /* The same text that the field has: valid UTF-8 up to the first null character. */
    append_quoted(filter, (const char *)get_utf_8_string(pinfo->pool, client->bytes, (int)client->length));
    return g_string_free(filter, FALSE);
}

void filters_register(void)
{
    compat_register_conversation_filter("mqttscope", "MQTT connection", has_connection, connection_filter);
    compat_register_conversation_filter("mqttscope", "MQTT client", has_client, client_filter);
}
