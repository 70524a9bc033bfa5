/* rules.c - broken rules as expert items and fields.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/expert.h>

#include "../compat.h"
#include "fields.h"
#include "show.h"

/* Wireshark ties an expert item's severity to its registration; doubt and the user change ours. So each rule is registered
 * once for each severity, under one name. */
static expert_field experts[CHECK_RULE_COUNT][CHECK_SEVERITIES];

void show_register_rules(expert_module_t *module)
{
    static const int groups[] = {
        [CHECK_MALFORMED] = PI_MALFORMED,
        [CHECK_PROTOCOL] = PI_PROTOCOL,
        [CHECK_SEQUENCE] = PI_SEQUENCE,
        [CHECK_SECURITY] = PI_SECURITY,
    };
    static const int severities[] = {
        [CHECK_CHAT] = PI_CHAT,
        [CHECK_NOTE] = PI_NOTE,
        [CHECK_WARNING] = PI_WARN,
        [CHECK_ERROR] = PI_ERROR,
    };
    static ei_register_info entries[CHECK_RULE_COUNT][CHECK_SEVERITIES];

    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++) {
        const struct check_rule_info *info = check_rule_info((enum check_rule)rule);
        const char *name = g_strconcat("mqttscope.rule.", info->symbol, NULL);
        for (unsigned severity = 0; severity < CHECK_SEVERITIES; severity++) {
            experts[rule][severity] = (expert_field)EI_INIT;
            entries[rule][severity] = (ei_register_info){
                &experts[rule][severity], {name, groups[info->group], severities[severity], info->title, EXPFILL}};
        }
    }
    expert_register_field_array(module, &entries[0][0], CHECK_RULE_COUNT * CHECK_SEVERITIES);
}

const char *show_finding_text(wmem_allocator_t *pool, const struct check_finding *finding)
{
    char message[CHECK_MESSAGE_SIZE];

    check_message(finding, message, sizeof message);
    return compat_format_text(pool, (const uint8_t *)message, strlen(message));
}

void show_findings(const struct show_context *context, proto_tree *tree)
{
    const struct check_findings *findings = context->findings;
    const struct mqtt_packet *packet = context->packet;

    for (unsigned i = 0; i < findings->count; i++) {
        const struct check_finding *finding = &findings->list[i];
        uint32_t start = MIN(finding->at.at, packet->captured);
        int length = (int)MIN(finding->at.length, packet->captured - start);
        expert_field *expert = &experts[finding->rule][finding->severity];
        proto_tree_add_expert_format(tree, context->pinfo, expert, context->tvb, (int)start, length, "%s",
                                     show_finding_text(context->pinfo->pool, finding));
    }
}

static void add_rule_string(const struct show_context *context, proto_tree *tree, enum show_field field,
                            const char *value)
{
    proto_item_set_generated(proto_tree_add_string(tree, show_fields[field], context->tvb, 0, 0, value));
}

/** An earlier finding of the packet is of the same rule and stands for the same statements. */
static bool is_listed_already(const struct check_findings *findings, unsigned index, const struct check_ids *ids)
{
    const struct check_finding *finding = &findings->list[index];
    struct check_ids earlier;

    for (unsigned i = index; finding->number > 1 && i > 0; i--) {
        if (findings->list[i - 1].rule != finding->rule)
            continue;
        check_finding_ids(&findings->list[i - 1], &earlier);
        if (earlier.count == ids->count && memcmp(earlier.list, ids->list, ids->count * sizeof ids->list[0]) == 0)
            return true;
    }
    return false;
}

/** Help for a broken rule: in the subtree of what is inferred, where JSON and its mapping expect the plugin's own fields. */
static void add_help(const struct show_context *context, proto_tree *tree, const struct check_help *help)
{
    const char *excuse = help->excuse[0] != '\0' ? " Not reported, or less severe: " : "";

    if (help->name[0] != '\0')
        add_rule_string(context, tree, SHOW_RULE_HELP,
                        wmem_strdup_printf(context->pinfo->pool, "%s Usual cause: %s To mend it: %s%s%s", help->wants,
                                           help->cause, help->mend, excuse, help->excuse));
}

void show_statements(const struct show_context *context, proto_tree *tree)
{
    const struct check_findings *findings = context->findings;
    struct check_ids ids;
    char doubt[CHECK_DOUBT_SIZE];

    for (unsigned i = 0; i < findings->count; i++) {
        const struct check_finding *finding = &findings->list[i];
        check_finding_ids(finding, &ids);
        if (is_listed_already(findings, i, &ids))
            continue;
        for (unsigned each = 0; each < ids.count; each++)
            add_rule_string(context, tree, SHOW_RULE, ids.list[each]);
        add_rule_string(context, tree, SHOW_RULE_SIDE, check_finding_side(finding));
        check_finding_doubt(finding, doubt);
        if (doubt[0] != '\0')
            add_rule_string(context, tree, SHOW_RULE_DOUBT, doubt);
        add_help(context, tree, check_rule_info(finding->rule)->help);
    }
}
