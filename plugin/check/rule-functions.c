/* rule-functions.c - what each rule says of a finding, made from its row.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each row becomes the functions detail_SYMBOL() and ids_SYMBOL(), which debugger and profiler see.
 */
#include "rule-functions.h"

#include <stdio.h>
#include <string.h>

#include "row-words.h"

#define NO_DETAIL "%s", ""
#define DETAIL_DETAIL(...) __VA_ARGS__
#define RULE(symbol, about, on, when, broken_if, side, severity, group, needs, v31, v311, v50, span, title,            \
             short_title, detail, help)                                                                                \
    static void detail_##symbol(const struct check_subject *subject, char *buffer, size_t size)                        \
    {                                                                                                                  \
        SUBJECT_IN_SCOPE(subject)                                                                                      \
        snprintf(buffer, size, DETAIL_##detail);                                                                       \
    }
#include "rules.def"
#undef RULE

/** Adds an id that is not in the list yet; `condition` is what its row says when it is broken. */
static void add_id(struct check_ids *ids, const char *id, const char *condition)
{
    for (unsigned i = 0; i < ids->count; i++)
        if (strcmp(ids->list[i], id) == 0)
            return;
    if (ids->count == CHECK_IDS_MAX)
        return;
    if (strcmp(condition, "ONE_OF") == 0)
        ids->one_of |= 1u << ids->count;
    ids->list[ids->count++] = id;
}

/** Adds the id of the statement about the property that a rule is broken by. */
static void add_id_of_property(struct check_ids *ids, const struct check_finding *finding)
{
    const struct check_subject *subject = &finding->subject;
    size_t count;
    const struct check_statement *statements = check_statements(&count);

    for (size_t i = 0; i < count; i++)
        if (statements[i].rule == finding->rule && statements[i].packet == subject->block_type &&
            statements[i].property == subject->property.index)
            add_id(ids, statements[i].id, "");
}

#define ON(packet) (p->type == MQTT_TYPE_##packet)
#define ID(...) ID_AND_CONDITION(__VA_ARGS__, ALWAYS, )
#define ID_AND_CONDITION(id, condition, ...)                                                                           \
    if (condition)                                                                                                     \
        add_id(ids, id, #condition);
#define BY_PROPERTY add_id_of_property(ids, finding);
#define HINT
#define V31_V31(list) list
#define V31_V31_AT(severity, list) list
#define V311_V311(list) list
#define V311_V311_AT(severity, list) list
#define V50_V50(list) list
#define V50_V50_AT(severity, list) list
#define RULE(symbol, about, on, when, broken_if, side, severity, group, needs, v31, v311, v50, span, title,            \
             short_title, detail, help)                                                                                \
    static void ids_##symbol(const struct check_finding *finding, enum check_column column, struct check_ids *ids)     \
    {                                                                                                                  \
        SUBJECT_IN_SCOPE(&finding->subject)                                                                            \
        (void)ids; /* a hint has none */                                                                               \
        if (column == CHECK_V31) {                                                                                     \
            V31_##v31                                                                                                  \
        } else if (column == CHECK_V311) {                                                                             \
            V311_##v311                                                                                                \
        } else {                                                                                                       \
            V50_##v50                                                                                                  \
        }                                                                                                              \
    }
#include "rules.def"
#undef RULE

const struct check_rule_functions check_rule_functions[CHECK_RULE_COUNT] = {
#define RULE(symbol, ...) {detail_##symbol, ids_##symbol},
#include "rules.def"
#undef RULE
};
