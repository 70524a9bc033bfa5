/* filters.c - the display filters of the packet list's Conversation Filter menu: this connection, this client.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark asks for them with nothing but the selected frame in hand. What the connection's record says of that frame
 * is looked up then. Topics alone are not kept for each packet: dissection leaves that of the frame it shows.
 */
#include <epan/conversation.h>
#include <epan/conversation_filter.h>
#include <epan/packet.h>
#include <epan/proto_data.h>

#include <epan/charsets.h>

#include "compat.h"
#include "mqttscope.h"
#include "tap/tap.h"

/* Of what is kept with a frame while it is shown. */
enum { TOPIC_KEY = 1 };

/** Fills the facts as they are after the frame's last control packet, and returns the stream; NULL where the frame has none. */
static const struct stream *recall_frame(packet_info *pinfo, struct track_facts *facts)
{
    if (!proto_is_frame_protocol(pinfo->layers, "mqtt") && !proto_is_frame_protocol(pinfo->layers, "mqttscope"))
        return NULL;
    const conversation_t *conversation = find_conversation_pinfo(pinfo, 0);
    if (conversation == NULL)
        return NULL;
    const struct stream *stream = (const struct stream *)conversation_get_proto_data(conversation, mqttscope_proto());
    if (stream == NULL)
        return NULL;
    track_recall(stream->connection, 0, (struct track_pdu_ref){pinfo->num, UINT32_MAX}, facts);
    return stream;
}

static ws_bool has_connection(packet_info *pinfo COMPAT_FILTER_DATA)
{
    struct track_facts facts;

    return recall_frame(pinfo, &facts) != NULL;
}

static char *connection_filter(packet_info *pinfo COMPAT_FILTER_DATA)
{
    struct track_facts facts;

    if (recall_frame(pinfo, &facts) == NULL)
        return NULL;
    return g_strdup_printf("mqttscope.connection == %u", facts.connection);
}

static ws_bool has_client(packet_info *pinfo COMPAT_FILTER_DATA)
{
    struct track_facts facts;

    return recall_frame(pinfo, &facts) != NULL && facts.snapshot->client_id != NULL;
}

static char *client_filter(packet_info *pinfo COMPAT_FILTER_DATA)
{
    struct track_facts facts;

    if (recall_frame(pinfo, &facts) == NULL || facts.snapshot->client_id == NULL)
        return NULL;
    const struct track_text *client = facts.snapshot->client_id;
    /* The same text that the field has: valid UTF-8 up to the first null character. */
    const char *value = (const char *)get_utf_8_string(pinfo->pool, client->bytes, (int)client->length);
    char *text = tap_filter_text(value);
    char *filter = g_strdup_printf("mqttscope.client == \"%s\"", text);

    g_free(text);
    return filter;
}

/** The number of the message that the frame's last control packet belongs to; 0 where that is not known. */
static uint32_t message_of(packet_info *pinfo)
{
    struct track_facts facts;
    const struct stream *stream = recall_frame(pinfo, &facts);

    return stream != NULL ? track_journey_message_in(stream->connection, pinfo->num) : 0;
}

static ws_bool has_message(packet_info *pinfo COMPAT_FILTER_DATA)
{
    return message_of(pinfo) != 0;
}

static char *message_filter(packet_info *pinfo COMPAT_FILTER_DATA)
{
    uint32_t message = message_of(pinfo);

    return message != 0 ? g_strdup_printf("mqttscope.message == %u", message) : NULL;
}

void filters_note_topic(packet_info *pinfo, const char *topic)
{
    p_add_proto_data(pinfo->pool, pinfo, mqttscope_proto(), TOPIC_KEY, (void *)(uintptr_t)topic);
}

/** The topic of the frame's last packet that has one; NULL where none has. */
static const char *topic_of(packet_info *pinfo)
{
    return (const char *)p_get_proto_data(pinfo->pool, pinfo, mqttscope_proto(), TOPIC_KEY);
}

static ws_bool has_topic(packet_info *pinfo COMPAT_FILTER_DATA)
{
    return topic_of(pinfo) != NULL;
}

static char *topic_filter(packet_info *pinfo COMPAT_FILTER_DATA)
{
    const char *topic = topic_of(pinfo);

    if (topic == NULL)
        return NULL;
    char *text = tap_filter_text(topic);
    char *filter = g_strdup_printf("mqttscope.topic == \"%s\" or mqttscope.request.topic == \"%s\"", text, text);

    g_free(text);
    return filter;
}

void filters_register(void)
{
    compat_register_conversation_filter("mqttscope", "MQTT connection", has_connection, connection_filter);
    compat_register_conversation_filter("mqttscope", "MQTT client", has_client, client_filter);
    compat_register_conversation_filter("mqttscope", "MQTT message", has_message, message_filter);
    compat_register_conversation_filter("mqttscope", "MQTT topic", has_topic, topic_filter);
}
