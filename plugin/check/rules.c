/* rules.c - the table of the rules, made from their rows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rules.h"

#include <string.h>

#include "../wire/packet.h"

#define ON(type) (1u << MQTT_TYPE_##type)
#define ON_ANY 0xFFFFu
#define NEEDS(what) CHECK_NEEDS_##what
#define ID(list)                                                                                                       \
    {                                                                                                                  \
        list, CHECK_ROW_SEVERITY                                                                                       \
    }
#define AT(severity, list)                                                                                             \
    {                                                                                                                  \
        list, CHECK_##severity                                                                                         \
    }
#define NONE                                                                                                           \
    {                                                                                                                  \
        NULL, CHECK_ROW_SEVERITY                                                                                       \
    }
#define BY_PROPERTY                                                                                                    \
    {                                                                                                                  \
        "", CHECK_ROW_SEVERITY                                                                                         \
    }

static const struct check_rule_info rules[CHECK_RULE_COUNT] = {
#define RULE(symbol, about, packets, severity, group, needs, v31, v311, v50, broken, at, title, ...)                   \
    {#symbol, CHECK_ABOUT_##about, packets, CHECK_##severity, CHECK_##group, needs, {v31, v311, v50}, title},
#define OBSERVED(symbol, kind, severity, group, needs, v31, v311, v50, title, ...)                                     \
    {#symbol, CHECK_ABOUT_OBSERVED, ON_ANY, CHECK_##severity, CHECK_##group, needs, {v31, v311, v50}, title},
#include "rules.def"
#undef RULE
#undef OBSERVED
};

static const struct check_statement statements[] = {
#define STATEMENT(rule, packet, property, ids) {CHECK_##rule, MQTT_TYPE_##packet, MQTT_PROPERTY_##property, ids},
#include "statements.def"
#undef STATEMENT
};

const struct check_rule_info *check_rule_info(enum check_rule rule)
{
    return &rules[rule];
}

const struct check_statement *check_statements(size_t *count)
{
    *count = sizeof statements / sizeof statements[0];
    return statements;
}

const char *check_severity_name(enum check_severity severity)
{
    static const char *const names[] = {"chat", "note", "warning", "error", ""};
    return names[severity];
}

/** True where a list of ids has this one. */
static bool has_id(const char *ids, const char *id)
{
    size_t length = strlen(id);

    for (const char *found = ids; length > 0 && found != NULL && (found = strstr(found, id)) != NULL; found += length) {
        bool begins = found == ids || found[-1] == ' ' || found[-1] == ':';
        if (begins && (found[length] == ' ' || found[length] == '\0'))
            return true;
    }
    return false;
}

static bool is_called(enum check_rule rule, const char *symbol_or_id)
{
    if (strcmp(rules[rule].symbol, symbol_or_id) == 0)
        return true;
    for (unsigned column = 0; column < CHECK_COLUMNS; column++)
        if (has_id(rules[rule].cells[column].ids, symbol_or_id))
            return true;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        if (statements[i].rule == rule && has_id(statements[i].ids, symbol_or_id))
            return true;
    return false;
}

enum check_rule check_find_rule(const char *symbol_or_id, enum check_rule previous)
{
    unsigned rule = previous == CHECK_RULE_COUNT ? 0 : (unsigned)previous + 1;

    while (rule < CHECK_RULE_COUNT && !is_called((enum check_rule)rule, symbol_or_id))
        rule++;
    return (enum check_rule)rule;
}
