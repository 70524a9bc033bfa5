/* websocket-upgrade.c - the HTTP messages that turn a connection into a WebSocket: what they say of subprotocols, and where they end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A Client whose WebSocket has no subprotocol closes it, often before any MQTT: then nobody is asked what it carries. What the
 * Client offered is kept by Wireshark since 4.6 only. So the two messages are looked for in each segment and in what was put
 * together from it or decrypted (RFC 6455 section 4).
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/conversation.h>
#include <epan/dissectors/packet-tcp.h>

#include "model/facts/subprotocols.h"
#include "mqttscope.h"

enum {
    LEAST = 16,
    HEADER_LONGEST = 8192,
    LIST_LONGEST = 256,
    CLOSE_FRAMES_LONGEST = 512, /* what may follow without being data: a Close frame, TLS around it */
    UPGRADE_CLIENT = 0,
    UPGRADE_SERVER = 1,
};

static wmem_map_t *upgrades; /* struct websocket_upgrade by its conversation; NULL until there is one */

void websocket_upgrade_reset(void)
{
    upgrades = NULL;
}

static struct websocket_upgrade *find_upgrade(packet_info *pinfo)
{
    const conversation_t *conversation = upgrades != NULL ? find_conversation_pinfo(pinfo, 0) : NULL;
    return conversation != NULL ? (struct websocket_upgrade *)wmem_map_lookup(upgrades, conversation) : NULL;
}

const struct websocket_upgrade *websocket_upgrade_of(packet_info *pinfo)
{
    return find_upgrade(pinfo);
}

/** The record of the packet's conversation, which its sender wants to turn into a WebSocket. NULL where it is none of TCP. */
static struct websocket_upgrade *begin_upgrade(packet_info *pinfo)
{
    conversation_t *conversation = pinfo->ptype == PT_TCP ? find_conversation_pinfo(pinfo, 0) : NULL;

    if (conversation == NULL)
        return NULL;
    if (upgrades == NULL)
        upgrades = wmem_map_new(wmem_file_scope(), g_direct_hash, g_direct_equal);
    struct websocket_upgrade *upgrade = (struct websocket_upgrade *)wmem_map_lookup(upgrades, conversation);
    if (upgrade == NULL) {
        upgrade = wmem_new0(wmem_file_scope(), struct websocket_upgrade);
        wmem_map_insert(upgrades, conversation, upgrade);
    }
    const struct tcp_analysis *tcp = get_tcp_conversation_data(conversation, pinfo);
    *upgrade = (struct websocket_upgrade){.tcp = tcp, .client = tcp->fwd};
    return upgrade;
}

/** The lines of an HTTP header. */
struct lines {
    const char *next;
    const char *end; /* after the empty line */
};

/** The value of the next line that has this name; its length in `*length`. NULL where there is none further. */
static const char *find_value(struct lines *lines, const char *name, size_t *length)
{
    size_t name_length = strlen(name);

    while (lines->next < lines->end) {
        const char *line = lines->next;
        const char *end = (const char *)memchr(line, '\r', (size_t)(lines->end - line));
        if (end == NULL)
            return NULL;
        lines->next = end + 2;
        if ((size_t)(end - line) <= name_length || line[name_length] != ':' ||
            g_ascii_strncasecmp(line, name, name_length) != 0)
            continue;
        line += name_length + 1;
        while (line < end && (*line == ' ' || *line == '\t'))
            line++;
        *length = (size_t)(end - line);
        return line;
    }
    return NULL;
}

/** The list of subprotocols in all headers that have one. File scope; NULL where there is none, or it is too long. */
static const char *find_protocols(struct lines lines)
{
    char list[LIST_LONGEST] = "";
    size_t used = 0;
    size_t length;

    for (const char *value; (value = find_value(&lines, "sec-websocket-protocol", &length)) != NULL;) {
        size_t separator = used > 0 ? 2 : 0;
        if (used + separator + length >= sizeof list || memchr(value, '\0', length) != NULL)
            return NULL;
        memcpy(list + used, ", ", separator);
        memcpy(list + used + separator, value, length);
        used += separator + length;
        list[used] = '\0';
    }
    return used > 0 ? wmem_strdup(wmem_file_scope(), list) : NULL;
}

/** The segment ends with the empty line that ends an HTTP header, or a part of it: nothing follows the header. False over TLS, whose
 *  bytes are not those of the WebSocket. */
static bool ends_header(packet_info *pinfo)
{
    static const char empty_line[] = "\r\n\r\n";
    struct segment_data data;

    if (proto_is_frame_protocol(pinfo->layers, "tls") || !stream_segment_data(pinfo, &data))
        return false;
    uint32_t length = MIN(data.length, (uint32_t)strlen(empty_line));
    return memcmp(data.bytes + data.length - length, empty_line + strlen(empty_line) - length, length) == 0;
}

/** Takes in the end of the request, or of the response: the sender's WebSocket begins there. */
static void begin_walk(struct websocket_upgrade *upgrade, packet_info *pinfo, unsigned end, uint32_t at)
{
    if (upgrade->has_end && ends_header(pinfo))
        websocket_walk_begin(&upgrade->walks[end], at);
}

/** Takes in a request or a response that is all there. */
static void take_message(packet_info *pinfo, const char *bytes, size_t length)
{
    const char *first = (const char *)memchr(bytes, '\r', length);
    const char *end = g_strstr_len(bytes, (gssize)MIN(length, (size_t)HEADER_LONGEST), "\r\n\r\n");
    struct websocket_upgrade *upgrade;
    size_t value_length;

    if (first == NULL || end == NULL)
        return;
    struct lines lines = {first + 2, end + 2};
    struct lines again = lines;
    const char *value = find_value(&again, "upgrade", &value_length);
    if (value == NULL || value_length != strlen("websocket") ||
        g_ascii_strncasecmp(value, "websocket", value_length) != 0)
        return;
    if (bytes[0] == 'G') {
        if ((upgrade = begin_upgrade(pinfo)) == NULL)
            return;
        upgrade->offered = find_protocols(lines);
        upgrade->has_end = stream_segment_end(pinfo, &upgrade->request_end);
        begin_walk(upgrade, pinfo, UPGRADE_CLIENT, upgrade->request_end);
    } else if ((upgrade = find_upgrade(pinfo)) != NULL && !upgrade->is_accepted) {
        upgrade->is_accepted = true;
        upgrade->chosen = find_protocols(lines);
        upgrade->has_end = upgrade->has_end && stream_segment_end(pinfo, &upgrade->response_end);
        begin_walk(upgrade, pinfo, UPGRADE_SERVER, upgrade->response_end);
    }
}

/** Looks at the beginning of what a segment holds. */
static void look_at(packet_info *pinfo, tvbuff_t *tvb, unsigned offset)
{
    unsigned captured = tvb_captured_length(tvb);

    if (captured < offset + LEAST)
        return;
    captured -= offset;
    const char *bytes = (const char *)tvb_get_ptr(tvb, (int)offset, (int)captured);
    if (memcmp(bytes, "GET ", 4) == 0 || memcmp(bytes, "HTTP/1.1 101", 12) == 0)
        take_message(pinfo, bytes, captured);
}

struct websocket_walk *websocket_upgrade_walk(packet_info *pinfo, bool is_of_sender)
{
    struct websocket_upgrade *upgrade = find_upgrade(pinfo);

    if (upgrade == NULL || !upgrade->is_accepted)
        return NULL;
    bool is_from_client = upgrade->tcp->fwd == upgrade->client;
    return &upgrade->walks[is_from_client == is_of_sender ? UPGRADE_CLIENT : UPGRADE_SERVER];
}

void websocket_upgrade_look(packet_info *pinfo, tvbuff_t *segment, unsigned header_length)
{
    struct websocket_walk *walk = websocket_upgrade_walk(pinfo, true);

    if (walk != NULL)
        websocket_walk_pass(walk, pinfo);
    look_at(pinfo, segment, header_length);
    /* The first source is the frame; the others were put together, or decrypted. */
    for (const GSList *each = pinfo->data_src->next; each != NULL; each = each->next)
        look_at(pinfo, get_data_source_tvb((const struct data_source *)each->data), 0);
}

/** How far an end has sent, by TCP's analysis. */
static uint32_t sent_after(const tcp_flow_t *flow, uint32_t end)
{
    const tcp_analyze_seq_flow_info_t *numbers = flow->tcp_analyze_seq_info;
    return numbers != NULL && numbers->nextseq != 0 ? numbers->nextseq - end : UINT32_MAX;
}

bool websocket_upgrade_lacks_choice(const struct websocket_upgrade *upgrade, bool has_mqtt)
{
    const struct tcp_analysis *tcp = upgrade->tcp;

    if (!upgrade->is_accepted || upgrade->chosen != NULL || upgrade->offered == NULL ||
        !track_is_subprotocol_in(upgrade->offered, "mqtt"))
        return false;
    if (has_mqtt)
        return true;
    return upgrade->has_end && sent_after(upgrade->client, upgrade->request_end) <= CLOSE_FRAMES_LONGEST &&
           sent_after(upgrade->client == &tcp->flow1 ? &tcp->flow2 : &tcp->flow1, upgrade->response_end) <=
               CLOSE_FRAMES_LONGEST;
}
