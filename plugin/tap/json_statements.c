/* json_statements.c - which statements were kept, which broken, and which never put to the test.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Counted is a rule in what it says of one statement in one version: a requirement. Some rules stand for a statement under a
 * condition; then an occasion counts where it holds. A condition on what the anomaly was cannot be answered where there is none,
 * and counts as one that holds.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"

enum { SIDES = 3, SIDE_CLIENT = 0, SIDE_BROKER = 1 };

static const char *const column_names[CHECK_COLUMNS] = {"3.1", "3.1.1", "5.0"};

/** What one rule says of one statement in one version. */
struct requirement {
    enum check_rule rule;
    enum check_column column;
    const char *id;
    bool is_conditional;
    const struct check_statement *by_property; /**< what it is about, where that is its condition; else NULL */
    uint32_t occasions[SIDES];                 /**< by the side that is bound */
    uint32_t breaches[SIDES];
};

struct json_statements {
    struct check_occasions occasions; /**< first: it is asked through this */
    GArray *requirements;             /**< struct requirement, by rule and version, then by statement */
    unsigned first[CHECK_RULE_COUNT + 1][CHECK_COLUMNS]; /**< where those of a rule in a version begin */
    unsigned end[CHECK_RULE_COUNT][CHECK_COLUMNS];
    uint32_t came[CHECK_RULE_COUNT];
    uint32_t broken[CHECK_RULE_COUNT];
    struct json_coverage *coverage; /**< of the connection that is being counted */
};

/** What is known of a connection: a bit for each requirement. */
struct json_coverage {
    uint8_t *exercised;
    uint8_t *broken;
};

static void add_requirement(struct json_statements *statements, unsigned rule, unsigned column, const char *id,
                            bool is_conditional, const struct check_statement *by_property)
{
    struct requirement requirement = {
        .rule = (enum check_rule)rule,
        .column = (enum check_column)column,
        .id = id,
        .is_conditional = is_conditional,
        .by_property = by_property,
    };
    g_array_append_val(statements->requirements, requirement);
}

static void add_requirements(struct json_statements *statements, unsigned rule, unsigned column)
{
    const struct check_cell *cell = &check_rule_info((enum check_rule)rule)->cells[column];
    size_t count;
    const struct check_statement *by_property = check_statements(&count);

    statements->first[rule][column] = statements->requirements->len;
    for (const struct check_id *each = cell->ids; each->id != NULL; each++)
        if (each->id[0] != '\0')
            add_requirement(statements, rule, column, each->id,
                            each->condition[0] != '\0' && strstr(each->condition, "a->") == NULL, NULL);
    for (size_t i = 0; column == CHECK_V50 && i < count; i++)
        if (by_property[i].rule == (enum check_rule)rule)
            add_requirement(statements, rule, column, by_property[i].id, false, &by_property[i]);
    statements->end[rule][column] = statements->requirements->len;
}

static struct requirement *requirement_at(const struct json_statements *statements, unsigned index)
{
    return &g_array_index(statements->requirements, struct requirement, index);
}

static unsigned side_index(const struct check_finding *finding)
{
    const char *side = check_finding_side(finding);
    return side[0] == 'c' ? SIDE_CLIENT : side[0] == 'b' ? SIDE_BROKER : SIDES - 1;
}

static bool has_id(const struct check_ids *ids, const char *id)
{
    for (unsigned i = 0; i < ids->count; i++)
        if (strcmp(ids->list[i], id) == 0)
            return true;
    return false;
}

static void count_occasion(struct check_occasions *receiver, const struct check_finding *occasion)
{
    struct json_statements *statements = (struct json_statements *)receiver;
    unsigned side = side_index(occasion);
    struct check_ids ids;
    bool has_ids = false;

    statements->came[occasion->rule]++;
    for (unsigned i = statements->first[occasion->rule][occasion->column];
         i < statements->end[occasion->rule][occasion->column]; i++) {
        struct requirement *requirement = requirement_at(statements, i);
        const struct check_statement *by_property = requirement->by_property;
        if (by_property != NULL && (by_property->property != (uint8_t)occasion->subject.property.index ||
                                    by_property->packet != (uint8_t)occasion->subject.block_type))
            continue;
        if (requirement->is_conditional && !has_ids) {
            check_finding_ids(occasion, &ids);
            has_ids = true;
        }
        if (requirement->is_conditional && !has_id(&ids, requirement->id))
            continue;
        requirement->occasions[side]++;
        statements->coverage->exercised[i / 8] |= (uint8_t)(1 << i % 8);
    }
}

/** Counts a broken rule in each statement that it names; one that is broken was exercised, too. */
static void count_breach(struct json_statements *statements, const struct check_finding *finding)
{
    unsigned side = side_index(finding);
    struct check_ids ids;

    statements->broken[finding->rule]++;
    check_finding_ids(finding, &ids);
    for (unsigned column = 0; column < CHECK_COLUMNS; column++) {
        if (finding->column != CHECK_COLUMNS && finding->column != column)
            continue;
        for (unsigned i = statements->first[finding->rule][column]; i < statements->end[finding->rule][column]; i++) {
            struct requirement *requirement = requirement_at(statements, i);
            if (!has_id(&ids, requirement->id))
                continue;
            requirement->breaches[side]++;
            requirement->occasions[side] = MAX(requirement->occasions[side], requirement->breaches[side]);
            statements->coverage->exercised[i / 8] |= (uint8_t)(1 << i % 8);
            statements->coverage->broken[i / 8] |= (uint8_t)(1 << i % 8);
        }
    }
}

struct json_statements *json_statements_new(void)
{
    struct json_statements *statements = g_new0(struct json_statements, 1);

    statements->occasions.came = count_occasion;
    statements->requirements = g_array_new(FALSE, FALSE, sizeof(struct requirement));
    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++)
        for (unsigned column = 0; column < CHECK_COLUMNS; column++)
            add_requirements(statements, rule, column);
    return statements;
}

void json_statements_free(struct json_statements *statements)
{
    g_array_free(statements->requirements, TRUE);
    g_free(statements);
}

struct json_coverage *json_coverage_new(const struct json_statements *statements)
{
    struct json_coverage *coverage = g_new(struct json_coverage, 1);

    coverage->exercised = g_new0(uint8_t, statements->requirements->len / 8 + 1);
    coverage->broken = g_new0(uint8_t, statements->requirements->len / 8 + 1);
    return coverage;
}

void json_coverage_free(struct json_coverage *coverage)
{
    g_free(coverage->exercised);
    g_free(coverage->broken);
    g_free(coverage);
}

void json_judge(struct json_statements *statements, struct json_coverage *coverage, const struct tap_record *record,
                int64_t age_ns)
{
    statements->coverage = coverage;
    if (record->subject == TAP_PACKET && !record->facts.is_unsure && !record->facts.is_partial &&
        !record->facts.is_tentative)
        check_find_occasions(&record->packet, &record->facts, age_ns, &statements->occasions);
    for (unsigned i = 0; record->findings != NULL && i < record->findings->count; i++)
        count_breach(statements, &record->findings->list[i]);
}

/* --- Writing ---------------------------------------------------------------------------------------------------- */

/** A statement of one version, put together from its requirements. */
struct statement {
    const char *id;
    unsigned column;
    GArray *requirements; /**< unsigned: their places */
    bool is_exercised;
    bool is_whole; /**< each of its rules was exercised */
    bool is_broken;
};

static void free_statement(void *given)
{
    struct statement *statement = (struct statement *)given;

    g_array_free(statement->requirements, TRUE);
    g_free(statement);
}

static int compare_statements(gconstpointer one, gconstpointer other)
{
    const struct statement *first = *(const struct statement *const *)one;
    const struct statement *second = *(const struct statement *const *)other;

    if (first->column != second->column)
        return first->column < second->column ? -1 : 1;
    return strcmp(first->id, second->id);
}

/** The statements, sorted; what is known of them is that of `coverage`, or of the capture
 *  where that is NULL. */
static GPtrArray *collect_statements(const struct json_statements *statements, const struct json_coverage *coverage)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(free_statement);
    GHashTable *known[CHECK_COLUMNS];

    for (unsigned column = 0; column < CHECK_COLUMNS; column++)
        known[column] = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < statements->requirements->len; i++) {
        const struct requirement *requirement = requirement_at(statements, i);
        struct statement *statement =
            (struct statement *)g_hash_table_lookup(known[requirement->column], requirement->id);
        bool is_exercised = coverage != NULL
                                ? coverage->exercised[i / 8] >> i % 8 & 1
                                : requirement->occasions[0] + requirement->occasions[1] + requirement->occasions[2] > 0;
        bool is_broken = coverage != NULL
                             ? coverage->broken[i / 8] >> i % 8 & 1
                             : requirement->breaches[0] + requirement->breaches[1] + requirement->breaches[2] > 0;
        if (statement == NULL) {
            statement = g_new0(struct statement, 1);
            *statement = (struct statement){.id = requirement->id, .column = requirement->column, .is_whole = true};
            statement->requirements = g_array_new(FALSE, FALSE, sizeof(unsigned));
            g_ptr_array_add(list, statement);
            g_hash_table_insert(known[requirement->column], (void *)(uintptr_t)requirement->id, statement);
        }
        g_array_append_val(statement->requirements, i);
        statement->is_exercised |= is_exercised;
        statement->is_whole &= is_exercised;
        statement->is_broken |= is_broken;
    }
    for (unsigned column = 0; column < CHECK_COLUMNS; column++)
        g_hash_table_destroy(known[column]);
    g_ptr_array_sort(list, compare_statements);
    return list;
}

static const char *state_of(const struct statement *statement)
{
    if (statement->is_broken)
        return "broken";
    if (!statement->is_exercised)
        return "not exercised";
    return statement->is_whole ? "held" : "partly judged";
}

static void write_sides(struct json_writer *writer, const struct json_statements *statements,
                        const struct statement *statement)
{
    static const char *const names[SIDES] = {"client", "broker", "unknown"};

    for (unsigned side = 0; side < SIDES; side++) {
        uint32_t occasions = 0;
        uint32_t breaches = 0;
        for (unsigned i = 0; i < statement->requirements->len; i++) {
            const struct requirement *requirement =
                requirement_at(statements, g_array_index(statement->requirements, unsigned, i));
            occasions = MAX(occasions, requirement->occasions[side]);
            breaches += requirement->breaches[side];
        }
        if (occasions == 0)
            continue;
        json_begin_member(writer, names[side]);
        json_unsigned(writer, "occasions", occasions);
        json_unsigned(writer, "breaches", breaches);
        json_end_member(writer);
    }
}

/** Writes which rules stand for a statement. */
static void write_rules(struct json_writer *writer, const struct json_statements *statements,
                        const struct statement *statement)
{
    json_begin_array(writer, "rules");
    for (unsigned i = 0; i < statement->requirements->len; i++)
        json_element_string(
            writer,
            check_rule_info(requirement_at(statements, g_array_index(statement->requirements, unsigned, i))->rule)
                ->symbol);
    json_end_array(writer);
}

void json_write_statements(struct json_writer *writer, const struct json_statements *statements,
                           const bool versions[CHECK_COLUMNS])
{
    GPtrArray *list = collect_statements(statements, NULL);

    for (unsigned i = 0; i < list->len; i++) {
        const struct statement *statement = (const struct statement *)g_ptr_array_index(list, i);
        if (!versions[statement->column] && !statement->is_exercised)
            continue;
        json_open(writer, "statement");
        json_string(writer, "id", statement->id);
        json_string(writer, "version", column_names[statement->column]);
        json_string(writer, "state", state_of(statement));
        write_rules(writer, statements, statement);
        write_sides(writer, statements, statement);
        json_close(writer);
    }
    g_ptr_array_unref(list);
    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++) {
        if (statements->occasions.asked[rule] + statements->broken[rule] == 0)
            continue;
        json_open(writer, "rule");
        json_string(writer, "rule", check_rule_info((enum check_rule)rule)->symbol);
        json_unsigned(writer, "asked", statements->occasions.asked[rule]);
        json_unsigned(writer, "occasions", MAX(statements->came[rule], statements->broken[rule]));
        json_unsigned(writer, "breaches", statements->broken[rule]);
        json_close(writer);
    }
}

static void write_ids_in_state(struct json_writer *writer, const GPtrArray *list, const char *state)
{
    json_begin_array(writer, state);
    for (unsigned i = 0; i < list->len; i++) {
        const struct statement *statement = (const struct statement *)g_ptr_array_index(list, i);
        if (strcmp(state_of(statement), state) == 0)
            json_element_string(writer, statement->id);
    }
    json_end_array(writer);
}

void json_write_coverage(struct json_writer *writer, const struct json_statements *statements,
                         const struct json_coverage *coverage)
{
    GPtrArray *list = collect_statements(statements, coverage);

    json_begin_member(writer, "statements");
    write_ids_in_state(writer, list, "broken");
    write_ids_in_state(writer, list, "held");
    write_ids_in_state(writer, list, "partly judged");
    json_end_member(writer);
    g_ptr_array_unref(list);
}
