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

/** What the rule says of a broken packet with made-up values: sample, symbol, detail. */
static void print_sample(enum check_rule rule)
{
    static const uint8_t bytes[64] = "....sensors/+/temperature";
    static const struct track_text text = {0};
    static const struct track_connect_info connect_info = {
        .keep_alive_s = 60, .will_qos = 2, .client_id_characters = 30, .auth_method = &text};
    static const struct track_limits limits = {
        .receive_maximum = 10, .topic_alias_maximum = 10, .maximum_packet_size = 20, .maximum_qos = 1};
    static const struct track_anomaly anomaly = {.frame = 12, .value = 5, .other = 3};
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
        .length = sizeof bytes,
        .remaining_length = 62,
        .version = sample_version(info),
        .type = sample_type(info),
        .packet_id = 7,
        .reason = 0x87,
        .flags = 0x5,
        .fault = {.kind = MQTT_FAULT_PAST_END, .field = MQTT_FIELD_TOPIC_NAME, .needed = 12, .found = 4}};
    const struct check_subject subject = {.packet = &packet,
                                          .facts = &facts,
                                          .anomaly = &anomaly,
                                          .block = &packet.properties,
                                          .block_type = packet.type,
                                          .property = {.index = MQTT_PROPERTY_REASON_STRING, .number = 30},
                                          .text_kind = CHECK_TEXT_TOPIC,
                                          .text = {4, 21},
                                          .utf8_at = 10,
                                          .filter = {.text = {4, 21}, .options_at = 25, .options = 0x40},
                                          .code = 0x87};
    char detail[CHECK_MESSAGE_SIZE];

    if (packet.type == MQTT_TYPE_CONNECT)
        packet.connect.flags = 0xA8; /* User Name, Will Retain, Will QoS 1 */
    packet.properties.seen =
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
