/* json_statements.h - what is counted of statements, for the parts of `mqttscope,json` that count and write it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Counted is a rule in what it says of one statement in one version: a requirement. Sets of them are bits, a word for 64.
 */
#ifndef MQTTSCOPE_TAP_JSON_STATEMENTS_H
#define MQTTSCOPE_TAP_JSON_STATEMENTS_H

#include "json.h"

/** The sides that a requirement may bind. */
enum { JSON_SIDE_CLIENT, JSON_SIDE_BROKER, JSON_SIDE_UNKNOWN, JSON_SIDES };

/** What one rule says of one statement in one version. */
struct json_requirement {
    enum check_rule rule;
    enum check_column column;
    const char *id;
    bool is_conditional;                       /**< it has a condition that can be answered */
    bool is_decided_by_type;                   /**< the packet's type answers it */
    const struct check_statement *by_property; /**< what it is about, where that is its condition; else NULL */
    uint32_t occasions[JSON_SIDES];            /**< by the side that is bound */
    uint32_t breaches[JSON_SIDES];
};

enum { JSON_RECENT_KINDS = 64 };

struct json_statements {
    struct check_receiver receiver; /**< first: it is asked through this */
    GArray *requirements;           /**< struct json_requirement, by rule and version, then by statement */
    size_t words;                   /**< that have a bit for each requirement */
    unsigned first[CHECK_RULE_COUNT][CHECK_COLUMNS]; /**< where those of a rule in a version begin */
    unsigned end[CHECK_RULE_COUNT][CHECK_COLUMNS];
    uint32_t asked[CHECK_RULE_COUNT];
    uint32_t came[CHECK_RULE_COUNT];
    uint32_t broken[CHECK_RULE_COUNT];
    GHashTable *kinds;                               /**< set of struct occasion_kind by their occasions */
    struct occasion_kind *recent[JSON_RECENT_KINDS]; /**< some of them, by the end of their hash */
    /* Of the packet that is being counted */
    uint64_t *exercised;                   /**< set of requirements */
    const struct check_findings *findings; /**< NULL for none */
    struct check_rule_set came_now;        /**< where it has findings: the rules that it was an occasion for */
    /* For those who write */
    GPtrArray *list;   /**< struct statement, sorted; NULL before the first is written */
    GHashTable *texts; /**< what is written of coverages that many connections have, by their bits (GBytes) */
};

/** What is known of a connection. */
struct json_coverage {
    uint64_t *exercised; /**< set of requirements; `broken` follows it in the same block */
    uint64_t *broken;    /**< set of requirements */
};

static inline struct json_requirement *json_requirement_at(const struct json_statements *statements, unsigned index)
{
    return &g_array_index(statements->requirements, struct json_requirement, index);
}

static inline void json_set_bit(uint64_t *bits, unsigned bit)
{
    bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

static inline bool json_has_bit(const uint64_t *bits, unsigned bit)
{
    return bits[bit / 64] >> bit % 64 & 1;
}

/** Adds up what was counted of equal occasions: until then it is not in the requirements. */
void json_add_up(struct json_statements *statements);

#endif
