/* undecided.c - what a packet would break if the capture showed what the rules need.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The rules are asked once more as if their needs were met, and about what the model found without all that it rests on. What a CONNECT that was not captured may have said is not made up:
 * the predicates that read it find nothing without it.
 */
#include <wsutil/wmem/wmem.h>

#include "run.h"

/** Lists what a rule would find if what it needs were known. */
static void add_undecided(struct check_question *question, enum check_rule rule, struct mqtt_span at)
{
    struct check_run *run = (struct check_run *)question;
    const struct check_rule_info *info = check_rule_info(rule);
    uint32_t needs = info->needs & CHECK_NEEDS_ANY_VERSION ? info->needs & ~(uint32_t)CHECK_NEEDS_ANY_VERSION
                                                           : info->needs | CHECK_NEEDS_ANY_VERSION;
    struct check_finding what = {.severity = info->severity, .missing = needs & run->missing};
    const struct track_anomaly *anomaly = question->subject.anomaly;
    bool lacks_any = what.missing != 0 || (anomaly != NULL && anomaly->lack != TRACK_LACK_NOTHING);

    if (lacks_any && run->policy->overrides[rule] != CHECK_OFF && !check_is_hint(info))
        check_list_finding(run, rule, at, &what);
}

/** The needs that may be missing, and are: those of the direction only where it is not known which end is the broker. Of an
 *  uncertain version CHECK_NEEDS_ANY_VERSION stands for the lack of it. */
static uint32_t missing_needs(const struct check_run *run)
{
    const struct check_subject *subject = &run->question.subject;
    uint32_t may_miss = CHECK_NEEDS_CONNECT_SEEN | CHECK_NEEDS_HISTORY | CHECK_NEEDS_SESSION;

    if (subject->facts->snapshot->broker == TRACK_END_UNKNOWN)
        may_miss |= CHECK_NEEDS_DIRECTION | CHECK_NEEDS_FROM_CLIENT | CHECK_NEEDS_FROM_SERVER;
    if (subject->packet->type == MQTT_TYPE_PUBLISH)
        may_miss |= CHECK_NEEDS_CONTENT;
    uint32_t missing = run->question.silence & may_miss;
    if (run->column == CHECK_COLUMNS && subject->packet->version != MQTT_VERSION_UNKNOWN)
        missing |= CHECK_NEEDS_ANY_VERSION;
    return missing;
}

/** Asks all rules as if nothing were missing. */
static void ask_as_if_known(struct check_run *run)
{
    struct check_question *question = &run->question;

    if (run->column == CHECK_COLUMNS && run->missing & CHECK_NEEDS_ANY_VERSION)
        run->column = (enum check_column)(question->subject.packet->version - MQTT_V31);
    question->silence = check_silence_of(run->policy, &question->subject, run->column) & ~run->missing;
    question->found = add_undecided;
    check_ask_about_all(run);
}

/** The same as if an end were the broker. */
static void ask_as_if_broker(struct check_run *run, uint8_t broker)
{
    const struct track_facts *facts = run->question.subject.facts;
    struct track_facts *assumed = (struct track_facts *)wmem_memdup(run->pool, facts, sizeof *facts);
    struct track_snapshot *snapshot =
        (struct track_snapshot *)wmem_memdup(run->pool, facts->snapshot, sizeof *facts->snapshot);
    uint32_t other = broker == facts->sender ? CHECK_NEEDS_FROM_CLIENT : CHECK_NEEDS_FROM_SERVER;
    uint32_t missing = run->missing;

    snapshot->broker = broker;
    assumed->snapshot = snapshot;
    run->question.subject.facts = assumed;
    run->missing = missing & ~other;
    ask_as_if_known(run);
    run->missing = missing;
    run->question.subject.facts = facts;
}

void check_undecided(const struct check_policy *policy, const struct mqtt_packet *packet,
                     const struct track_facts *facts, wmem_allocator_t *pool, struct check_findings *undecided)
{
    struct check_run run;

    if (!check_begin_run(&run, policy, packet, facts, pool, undecided) || mqtt_is_malformed(packet))
        return;
    run.missing = missing_needs(&run);
    run.is_undecided = true;
    if (facts->snapshot->broker != TRACK_END_UNKNOWN) {
        ask_as_if_known(&run);
        return;
    }
    for (uint8_t end = 0; end < 2; end++)
        ask_as_if_broker(&run, end);
}
