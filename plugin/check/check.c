/* check.c - asks each rule about each thing that it is about.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a rule has to know first, and how doubt lowers its severity, is decided here for all of them. A truncated packet is
 * evaluated only by rules that look at no more than is there. A malformed packet breaks one rule, the one about its fault, and
 * those that a byte settles which comes before the fault and which the cause of the fault cannot have made what it is: one
 * fault makes one finding, and hides no other.
 */
#include "check.h"

#include <string.h>

#include <glib.h>
#include <wsutil/wmem/wmem.h>

#include "predicates.h"
#include "run.h"

/** The version is certain: only the CONNECT tells it, or the user. */
static bool is_version_certain(const struct check_subject *subject)
{
    uint8_t source = subject->facts->snapshot->version_source;
    return source == TRACK_VERSION_FROM_CONNECT || source == TRACK_VERSION_FROM_PREFERENCE ||
           subject->packet->type == MQTT_TYPE_CONNECT;
}

/** The column of the version in force, whatever form a CONNACK may have; CHECK_COLUMNS where it is not certain. */
static enum check_column column_of(const struct check_subject *subject)
{
    bool is_connect = subject->packet->type == MQTT_TYPE_CONNECT;
    unsigned version = is_connect ? subject->packet->version : subject->facts->snapshot->version;

    if (!is_version_certain(subject) || version == MQTT_VERSION_UNKNOWN)
        return CHECK_COLUMNS;
    return (enum check_column)(version - MQTT_V31);
}

/** The hints that the user does not want, as bits of enum check_needs; all of them without a policy. */
static uint32_t unwanted_hints(const struct check_policy *policy)
{
    if (policy != NULL && policy->hints == CHECK_HINTS_ALL)
        return 0;
    return policy != NULL && policy->hints == CHECK_HINTS_SOME ? CHECK_NEEDS_ALL_HINTS
                                                               : CHECK_NEEDS_SOME_HINTS | CHECK_NEEDS_ALL_HINTS;
}

uint32_t check_silence_of(const struct check_policy *policy, const struct check_subject *subject,
                          enum check_column column)
{
    const struct track_snapshot *snapshot = subject->facts->snapshot;
    bool has_history = snapshot->connect_seen && !snapshot->has_gap;
    uint32_t silence = (uint32_t)CHECK_NOT_IN_V31 << column | unwanted_hints(policy);

    if (snapshot->broker == TRACK_END_UNKNOWN)
        silence |= CHECK_NEEDS_DIRECTION | CHECK_NEEDS_FROM_CLIENT | CHECK_NEEDS_FROM_SERVER;
    else
        silence |= is_from_client(subject->facts) ? CHECK_NEEDS_FROM_SERVER : CHECK_NEEDS_FROM_CLIENT;
    if (!snapshot->connect_seen)
        silence |= CHECK_NEEDS_CONNECT_SEEN;
    if (!has_history)
        silence |= CHECK_NEEDS_HISTORY;
    if (!has_history || !snapshot->session_known)
        silence |= CHECK_NEEDS_SESSION;
    if (snapshot->is_bridge)
        silence |= CHECK_NEEDS_NO_BRIDGE;
    if (subject->packet->type != MQTT_TYPE_PUBLISH || subject->packet->publish.payload.length < TRACK_CONTENT_LEAST)
        silence |= CHECK_NEEDS_CONTENT;
    if (subject->packet->fault.kind == MQTT_FAULT_CUT)
        silence |= CHECK_NOT_IF_TRUNCATED;
    if (subject->facts->record != NULL && subject->facts->record->is_header_judged)
        silence |= CHECK_NEEDS_FIXED_HEADER;
    return silence;
}

/** Bits of the doubts about what the rule has to know: it is known from weak evidence only, or may have been different. */
static uint32_t doubts_about(const struct check_subject *subject, uint32_t needs)
{
    const struct track_facts *facts = subject->facts;
    const struct track_snapshot *snapshot = facts->snapshot;
    uint32_t doubts = 0;

    if (needs & (CHECK_NEEDS_DIRECTION | CHECK_NEEDS_FROM_CLIENT | CHECK_NEEDS_FROM_SERVER) &&
        snapshot->evidence <= TRACK_EVIDENCE_HANDSHAKE)
        doubts |= 1u << (snapshot->evidence == TRACK_EVIDENCE_HANDSHAKE ? TRACK_DOUBT_HANDSHAKE : TRACK_DOUBT_PORT);
    if (needs & CHECK_NEEDS_CONNACK_RECEIVED && track_find_anomaly(facts, TRACK_ANOMALY_SENT_BEFORE_CONNACK) != NULL)
        doubts |= 1u << TRACK_DOUBT_CONNACK;
    if (needs & CHECK_NEEDS_DOWNGRADE_IF_INCOMPLETE && (!snapshot->connect_seen || snapshot->has_gap))
        doubts |= 1u << TRACK_DOUBT_INCOMPLETE;
    return doubts;
}

/** By how many steps doubts lower a severity. */
static int steps_of(uint32_t doubts)
{
    static const int steps[TRACK_DOUBTS] = {
#define DOUBT(symbol, steps, words) steps,
#include "../model/facts/doubts.def"
#undef DOUBT
    };
    int sum = 0;

    for (unsigned doubt = 0; doubt < TRACK_DOUBTS; doubt++)
        if (doubts & 1u << doubt)
            sum += steps[doubt];
    return sum;
}

/** The severity that a broken rule has at the subject, and the doubts that lowered it; -1 where it may not speak. */
static int severity_of(const struct check_run *run, enum check_rule rule, uint32_t *doubts)
{
    const struct check_rule_info *info = check_rule_info(rule);
    const struct check_subject *subject = &run->question.subject;
    int override = run->policy->overrides[rule];
    int severity = (int)info->severity;
    uint32_t reasons = doubts_about(subject, info->needs);

    *doubts = 0;
    if (override == CHECK_OFF)
        return -1;
    if (run->column != CHECK_COLUMNS && info->cells[run->column].severity != CHECK_ROW_SEVERITY)
        severity = (int)info->cells[run->column].severity;
    if (override >= 0)
        return override;
    if (subject->anomaly != NULL)
        reasons |= 1u << subject->anomaly->doubt;
    if (subject->facts->is_unsure || (subject->facts->may_lack && info->about == CHECK_ABOUT_ANOMALY))
        reasons |= 1u << TRACK_DOUBT_WEBSOCKET;
    if (mqtt_is_malformed(subject->packet) && info->about != CHECK_ABOUT_FAULT &&
        track_find_anomaly(subject->facts, TRACK_ANOMALY_AFTER_MALFORMED) != NULL)
        reasons |= 1u << TRACK_DOUBT_BOUNDARY;
    int steps = steps_of(reasons);
    if (severity <= CHECK_NOTE || steps == 0)
        return severity;
    *doubts = reasons;
    return severity - steps > CHECK_NOTE ? severity - steps : CHECK_NOTE;
}

/** The last finding of a rule; NULL where there is none. */
static struct check_finding *last_finding(const struct check_findings *findings, enum check_rule rule)
{
    for (unsigned i = findings->count; i > 0; i--)
        if (findings->list[i - 1].rule == rule)
            return &findings->list[i - 1];
    return NULL;
}

/** True where another finding of a rule is listed: there stays room for the first one of each rule. */
static bool may_be_listed(const struct check_findings *findings, const struct check_finding *last)
{
    return last == NULL ||
           (last->number < CHECK_FINDINGS_OF_RULE_MAX && findings->count < CHECK_FINDINGS_MAX - CHECK_RULE_COUNT);
}

static struct check_finding *append(const struct check_run *run)
{
    struct check_findings *findings = run->findings;

    if (findings->count == findings->room) {
        size_t room = MIN(4 * findings->room + 4, CHECK_FINDINGS_MAX);
        findings->list = (struct check_finding *)wmem_realloc(run->pool, findings->list, room * sizeof *findings->list);
        findings->room = (unsigned)room;
    }
    return &findings->list[findings->count++];
}

void check_list_finding(struct check_run *run, enum check_rule rule, struct mqtt_span at,
                        const struct check_finding *what)
{
    if ((int)what->severity < (int)run->policy->minimum || (at.at > 0 && at.at + at.length > run->trusted))
        return;
    struct check_finding *last = last_finding(run->findings, rule);
    if (last != NULL && last->at.at == at.at && last->at.length == at.length)
        return;
    if (!may_be_listed(run->findings, last)) {
        last->further++;
        return;
    }
    uint32_t number = last != NULL ? last->number + 1 : 1;
    struct check_finding *finding = append(run);
    finding->rule = rule;
    finding->number = number;
    finding->further = 0;
    finding->severity = what->severity;
    finding->doubts = what->doubts;
    finding->missing = what->missing;
    finding->column = run->column;
    finding->at = at;
    finding->subject = run->question.subject;
}

static void add_finding(struct check_question *question, enum check_rule rule, struct mqtt_span at)
{
    struct check_run *run = (struct check_run *)question;
    struct check_finding what;
    int severity = severity_of(run, rule, &what.doubts);

    what.severity = (enum check_severity)severity;
    what.missing = 0;
    if (severity >= 0)
        check_list_finding(run, rule, at, &what);
}

static void ask_about_text(struct check_question *question, enum check_text kind, struct mqtt_span text)
{
    struct check_subject *subject = &question->subject;
    const struct mqtt_packet *packet = subject->packet;

    if (text.at == 0 || text.at + text.length > packet->captured)
        return;
    subject->text_kind = kind;
    subject->text = text;
    subject->utf8 = mqtt_utf8_judge(packet->bytes + text.at, text.length, &subject->utf8_at);
    subject->utf8_at += text.at;
    question->ask(question, CHECK_ABOUT_TEXT);
}

/** A property, and the texts that it has. */
static void ask_about_property(struct check_question *question, const struct mqtt_property *property, bool is_repeated)
{
    struct check_subject *subject = &question->subject;
    enum mqtt_property_type type = mqtt_property_info(property->index)->type;

    subject->property = *property;
    subject->is_repeated = is_repeated;
    question->ask(question, CHECK_ABOUT_PROPERTY);
    if (type == MQTT_PROPERTY_TEXT || type == MQTT_PROPERTY_PAIR)
        ask_about_text(question, CHECK_TEXT_PROPERTY, property->text);
    if (type == MQTT_PROPERTY_PAIR)
        ask_about_text(question, CHECK_TEXT_PROPERTY_VALUE, property->text2);
}

static void note_break(struct check_question *question, enum check_rule rule, struct mqtt_span at)
{
    (void)rule;
    (void)at;
    ((struct check_run *)question)->has_break = true;
}

/** True where a block breaks no rule. Only of one in which nothing is repeated: its properties need not be read again, but
 *  are not in the packet's order. */
static bool is_flawless(struct check_run *run, const struct mqtt_properties *block)
{
    void (*found)(struct check_question *, enum check_rule, struct mqtt_span) = run->question.found;

    run->has_break = false;
    run->question.found = note_break;
    for (uint32_t left = block->seen; left != 0 && !run->has_break; left &= left - 1)
        ask_about_property(&run->question, &block->first[__builtin_ctz(left)], false);
    run->question.found = found;
    return !run->has_break;
}

static void ask_about_properties(struct check_run *run, const struct mqtt_properties *block, enum mqtt_packet_type type)
{
    struct check_subject *subject = &run->question.subject;
    struct mqtt_property property;
    uint32_t seen = 0;
    uint32_t at = 0;

    if (block->length_at.at == 0 || block->seen == 0)
        return;
    subject->block = block;
    subject->block_type = type;
    if (block->repeated == 0 && subject->packet->fault.kind == MQTT_FAULT_NONE && is_flawless(run, block))
        return;
    while (mqtt_properties_next(subject->packet, block, &at, &property)) {
        ask_about_property(&run->question, &property, seen & mqtt_property_bit(property.index));
        seen |= mqtt_property_bit(property.index);
    }
}

static void ask_about_filters(struct check_question *question)
{
    struct check_subject *subject = &question->subject;
    uint32_t at = 0;

    for (subject->index = 0; mqtt_filters_next(subject->packet, &at, &subject->filter); subject->index++) {
        question->ask(question, CHECK_ABOUT_FILTER);
        ask_about_text(question, CHECK_TEXT_FILTER, subject->filter.text);
    }
}

static void ask_about_codes(struct check_question *question)
{
    struct check_subject *subject = &question->subject;
    const struct mqtt_packet *packet = subject->packet;

    for (subject->index = 0; subject->index < packet->list.length; subject->index++) {
        subject->code_at = packet->list.at + subject->index;
        if (subject->code_at >= packet->captured)
            return;
        subject->code = packet->bytes[subject->code_at];
        question->ask(question, CHECK_ABOUT_CODE);
    }
}

/** Asks about the parts that one type of packet has. */
static void ask_about_parts(struct check_run *run)
{
    struct check_question *question = &run->question;
    const struct mqtt_packet *packet = question->subject.packet;

    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        ask_about_text(question, CHECK_TEXT_PROTOCOL_NAME, packet->connect.protocol_name);
        ask_about_text(question, CHECK_TEXT_CLIENT_ID, packet->connect.client_id);
        ask_about_properties(run, &packet->connect.will_properties, MQTT_TYPE_WILL);
        ask_about_text(question, CHECK_TEXT_WILL_TOPIC, packet->connect.will_topic);
        ask_about_text(question, CHECK_TEXT_USER_NAME, packet->connect.user_name);
        break;
    case MQTT_TYPE_PUBLISH:
        ask_about_text(question, CHECK_TEXT_TOPIC, packet->publish.topic);
        break;
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        ask_about_filters(question);
        break;
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
        ask_about_codes(question);
        break;
    default:
        break;
    }
    ask_about_properties(run, &packet->properties, packet->type);
}

/** What the model noticed. */
static void ask_about_anomalies(struct check_run *run)
{
    struct check_question *question = &run->question;
    const struct track_facts *facts = question->subject.facts;

    question->silence &= ~(uint32_t)CHECK_NOT_IF_TRUNCATED; /* the model knew what it reported */
    for (unsigned i = 0; i < facts->anomaly_count; i++) {
        if (facts->anomalies[i]->lack != TRACK_LACK_NOTHING && !run->is_undecided)
            continue;
        question->subject.anomaly = facts->anomalies[i];
        question->ask(question, CHECK_ABOUT_ANOMALY);
    }
    question->subject.anomaly = NULL;
}

/** The fault of a malformed packet, and what is certain nevertheless. */
static void ask_about_malformed(struct check_run *run)
{
    struct check_question *question = &run->question;
    const struct mqtt_packet *packet = question->subject.packet;
    bool is_type_reserved = packet->fault.kind == MQTT_FAULT_RESERVED_TYPE ||
                            (packet->type == MQTT_TYPE_AUTH && packet->version != MQTT_V50);

    question->ask(question, CHECK_ABOUT_FAULT);
    if (is_type_reserved)
        return;
    if (packet->type == MQTT_TYPE_CONNECT && packet->connect.level_at == 0)
        run->column = CHECK_COLUMNS;
    question->silence = check_silence_of(run->policy, &question->subject, run->column) | CHECK_NOT_IF_MALFORMED;
    run->trusted = mqtt_trusted_length(packet);
    question->ask(question, CHECK_ABOUT_PACKET);
    ask_about_parts(run);
}

void check_ask_about_all(struct check_run *run)
{
    run->question.ask(&run->question, CHECK_ABOUT_PACKET);
    ask_about_parts(run);
    if (run->question.subject.facts->anomaly_count > 0)
        ask_about_anomalies(run);
}

void check_policy_begin(struct check_policy *policy, bool enabled, enum check_severity minimum, enum check_hints hints)
{
    policy->enabled = enabled;
    policy->hints = hints;
    policy->minimum = minimum;
    memset(policy->overrides, CHECK_BY_RULE, sizeof policy->overrides);
    memset(policy->event_overrides, CHECK_BY_RULE, sizeof policy->event_overrides);
}

bool check_begin_run(struct check_run *run, const struct check_policy *policy, const struct mqtt_packet *packet,
                     const struct track_facts *facts, wmem_allocator_t *pool, struct check_findings *findings)
{
    struct check_question *question = &run->question;

    *findings = (struct check_findings){0, 0, NULL};
    if (!policy->enabled || facts->snapshot->is_copy || facts->is_tentative)
        return false;
    run->policy = policy;
    run->pool = pool;
    run->findings = findings;
    run->trusted = UINT32_MAX;
    question->ask = check_ask;
    run->missing = 0;
    run->is_undecided = false;
    question->found = add_finding;
    question->subject.packet = packet;
    question->subject.facts = facts;
    question->subject.anomaly = NULL;
    question->subject.block = NULL;
    run->column = column_of(&question->subject);
    question->silence = check_silence_of(run->policy, &question->subject, run->column);
    return true;
}

void check_fixed_header(const struct check_policy *policy, const struct mqtt_packet *packet,
                        const struct track_facts *facts, wmem_allocator_t *pool, struct check_findings *findings)
{
    struct check_run run;

    if (!check_begin_run(&run, policy, packet, facts, pool, findings))
        return;
    run.question.silence |= CHECK_NOT_BY_FIXED_HEADER;
    check_ask(&run.question, CHECK_ABOUT_PACKET);
}

void check_anomalies(const struct check_policy *policy, const struct mqtt_packet *packet,
                     const struct track_facts *facts, wmem_allocator_t *pool, struct check_findings *findings)
{
    struct check_run run;

    if (check_begin_run(&run, policy, packet, facts, pool, findings))
        ask_about_anomalies(&run);
}

void check_run(const struct check_policy *policy, const struct mqtt_packet *packet, const struct track_facts *facts,
               wmem_allocator_t *pool, struct check_findings *findings)
{
    struct check_run run;
    if (!check_begin_run(&run, policy, packet, facts, pool, findings))
        return;
    if (mqtt_is_malformed(packet)) {
        ask_about_malformed(&run);
        return;
    }
    check_ask_about_all(&run);
}

void check_find_occasions(const struct mqtt_packet *packet, const struct track_facts *facts, int64_t age_ns,
                          struct check_receiver *receiver)
{
    static const struct track_anomaly nothing;
    struct check_run run = {
        .question =
            {
                .subject = {.packet = packet, .facts = facts, .age_ns = age_ns},
                .ask = check_ask_occasions,
                .receiver = receiver,
            },
    };
    struct check_question *question = &run.question;

    question->column = column_of(&question->subject);
    if (question->column == CHECK_COLUMNS || facts->snapshot->is_copy || facts->is_tentative)
        return;
    /* That a fixed header was judged before the packet was whole makes it no less of an occasion. */
    question->silence =
        check_silence_of(NULL, &question->subject, question->column) & ~(uint32_t)CHECK_NEEDS_FIXED_HEADER;
    if (packet->fault.kind != MQTT_FAULT_CUT)
        question->ask(question, CHECK_ABOUT_FAULT);
    if (!mqtt_is_malformed(packet)) {
        question->ask(question, CHECK_ABOUT_PACKET);
        ask_about_parts(&run);
    }
    question->silence &= ~(uint32_t)CHECK_NOT_IF_TRUNCATED;
    question->subject.anomaly = &nothing; /* a row may name it */
    question->ask(question, CHECK_ABOUT_ANOMALY);
}
