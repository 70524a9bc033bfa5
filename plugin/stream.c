/* stream.c - finds the connection behind a stretch of stream data.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "stream.h"

#include <epan/conversation.h>
#include <epan/proto_data.h>

#include "mqttscope.h"

/* Counters of the frame being dissected, in its own pool. */
struct frame_counts {
    uint32_t pdus;
    uint32_t messages;
};

enum { COUNTS_KEY = 0 };

static uint32_t connection_count;

void stream_reset(void)
{
    connection_count = 0;
}

static struct stream *new_stream(const packet_info *pinfo)
{
    struct stream *stream = wmem_new0(wmem_file_scope(), struct stream);

    stream->connection = mqtt_connection_new(wmem_file_scope(), connection_count++, mqttscope_default_version());
    copy_address_wmem(wmem_file_scope(), &stream->first_sender, &pinfo->src);
    stream->first_port = pinfo->srcport;
    return stream;
}

void stretch_begin(struct stretch *stretch, packet_info *pinfo)
{
    conversation_t *conversation = find_or_create_conversation(pinfo);
    struct stream *stream = (struct stream *)conversation_get_proto_data(conversation, mqttscope_proto());

    if (stream == NULL) {
        stream = new_stream(pinfo);
        conversation_add_proto_data(conversation, mqttscope_proto(), stream);
    }
    stretch->stream = stream;
    stretch->sender =
        pinfo->srcport == stream->first_port && addresses_equal(&pinfo->src, &stream->first_sender) ? 0 : 1;
    stretch->in_websocket_text = false;
}

static struct frame_counts *frame_counts(packet_info *pinfo)
{
    struct frame_counts *counts =
        (struct frame_counts *)p_get_proto_data(pinfo->pool, pinfo, mqttscope_proto(), COUNTS_KEY);

    if (counts == NULL) {
        counts = wmem_new0(pinfo->pool, struct frame_counts);
        p_add_proto_data(pinfo->pool, pinfo, mqttscope_proto(), COUNTS_KEY, counts);
    }
    return counts;
}

uint32_t stream_next_pdu(packet_info *pinfo)
{
    return ++frame_counts(pinfo)->pdus;
}

uint32_t stream_next_message(packet_info *pinfo)
{
    return ++frame_counts(pinfo)->messages;
}
