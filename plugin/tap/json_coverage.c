/* json_coverage.c - counts on which occasions statements were put to the test, and how often they were broken.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Some rules stand for a statement under a condition; then an occasion counts where it holds. A condition on what the anomaly was
 * cannot be answered where there is none, and counts as one that holds.
 *
 * Most packets are like others, and so are their occasions. So equal ones are counted together, and what they count for is found
 * once. Only a condition that asks for more than the packet's type is answered each time.
 */
#include <string.h>

#include "json_statements.h"

enum { KINDS_MAX = 4096 }; /* told apart before they are added up */

/** Equal occasions, and what each of them counts for. */
struct occasion_kind {
    struct check_occasions occasions;
    uint32_t times;
    GArray *counted;     /**< struct counted */
    GArray *undecided;   /**< enum check_rule: those that came and have a condition which each subject answers */
    uint64_t *exercised; /**< those of `counted`, as a set */
};

/** A requirement that an occasion counts for, and the side that it binds. */
struct counted {
    unsigned requirement;
    unsigned side;
};

static void add_bits(uint64_t *bits, const uint64_t *others, size_t words)
{
    for (size_t word = 0; word < words; word++)
        bits[word] |= others[word];
}

/** A condition of words in capitals, ALWAYS or ON(PUBACK) || ON(PUBREC), asks for nothing but the packet's type. */
static bool is_decided_by_type(const char *condition)
{
    return strspn(condition, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_()| ") == strlen(condition);
}

static void add_requirements(struct json_statements *statements, unsigned rule, unsigned column)
{
    const struct check_cell *cell = &check_rule_info((enum check_rule)rule)->cells[column];
    struct json_requirement requirement = {.rule = (enum check_rule)rule, .column = (enum check_column)column};
    size_t count;
    const struct check_statement *by_property = check_statements(&count);

    statements->first[rule][column] = statements->requirements->len;
    for (const struct check_id *each = cell->ids; each->id != NULL; each++) {
        requirement.id = each->id;
        requirement.is_conditional = each->condition[0] != '\0' && strstr(each->condition, "a->") == NULL;
        requirement.is_decided_by_type = is_decided_by_type(each->condition);
        if (each->id[0] != '\0')
            g_array_append_val(statements->requirements, requirement);
    }
    requirement.is_conditional = false;
    for (size_t i = 0; column == CHECK_V50 && i < count; i++) {
        requirement.id = by_property[i].id;
        requirement.by_property = &by_property[i];
        if (by_property[i].rule == (enum check_rule)rule)
            g_array_append_val(statements->requirements, requirement);
    }
    statements->end[rule][column] = statements->requirements->len;
}

static unsigned side_index(const struct check_finding *finding)
{
    const char *side = check_finding_side(finding);
    return side[0] == 'c' ? JSON_SIDE_CLIENT : side[0] == 'b' ? JSON_SIDE_BROKER : JSON_SIDE_UNKNOWN;
}

static bool has_id(const struct check_ids *ids, const char *id)
{
    for (unsigned i = 0; i < ids->count; i++)
        if (strcmp(ids->list[i], id) == 0)
            return true;
    return false;
}

/** The requirement is about another property than the occasion. */
static bool is_about_other(const struct json_requirement *requirement, const struct check_occasions *occasions)
{
    const struct check_statement *by_property = requirement->by_property;

    return by_property != NULL &&
           (by_property->property != occasions->property || by_property->packet != occasions->block_type);
}

/** Finds what a rule that came counts for. */
static void add_rule(const struct json_statements *statements, struct occasion_kind *kind,
                     const struct check_finding *occasion)
{
    struct counted counted = {.side = side_index(occasion)};
    bool is_undecided = false;
    struct check_ids ids;

    check_finding_ids(occasion, &ids);
    for (unsigned i = statements->first[occasion->rule][occasion->column];
         i < statements->end[occasion->rule][occasion->column]; i++) {
        const struct json_requirement *requirement = json_requirement_at(statements, i);
        bool is_undecided_here = requirement->is_conditional && !requirement->is_decided_by_type;
        is_undecided |= is_undecided_here;
        if (is_undecided_here || is_about_other(requirement, &kind->occasions) ||
            (requirement->is_conditional && !has_id(&ids, requirement->id)))
            continue;
        counted.requirement = i;
        g_array_append_val(kind->counted, counted);
        json_set_bit(kind->exercised, i);
    }
    if (is_undecided)
        g_array_append_val(kind->undecided, occasion->rule);
}

static struct occasion_kind *new_kind(const struct json_statements *statements, const struct check_occasions *occasions,
                                      const struct check_subject *subject)
{
    struct occasion_kind *kind = g_new0(struct occasion_kind, 1);
    struct check_finding occasion = {.column = (enum check_column)occasions->column, .subject = *subject};

    memcpy(&kind->occasions, occasions, sizeof kind->occasions);
    kind->counted = g_array_new(FALSE, FALSE, sizeof(struct counted));
    kind->undecided = g_array_new(FALSE, FALSE, sizeof(enum check_rule));
    kind->exercised = g_new0(uint64_t, statements->words);
    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++) {
        occasion.rule = (enum check_rule)rule;
        if (check_has_rule(&occasions->came, occasion.rule))
            add_rule(statements, kind, &occasion);
    }
    return kind;
}

static void free_kind(void *given)
{
    struct occasion_kind *kind = (struct occasion_kind *)given;

    g_array_free(kind->counted, TRUE);
    g_array_free(kind->undecided, TRUE);
    g_free(kind->exercised);
    g_free(kind);
}

static guint hash_occasions(gconstpointer given)
{
    const uint8_t *bytes = (const uint8_t *)given;
    uint64_t hash = 0;
    uint64_t word;

    _Static_assert(sizeof(struct check_occasions) % sizeof word == 0, "all of it is hashed");
    for (size_t at = 0; at < sizeof(struct check_occasions); at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    return (guint)(hash >> 32);
}

static gboolean are_equal_occasions(gconstpointer one, gconstpointer other)
{
    return memcmp(one, other, sizeof(struct check_occasions)) == 0;
}

void json_add_up(struct json_statements *statements)
{
    GHashTableIter each;
    gpointer key;

    g_hash_table_iter_init(&each, statements->kinds);
    while (g_hash_table_iter_next(&each, &key, NULL)) {
        const struct occasion_kind *kind = (const struct occasion_kind *)key;
        for (unsigned i = 0; i < kind->counted->len; i++) {
            const struct counted *counted = &g_array_index(kind->counted, struct counted, i);
            json_requirement_at(statements, counted->requirement)->occasions[counted->side] += kind->times;
        }
        for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++) {
            statements->asked[rule] += check_has_rule(&kind->occasions.asked, (enum check_rule)rule) ? kind->times : 0;
            statements->came[rule] += check_has_rule(&kind->occasions.came, (enum check_rule)rule) ? kind->times : 0;
        }
    }
    memset(statements->recent, 0, sizeof statements->recent);
    g_hash_table_remove_all(statements->kinds);
}

static struct occasion_kind *find_kind(struct json_statements *statements, const struct check_occasions *occasions,
                                       const struct check_subject *subject)
{
    struct occasion_kind **recent = &statements->recent[hash_occasions(occasions) % JSON_RECENT_KINDS];

    if (*recent != NULL && are_equal_occasions(&(*recent)->occasions, occasions))
        return *recent;
    struct occasion_kind *kind = (struct occasion_kind *)g_hash_table_lookup(statements->kinds, occasions);
    if (kind == NULL) {
        if (g_hash_table_size(statements->kinds) == KINDS_MAX)
            json_add_up(statements);
        kind = new_kind(statements, occasions, subject);
        g_hash_table_add(statements->kinds, kind);
    }
    *recent = kind;
    return kind;
}

/** Counts an occasion for those requirements of a rule whose condition holds. */
static void count_undecided(struct json_statements *statements, const struct check_finding *occasion)
{
    unsigned side = side_index(occasion);
    struct check_ids ids;

    check_finding_ids(occasion, &ids);
    for (unsigned i = statements->first[occasion->rule][occasion->column];
         i < statements->end[occasion->rule][occasion->column]; i++) {
        struct json_requirement *requirement = json_requirement_at(statements, i);
        if (!requirement->is_conditional || requirement->is_decided_by_type || !has_id(&ids, requirement->id))
            continue;
        requirement->occasions[side]++;
        json_set_bit(statements->exercised, i);
    }
}

static void count_occasions(struct check_receiver *receiver, const struct check_occasions *occasions,
                            const struct check_subject *subject)
{
    struct json_statements *statements = (struct json_statements *)receiver;
    struct occasion_kind *kind = find_kind(statements, occasions, subject);

    kind->times++;
    add_bits(statements->exercised, kind->exercised, statements->words);
    if (statements->findings != NULL)
        check_add_rules(&statements->came_now, &occasions->came);
    if (kind->undecided->len == 0)
        return;
    struct check_finding occasion = {.column = (enum check_column)occasions->column, .subject = *subject};
    for (unsigned i = 0; i < kind->undecided->len; i++) {
        occasion.rule = g_array_index(kind->undecided, enum check_rule, i);
        count_undecided(statements, &occasion);
    }
}

/** Counts a broken rule in each statement that it names; one that is broken was exercised, too. Where the packet was no occasion (a
 *  response that never came), and no later one will be, the breach is. */
static void count_breach(struct json_statements *statements, struct json_coverage *coverage,
                         const struct check_finding *finding, bool is_occasion)
{
    unsigned side = side_index(finding);
    struct check_ids ids;

    statements->broken[finding->rule]++;
    check_finding_ids(finding, &ids);
    for (unsigned column = 0; column < CHECK_COLUMNS; column++) {
        if (finding->column != CHECK_COLUMNS && finding->column != column)
            continue;
        for (unsigned i = statements->first[finding->rule][column]; i < statements->end[finding->rule][column]; i++) {
            struct json_requirement *requirement = json_requirement_at(statements, i);
            if (!has_id(&ids, requirement->id))
                continue;
            requirement->breaches[side]++;
            requirement->occasions[side] += is_occasion;
            if (coverage == NULL)
                continue;
            json_set_bit(coverage->exercised, i);
            json_set_bit(coverage->broken, i);
        }
    }
}

struct json_statements *json_statements_new(void)
{
    struct json_statements *statements = g_new0(struct json_statements, 1);

    statements->receiver.count = count_occasions;
    statements->kinds = g_hash_table_new_full(hash_occasions, are_equal_occasions, free_kind, NULL);
    statements->requirements = g_array_new(FALSE, FALSE, sizeof(struct json_requirement));
    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++)
        for (unsigned column = 0; column < CHECK_COLUMNS; column++)
            add_requirements(statements, rule, column);
    statements->words = statements->requirements->len / 64 + 1;
    statements->exercised = g_new(uint64_t, statements->words);
    return statements;
}

void json_statements_free(struct json_statements *statements)
{
    if (statements->list != NULL)
        g_ptr_array_unref(statements->list);
    if (statements->texts != NULL)
        g_hash_table_destroy(statements->texts);
    g_hash_table_destroy(statements->kinds);
    g_array_free(statements->requirements, TRUE);
    g_free(statements->exercised);
    g_free(statements);
}

struct json_coverage *json_coverage_new(const struct json_statements *statements)
{
    struct json_coverage *coverage = g_new(struct json_coverage, 1);

    coverage->exercised = g_new0(uint64_t, 2 * statements->words);
    coverage->broken = coverage->exercised + statements->words;
    return coverage;
}

void json_coverage_free(struct json_coverage *coverage)
{
    g_free(coverage->exercised);
    g_free(coverage);
}

void json_judge(struct json_statements *statements, struct json_coverage *coverage, const struct tap_record *record,
                int64_t age_ns)
{
    statements->findings = record->findings;
    memset(&statements->came_now, 0, sizeof statements->came_now);
    if (record->subject == TAP_PACKET && !record->facts.is_unsure && !record->facts.is_partial &&
        !record->facts.is_tentative) {
        memset(statements->exercised, 0, statements->words * sizeof *statements->exercised);
        check_find_occasions(&record->packet, &record->facts, age_ns, &statements->receiver);
        if (coverage != NULL)
            add_bits(coverage->exercised, statements->exercised, statements->words);
    }
    for (unsigned i = 0; record->findings != NULL && i < record->findings->count; i++) {
        const struct check_finding *finding = &record->findings->list[i];
        bool has_come = record->subject == TAP_BEGINNING || check_has_rule(&statements->came_now, finding->rule);
        count_breach(statements, coverage, finding, !has_come);
    }
}
