/* websocket-loss.c - finds out whether messages of a WebSocket may have been missed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where the handshake was captured, the frames are followed from its end on (websocket-walk.c). Elsewhere, and after a gap, the
 * lengths of the messages are added up and compared with TCP's sequence numbers.
 */
#include <epan/packet.h>

#include "mqttscope.h"

/** The first byte that an end sends: of CONNECT, or of what answers it. */
static bool begins_stream(uint8_t first)
{
    return first == MQTT_TYPE_CONNECT << 4 || first == MQTT_TYPE_CONNACK << 4 || first == MQTT_TYPE_AUTH << 4;
}

/** Counts a message; true where its length proves that none before it was missed: it ends with its segment, as most do.
 *  Messages that others follow in their segment prove nothing yet. */
static bool count_message(struct websocket_count *count, const struct track_arrival *arrival,
                          const struct websocket_message *message)
{
    uint32_t sent_to = arrival->sent_to;
    uint32_t length = message->frame_length;
    bool is_known = arrival->has_numbers && length != 0;
    bool begins = !count->is_begun && message->captured > 0 && begins_stream(message->bytes[0]);
    bool fits = is_known && (begins || (count->is_begun && count->at + length == sent_to));
    /* What seemed to be the beginning of this message was none: a message unseen, or one that is not MQTT's. */
    bool skips = is_known && !fits && count->at != count->sent_to && count->sent_to + length == sent_to;

    count->is_unsure |= !is_known || skips || (!count->is_begun && !begins);
    count->at = fits || skips || !is_known || !count->is_begun ? sent_to : count->at + length;
    count->sent_to = sent_to;
    count->is_begun = true;
    return fits && !count->is_unsure;
}

/** The same for a message whose frames were followed up to there. */
static void count_certain(struct websocket_count *count, const struct track_arrival *arrival, uint32_t at)
{
    *count = (struct websocket_count){.is_begun = true, .at = at, .sent_to = arrival->sent_to};
}

/** What an end has sent since its last message may be one that was missed. */
static bool may_lack_last(const struct websocket *websocket, const struct websocket_walk *walk, unsigned end)
{
    const struct websocket_count *count = &websocket->counts[end];
    return count->at != count->sent_to && (walk == NULL || !walk->is_certain);
}

/* TLS would not decrypt what follows a gap. */
void websocket_look_for_loss(const struct stream_chunk *chunk, packet_info *pinfo,
                             const struct websocket_message *message, bool is_rest, struct websocket_doubt *doubt)
{
    struct stream *stream = chunk->stream;
    struct websocket *websocket = stream->websocket;
    struct websocket_count *count = &websocket->counts[chunk->sender];
    struct tcp_direction *direction = &stream->tcp[chunk->sender];
    struct track_arrival arrival;

    DISSECTOR_ASSERT(!PINFO_FD_VISITED(pinfo));
    *doubt = (struct websocket_doubt){false, false};
    if (proto_is_frame_protocol(pinfo->layers, "tls"))
        return;
    track_may_lose(stream->connection);
    stream_arrival(stream, pinfo, &arrival);
    struct websocket_walk *walk = websocket_upgrade_walk(pinfo, true);
    bool is_certain = walk != NULL && websocket_walk_meet(walk, pinfo, message->length);
    direction->from_start |= is_certain && !count->is_begun;
    bool fits = is_certain;
    if (is_certain)
        count_certain(count, &arrival, walk->at);
    else
        fits = count_message(count, &arrival, message);
    websocket->may_lack |= count->is_unsure;
    doubt->may_lack = websocket->may_lack || !fits ||
                      may_lack_last(websocket, websocket_upgrade_walk(pinfo, false), 1 - chunk->sender);
    if (doubt->may_lack)
        track_loss(stream->connection);
    if (fits)
        return;
    /* What is whole by itself is what it seems, whatever was missed before it. */
    struct mqtt_run run =
        mqtt_read_run(message->bytes, message->captured, track_connection_sure_version(stream->connection));
    doubt->is_unsure = is_rest || run.packets == 0 || run.length != message->captured;
    if (!doubt->is_unsure)
        count->is_unsure = false;
}
