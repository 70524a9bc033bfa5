/* policy.c - which rules the user wants to hear about, and how loudly.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/prefs.h>

#include <epan/uat.h>

#include "compat.h"
#include "mqttscope.h"

/** A row of the user's table. */
struct rule_setting {
    char *rule; /**< a rule's symbol, a statement id, or an event's name */
    unsigned severity;
};

enum { SEVERITY_OFF = CHECK_SEVERITIES }; /**< in the table; severities of rules come before it */

static ws_bool checks_rules = true;
static int minimum = CHECK_NOTE;
static int hints = CHECK_HINTS_SOME;
static ws_bool explains_silence = false;
static struct rule_setting *settings;
static unsigned setting_count;
static struct check_policy policy;

static const value_string severity_names[] = {
    {CHECK_CHAT, "chat"},   {CHECK_NOTE, "note"},  {CHECK_WARNING, "warning"},
    {CHECK_ERROR, "error"}, {SEVERITY_OFF, "off"}, {0, NULL},
};

UAT_CSTRING_CB_DEF(rule_settings, rule, struct rule_setting)

/** What the window offers to choose from: the names of all rules, and the statement ids, as a list that ends with NULL. */
static const value_string *rule_names(void)
{
    size_t statements;
    const struct check_statement *list = check_statements(&statements);
    value_string *names = g_new0(value_string, CHECK_RULE_COUNT + statements + 1);
    unsigned count = 0;

    for (; count < CHECK_RULE_COUNT; count++)
        names[count] = (value_string){count, check_rule_info((enum check_rule)count)->symbol};
    GHashTable *known = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < statements; i++)
        if (g_hash_table_add(known, (void *)(uintptr_t)list[i].id)) {
            names[count] = (value_string){count, list[i].id};
            count++;
        }
    g_hash_table_destroy(known);
    return names;
}

UAT_VS_DEF(rule_settings, severity, struct rule_setting, unsigned, SEVERITY_OFF, "off")

const struct check_policy *mqttscope_rules(void)
{
    return &policy;
}

bool mqttscope_explains_silence(void)
{
    return checks_rules && explains_silence;
}

static void *copy_setting(void *to, const void *from, size_t size _U_)
{
    struct rule_setting *copy = (struct rule_setting *)to;
    const struct rule_setting *setting = (const struct rule_setting *)from;

    copy->rule = g_strdup(setting->rule);
    copy->severity = setting->severity;
    return to;
}

static void free_setting(void *row)
{
    g_free(((struct rule_setting *)row)->rule);
}

/** Refuses what names no rule and no event. */
static ws_bool check_setting(void *row, char **error)
{
    struct rule_setting *setting = (struct rule_setting *)row;

    g_strstrip(setting->rule);
    if (check_find_rule(setting->rule, CHECK_RULE_COUNT) != CHECK_RULE_COUNT ||
        check_find_event(setting->rule) != TRACK_EVENT_KINDS)
        return TRUE;
    *error = g_strdup_printf("\"%s\" is neither the name of a rule or an event nor the id of a statement with a rule",
                             setting->rule);
    return FALSE;
}

static void apply_setting(const struct rule_setting *setting)
{
    int8_t override = setting->severity == SEVERITY_OFF ? (int8_t)CHECK_OFF : (int8_t)setting->severity;

    for (enum check_rule rule = check_find_rule(setting->rule, CHECK_RULE_COUNT); rule != CHECK_RULE_COUNT;
         rule = check_find_rule(setting->rule, rule))
        policy.overrides[rule] = override;
    enum track_event_kind event = check_find_event(setting->rule);
    if (event != TRACK_EVENT_KINDS)
        policy.event_overrides[event] = override;
}

void policy_reset(void)
{
    check_policy_begin(&policy, checks_rules, (enum check_severity)minimum, (enum check_hints)hints);
    for (unsigned i = 0; i < setting_count; i++)
        apply_setting(&settings[i]);
}

void policy_register(struct pref_module *module)
{
    static const enum_val_t severities[] = {
        {"chat", "Chat", CHECK_CHAT},
        {"note", "Note", CHECK_NOTE},
        {"warning", "Warning", CHECK_WARNING},
        {"error", "Error", CHECK_ERROR},
        {NULL, NULL, -1},
    };
    static const enum_val_t amounts[] = {
        {"none", "None", CHECK_HINTS_NONE},
        {"some", "Some", CHECK_HINTS_SOME},
        {"all", "All", CHECK_HINTS_ALL},
        {NULL, NULL, -1},
    };
    static uat_field_t fields[] = {
        UAT_FLD_CSTRING(
            rule_settings, rule, "Rule",
            "Name of a rule (mqttscope.rule.NAME) or of an event (mqttscope.event.NAME), or a statement id"),
        UAT_FLD_VS(rule_settings, severity, "Severity", severity_names, "The severity it is to have, or off"),
        UAT_END_FIELDS,
    };
    /* Kept as text, and offered as a list. */
    fields[0].mode = PT_TXTMOD_ENUM;
    fields[0].fld_data = rule_names();
    uat_t *table =
        uat_new("MQTT rules", sizeof(struct rule_setting), "mqttscope_rules", TRUE, &settings, &setting_count,
                UAT_AFFECTS_DISSECTION, NULL, copy_setting, check_setting, free_setting, NULL, NULL, fields);

    prefs_register_bool_preference(module, "check_rules", "Check the rules of the specification",
                                   "Whether packets are checked against the rules of the MQTT specifications.",
                                   &checks_rules);
    prefs_register_enum_preference(module, "minimum_severity", "Lowest severity of broken rules and events",
                                   "Broken rules and events of a lower severity are not shown.", &minimum, severities,
                                   FALSE);
    prefs_register_enum_preference(module, "hints", "Hints",
                                   "Notes on practices that no statement of the specification forbids, such as a "
                                   "Keep Alive of 0.",
                                   &hints, amounts, FALSE);
    prefs_register_bool_preference(module, "explain_silence", "Show what could not be decided",
                                   "Shows in the tree, apart from the findings, what a packet would break if the "
                                   "capture showed what the rule needs, and what is missing.",
                                   &explains_silence);
    prefs_register_uat_preference(module, "rule_severities", "Single rules and events",
                                  "Switches single rules and events off, or changes their severity.", table);
    policy_reset();
}
