/* list-rules.c - prints the rules and their statements, tab-separated, for the documentation and its check.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Needs the C library only; tools/rules compiles and runs it.
 */
#include <stdio.h>

#include "../check/ask.h"

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
    for (unsigned block = MQTT_TYPE_CONNECT; block <= MQTT_TYPE_WILL; block++)
        for (unsigned property = 0; property < MQTT_PROPERTY_COUNT; property++)
            try_property((enum mqtt_packet_type)block, (enum mqtt_property_index)property);
    for (size_t i = 0; i < count; i++)
        printf("id\t%s\t5.0\t%s\tBY_PROPERTY\n", check_rule_info(statements[i].rule)->symbol, statements[i].id);
    return 0;
}
