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

/** rule, symbol, side, severity, needs, title, short title; then for each version that has the rule: cell, symbol, version,
 *  severity; and for each of its statements: id, symbol, version, id, condition. */
static void print_rule(enum check_rule rule)
{
    static const char *const sides[] = {"unknown", "Client", "Server", "sender"};
    const struct check_rule_info *info = check_rule_info(rule);

    printf("rule\t%s\t%s\t%s\t", info->symbol, sides[info->side], check_severity_name(info->severity));
    print_needs(info->needs);
    printf("\t%s\t%s\n", info->title, info->short_title);
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

int main(void)
{
    size_t count;
    const struct check_statement *statements = check_statements(&count);

    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++)
        print_rule((enum check_rule)rule);
    for (size_t i = 0; i < count; i++)
        printf("id\t%s\t5.0\t%s\t\n", check_rule_info(statements[i].rule)->symbol, statements[i].id);
    return 0;
}
