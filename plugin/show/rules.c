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

/** Gives an expert item, which has none, the bytes that it is about. */
static void mark_bytes(const struct show_context *context, proto_tree *tree, proto_item *item, struct mqtt_span at)
{
    const struct mqtt_packet *packet = context->packet;
    const field_info *whole = PITEM_FINFO(tree);
    field_info *marked = PITEM_FINFO(item);
    uint32_t start = MIN(at.at, packet->captured);

    if (whole == NULL || marked == NULL)
        return;
    marked->ds_tvb = whole->ds_tvb;
    marked->start = whole->start + (int)start;
    marked->length = (int)MIN(at.length, packet->captured - start);
}

static void add_rule_string(const struct show_context *context, proto_tree *tree, enum show_field field,
                            const char *value)
{
    proto_item_set_generated(proto_tree_add_string(tree, show_fields[field], context->tvb, 0, 0, value));
}

/** Adds links to the packets that a finding speaks of: after its expert item and not in it, where what is of the plugin names the
 *  finding. */
static void add_frames(const struct show_context *context, proto_tree *tree, const struct check_finding *finding)
{
    uint32_t frames[CHECK_FRAMES_MAX];
    unsigned count = check_finding_frames(finding, frames);

    for (unsigned i = 0; i < count; i++)
        proto_item_set_generated(
            proto_tree_add_uint(tree, show_fields[SHOW_RULE_FRAME], context->tvb, 0, 0, frames[i]));
}

/** Adds the help for a rule, likewise after the expert item: below its first finding in the packet. */
static void add_help(const struct show_context *context, proto_tree *tree, const struct check_finding *finding)
{
    const struct check_help *help = check_rule_info(finding->rule)->help;
    const char *excuse = help->excuse[0] != '\0' ? " Not reported, or less severe: " : "";

    if (help->name[0] != '\0' && finding->number == 1 && proto_field_is_referenced(tree, show_fields[SHOW_RULE_HELP]))
        add_rule_string(context, tree, SHOW_RULE_HELP,
                        wmem_strdup_printf(context->pinfo->pool, "%s Usual cause: %s To mend it: %s%s%s", help->wants,
                                           help->cause, help->mend, excuse, help->excuse));
}

static void raise_finding(const struct show_context *context, proto_tree *tree, const struct check_finding *finding)
{
    expert_field *expert = &experts[finding->rule][finding->severity];
    const proto_item *before = tree != NULL ? tree->last_child : NULL;

    /* Only newer versions of Wireshark return the item that they make. */
    expert_add_info_format(context->pinfo, tree, expert, "%s", show_finding_text(context->pinfo->pool, finding));
    if (tree == NULL)
        return;
    /* There is none where nobody asked for it. */
    if (tree->last_child != before)
        mark_bytes(context, tree, tree->last_child, finding->at);
    add_frames(context, tree, finding);
    add_help(context, tree, finding);
}

void show_findings(const struct show_context *context, proto_tree *tree)
{
    const struct check_findings *findings = context->findings;

    if (findings->count == 0)
        return;
    for (int severity = CHECK_SEVERITIES - 1; severity >= 0; severity--)
        for (unsigned i = 0; i < findings->count; i++)
            if ((int)findings->list[i].severity == severity)
                raise_finding(context, tree, &findings->list[i]);
    /* Wireshark gives the item that has expert items a subtree of another kind. */
    if (tree != NULL && PITEM_FINFO(tree) != NULL)
        PITEM_FINFO(tree)->tree_type = show_subtrees[SHOW_SUBTREE_PACKET];
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

void show_undecided(const struct show_context *context, proto_tree *parent)
{
    const struct check_findings *undecided = context->undecided;
    proto_item *item;

    if (undecided == NULL || undecided->count == 0)
        return;
    proto_tree *tree =
        proto_tree_add_subtree(parent, context->tvb, 0, 0, show_subtrees[SHOW_SUBTREE_UNDECIDED], &item, "Undecided");
    proto_item_set_generated(item);
    for (unsigned i = 0; i < undecided->count; i++)
        add_rule_string(context, tree, SHOW_UNDECIDED, show_finding_text(context->pinfo->pool, &undecided->list[i]));
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
    }
}
