/* info.c - one line of text a control packet, for the Info column.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The line is put together in a buffer on the stack and handed to Wireshark once: captures have millions of packets, and
 * the column is written for each of them.
 */
#include <stdio.h>
#include <string.h>

#include <epan/column-utils.h>

#include "../compat.h"
#include "../wire/utf8.h"
#include "fields.h"
#include "show.h"

enum {
    PAYLOAD_CHARACTERS = 32, /**< how much of a text payload is quoted */
    LIST_ENTRIES = 8,        /**< how many filters or codes are named */
};

/** The line under construction; it never overflows, what does not fit is left out. */
struct line {
    const struct show_context *context;
    size_t length;
    char text[SHOW_INFO_SIZE];
};

static void put_bytes(struct line *line, const char *bytes, size_t length)
{
    size_t room = sizeof line->text - 1 - line->length;
    if (length > room) {
        length = room;
        while (length > 0 && (bytes[length] & 0xC0) == 0x80)
            length--;
    }
    memcpy(line->text + line->length, bytes, length);
    line->length += length;
}

static void put(struct line *line, const char *text)
{
    put_bytes(line, text, strlen(text));
}

static void put_number(struct line *line, uint32_t number)
{
    char digits[11];
    unsigned at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put_bytes(line, digits + at, sizeof digits - at);
}

/** Adds text from the wire; whatever could harm a terminal or a window is written as an escape. */
static void put_wire_text(struct line *line, const uint8_t *bytes, uint32_t length)
{
    if (mqtt_utf8_is_plain(bytes, length))
        put_bytes(line, (const char *)bytes, length);
    else
        put(line, compat_format_text(line->context->pinfo->pool, bytes, length));
}

static void put_span(struct line *line, struct mqtt_span span)
{
    const struct mqtt_packet *packet = line->context->packet;
    if (span.at != 0 && span.at < packet->captured)
        put_wire_text(line, packet->bytes + span.at, MIN(span.length, packet->captured - span.at));
}

static void put_packet_id(struct line *line)
{
    if (line->context->packet->packet_id_at == 0)
        return;
    put(line, " (");
    put_number(line, line->context->packet->packet_id);
    put(line, ")");
}

static void put_connect(struct line *line)
{
    static const char *const versions[] = {[MQTT_V31] = " v3.1", [MQTT_V311] = " v3.1.1", [MQTT_V50] = " v5"};
    const struct mqtt_packet *packet = line->context->packet;
    const struct mqtt_connect *connect = &packet->connect;

    if (packet->version == MQTT_VERSION_UNKNOWN || connect->level_at == 0)
        return;
    put(line, versions[packet->version]);
    if (connect->level & MQTT_LEVEL_BRIDGE)
        put(line, " bridge");
    if (connect->flags & MQTT_CONNECT_CLEAN_START)
        put(line, packet->version == MQTT_V50 ? " clean-start" : " clean-session");
    if (connect->keep_alive_at != 0) {
        put(line, " keep-alive=");
        put_number(line, connect->keep_alive_s);
        put(line, "s");
    }
    if (connect->will_topic.at != 0) {
        put(line, " will=");
        put_span(line, connect->will_topic);
    }
}

static void put_connack(struct line *line)
{
    const struct mqtt_packet *packet = line->context->packet;

    if (packet->reason_at != 0) {
        put(line, " ");
        put(line, show_reason_text(line->context, packet->reason));
    }
    if (packet->ack_flags & 1 && packet->version != MQTT_V31)
        put(line, " session-present");
}

/** The bytes of the first characters of a text, at most `limit` of them. */
static uint32_t first_characters(const uint8_t *text, uint32_t length, unsigned limit)
{
    unsigned characters = 0;

    if (length <= limit)
        return length;
    for (uint32_t i = 0; i < length; i++)
        if ((text[i] & 0xC0) != 0x80 && characters++ == limit)
            return i;
    return length;
}

/** True for printable text, which may have line ends and tabs. */
static bool is_quotable(const uint8_t *text, uint32_t length)
{
    uint8_t without[4 * PAYLOAD_CHARACTERS];

    if (mqtt_utf8_is_plain(text, length))
        return true;
    if (length > sizeof without)
        return false;
    for (uint32_t i = 0; i < length; i++)
        without[i] = text[i] == '\n' || text[i] == '\r' || text[i] == '\t' ? ' ' : text[i];
    return mqtt_utf8_judge(without, length, NULL) == MQTT_UTF8_GOOD;
}

/** A payload is quoted where its beginning is text; its size is given where that is not all. */
static void put_payload(struct line *line, struct mqtt_span payload)
{
    const struct mqtt_packet *packet = line->context->packet;
    const uint8_t *text = packet->bytes + payload.at;
    bool captured = payload.at + payload.length <= packet->captured;
    uint32_t quoted = captured ? first_characters(text, payload.length, PAYLOAD_CHARACTERS) : 0;

    put(line, " ");
    if (quoted > 0 && is_quotable(text, quoted)) {
        put(line, "\"");
        put_wire_text(line, text, quoted);
        put(line, quoted < payload.length ? "\xE2\x80\xA6\" " : "\"");
        if (quoted == payload.length)
            return;
    }
    put_number(line, payload.length);
    put(line, payload.length == 1 ? " byte" : " bytes");
}

static void put_publish(struct line *line)
{
    const struct mqtt_packet *packet = line->context->packet;
    const struct mqtt_publish *publish = &packet->publish;
    const struct track_text *aliased = track_alias_topic(line->context->facts);

    put(line, " ");
    if (publish->topic.length > 0) {
        put_span(line, publish->topic);
        put(line, mqtt_was_read(packet, publish->topic) ? "" : "\xE2\x80\xA6");
    } else if (aliased != NULL) {
        put_wire_text(line, aliased->bytes, aliased->length);
    }
    put(line, " QoS ");
    put_number(line, publish->qos);
    if (publish->dup)
        put(line, " DUP");
    if (publish->retain)
        put(line, " RETAIN");
    if (publish->payload.at != 0)
        put_payload(line, publish->payload);
    if (line->context->facts->journey.is_certain) {
        put(line, " from ");
        put(line, show_publisher_name(line->context));
    }
}

static void put_filter(struct line *line, const struct mqtt_filter *filter)
{
    put(line, " ");
    put_span(line, filter->text);
    if (filter->options_at == 0)
        return;
    put(line, " QoS ");
    put_number(line, filter->options & 3);
    if (line->context->packet->version != MQTT_V50)
        return;
    if (filter->options & 0x04)
        put(line, " no-local");
    if (filter->options & 0x08)
        put(line, " retain-as-published");
    if (filter->options & 0x30) {
        put(line, " retain-handling=");
        put_number(line, filter->options >> 4 & 3);
    }
}

static void put_filters(struct line *line)
{
    struct mqtt_filter filter;
    uint32_t at = 0;
    unsigned count = 0;

    while (mqtt_filters_next(line->context->packet, &at, &filter)) {
        if (count == LIST_ENTRIES) {
            put(line, ", \xE2\x80\xA6");
            return;
        }
        if (count++ > 0)
            put(line, ",");
        put_filter(line, &filter);
    }
}

/** SUBACK and UNSUBACK: the codes with the filters that they answer, as far as either is known. */
static void put_codes(struct line *line)
{
    const struct mqtt_packet *packet = line->context->packet;
    const struct track_filter_list *list = track_answered_filters(line->context->facts, packet);
    uint32_t codes = MIN(packet->list.length, packet->captured - MIN(packet->list.at, packet->captured));
    uint32_t filters = list != NULL ? list->count : 0;

    for (uint32_t i = 0; i < MAX(codes, filters); i++) {
        if (i == LIST_ENTRIES) {
            put(line, ", \xE2\x80\xA6");
            return;
        }
        put(line, i > 0 ? "," : "");
        if (i < codes) {
            put(line, " ");
            put(line, show_reason_text(line->context, packet->bytes[packet->list.at + i]));
        }
        if (i < filters) {
            put(line, " ");
            put_wire_text(line, list->filters[i]->bytes, list->filters[i]->length);
        }
    }
}

/** PUBACK and its like, DISCONNECT and AUTH: in MQTT 5.0 no code on the wire means 0x00. Then the topic that it is about. */
static void put_outcome(struct line *line)
{
    const struct mqtt_packet *packet = line->context->packet;
    const struct track_text *topic = line->context->facts->request_topic;
    bool has_code = mqtt_reason_name(MQTT_V50, packet->type, 0x00) != NULL;

    if (packet->version == MQTT_V50 && has_code && packet->fault.kind == MQTT_FAULT_NONE) {
        put(line, " ");
        put(line, show_reason_text(line->context, packet->reason));
    }
    if (topic != NULL) {
        put(line, " ");
        put_wire_text(line, topic->bytes, topic->length);
    }
}

static void put_body(struct line *line)
{
    switch (line->context->packet->type) {
    case MQTT_TYPE_CONNECT:
        put_connect(line);
        break;
    case MQTT_TYPE_CONNACK:
        put_connack(line);
        break;
    case MQTT_TYPE_PUBLISH:
        put_publish(line);
        break;
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        put_filters(line);
        break;
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
        put_codes(line);
        break;
    default:
        put_outcome(line);
        break;
    }
}

/** Who sends to whom; once a frame, because a frame's packets come from one end. */
static void put_ends(struct line *line)
{
    unsigned sender = line->context->facts->sender;

    if (!line->context->names_ends)
        return;
    put(line, show_end_name(line->context, sender));
    put(line, " \xE2\x86\x92 ");
    put(line, show_end_name(line->context, 1 - sender));
    put(line, "  ");
}

/** A broken rule in a few words, with the statement that fits best. */
static void put_finding(struct line *line, const struct check_finding *finding)
{
    struct check_ids ids;

    check_finding_ids(finding, &ids);
    put(line, " [");
    put(line, check_rule_info(finding->rule)->short_title);
    if (ids.count > 0) {
        put(line, ", ");
        put(line, ids.list[0]);
    }
    put(line, "]");
}

/** True where a rule was found broken before at the same packet. */
static bool is_named_already(const struct check_findings *findings, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (findings->list[i].rule == findings->list[index].rule)
            return true;
    return false;
}

/** The broken rules from note up, the worst first, each once; hints are not among them. */
static void put_findings(struct line *line)
{
    const struct check_findings *findings = line->context->findings;

    for (int severity = CHECK_ERROR; severity >= CHECK_NOTE && findings->count > 0; severity--)
        for (unsigned i = 0; i < findings->count; i++)
            if ((int)findings->list[i].severity == severity && !is_named_already(findings, i) &&
                !check_is_hint(check_rule_info(findings->list[i].rule)))
                put_finding(line, &findings->list[i]);
}

/** What happened, in a few words. */
static void put_events(struct line *line)
{
    const struct check_events *events = line->context->events;

    for (unsigned i = 0; i < events->count; i++) {
        if (events->list[i].severity < CHECK_NOTE)
            continue;
        put(line, " [");
        put(line, track_event_info((enum track_event_kind)events->list[i].event->kind)->short_title);
        put(line, "]");
    }
}

/** The packet itself: its name, what matters about it, and what is wrong with it. */
static void put_packet(struct line *line)
{
    const struct mqtt_packet *packet = line->context->packet;

    put(line, mqtt_packet_type_name(packet->type));
    put_packet_id(line);
    put_body(line);
    if (packet->fault.kind == MQTT_FAULT_CUT)
        put(line, line->context->facts->is_partial ? " [incomplete]" : " [cut]");
    else if (packet->fault.kind != MQTT_FAULT_NONE)
        put(line, " [malformed]");
    else if (line->context->facts->is_tentative)
        put(line, " [start not confirmed]");
    put_findings(line);
    put_events(line);
    line->text[line->length] = '\0';
}

/** The worst of what the entry says, hints aside. */
static int severity_of_entry(const struct show_context *context)
{
    int severity = mqtt_is_malformed(context->packet) ? CHECK_WARNING : -1;

    for (unsigned i = 0; i < context->findings->count; i++)
        if (!check_is_hint(check_rule_info(context->findings->list[i].rule)))
            severity = MAX(severity, (int)context->findings->list[i].severity);
    for (unsigned i = 0; i < context->events->count; i++)
        severity = MAX(severity, (int)context->events->list[i].severity);
    return severity;
}

void show_info(const struct show_context *context)
{
    packet_info *pinfo = context->pinfo;
    struct line line;
    struct show_entry entry = {.is_first = context->facts->pdu.pdu == 1, .is_packet = true};

    if (!col_get_writable(pinfo->cinfo, COL_INFO)) {
        col_set_str(pinfo->cinfo, COL_PROTOCOL, "MQTT");
        return;
    }
    line.context = context;
    line.length = 0;
    if (entry.is_first)
        put_ends(&line);
    entry.ends_length = line.length;
    entry.severity = severity_of_entry(context);
    put_packet(&line);
    show_info_entry(pinfo, line.text, &entry);
}

void show_info_of_beginning(const struct show_context *context, uint32_t arrived)
{
    struct line line;
    struct show_entry entry = {.is_first = context->facts->pdu.pdu == 1, .severity = severity_of_entry(context)};

    line.context = context;
    line.length = 0;
    if (entry.is_first)
        put_ends(&line);
    entry.ends_length = line.length;
    put(&line, mqtt_packet_type_name(context->packet->type));
    put(&line, " [begins: ");
    put_number(&line, arrived);
    put(&line, " of ");
    put_number(&line, context->packet->length);
    put(&line, " bytes]");
    put_findings(&line);
    line.text[line.length] = '\0';
    show_info_entry(context->pinfo, line.text, &entry);
}

const char *show_line(const struct show_context *context)
{
    struct line line;

    line.context = context;
    line.length = 0;
    put_packet(&line);
    return wmem_strdup(context->pinfo->pool, line.text);
}
