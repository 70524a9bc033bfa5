/* list-rules.c - prints the rules and their statements, tab-separated, for the documentation and its check.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Needs the C library only; tools/rules compiles and runs it.
 */
#include <stdio.h>

#include "../check/ask.h"
#include "../check/rule-functions.h"

static const char *const version_names[CHECK_COLUMNS] = {"3.1", "3.1.1", "5.0"};

/** What a rule has to know, in words. */
static void print_needs(uint32_t needs)
{
    static const char *const words[CHECK_NEED_BITS] = {
#define NEED(symbol, words) words,
#include "../check/needs.def"
#undef NEED
    };
    const char *separator = "";

    for (unsigned bit = 0; bit < CHECK_NEED_BITS; bit++) {
        if (needs & 1u << bit && words[bit][0] != '\0') {
            printf("%s%s", separator, words[bit]);
            separator = ", ";
        }
    }
}

/** The packet types that a rule is asked about, or "any". */
static void print_packets(uint32_t packets)
{
    const char *separator = "";

    if (packets == CHECK_ANY_PACKET) {
        printf("any");
        return;
    }
    for (unsigned type = 0; packets >> type != 0; type++) {
        if (packets & 1u << type) {
            printf("%s%s", separator, mqtt_packet_type_name((enum mqtt_packet_type)type));
            separator = " ";
        }
    }
}

/** rule, symbol, packets, side, severity, needs, title, short title, name and four parts of its help; then for each version that has the rule: cell, symbol, version,
 *  severity; and for each of its statements: id, symbol, version, id, condition. */
static void print_rule(enum check_rule rule)
{
    static const char *const sides[] = {"unknown", "Client", "Server", "sender"};
    const struct check_rule_info *info = check_rule_info(rule);

    printf("rule\t%s\t", info->symbol);
    print_packets(info->packets);
    printf("\t%s\t%s\t", sides[info->side], check_severity_name(info->severity));
    print_needs(info->needs);
    printf("\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", info->title, info->short_title, info->help->name, info->help->wants,
           info->help->cause, info->help->mend, info->help->excuse);
    for (unsigned column = 0; column < CHECK_COLUMNS; column++) {
        const struct check_cell *cell = &info->cells[column];
        enum check_severity severity = cell->severity == CHECK_ROW_SEVERITY ? info->severity : cell->severity;
        if (!check_is_in_version(info, (enum check_column)column))
            continue;
        printf("cell\t%s\t%s\t%s\n", info->symbol, version_names[column], check_severity_name(severity));
        for (const struct check_id *each = cell->ids; each->id != NULL; each++)
            if (each->id[0] != '\0')
                printf("id\t%s\t%s\t%s\t%s\n", info->symbol, version_names[column], each->id, each->condition);
    }
}

/** Where a rule is broken in a sample: the version that it holds in, the latest one. */
static enum mqtt_version sample_version(const struct check_rule_info *info)
{
    unsigned column = CHECK_V50;

    while (column > CHECK_V31 && !check_is_in_version(info, (enum check_column)column))
        column--;
    return (enum mqtt_version)(MQTT_V31 + column);
}

/** The first packet type that a rule is about; PUBLISH where it is about all. */
static enum mqtt_packet_type sample_type(const struct check_rule_info *info)
{
    unsigned type = MQTT_TYPE_CONNECT;

    if (info->packets == CHECK_ANY_PACKET)
        return MQTT_TYPE_PUBLISH;
    while (info->packets >> type > 1 && !(info->packets >> type & 1))
        type++;
    return (enum mqtt_packet_type)type;
}

enum { CODE_0 = 0x100 };

/** What a sample of a rule has where the values that most have would contradict it; 0: as most, both values of an anomaly
 *  together. */
struct sample {
    enum check_rule rule;
    enum mqtt_packet_type type;
    uint16_t code;        /**< of the packet, or in it; CODE_0: 0 */
    uint32_t value;       /**< of the anomaly */
    uint32_t other;       /**< likewise */
    uint32_t found;       /**< what the fault of a malformed packet found, and the Remaining Length */
    uint8_t property;     /**< enum mqtt_property_index, + 1 */
    uint8_t field;        /**< enum mqtt_field */
    uint8_t header_bytes; /**< of the Remaining Length */
    uint32_t text_length; /**< of the string */
};

static const struct sample samples[] = {
    /* Times in ms, after a Keep Alive or an interval of 3 s. */
    {CHECK_keep_alive_exceeded, .value = 4020, .other = 3},
    {CHECK_keep_alive_far_exceeded, .value = 7350, .other = 3},
    {CHECK_server_keep_alive_exceeded, .value = 4020, .other = 3},
    {CHECK_server_keep_alive_far_exceeded, .value = 7350, .other = 3},
    {CHECK_silent_client_served, .value = 9100, .other = 3},
    {CHECK_keep_alive_timeout_too_early, .value = 1200, .other = 3},
    {CHECK_pingresp_missed, .value = 7350, .other = 3},
    {CHECK_connection_without_connack, .value = 30000, .other = 3},
    {CHECK_connect_late, .value = 120000, .other = 3},
    {CHECK_server_after_disconnect, .value = 5200, .other = 3},
    {CHECK_client_after_disconnect, .value = 5200, .other = 3},
    {CHECK_practice_early_pings, .value = 400, .other = 3},
    {CHECK_unanswered_subscribe, .value = 5000, .other = 3},
    {CHECK_unanswered_unsubscribe, .value = 5000, .other = 3},
    {CHECK_unanswered_pingreq, .value = 5000, .other = 3},
    {CHECK_unanswered_auth, .value = 5000, .other = 3},
    {CHECK_unanswered_qos_1_by_server, .value = 5000, .other = 3},
    {CHECK_unanswered_qos_1_by_client, .value = 5000, .other = 3},
    {CHECK_unanswered_qos_2_by_server, .value = 5000, .other = 3},
    {CHECK_unanswered_qos_2_by_client, .value = 5000, .other = 3},
    {CHECK_unanswered_pubrec_by_client, .value = 5000, .other = 3},
    {CHECK_unanswered_pubrec_by_server, .value = 5000, .other = 3},
    {CHECK_unanswered_pubrel, .value = 5000, .other = 3},
    {CHECK_unanswered_pubrel_by_client, .value = 5000, .other = 3},
    /* QoS, RETAIN and counts: expected the other, found the value. */
    {CHECK_granted_above_maximum_qos, .code = 2},
    {CHECK_granted_above_request, .value = 2, .other = 1},
    {CHECK_delivered_above_grant, .value = 2, .other = 1},
    {CHECK_delivered_above_shared_grant, .value = 2, .other = 1},
    {CHECK_delivered_by_old_grant, .value = 2, .other = 1},
    {CHECK_delivered_above_published, .value = 2, .other = 1},
    {CHECK_delivered_below_grant, .value = 1, .other = 2},
    {CHECK_overlap_below_highest, .value = 1, .other = 2},
    {CHECK_practice_qos_above_grants, .value = 2, .other = 1},
    {CHECK_ack_of_wrong_kind, .type = MQTT_TYPE_PUBACK, .value = 2, .other = 3},
    {CHECK_retain_not_as_published, .value = 0, .other = 1},
    {CHECK_delivered_without_all_ids, .value = 2, .other = 3},
    {CHECK_forwarded_expiry, .value = 60, .other = 60},
    {CHECK_unknown_level_accepted, .value = 6, .other = 3},
    {CHECK_resent_without_dup, .value = 2, .other = 3},
    {CHECK_publish_resent, .value = 2, .other = 3},
    {CHECK_publish_resent_without_dup, .value = 2, .other = 3},
    {CHECK_pubrel_resent, .value = 2, .other = 3},
    {CHECK_repeated_without_dup, .value = 2, .other = 3},
    /* Codes. */
    {CHECK_empty_client_id_wrong_code, .code = 0x05},
    {CHECK_plain_client_id_refused, .code = 0x85},
    {CHECK_auth_success_before_connack, .code = 0x19},
    {CHECK_reauthentication_as_response, .code = 0x19},
    {CHECK_auth_not_requested, .code = 0x18},
    {CHECK_auth_code_of_other_side, .code = CODE_0},
    {CHECK_code_not_defined, .code = 0x03},
    {CHECK_ack_code_not_defined, .code = 0x03},
    {CHECK_refused_for_qos, .value = 0x83, .other = 2},
    {CHECK_resent_after_error, .value = 0x97, .other = 3},
    {CHECK_no_matching_subscribers_from_client, .type = MQTT_TYPE_PUBACK, .code = 0x10},
    {CHECK_disconnect_code_of_other_side, .code = 0x8E},
    {CHECK_connack_server_reference_unexplained, .code = 0x88},
    {CHECK_disconnect_server_reference_unexplained, .code = 0x8B},
    /* Packets, properties and fields. */
    {CHECK_wrong_direction, .type = MQTT_TYPE_SUBACK},
    {CHECK_wrong_direction_likely, .type = MQTT_TYPE_SUBACK},
    {CHECK_problem_information_not_wanted, .type = MQTT_TYPE_PUBACK},
    {CHECK_auth_from_server_without_connect_method, .type = MQTT_TYPE_AUTH},
    {CHECK_property_repeated, .type = MQTT_TYPE_CONNECT, .property = MQTT_PROPERTY_RECEIVE_MAXIMUM + 1},
    {CHECK_publish_property_repeated, .property = MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR + 1},
    {CHECK_property_not_0_or_1, .property = MQTT_PROPERTY_REQUEST_PROBLEM_INFORMATION + 1},
    {CHECK_property_zero, .property = MQTT_PROPERTY_RECEIVE_MAXIMUM + 1},
    {CHECK_varint_too_long, .field = MQTT_FIELD_PROPERTY_LENGTH},
    {CHECK_property_past_block, .field = MQTT_FIELD_PROPERTY + MQTT_PROPERTY_REASON_STRING},
    {CHECK_property_block_past_end, .field = MQTT_FIELD_PROPERTY_LENGTH},
    {CHECK_user_name_missing, .field = MQTT_FIELD_USER_NAME},
    {CHECK_password_missing, .field = MQTT_FIELD_PASSWORD},
    {CHECK_will_missing, .field = MQTT_FIELD_WILL_TOPIC},
    {CHECK_connect_level_unknown, .found = 6},
    {CHECK_client_id_missing, .found = 1},
    {CHECK_ack_length, .type = MQTT_TYPE_PUBACK, .found = 3},
    {CHECK_packet_too_short, .type = MQTT_TYPE_PUBACK, .found = 1},
    {CHECK_ping_length, .found = 3},
    {CHECK_disconnect_length, .found = 1},
    {CHECK_remaining_length_not_minimal, .header_bytes = 2},
    {CHECK_topic_long, .text_length = 40000},
};

/** The row of a rule; all 0 where it has none. */
static struct sample sample_of(enum check_rule rule)
{
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        if (samples[i].rule == rule)
            return samples[i];
    return (struct sample){.rule = rule};
}

/** A rule about a string of a property. */
static bool is_property_text(enum check_rule rule)
{
    return rule == CHECK_property_text_ill_formed || rule == CHECK_property_text_null;
}

/** Gives a block Payload Format Indicator 1. */
static void promise_utf8(struct mqtt_properties *block)
{
    block->seen |= mqtt_property_bit(MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR);
    block->first[MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR].number = 1;
}

/** What the rule says of a broken packet with made-up values: sample, symbol, detail. */
static void print_sample(enum check_rule rule)
{
    enum { TEXT_AT = 4, TEXT_LENGTH = 21, PAYLOAD_AT = 25, PAYLOAD_LENGTH = 8, FILTER_AT = 33, FILTER_LENGTH = 12 };
    enum { PADDED_AT = 45, PADDED_LENGTH = 2, NAME_AT = 48 };
    static const uint8_t bytes[65536] = "....sensors/+/temperature21.5 \xff\xb0"
                                        "Csensors+/#/a\x85\x00.MQIsdp";
    const struct sample made_up = sample_of(rule);
    const bool has_values = made_up.value != 0 || made_up.other != 0;
    const uint8_t code = made_up.code != 0 ? (uint8_t)made_up.code : 0x87;
    static const struct track_text text = {0};
    static const struct track_connect_info connect_info = {
        .keep_alive_s = 60, .will_qos = 2, .client_id_characters = 30, .auth_method = &text};
    static const struct track_limits limits = {
        .receive_maximum = 10, .topic_alias_maximum = 10, .maximum_packet_size = 20, .maximum_qos = 1};
    const struct track_anomaly anomaly = {
        .frame = 12, .value = has_values ? made_up.value : 5, .other = has_values ? made_up.other : 3};
    const struct check_rule_info *info = check_rule_info(rule);
    const struct track_snapshot snapshot = {
        .version = (uint8_t)sample_version(info), .connect_info = &connect_info, .limits = {&limits, &limits}};
    const struct track_facts facts = {.sender = info->side == CHECK_SIDE_BROKER ? 0 : 1,
                                      .snapshot = &snapshot,
                                      .websocket_offered = "chat",
                                      .websocket_chosen = "chat"};
    struct mqtt_packet packet = {
        .bytes = bytes,
        .captured = sizeof bytes,
        .length = 64,
        .remaining_length = made_up.found != 0 ? made_up.found : 62,
        .remaining_length_at = {1, made_up.header_bytes},
        .version = sample_version(info),
        .type = made_up.type != 0 ? made_up.type : sample_type(info),
        .packet_id = 7,
        .reason = code,
        .flags = 0x5,
        .ack_flags = 0x02,
        .fault = {.kind = MQTT_FAULT_PAST_END,
                  .field = made_up.field != 0 ? (enum mqtt_field)made_up.field : MQTT_FIELD_TOPIC_NAME,
                  .needed = 12,
                  .found = made_up.found != 0 ? made_up.found : 4}};
    const unsigned property = made_up.property != 0 ? made_up.property - 1u : MQTT_PROPERTY_REASON_STRING;
    const struct check_subject subject = {
        .packet = &packet,
        .facts = &facts,
        .anomaly = &anomaly,
        .block = &packet.properties,
        .block_type = packet.type,
        .property = {.index = (enum mqtt_property_index)property,
                     .number = 30,
                     .whole = {PADDED_AT, PADDED_LENGTH},
                     .value = {PADDED_AT + PADDED_LENGTH, 1}},
        .text_kind = is_property_text(rule) ? CHECK_TEXT_PROPERTY : CHECK_TEXT_TOPIC,
        .text = {TEXT_AT, made_up.text_length != 0 ? made_up.text_length : TEXT_LENGTH},
        .utf8_at = 10,
        .filter = {.text = {FILTER_AT, FILTER_LENGTH}, .options = 0x40},
        .code = code};
    char detail[CHECK_MESSAGE_SIZE];

    if (packet.type == MQTT_TYPE_CONNECT) {
        packet.connect.flags = 0xA8; /* User Name, Will Retain, Will QoS 1 */
        packet.connect.client_id = (struct mqtt_span){TEXT_AT, TEXT_LENGTH + PAYLOAD_LENGTH};
        if (rule != CHECK_credential_omitted)
            packet.connect.user_name = packet.connect.client_id;
        packet.connect.will_payload = (struct mqtt_span){PAYLOAD_AT, PAYLOAD_LENGTH};
        packet.connect.protocol_name = (struct mqtt_span){NAME_AT, 6};
        promise_utf8(&packet.connect.will_properties);
    } else if (packet.type == MQTT_TYPE_PUBLISH) {
        packet.publish.qos = 2;
        packet.publish.payload = (struct mqtt_span){PAYLOAD_AT, PAYLOAD_LENGTH};
        promise_utf8(&packet.properties);
    }
    packet.properties.length_at = (struct mqtt_span){PADDED_AT, PADDED_LENGTH};
    packet.properties.seen |=
        mqtt_property_bit(MQTT_PROPERTY_TOPIC_ALIAS) | mqtt_property_bit(MQTT_PROPERTY_MAXIMUM_QOS);
    packet.properties.first[MQTT_PROPERTY_TOPIC_ALIAS].number = 30;
    packet.properties.first[MQTT_PROPERTY_MAXIMUM_QOS].number = 1;
    check_rule_functions[rule].write_detail(&subject, detail, sizeof detail);
    printf("sample\t%s\t%s\n", info->symbol, detail);
}

/** Complains about a rule that is broken and stands for no statement: missing, symbol, block, property. */
static void print_missing(struct check_question *question, enum check_rule rule, struct mqtt_span at)
{
    const struct check_subject *subject = &question->subject;
    const struct check_finding finding = {.rule = rule, .column = CHECK_V50, .at = at, .subject = *subject};
    const char *block = subject->block_type == MQTT_TYPE_WILL ? "the Will" : mqtt_packet_type_name(subject->block_type);
    struct check_ids ids;

    check_finding_ids(&finding, &ids);
    if (ids.count == 0)
        printf("missing\t%s\t%s\t%s\n", check_rule_info(rule)->symbol, block,
               mqtt_property_info(subject->property.index)->name);
}

/** Tries a property in a block, from the Client and from the Server, once and again, with a small value and a large one. */
static void try_property(enum mqtt_packet_type block, enum mqtt_property_index property)
{
    enum { SENDERS = 2, REPEATS = 2, VALUES = 2 };
    static const struct track_snapshot snapshot = {.version = MQTT_V50, .version_source = TRACK_VERSION_FROM_CONNECT};
    struct mqtt_packet packet = {.version = MQTT_V50, .type = block == MQTT_TYPE_WILL ? MQTT_TYPE_CONNECT : block};
    struct track_facts facts = {.snapshot = &snapshot};
    struct check_question question = {
        .subject = {.packet = &packet, .facts = &facts, .block_type = block, .property = {.index = property}},
        .silence = CHECK_NOT_IN_V50,
        .found = print_missing,
    };

    for (unsigned each = 0; each < SENDERS * REPEATS * VALUES; each++) {
        facts.sender = each & 1;
        question.subject.is_repeated = each & 2;
        question.subject.property.number = each & 4 ? UINT32_MAX : 0;
        check_ask(&question, CHECK_ABOUT_PROPERTY);
    }
}

int main(void)
{
    size_t count;
    const struct check_statement *statements = check_statements(&count);

    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++)
        print_rule((enum check_rule)rule);
    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++)
        print_sample((enum check_rule)rule);
    for (unsigned block = MQTT_TYPE_CONNECT; block <= MQTT_TYPE_WILL; block++)
        for (unsigned property = 0; property < MQTT_PROPERTY_COUNT; property++)
            try_property((enum mqtt_packet_type)block, (enum mqtt_property_index)property);
    for (size_t i = 0; i < count; i++)
        printf("id\t%s\t5.0\t%s\tBY_PROPERTY\n", check_rule_info(statements[i].rule)->symbol, statements[i].id);
    return 0;
}
