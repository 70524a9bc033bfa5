/* list-rules.c - prints the rules and their statements, tab-separated, for the documentation and its check.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Needs the C library only; tools/rules compiles and runs it.
 */
#include <stdio.h>

#include "../check/rules.h"
#include "../wire/packet.h"

static const char *const version_names[CHECK_COLUMNS] = {"3.1", "3.1.1", "5.0"};

/** What a rule has to know, in words. */
static void print_needs(uint32_t needs)
{
    static const struct {
        uint32_t bit;
        const char *words;
    } list[] = {
        {CHECK_NEEDS_DIRECTION, "who is the broker"},
        {CHECK_NEEDS_FROM_CLIENT, "sent by the Client"},
        {CHECK_NEEDS_FROM_SERVER, "sent by the Server"},
        {CHECK_NEEDS_CONNECT, "CONNECT captured"},
        {CHECK_NEEDS_HISTORY, "whole connection captured so far"},
        {CHECK_NEEDS_SESSION, "whole session known"},
        {CHECK_NEEDS_AWARENESS, "lower before the CONNACK arrived"},
        {CHECK_NEEDS_HISTORY_TO_BE_SURE, "lower behind a gap"},
        {CHECK_NEEDS_NO_VERSION, "any version"},
        {CHECK_NEEDS_NO_BRIDGE, "no bridge"},
    };
    const char *separator = "";

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (needs & list[i].bit) {
            printf("%s%s", separator, list[i].words);
            separator = ", ";
        }
    }
}

/** rule, symbol, severity, needs, title; then for each version: statement, symbol, version, severity, ids. */
static void print_rule(enum check_rule rule)
{
    const struct check_rule_info *info = check_rule_info(rule);

    printf("rule\t%s\t%s\t", info->symbol, check_severity_name(info->severity));
    print_needs(info->needs);
    printf("\t%s\n", info->title);
    for (unsigned column = 0; column < CHECK_COLUMNS; column++) {
        const struct check_cell *cell = &info->cells[column];
        enum check_severity severity = cell->severity == CHECK_ROW_SEVERITY ? info->severity : cell->severity;
        if (cell->ids != NULL)
            printf("cell\t%s\t%s\t%s\t%s\n", info->symbol, version_names[column], check_severity_name(severity),
                   cell->ids);
    }
}

int main(void)
{
    size_t count;
    const struct check_statement *statements = check_statements(&count);

    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++)
        print_rule((enum check_rule)rule);
    for (size_t i = 0; i < count; i++)
        printf("cell\t%s\t5.0\t%s\t%s\n", check_rule_info(statements[i].rule)->symbol,
               check_severity_name(check_rule_info(statements[i].rule)->severity), statements[i].ids);
    return 0;
}
