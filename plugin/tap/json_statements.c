/* json_statements.c - writes which statements were kept, which broken, and which never put to the test.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "json_statements.h"

#include <string.h>

enum { TEXTS_MAX = 256 };

static const char *const column_names[CHECK_COLUMNS] = {"3.1", "3.1.1", "5.0"};

/** A statement of one version, put together from its requirements. */
struct statement {
    const char *id;
    unsigned column;
    GArray *requirements; /**< unsigned: their places */
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

/** The statements, sorted. */
static const GPtrArray *sorted_list(struct json_statements *statements)
{
    GHashTable *known[CHECK_COLUMNS];

    if (statements->list != NULL)
        return statements->list;
    statements->list = g_ptr_array_new_with_free_func(free_statement);
    for (unsigned column = 0; column < CHECK_COLUMNS; column++)
        known[column] = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < statements->requirements->len; i++) {
        const struct json_requirement *requirement = json_requirement_at(statements, i);
        struct statement *statement =
            (struct statement *)g_hash_table_lookup(known[requirement->column], requirement->id);
        if (statement == NULL) {
            statement = g_new0(struct statement, 1);
            *statement = (struct statement){.id = requirement->id, .column = requirement->column};
            statement->requirements = g_array_new(FALSE, FALSE, sizeof(unsigned));
            g_ptr_array_add(statements->list, statement);
            g_hash_table_insert(known[requirement->column], (void *)(uintptr_t)requirement->id, statement);
        }
        g_array_append_val(statement->requirements, i);
    }
    for (unsigned column = 0; column < CHECK_COLUMNS; column++)
        g_hash_table_destroy(known[column]);
    g_ptr_array_sort(statements->list, compare_statements);
    return statements->list;
}

enum state { STATE_BROKEN, STATE_HELD, STATE_PARTLY_JUDGED, STATE_NOT_EXERCISED };

static const char *const state_names[] = {"broken", "held", "partly judged", "not exercised"};

static enum state state_of(const struct statement *statement, const struct json_coverage *coverage)
{
    bool is_exercised = false;
    bool is_whole = true; /* each of its rules was exercised */

    for (unsigned i = 0; i < statement->requirements->len; i++) {
        unsigned requirement = g_array_index(statement->requirements, unsigned, i);
        if (json_has_bit(coverage->broken, requirement))
            return STATE_BROKEN;
        is_exercised |= json_has_bit(coverage->exercised, requirement);
        is_whole &= json_has_bit(coverage->exercised, requirement);
    }
    return !is_exercised ? STATE_NOT_EXERCISED : is_whole ? STATE_HELD : STATE_PARTLY_JUDGED;
}

/** What is known of the capture; for json_coverage_free(). */
static struct json_coverage *cover_capture(const struct json_statements *statements)
{
    struct json_coverage *coverage = json_coverage_new(statements);

    for (unsigned i = 0; i < statements->requirements->len; i++) {
        const struct json_requirement *requirement = json_requirement_at(statements, i);
        for (unsigned side = 0; side < JSON_SIDES; side++) {
            if (requirement->occasions[side] + requirement->breaches[side] > 0)
                json_set_bit(coverage->exercised, i);
            if (requirement->breaches[side] > 0)
                json_set_bit(coverage->broken, i);
        }
    }
    return coverage;
}

static void write_sides(struct json_writer *writer, const struct json_statements *statements,
                        const struct statement *statement)
{
    static const char *const names[JSON_SIDES] = {"client", "broker", "unknown"};

    for (unsigned side = 0; side < JSON_SIDES; side++) {
        uint32_t occasions = 0;
        uint32_t breaches = 0;
        for (unsigned i = 0; i < statement->requirements->len; i++) {
            const struct json_requirement *requirement =
                json_requirement_at(statements, g_array_index(statement->requirements, unsigned, i));
            occasions = MAX(occasions, MAX(requirement->occasions[side], requirement->breaches[side]));
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
    for (unsigned i = 0; i < statement->requirements->len; i++) {
        unsigned requirement = g_array_index(statement->requirements, unsigned, i);
        json_element_string(writer, check_rule_info(json_requirement_at(statements, requirement)->rule)->symbol);
    }
    json_end_array(writer);
}

void json_write_statements(struct json_writer *writer, struct json_statements *statements,
                           const bool versions[CHECK_COLUMNS])
{
    const GPtrArray *list = sorted_list(statements);

    json_add_up(statements);
    struct json_coverage *coverage = cover_capture(statements);
    for (unsigned i = 0; i < list->len; i++) {
        const struct statement *statement = (const struct statement *)g_ptr_array_index(list, i);
        enum state state = state_of(statement, coverage);
        if (!versions[statement->column] && state == STATE_NOT_EXERCISED)
            continue;
        json_open(writer, "statement");
        json_string(writer, "id", statement->id);
        json_string(writer, "version", column_names[statement->column]);
        json_string(writer, "state", state_names[state]);
        write_rules(writer, statements, statement);
        write_sides(writer, statements, statement);
        json_close(writer);
    }
    json_coverage_free(coverage);
    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++) {
        if (statements->asked[rule] + statements->broken[rule] == 0)
            continue;
        json_open(writer, "rule");
        json_string(writer, "rule", check_rule_info((enum check_rule)rule)->symbol);
        json_unsigned(writer, "asked", statements->asked[rule]);
        json_unsigned(writer, "occasions", MAX(statements->came[rule], statements->broken[rule]));
        json_unsigned(writer, "breaches", statements->broken[rule]);
        json_close(writer);
    }
}

/** The ids of a connection's statements by their state, as an object of JSON. For g_free(). */
static char *coverage_text(struct json_statements *statements, const struct json_coverage *coverage)
{
    const GPtrArray *list = sorted_list(statements);
    GString *text = g_string_new("{");

    for (unsigned state = 0; state < STATE_NOT_EXERCISED; state++) {
        const char *separator = "";
        g_string_append_printf(text, "%s\"%s\":[", state > 0 ? "," : "", state_names[state]);
        for (unsigned i = 0; i < list->len; i++) {
            const struct statement *statement = (const struct statement *)g_ptr_array_index(list, i);
            if (state_of(statement, coverage) != state)
                continue;
            g_string_append_printf(text, "%s\"%s\"", separator, statement->id);
            separator = ",";
        }
        g_string_append_c(text, ']');
    }
    g_string_append_c(text, '}');
    return g_string_free(text, FALSE);
}

static void free_bytes(void *bytes)
{
    g_bytes_unref((GBytes *)bytes);
}

/* Most connections put the same statements to the test. */
void json_write_coverage(struct json_writer *writer, struct json_statements *statements,
                         const struct json_coverage *coverage)
{
    GBytes *bits = g_bytes_new(coverage->exercised, 2 * statements->words * sizeof *coverage->exercised);

    if (statements->texts == NULL)
        statements->texts = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, free_bytes, g_free);
    if (g_hash_table_lookup(statements->texts, bits) == NULL) {
        if (g_hash_table_size(statements->texts) == TEXTS_MAX)
            g_hash_table_remove_all(statements->texts);
        g_hash_table_insert(statements->texts, g_bytes_ref(bits), coverage_text(statements, coverage));
    }
    json_ready(writer, "statements", (const char *)g_hash_table_lookup(statements->texts, bits));
    g_bytes_unref(bits);
}
