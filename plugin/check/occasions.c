/* occasions.c - asks on which occasions rules can be kept or broken.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A rule that was never broken may never have been put to the test. Each row's cell WHEN becomes a function
 * occasion_SYMBOL(), its statement's if-part. Of a rule about a fault each packet of its types is one, malformed or not, and
 * of one about an anomaly each packet at which the anomaly may come.
 */
#include <string.h>

#include "ask.h"
#include "row-words.h"

#define WHEN_WHEN(...) (__VA_ARGS__)
#define RULE(symbol, about, on, when, ...)                                                                             \
    static bool occasion_##symbol(const struct check_subject *subject)                                                 \
    {                                                                                                                  \
        SUBJECT_IN_SCOPE(subject)                                                                                      \
        return WHEN_##when;                                                                                            \
    }
#include "rules.def"
#undef RULE

static bool (*const occasion_functions[CHECK_RULE_COUNT])(const struct check_subject *subject) = {
#define RULE(symbol, ...) occasion_##symbol,
#include "rules.def"
#undef RULE
};

enum { TYPES = MQTT_TYPE_WILL };

/** What the rule needs. Where an anomaly is shown by a packet of one end, what was asked for is in another of the other end: WHEN
 *  says whose packet it is, and that it is known. Content is what a PUBLISH has. */
static uint32_t needs_of(const struct check_rule_info *info, unsigned type)
{
    uint32_t sides = CHECK_NEEDS_FROM_CLIENT | CHECK_NEEDS_FROM_SERVER;
    uint32_t needs = info->needs;

    if (info->about != CHECK_ABOUT_ANOMALY)
        return needs;
    if (needs & sides)
        needs = (needs & ~sides) | CHECK_NEEDS_DIRECTION;
    return type == MQTT_TYPE_PUBLISH ? needs : needs & ~(uint32_t)CHECK_NEEDS_CONTENT;
}

/** What keeps the rule from being asked. */
static uint32_t silence_of(const struct check_rule_info *info, unsigned type)
{
    return needs_of(info, type) | (info->needs & CHECK_NEEDS_OK_IF_TRUNCATED ? 0 : (uint32_t)CHECK_NOT_IF_TRUNCATED);
}

/* The rules that concern a kind of subject in a type of packet, and how many; made at the first question. */
static struct {
    unsigned count;
    struct concerned {
        uint16_t rule;
        uint16_t columns; /**< bits 1 << enum check_column: the versions that have it */
        uint32_t silence;
    } rules[CHECK_RULE_COUNT];
} concerned[CHECK_SUBJECT_KINDS][TYPES];
static bool has_concerned;

static uint16_t columns_of(const struct check_rule_info *info)
{
    unsigned columns = 0;

    for (unsigned column = 0; column < CHECK_COLUMNS; column++)
        columns |= check_is_in_version(info, (enum check_column)column) ? 1u << column : 0;
    return (uint16_t)columns;
}

static void find_concerned(void)
{
    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++) {
        const struct check_rule_info *info = check_rule_info((enum check_rule)rule);
        for (unsigned type = 0; type < TYPES; type++)
            if (info->packets >> type & 1)
                concerned[info->about][type].rules[concerned[info->about][type].count++] =
                    (struct concerned){(uint16_t)rule, columns_of(info), silence_of(info, type)};
    }
    has_concerned = true;
}

void check_ask_occasions(struct check_question *question, enum check_subject_kind about)
{
    unsigned type = question->subject.packet->type;
    struct check_finding occasion;

    if (!has_concerned)
        find_concerned();
    memset(&occasion, 0, sizeof occasion);
    occasion.column = question->column;
    occasion.subject = question->subject;
    for (unsigned i = 0; type < TYPES && i < concerned[about][type].count; i++) {
        const struct concerned *each = &concerned[about][type].rules[i];
        if (!(each->columns >> question->column & 1) || question->silence & each->silence)
            continue;
        question->occasions->asked[each->rule]++;
        if (!occasion_functions[each->rule](&question->subject))
            continue;
        occasion.rule = (enum check_rule)each->rule;
        question->occasions->came(question->occasions, &occasion);
    }
}
