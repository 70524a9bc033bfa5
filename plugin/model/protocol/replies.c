/* replies.c - requests and replies by Response Topic and Correlation Data (MQTT 5.0 section 4.10).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "replies.h"

#include "../store/pieces.h"
#include "../store/text.h"
#include "message.h"

/** Requests that may have no reply yet: a later one may take an earlier one's place. */
enum { REQUESTS_OPEN = 1024 };

/** A request that is open. */
struct open_request {
    uint64_t key;   /**< hash of topic and Correlation Data; 0: the slot is free */
    uint32_t item;  /**< index of it in the list */
    bool is_closed; /**< it has its reply, or is one of several that are alike */
    int64_t ns;
};

/** The requests and replies of a capture. File scope. */
struct track_replies {
    struct track_pieces list; /**< struct track_reply */
    struct open_request open[REQUESTS_OPEN];
};

static uint64_t key_of_pdu_ref(uint32_t frame, uint32_t pdu)
{
    return (uint64_t)frame << 16 | pdu;
}

static uint64_t key_of_reply(const void *item)
{
    const struct track_reply *reply = (const struct track_reply *)item;
    return key_of_pdu_ref(reply->frame, reply->pdu);
}

/** The requests and replies of the capture; made on first use. NULL where there is no memory for them. */
static struct track_replies *replies_of(struct track_context *tracking)
{
    struct track_capture *capture = tracking->capture;

    if (capture->replies == NULL) {
        capture->replies = (struct track_replies *)track_alloc(tracking, sizeof *capture->replies);
        if (capture->replies != NULL)
            track_pieces_begin(&capture->replies->list, capture->memory.scope, sizeof(struct track_reply),
                               key_of_reply);
    }
    return capture->replies;
}

/** What a request and its reply have in common. */
static uint64_t pair_key(const struct track_context *tracking, struct track_topic topic)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_property *data = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_CORRELATION_DATA);
    uint64_t key = track_hash_keyed(tracking->capture->hash_key, topic.bytes, topic.length);

    if (data != NULL)
        key =
            key * 31 + track_hash_keyed(~tracking->capture->hash_key, packet->bytes + data->text.at, data->text.length);
    return key != 0 ? key : 1;
}

/** Adds a request or a reply; NULL where there is no memory for it. */
static struct track_reply *add_reply(struct track_context *tracking, bool is_request)
{
    struct track_pieces *list = &tracking->capture->replies->list;

    if (tracking->pdu.pdu > UINT16_MAX || !track_file_charge(&tracking->capture->memory, track_pieces_growth(list)))
        return NULL;
    struct track_reply *reply = (struct track_reply *)track_pieces_add(list);
    *reply = (struct track_reply){
        .frame = tracking->pdu.frame, .pdu = (uint16_t)tracking->pdu.pdu, .is_request = is_request};
    return reply;
}

/** A PUBLISH with a Response Topic. What the Server delivers of one that was captured is not another. */
static void take_request_message(struct track_context *tracking, struct mqtt_span topic)
{
    uint64_t key = pair_key(tracking, (struct track_topic){tracking->packet->bytes + topic.at, topic.length});
    struct open_request *slot = &tracking->capture->replies->open[key % REQUESTS_OPEN];

    if (slot->key == key && (tracking->packet->publish.dup || !track_is_from_client(tracking)))
        return;
    if (slot->key == key && !slot->is_closed) {
        slot->is_closed = true;
        return;
    }
    if (add_reply(tracking, true) != NULL)
        *slot = (struct open_request){key, tracking->capture->replies->list.count - 1, false, tracking->now_ns};
}

/** A PUBLISH that may be the reply to a request. */
static void take_reply_message(struct track_context *tracking, struct track_topic topic)
{
    uint64_t key = pair_key(tracking, topic);
    struct open_request *slot = &tracking->capture->replies->open[key % REQUESTS_OPEN];

    if (slot->key != key || slot->is_closed)
        return;
    slot->is_closed = true;
    struct track_reply *reply = add_reply(tracking, false);
    if (reply == NULL)
        return;
    struct track_reply *request =
        (struct track_reply *)track_pieces_item(&tracking->capture->replies->list, slot->item);
    request->other = reply->frame;
    reply->other = request->frame;
    reply->ns = tracking->now_ns - slot->ns;
}

void track_update_replies(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_property *response = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_RESPONSE_TOPIC);
    struct track_topic topic;

    if (packet->version != MQTT_V50 || packet->fault.kind != MQTT_FAULT_NONE ||
        (response == NULL && tracking->capture->replies == NULL) || replies_of(tracking) == NULL)
        return;
    if (track_topic_of_publish(tracking, &topic))
        take_reply_message(tracking, topic);
    if (response != NULL)
        take_request_message(tracking, response->text);
}

const struct track_reply *track_find_reply(const struct track_capture *capture, struct track_pdu_ref pdu)
{
    uint64_t key = key_of_pdu_ref(pdu.frame, pdu.pdu);

    if (capture->replies == NULL || pdu.pdu > UINT16_MAX)
        return NULL;
    const void *found = track_pieces_find(&capture->replies->list, key);
    return found != NULL && key_of_reply(found) == key ? (const struct track_reply *)found : NULL;
}
