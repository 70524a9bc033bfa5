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
#include "rule-functions.h"

/** A rule in a list, with what asking it takes: a packet is asked some forty of them. */
struct listed_rule {
    bool (*check)(const struct check_subject *subject, struct mqtt_span *at);
    enum check_rule rule;
    uint32_t needs;
};

/** Rules that stand together in `listed_rules`. */
struct rule_list {
    unsigned first;
    unsigned count;
};

/** All lists, one behind the other; for as long as the program runs. */
static GArray *listed_rules;

/** The rules that are asked about one kind of subject in one type of packet, for each column of versions; the last is for
 *  those that need no version. */
static struct rule_list lists[CHECK_SUBJECT_KINDS][16][CHECK_COLUMNS + 1];

/** The rules that judge what the model noticed, by its kind. */
static struct rule_list observed[TRACK_ANOMALY_KINDS];

/** True where a version's column has the rule; where the version is not certain, those that need none. */
static bool is_in_column(const struct check_rule_info *info, unsigned column)
{
    return column == CHECK_COLUMNS ? info->needs & CHECK_NEEDS_ANY_VERSION
                                   : check_is_in_version(info, (enum check_column)column);
}

static void list_rule(struct rule_list *list, enum check_rule rule)
{
    const struct listed_rule listed = {check_rule_functions[rule].is_broken, rule, check_rule_info(rule)->needs};

    if (list->count++ == 0)
        list->first = listed_rules->len;
    g_array_append_val(listed_rules, listed);
}

/** Lists the rules about one kind of subject in one type of packet. */
static void list_rules_about(enum check_subject_kind about, unsigned type, unsigned column)
{
    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++) {
        const struct check_rule_info *info = check_rule_info((enum check_rule)rule);
        if (info->about == about && info->packets & 1u << type && is_in_column(info, column))
            list_rule(&lists[about][type][column], (enum check_rule)rule);
    }
}

/** Sorts the rules by what they are asked about; once. */
static void sort_rules(void)
{
    if (listed_rules != NULL)
        return;
    listed_rules = g_array_new(FALSE, FALSE, sizeof(struct listed_rule));
    for (unsigned kind = 0; kind < TRACK_ANOMALY_KINDS; kind++)
        for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++)
            if (check_rule_info((enum check_rule)rule)->anomaly == (int)kind)
                list_rule(&observed[kind], (enum check_rule)rule);
    for (unsigned about = 0; about < CHECK_SUBJECT_KINDS; about++)
        for (unsigned type = 0; type < 16; type++)
            for (unsigned column = 0; column <= CHECK_COLUMNS; column++)
                list_rules_about((enum check_subject_kind)about, type, column);
}

/** One run over one packet. */
struct run {
    const struct check_policy *policy;
    wmem_allocator_t *pool;
    struct check_findings *findings;
    struct check_subject subject;
    unsigned column;   /**< of the version in force; CHECK_COLUMNS where it is not certain */
    uint32_t required; /**< bits that a rule's needs must have to be evaluated for a packet in this state */
    uint32_t trusted;  /**< the bytes that a finding may be about; the fixed header always is one of them */
};

/** The version is certain: only the CONNECT tells it, or the user. */
static bool is_version_certain(const struct check_subject *subject)
{
    uint8_t source = subject->facts->snapshot->version_source;
    return source == TRACK_VERSION_FROM_CONNECT || source == TRACK_VERSION_FROM_PREFERENCE ||
           subject->packet->type == MQTT_TYPE_CONNECT;
}

/** The column of the version in force, whatever form a CONNACK may have; CHECK_COLUMNS where it is not certain. */
static unsigned column_of(const struct check_subject *subject)
{
    bool is_connect = subject->packet->type == MQTT_TYPE_CONNECT;
    unsigned version = is_connect ? subject->packet->version : subject->facts->snapshot->version;

    if (!is_version_certain(subject) || version == MQTT_VERSION_UNKNOWN)
        return CHECK_COLUMNS;
    return version - MQTT_V31;
}

/** True where what the rule has to know is known. Adds to `*doubts` what is known from weak evidence only. */
static bool is_known(const struct check_subject *subject, uint32_t needs, uint32_t *doubts)
{
    const struct track_facts *facts = subject->facts;
    const struct track_snapshot *snapshot = facts->snapshot;
    bool has_history = snapshot->connect_seen && !snapshot->has_gap;

    if (needs & (CHECK_NEEDS_DIRECTION | CHECK_NEEDS_FROM_CLIENT | CHECK_NEEDS_FROM_SERVER)) {
        if (snapshot->broker == TRACK_END_UNKNOWN || (needs & CHECK_NEEDS_FROM_CLIENT && !is_from_client(facts)) ||
            (needs & CHECK_NEEDS_FROM_SERVER && !is_from_server(facts)))
            return false;
        if (snapshot->evidence <= TRACK_EVIDENCE_HANDSHAKE)
            *doubts |=
                1u << (snapshot->evidence == TRACK_EVIDENCE_HANDSHAKE ? TRACK_DOUBT_HANDSHAKE : TRACK_DOUBT_PORT);
    }
    if ((needs & CHECK_NEEDS_CONNECT_SEEN && !snapshot->connect_seen) ||
        (needs & CHECK_NEEDS_HISTORY && !has_history) ||
        (needs & CHECK_NEEDS_SESSION && !(has_history && snapshot->session_known)) ||
        (needs & CHECK_NEEDS_NO_BRIDGE && snapshot->is_bridge))
        return false;
    if (needs & CHECK_NEEDS_CONNACK_RECEIVED && track_find_anomaly(facts, TRACK_ANOMALY_SENT_BEFORE_CONNACK) != NULL)
        *doubts |= 1u << TRACK_DOUBT_CONNACK;
    if (needs & CHECK_NEEDS_DOWNGRADE_IF_INCOMPLETE && !has_history)
        *doubts |= 1u << TRACK_DOUBT_INCOMPLETE;
    return true;
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
static int severity_of(const struct run *run, enum check_rule rule, uint32_t *doubts)
{
    const struct check_rule_info *info = check_rule_info(rule);
    const struct check_subject *subject = &run->subject;
    int override = run->policy->overrides[rule];
    int severity = (int)info->severity;
    uint32_t reasons = subject->anomaly != NULL ? 1u << subject->anomaly->doubt : 0;

    *doubts = 0;
    if (override == CHECK_OFF || !is_in_column(info, run->column) || !is_known(subject, info->needs, &reasons))
        return -1;
    if (run->column != CHECK_COLUMNS && info->cells[run->column].severity != CHECK_ROW_SEVERITY)
        severity = (int)info->cells[run->column].severity;
    if (override >= 0)
        return override;
    if (subject->facts->is_unsure || (subject->facts->may_lack && info->about == CHECK_ABOUT_ANOMALY))
        reasons |= 1u << TRACK_DOUBT_WEBSOCKET;
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

static struct check_finding *append(const struct run *run)
{
    struct check_findings *findings = run->findings;

    if (findings->count == findings->room) {
        size_t room = MIN(4 * findings->room + 4, CHECK_FINDINGS_MAX);
        findings->list = (struct check_finding *)wmem_realloc(run->pool, findings->list, room * sizeof *findings->list);
        findings->room = (unsigned)room;
    }
    return &findings->list[findings->count++];
}

static void add_finding(struct run *run, enum check_rule rule, struct mqtt_span at)
{
    uint32_t doubts;
    int severity = severity_of(run, rule, &doubts);

    if (severity < (int)run->policy->minimum || (at.at > 0 && at.at + at.length > run->trusted))
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
    finding->severity = (enum check_severity)severity;
    finding->doubts = doubts;
    finding->column = (enum check_column)run->column;
    finding->at = at;
    finding->subject = run->subject;
}

/** The rules of a list. */
static const struct listed_rule *rules_of(const struct rule_list *list)
{
    return &g_array_index(listed_rules, struct listed_rule, list->first);
}

/** Asks all rules of one kind about the subject. */
static void ask(struct run *run, enum check_subject_kind about)
{
    const struct mqtt_packet *packet = run->subject.packet;
    const struct rule_list *list = &lists[about][packet->type & 0x0F][run->column];
    const struct listed_rule *rules = rules_of(list);

    for (unsigned i = 0; i < list->count; i++) {
        struct mqtt_span at;
        if ((rules[i].needs & run->required) != run->required)
            continue;
        if (rules[i].check(&run->subject, &at))
            add_finding(run, rules[i].rule, at);
    }
}

static void ask_about_text(struct run *run, enum check_text kind, struct mqtt_span text)
{
    struct check_subject *subject = &run->subject;
    const struct mqtt_packet *packet = subject->packet;

    if (text.at == 0 || text.at + text.length > packet->captured)
        return;
    subject->text_kind = kind;
    subject->text = text;
    subject->utf8 = mqtt_utf8_judge(packet->bytes + text.at, text.length, &subject->utf8_at);
    subject->utf8_at += text.at;
    ask(run, CHECK_ABOUT_TEXT);
}

static void ask_about_properties(struct run *run, const struct mqtt_properties *block, enum mqtt_packet_type type)
{
    struct check_subject *subject = &run->subject;
    uint32_t seen = 0;
    uint32_t at = 0;

    if (block->length_at.at == 0 || block->seen == 0)
        return;
    subject->block = block;
    subject->block_type = type;
    while (mqtt_properties_next(subject->packet, block, &at, &subject->property)) {
        const struct mqtt_property *property = &subject->property;
        enum mqtt_property_type kind = mqtt_property_info(property->index)->type;
        subject->is_repeated = seen & mqtt_property_bit(property->index);
        seen |= mqtt_property_bit(property->index);
        ask(run, CHECK_ABOUT_PROPERTY);
        if (kind == MQTT_PROPERTY_TEXT || kind == MQTT_PROPERTY_PAIR)
            ask_about_text(run, CHECK_TEXT_PROPERTY, property->text);
        if (kind == MQTT_PROPERTY_PAIR)
            ask_about_text(run, CHECK_TEXT_PROPERTY_VALUE, property->text2);
    }
}

static void ask_about_filters(struct run *run)
{
    struct check_subject *subject = &run->subject;
    uint32_t at = 0;

    for (subject->index = 0; mqtt_filters_next(subject->packet, &at, &subject->filter); subject->index++) {
        ask(run, CHECK_ABOUT_FILTER);
        ask_about_text(run, CHECK_TEXT_FILTER, subject->filter.text);
    }
}

static void ask_about_codes(struct run *run)
{
    struct check_subject *subject = &run->subject;
    const struct mqtt_packet *packet = subject->packet;

    for (subject->index = 0; subject->index < packet->list.length; subject->index++) {
        subject->code_at = packet->list.at + subject->index;
        if (subject->code_at >= packet->captured)
            return;
        subject->code = packet->bytes[subject->code_at];
        ask(run, CHECK_ABOUT_CODE);
    }
}

/** Asks about the parts that one type of packet has. */
static void ask_about_parts(struct run *run)
{
    const struct mqtt_packet *packet = run->subject.packet;

    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        ask_about_text(run, CHECK_TEXT_PROTOCOL_NAME, packet->connect.protocol_name);
        ask_about_text(run, CHECK_TEXT_CLIENT_ID, packet->connect.client_id);
        ask_about_properties(run, &packet->connect.will_properties, MQTT_TYPE_WILL);
        ask_about_text(run, CHECK_TEXT_WILL_TOPIC, packet->connect.will_topic);
        ask_about_text(run, CHECK_TEXT_USER_NAME, packet->connect.user_name);
        break;
    case MQTT_TYPE_PUBLISH:
        ask_about_text(run, CHECK_TEXT_TOPIC, packet->publish.topic);
        break;
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        ask_about_filters(run);
        break;
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
        ask_about_codes(run);
        break;
    default:
        break;
    }
    ask_about_properties(run, &packet->properties, packet->type);
}

/** What the model noticed. */
static void ask_about_anomalies(struct run *run)
{
    const struct track_facts *facts = run->subject.facts;

    for (unsigned i = 0; i < facts->anomaly_count; i++) {
        const struct rule_list *list = &observed[facts->anomalies[i]->kind];
        run->subject.anomaly = facts->anomalies[i];
        for (unsigned each = 0; each < list->count; each++) {
            const struct listed_rule *rule = &rules_of(list)[each];
            struct mqtt_span at;
            if (rule->check(&run->subject, &at))
                add_finding(run, rule->rule, at);
        }
    }
    run->subject.anomaly = NULL;
}

/** The fault of a malformed packet, and what is certain nevertheless. */
static void ask_about_malformed(struct run *run)
{
    const struct mqtt_packet *packet = run->subject.packet;
    bool is_type_reserved = packet->fault.kind == MQTT_FAULT_RESERVED_TYPE ||
                            (packet->type == MQTT_TYPE_AUTH && packet->version != MQTT_V50);

    ask(run, CHECK_ABOUT_FAULT);
    if (is_type_reserved)
        return;
    if (packet->type == MQTT_TYPE_CONNECT && packet->connect.level_at == 0)
        run->column = CHECK_COLUMNS;
    run->required = CHECK_NEEDS_OK_IF_MALFORMED;
    run->trusted = mqtt_trusted_length(packet);
    ask(run, CHECK_ABOUT_PACKET);
    ask_about_parts(run);
}

void check_policy_begin(struct check_policy *policy, bool enabled, enum check_severity minimum)
{
    policy->enabled = enabled;
    policy->minimum = minimum;
    memset(policy->overrides, CHECK_BY_RULE, sizeof policy->overrides);
}

void check_run(const struct check_policy *policy, const struct mqtt_packet *packet, const struct track_facts *facts,
               wmem_allocator_t *pool, struct check_findings *findings)
{
    struct run run;

    *findings = (struct check_findings){0, 0, NULL};
    if (!policy->enabled)
        return;
    sort_rules();
    run.policy = policy;
    run.pool = pool;
    run.findings = findings;
    run.subject.packet = packet;
    run.subject.facts = facts;
    run.subject.anomaly = NULL;
    run.subject.block = NULL;
    run.column = column_of(&run.subject);
    run.required = packet->fault.kind == MQTT_FAULT_CUT ? CHECK_NEEDS_OK_IF_TRUNCATED : CHECK_NEEDS_NOTHING;
    run.trusted = UINT32_MAX;
    if (mqtt_is_malformed(packet)) {
        ask_about_malformed(&run);
        return;
    }
    ask(&run, CHECK_ABOUT_PACKET);
    ask_about_parts(&run);
    if (facts->anomaly_count > 0)
        ask_about_anomalies(&run);
}
