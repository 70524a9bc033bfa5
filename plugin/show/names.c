/* names.c - the names of a connection's ends and of kept text, fit to be shown.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/charsets.h>
#include <epan/to_str.h>

#include "../compat.h"
#include "../model/facts/own-names.h"
#include "../wire/utf8.h"
#include "show.h"

const char *show_text_value(const struct show_context *context, const struct track_text *text)
{
    if (mqtt_utf8_is_plain(text->bytes, text->length))
        return wmem_strndup(context->pinfo->pool, (const char *)text->bytes, text->length);
    return (const char *)get_utf_8_string(context->pinfo->pool, text->bytes, (int)text->length);
}

/** A Client Identifier, in quotes where it reads like a name of ours. */
static const char *client_name(const struct show_context *context, const struct track_text *client_id,
                               const char *printable)
{
    if (!track_reads_like_own_name(client_id->bytes, client_id->length))
        return printable;
    return wmem_strdup_printf(context->pinfo->pool, "\"%s\"", printable);
}

static uint32_t end_port(const struct show_context *context, unsigned end)
{
    return end == context->facts->sender ? context->pinfo->srcport : context->pinfo->destport;
}

/** `address:port` of an end. */
static const char *endpoint_name(const struct show_context *context, unsigned end)
{
    packet_info *pinfo = context->pinfo;
    bool is_source = end == context->facts->sender;
    const address *where = is_source ? &pinfo->src : &pinfo->dst;
    const char *text = address_to_str(pinfo->pool, where);
    uint32_t port = end_port(context, end);

    return strchr(text, ':') != NULL ? wmem_strdup_printf(pinfo->pool, "[%s]:%u", text, port)
                                     : wmem_strdup_printf(pinfo->pool, "%s:%u", text, port);
}

const char *show_end_name(const struct show_context *context, unsigned end)
{
    const struct track_snapshot *snapshot = context->facts->snapshot;
    const struct track_text *client_id = snapshot->client_id;

    if (snapshot->broker == end)
        return snapshot->is_further_broker
                   ? wmem_strconcat(context->pinfo->pool, "broker ", endpoint_name(context, end), NULL)
                   : "broker";
    if (snapshot->broker == TRACK_END_UNKNOWN || (client_id == NULL && !snapshot->is_local))
        return endpoint_name(context, end);
    if (client_id == NULL)
        return wmem_strdup_printf(context->pinfo->pool, "client:%u", end_port(context, end));
    if (mqtt_utf8_is_plain(client_id->bytes, client_id->length))
        return client_name(context, client_id, (const char *)client_id->bytes);
    return client_name(context, client_id,
                       compat_format_text(context->pinfo->pool, client_id->bytes, client_id->length));
}

const char *show_end_value(const struct show_context *context, unsigned end)
{
    return show_value_of_name(context, end, show_end_name(context, end));
}

const char *show_value_of_name(const struct show_context *context, unsigned end, const char *name)
{
    const struct track_snapshot *snapshot = context->facts->snapshot;
    const struct track_text *client_id = snapshot->client_id;

    if (snapshot->broker != 1 - end || client_id == NULL || mqtt_utf8_is_plain(client_id->bytes, client_id->length))
        return name;
    return client_name(context, client_id, show_text_value(context, client_id));
}

const char *show_reason_text(const struct show_context *context, uint8_t code)
{
    const char *name = mqtt_reason_name(context->packet->version, context->packet->type, code);

    return name != NULL ? name : wmem_strdup_printf(context->pinfo->pool, "0x%02x", code);
}

const char *show_topic_text(const struct show_context *context)
{
    const struct mqtt_packet *packet = context->packet;
    const struct track_text *aliased = track_alias_topic(context->facts);
    struct mqtt_span topic = packet->publish.topic;

    if (topic.length > 0 && mqtt_was_read(packet, topic))
        return tvb_format_text(context->pinfo->pool, context->tvb, (int)topic.at, (int)topic.length);
    if (aliased != NULL)
        return compat_format_text(context->pinfo->pool, aliased->bytes, aliased->length);
    return "";
}
