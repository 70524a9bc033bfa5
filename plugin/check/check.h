/* check.h - holds a packet against the rules of the specifications.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pure: the same packet with the same facts gives the same findings on each visit, in any order, with a tree or without.
 */
#ifndef MQTTSCOPE_CHECK_CHECK_H
#define MQTTSCOPE_CHECK_CHECK_H

#include "../model/facts/facts.h"
#include "../wire/packet.h"
#include "../wire/utf8.h"
#include "../wire/validity.h"
#include "rules.h"

/** A UTF-8 Encoded String of a packet. */
enum check_text {
    CHECK_TEXT_PROTOCOL_NAME,
    CHECK_TEXT_CLIENT_ID,
    CHECK_TEXT_WILL_TOPIC,
    CHECK_TEXT_USER_NAME,
    CHECK_TEXT_TOPIC,
    CHECK_TEXT_FILTER,
    CHECK_TEXT_PROPERTY,       /**< the text of a property, or the name of a User Property */
    CHECK_TEXT_PROPERTY_VALUE, /**< the value of a User Property */
};

/** What a rule looks at. Which members are good is told by the rule's kind of subject. */
struct check_subject {
    const struct mqtt_packet *packet;
    const struct track_facts *facts;
    /* TEXT */
    enum check_text text_kind;
    struct mqtt_span text;
    enum mqtt_utf8 utf8; /**< the worst that it holds */
    uint32_t utf8_at;    /**< where that begins, within the packet */
    /* PROPERTY, and TEXT of a property */
    const struct mqtt_properties *block;
    enum mqtt_packet_type block_type; /**< the packet's type, or MQTT_TYPE_WILL */
    struct mqtt_property property;
    bool is_repeated; /**< an earlier property of the block is of the same kind */
    /* FILTER, and TEXT of a filter */
    struct mqtt_filter filter;
    uint32_t index; /**< its place in the list, from 0; the code's as well */
    /* CODE */
    uint8_t code;
    uint32_t code_at;
    /* ANOMALY */
    const struct track_anomaly *anomaly; /**< NULL in the other kinds */
    int64_t age_ns; /**< check_find_occasions() only: how long after the connection's first packet */
};

/** A broken rule. */
struct check_finding {
    enum check_rule rule;
    enum check_severity severity;
    uint32_t doubts;              /**< bits 1 << enum track_doubt: why the severity was lowered; 0: it was not */
    enum check_column column;     /**< of the version in force; CHECK_COLUMNS where it is not certain */
    struct mqtt_span at;          /**< the bytes concerned */
    uint32_t number;              /**< which of its rule it is in the packet, from 1 */
    uint32_t further;             /**< how many of its rule come after it and are not listed; 0 unless it is the last */
    uint32_t missing;             /**< bits of enum check_needs: what is not known of check_undecided(); else 0 */
    struct check_subject subject; /**< what it was found at */
};

/** How many findings of one packet are listed: of one rule, and of all rules. The first of each rule always is. */
enum { CHECK_FINDINGS_OF_RULE_MAX = 100, CHECK_FINDINGS_MAX = CHECK_RULE_COUNT + 3 * CHECK_FINDINGS_OF_RULE_MAX };

/** The broken rules of one packet. */
struct check_findings {
    unsigned count;
    unsigned room;              /**< entries that `list` has */
    struct check_finding *list; /**< NULL while there is none; of the pool given to check_run() */
};

/** Which hints the user wants. */
enum check_hints { CHECK_HINTS_NONE, CHECK_HINTS_SOME, CHECK_HINTS_ALL };

/** What the user wants to know. */
struct check_policy {
    bool enabled;
    enum check_hints hints;
    enum check_severity minimum;               /**< what is less is not found */
    int8_t overrides[CHECK_RULE_COUNT];        /**< enum check_severity, CHECK_BY_RULE or CHECK_OFF */
    int8_t event_overrides[TRACK_EVENT_KINDS]; /**< likewise; events are shown with rules or without */
};

enum { CHECK_BY_RULE = -1, CHECK_OFF = -2 };

/** A policy that shows what is of a minimum severity. */
void check_policy_begin(struct check_policy *policy, bool enabled, enum check_severity minimum, enum check_hints hints);

/* Wireshark's wmem_allocator_t: what only reads findings is built without Wireshark, too. */
struct _wmem_allocator_t;

/** Finds the rules that a packet breaks. The findings are of `pool`; they point into the packet and its facts. */
void check_run(const struct check_policy *policy, const struct mqtt_packet *packet, const struct track_facts *facts,
               struct _wmem_allocator_t *pool, struct check_findings *findings);

/** The same where a packet begins whose end comes later, and only its fixed header is there: asks the rules that need no more.
 *  Where one was broken then, check_run() does not ask them again. */
void check_fixed_header(const struct check_policy *policy, const struct mqtt_packet *packet,
                        const struct track_facts *facts, struct _wmem_allocator_t *pool,
                        struct check_findings *findings);

/** The same where there is no packet, and `packet` is empty: only about what the model noticed. */
void check_anomalies(const struct check_policy *policy, const struct mqtt_packet *packet,
                     const struct track_facts *facts, struct _wmem_allocator_t *pool, struct check_findings *findings);

/** A set of rules. */
struct check_rule_set {
    uint32_t words[(CHECK_RULE_COUNT + 31) / 32];
};

static inline void check_add_rule(struct check_rule_set *set, enum check_rule rule)
{
    set->words[rule / 32] |= UINT32_C(1) << rule % 32;
}

static inline void check_add_rules(struct check_rule_set *set, const struct check_rule_set *others)
{
    for (unsigned word = 0; word < sizeof set->words / sizeof set->words[0]; word++)
        set->words[word] |= others->words[word];
}

static inline bool check_has_rule(const struct check_rule_set *set, enum check_rule rule)
{
    return set->words[rule / 32] >> rule % 32 & 1;
}

/** What a part of a packet was an occasion for. Two that are equal byte by byte count for the same rules, sides and, where the
 *  statement has no condition, for the same statements. */
struct check_occasions {
    struct check_rule_set asked; /**< the rules that knew what they need */
    struct check_rule_set came;  /**< of these, the ones whose statement's if-part holds */
    uint8_t column;              /**< enum check_column: of the version in force */
    uint8_t type;                /**< enum mqtt_packet_type */
    uint8_t sender;              /**< enum check_side: CLIENT, BROKER or UNKNOWN */
    uint8_t property;            /**< enum mqtt_property_index of a property; else 0 */
    uint8_t block_type;          /**< the packet's type, or MQTT_TYPE_WILL, of a property; else 0 */
};

/** Who counts on which occasions rules were kept or broken. */
struct check_receiver {
    void (*count)(struct check_receiver *receiver, const struct check_occasions *occasions,
                  const struct check_subject *subject);
};

/** Finds the occasions of one packet, so long after the first of its connection: for each of its parts. Of a malformed one only
 *  those of the rules about faults and anomalies, and none where the version is not certain. */
void check_find_occasions(const struct mqtt_packet *packet, const struct track_facts *facts, int64_t age_ns,
                          struct check_receiver *receiver);

/** What check_run() would have found beside, had the capture shown what the rules need: each says in its text what is missing.
 *  Where it is not known which end is the broker, both are tried. These are no findings: nothing may count them. */
void check_undecided(const struct check_policy *policy, const struct mqtt_packet *packet,
                     const struct track_facts *facts, struct _wmem_allocator_t *pool, struct check_findings *undecided);

/** Writes what a finding says: title, detail; the side at fault where the title does not begin with it, and why the severity
 *  was lowered, in parentheses; statement ids in brackets. What is too long for the tree has its detail cut. Null-terminated,
 *  truncated where `size` is too small. */
void check_message(const struct check_finding *finding, char *buffer, size_t size);

enum { CHECK_MESSAGE_SIZE = 640, CHECK_IDS_MAX = 8 };

/** The side at fault: "client", "broker", or "unknown" where the capture does not tell. */
const char *check_finding_side(const struct check_finding *finding);

enum { CHECK_DOUBT_SIZE = 200 };

/** Writes why the severity of a finding was lowered, or what is missing to decide; "" where neither is so. */
void check_finding_doubt(const struct check_finding *finding, char buffer[CHECK_DOUBT_SIZE]);

enum { CHECK_FRAMES_MAX = 3 };

/** The other frames that a finding's text names; returns their number. */
unsigned check_finding_frames(const struct check_finding *finding, uint32_t frames[CHECK_FRAMES_MAX]);

/** The statement ids that a finding stands for. */
struct check_ids {
    unsigned count;
    const char *list[CHECK_IDS_MAX]; /**< for as long as the program runs */
    uint32_t one_of;                 /**< a bit for each that may be broken in place of another such */
};

/** The statement ids of a finding, those of the version in force; the first is the one that fits best. */
void check_finding_ids(const struct check_finding *finding, struct check_ids *ids);

#endif
