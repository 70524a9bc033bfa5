/* rules.c - the table of the rules, made from their rows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The expressions of a row are not used here, so that tools/rules can build the table without Wireshark.
 */
#include "rules.h"

#include <string.h>

#include "row-words.h"

/* The cell HELP() names a row of help.def, or NONE. */
enum {
    HELP_INDEX_NONE,
#define HELP_TEXT(name, ...) HELP_INDEX_##name,
#include "help.def"
#undef HELP_TEXT
    HELP_COUNT
};

#define WANTS_WANTS(text) text
#define CAUSE_CAUSE(text) text
#define MEND_MEND(text) text
#define EXCUSE_EXCUSE(text) "" text

static const struct check_help helps[HELP_COUNT] = {
    {"", "", "", "", ""},
#define HELP_TEXT(name, wants, cause, mend, excuse) {#name, WANTS_##wants, CAUSE_##cause, MEND_##mend, EXCUSE_##excuse},
#include "help.def"
#undef HELP_TEXT
};

/* What a cell holds: SIDE_##cell finds its macro where the cell is the one called SIDE. */
#define ABOUT_ABOUT(what) SUBJECT_##what
#define SUBJECT_PACKET CHECK_ABOUT_PACKET, -1
#define SUBJECT_FAULT CHECK_ABOUT_FAULT, -1
#define SUBJECT_TEXT CHECK_ABOUT_TEXT, -1
#define SUBJECT_PROPERTY CHECK_ABOUT_PROPERTY, -1
#define SUBJECT_FILTER CHECK_ABOUT_FILTER, -1
#define SUBJECT_CODE CHECK_ABOUT_CODE, -1
#define SUBJECT_ANOMALY(kind) CHECK_ABOUT_ANOMALY, TRACK_ANOMALY_##kind
#define ON_ON(types) types
#define SIDE_SIDE(side) CHECK_SIDE_##side
#define SEVERITY_SEVERITY(severity) CHECK_##severity
#define GROUP_GROUP(group) CHECK_##group
#define NEEDS_NEEDS(needs) needs
#define V31_V31(...) IDS(ROW_SEVERITY, __VA_ARGS__)
#define V31_V31_AT(severity, ...) IDS(severity, __VA_ARGS__)
#define V311_V311(...) IDS(ROW_SEVERITY, __VA_ARGS__)
#define V311_V311_AT(severity, ...) IDS(severity, __VA_ARGS__)
#define V50_V50(...) IDS(ROW_SEVERITY, __VA_ARGS__)
#define V50_V50_AT(severity, ...) IDS(severity, __VA_ARGS__)
#define TITLE_TITLE(text) text
#define SHORT_SHORT(text) "" text
#define HELP_HELP(name) &helps[HELP_INDEX_##name]

#define IDS(severity, ...)                                                                                             \
    {                                                                                                                  \
        CHECK_##severity, (const struct check_id[])                                                                    \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
            {                                                                                                          \
                NULL, ""                                                                                               \
            }                                                                                                          \
        }                                                                                                              \
    }
#define ID(...) ID_AND_CONDITION(__VA_ARGS__, , )
#define ID_AND_CONDITION(id, condition, ...) {id, #condition},
#define BY_PROPERTY {"", ""},
#define HINT {"", ""},

#define FIRST_OF(...) FIRST(__VA_ARGS__, )
#define FIRST(first, ...) first
#define RULE(symbol, about, on, when, broken_if, side, severity, group, ...)                                           \
    _Static_assert(GROUP_##group != CHECK_MALFORMED || FIRST_OF(ABOUT_##about) == CHECK_ABOUT_FAULT,                   \
                   #symbol ": only a FAULT is in the group MALFORMED");
#include "rules.def"
#undef RULE

static const struct check_rule_info rules[CHECK_RULE_COUNT] = {
#define RULE(symbol, about, on, when, broken_if, side, severity, group, needs, v31, v311, v50, span, title,            \
             short_title, detail, help)                                                                                \
    {#symbol,                                                                                                          \
     ABOUT_##about,                                                                                                    \
     ON_##on,                                                                                                          \
     SIDE_##side,                                                                                                      \
     SEVERITY_##severity,                                                                                              \
     GROUP_##group,                                                                                                    \
     NEEDS_##needs,                                                                                                    \
     {V31_##v31, V311_##v311, V50_##v50},                                                                              \
     TITLE_##title,                                                                                                    \
     SHORT_##short_title,                                                                                              \
     HELP_##help},
#include "rules.def"
#undef RULE
};

static const struct check_statement statements[] = {
#define STATEMENT(rule, packet, property, id) {CHECK_##rule, MQTT_TYPE_##packet, MQTT_PROPERTY_##property, id},
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

static bool is_called(enum check_rule rule, const char *symbol_or_id)
{
    if (strcmp(rules[rule].symbol, symbol_or_id) == 0)
        return true;
    for (unsigned column = 0; column < CHECK_COLUMNS; column++)
        for (const struct check_id *each = rules[rule].cells[column].ids; each->id != NULL; each++)
            if (each->id[0] != '\0' && strcmp(each->id, symbol_or_id) == 0)
                return true;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        if (statements[i].rule == rule && strcmp(statements[i].id, symbol_or_id) == 0)
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
