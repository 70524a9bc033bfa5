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

/* The rules that concern a kind of subject in a type of packet, and how many; made at the first question. */
static struct {
    unsigned count;
    uint16_t rules[CHECK_RULE_COUNT];
} concerned[CHECK_SUBJECT_KINDS][TYPES];
static bool has_concerned;

static void find_concerned(void)
{
    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++) {
        const struct check_rule_info *info = check_rule_info((enum check_rule)rule);
        for (unsigned type = 0; type < TYPES; type++)
            if (info->packets >> type & 1)
                concerned[info->about][type].rules[concerned[info->about][type].count++] = (uint16_t)rule;
    }
    has_concerned = true;
}

/** What the rule needs. Where an anomaly is shown by a packet of one end, what was asked for is in another of the other end: WHEN
 *  says whose packet it is, and that it is known. Content is what a PUBLISH has. */
static uint32_t needs_of(const struct check_question *question, const struct check_rule_info *info)
{
    uint32_t sides = CHECK_NEEDS_FROM_CLIENT | CHECK_NEEDS_FROM_SERVER;
    uint32_t needs = info->needs;

    if (info->about != CHECK_ABOUT_ANOMALY)
        return needs;
    if (needs & sides)
        needs = (needs & ~sides) | CHECK_NEEDS_DIRECTION;
    return question->subject.packet->type == MQTT_TYPE_PUBLISH ? needs : needs & ~(uint32_t)CHECK_NEEDS_CONTENT;
}

/** True where the rule knows what it needs. */
static bool may_be_asked(const struct check_question *question, const struct check_rule_info *info)
{
    return check_is_in_version(info, question->column) && !(question->silence & needs_of(question, info)) &&
           (!(question->silence & CHECK_NOT_IF_TRUNCATED) || info->needs & CHECK_NEEDS_OK_IF_TRUNCATED);
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
        occasion.rule = (enum check_rule)concerned[about][type].rules[i];
        if (may_be_asked(question, check_rule_info(occasion.rule)))
            question->occasions->asked(question->occasions, &occasion,
                                       occasion_functions[occasion.rule](&question->subject));
    }
}
