/* json_findings.c - a broken rule, an event, a PUBLISH, and a packet of another type, as objects of JSON.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "../check/rule-functions.h"
#include "../model/journey-facts.h"
#include "json.h"

enum { NANOSECONDS_OF_SECOND = 1000000000 };

/** Where in the capture, and whose. */
static void write_place(struct json_writer *writer, const struct tap_record *record, packet_info *pinfo)
{
    static const char *const senders[] = {
        [TAP_TO_BROKER] = "client", [TAP_TO_CLIENT] = "broker", [TAP_DIRECTION_UNKNOWN] = "unknown"};
    const char *client = tap_client_of(record);

    json_unsigned(writer, "frame", pinfo->num);
    json_unsigned(writer, "pdu", record->facts.pdu.pdu);
    json_time(writer, "time", &pinfo->rel_ts);
    json_time(writer, "time_epoch", &pinfo->abs_ts);
    json_unsigned(writer, "connection", record->facts.connection);
    if (client != NULL) {
        char *shortened = tap_shorten(client, JSON_TEXT_CHARACTERS);
        json_string(writer, "client", shortened);
        g_free(shortened);
    }
    json_string(writer, "sender", senders[tap_direction_of(record)]);
    json_string(writer, "version", tap_version_name(record->snapshot.version));
}

static void write_statement_ids(struct json_writer *writer, const struct check_finding *finding)
{
    struct check_ids ids;

    check_finding_ids(finding, &ids);
    json_begin_array(writer, "ids");
    for (unsigned i = 0; i < ids.count; i++)
        json_element_string(writer, ids.list[i]);
    json_end_array(writer);
}

/** What the finding is about: the packet, or that there is none. */
static void write_packet(struct json_writer *writer, const struct tap_record *record,
                         const struct check_finding *finding)
{
    static const char *const subjects[] = {
        [TAP_PACKET] = "packet", [TAP_BEGINNING] = "beginning", [TAP_CLOSING] = "closing"};
    bool is_sure = record->subject == TAP_PACKET && !record->facts.is_partial && !record->facts.is_unsure &&
                   !record->facts.is_tentative;

    json_string(writer, "subject", subjects[record->subject]);
    if (record->subject == TAP_CLOSING)
        return;
    json_string(writer, "packet", mqtt_packet_type_name(record->packet.type));
    json_unsigned(writer, "at", finding->at.at);
    json_unsigned(writer, "length", finding->at.length);
    json_packet_bytes(writer, &record->packet, is_sure);
}

void json_finding(struct json_writer *writer, const struct tap_record *record, packet_info *pinfo,
                  const struct check_finding *finding)
{
    const struct check_rule_info *info = check_rule_info(finding->rule);
    char detail[CHECK_MESSAGE_SIZE] = "";
    char doubt[CHECK_DOUBT_SIZE];

    check_rule_functions[finding->rule].write_detail(&finding->subject, detail, sizeof detail);
    check_finding_doubt(finding, doubt);
    json_open(writer, "finding");
    json_string(writer, "rule", info->symbol);
    write_statement_ids(writer, finding);
    json_string(writer, "severity", check_severity_name(finding->severity));
    json_string(writer, "side", check_finding_side(finding));
    json_string(writer, "doubt", doubt);
    write_place(writer, record, pinfo);
    json_string(writer, "title", info->title);
    json_string(writer, "detail", detail);
    json_unsigned(writer, "number", finding->number);
    if (finding->further > 0)
        json_unsigned(writer, "further", finding->further);
    write_packet(writer, record, finding);
    json_close(writer);
}

void json_event(struct json_writer *writer, const struct tap_record *record, packet_info *pinfo,
                const struct check_event *event)
{
    const struct track_event_info *info = track_event_info((enum track_event_kind)event->event->kind);

    json_open(writer, "event");
    json_string(writer, "event", info->name);
    json_string(writer, "severity", check_severity_name(event->severity));
    write_place(writer, record, pinfo);
    json_string(writer, "title", info->title);
    json_close(writer);
}

char *json_topic_hex(const struct tap_record *record, const char *text)
{
    struct mqtt_span topic = record->packet.publish.topic;
    const struct track_text *aliased = track_alias_topic(&record->facts);

    if (topic.length > 0 && topic.at + topic.length <= record->packet.captured)
        return tap_hex_unless_text(record->packet.bytes + topic.at, topic.length, text);
    return aliased != NULL ? tap_hex_unless_text(aliased->bytes, aliased->length, text) : NULL;
}

/** A span of time in seconds, as a member; left out where it is not known. */
static void write_span(struct json_writer *writer, const char *name, int64_t ns)
{
    if (ns == TRACK_TIME_UNKNOWN)
        return;
    nstime_t span = {(time_t)(ns / NANOSECONDS_OF_SECOND), (int)(ns % NANOSECONDS_OF_SECOND)};
    json_time(writer, name, &span);
}

/** The packet's part in the journey of a message. */
static void write_journey(struct json_writer *writer, const struct track_journey *journey)
{
    static const char *const parts[] = {[TRACK_JOURNEY_PUBLICATION] = "publication",
                                        [TRACK_JOURNEY_DELIVERY] = "delivery",
                                        [TRACK_JOURNEY_ACKNOWLEDGEMENT] = "acknowledgement",
                                        [TRACK_JOURNEY_UNKNOWN] = "unknown"};

    if (journey->part == TRACK_JOURNEY_NO_PART)
        return;
    json_string(writer, "part", parts[journey->part]);
    if (journey->message != 0)
        json_unsigned(writer, "message", journey->message);
    if (journey->part == TRACK_JOURNEY_DELIVERY) {
        json_string(writer, "kind", track_journey_kind_name((enum track_journey_kind)journey->kind));
        json_bool(writer, "certain", journey->is_certain);
        json_unsigned(writer, "published_in", journey->published_in);
        write_span(writer, "broker_time", journey->broker_ns);
    }
    if (journey->part == TRACK_JOURNEY_DELIVERY || journey->part == TRACK_JOURNEY_ACKNOWLEDGEMENT)
        write_span(writer, "end_to_end", journey->end_to_end_ns);
}

/** The beginning of the payload, no character of UTF-8 broken, as far as it was captured. */
static void write_payload(struct json_writer *writer, const struct mqtt_packet *packet)
{
    struct mqtt_span payload = packet->publish.payload;

    json_unsigned(writer, "payload_length", payload.length);
    if (payload.length == 0 || payload.at >= packet->captured)
        return;
    uint32_t length = MIN(payload.length, packet->captured - payload.at);
    if (length > JSON_PAYLOAD_BYTES) {
        length = JSON_PAYLOAD_BYTES;
        while (length > 0 && (packet->bytes[payload.at + length] & 0xC0) == 0x80)
            length--;
    }
    json_wire_text(writer, "payload", packet->bytes + payload.at, length);
}

void json_message(struct json_writer *writer, const struct tap_record *record, packet_info *pinfo)
{
    const struct mqtt_publish *publish = &record->packet.publish;
    char *topic = tap_shorten(record->topic, JSON_TEXT_CHARACTERS);
    char *topic_hex = json_topic_hex(record, topic);

    json_open(writer, "message");
    write_place(writer, record, pinfo);
    json_string(writer, "topic", topic);
    json_string(writer, "topic_hex", topic_hex);
    json_unsigned(writer, "qos", publish->qos);
    json_bool(writer, "dup", publish->dup);
    json_bool(writer, "retain", publish->retain);
    if (record->packet.packet_id_at != 0)
        json_unsigned(writer, "packet_id", record->packet.packet_id);
    json_unsigned(writer, "packet_length", record->packet.length);
    write_payload(writer, &record->packet);
    write_journey(writer, &record->facts.journey);
    json_close(writer);
    g_free(topic_hex);
    g_free(topic);
}

void json_packet(struct json_writer *writer, const struct tap_record *record, packet_info *pinfo)
{
    const struct mqtt_packet *packet = &record->packet;

    json_open(writer, "packet");
    write_place(writer, record, pinfo);
    json_string(writer, "packet", mqtt_packet_type_name(packet->type));
    json_unsigned(writer, "packet_length", packet->length);
    if (packet->packet_id_at != 0)
        json_unsigned(writer, "packet_id", packet->packet_id);
    if (packet->reason_at != 0)
        json_unsigned(writer, "code", packet->reason);
    write_journey(writer, &record->facts.journey);
    json_close(writer);
}

void json_add_findings(uint32_t counted[CHECK_SEVERITIES], const struct tap_record *record)
{
    const struct check_findings *findings = record->findings;

    for (unsigned i = 0; findings != NULL && i < findings->count; i++)
        counted[findings->list[i].severity] += 1 + findings->list[i].further;
}
