/* test-memory.c - what is kept is charged to the user's limit, given back, and left out where the limit is reached.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "story.h"

#include "../../model/store/capture.h"
#include "../../model/store/id-table.h"

#define CONNECT_50 "10 { s'MQTT' 05 02 003c {} s'me' }"
#define CONNECT_KEPT_50 "10 { s'MQTT' 05 00 003c {} s'me' }"
#define CONNACK_50 "20 { 00 00 {} }"

static struct track_options limited_to(uint64_t max_memory)
{
    return (struct track_options){.max_memory = max_memory, .max_inflight = 65535, .has_rules = true};
}

/** Sends a PUBLISH of QoS 1. */
static const struct track_facts *publish(struct story *story, struct track_connection *connection, unsigned id)
{
    char text[64];

    snprintf(text, sizeof text, "32 { s'a' %04x {} 'x' }", id);
    return story_send_with(story, connection, CLIENT, text);
}

static bool says_limit(const struct track_facts *facts)
{
    return facts->record != NULL && facts->record->limits & TRACK_LIMIT_MEMORY;
}

static uint64_t used_by(const struct story *story)
{
    return story->capture->memory.used;
}

/** All identifiers, and those that differ in few bits, are found and taken out again; nothing stays charged. */
static void table_takes_all_identifiers(void)
{
    enum { ALL = 65536 };
    static const unsigned steps[] = {1, 256, 4096};

    for (unsigned s = 0; s < G_N_ELEMENTS(steps); s++) {
        wmem_allocator_t *scope = wmem_allocator_new(WMEM_ALLOCATOR_SIMPLE);
        struct track_file_memory memory = {.scope = scope};
        struct track_id_table table = {0};
        static struct track_id_entry entries[ALL];
        for (unsigned id = 0; id < ALL; id += steps[s]) {
            CHECK(track_id_table_find(&table, (uint16_t)id) == NULL);
            entries[id] = (struct track_id_entry){.id = (uint16_t)id};
            track_id_table_add(&memory, &table, &entries[id]);
        }
        CHECK_EQ(table.count, ALL / steps[s]);
        wmem_array_t *all = track_id_table_entries(&table);
        CHECK_EQ(wmem_array_get_count(all), ALL / steps[s]);
        wmem_destroy_array(all);
        for (unsigned id = 0; id < ALL; id += steps[s]) {
            CHECK(track_id_table_find(&table, (uint16_t)id) == &entries[id]);
            track_id_table_remove(&table, &entries[id]);
        }
        CHECK_EQ(table.count, 0);
        track_id_table_free(&memory, &table);
        CHECK_EQ(memory.used, 0);
        wmem_destroy_allocator(scope);
    }
}

/** Without memory for more lists the table has the few that it had. */
static void table_goes_without_more_lists(void)
{
    enum { MANY = 5000 };
    struct track_file_memory memory = {.scope = NULL, .max = 1};
    struct track_id_table table = {0};
    static struct track_id_entry entries[MANY];

    for (unsigned id = 0; id < MANY; id++) {
        entries[id].id = (uint16_t)id;
        track_id_table_add(&memory, &table, &entries[id]);
    }
    CHECK_EQ(table.mask, 0);
    CHECK(track_id_table_find(&table, 0) == &entries[0]);
    CHECK(track_id_table_find(&table, MANY) == NULL);
}

/** The first transaction that is not kept says so, and from there on nothing is called wrong. */
static void transactions_over_the_limit_are_not_followed(void)
{
    enum { MANY = 3000 };
    struct track_options options = limited_to(120000);
    struct story story = story_begin(&options);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    unsigned said = 0;
    unsigned wrong = 0;

    for (unsigned id = 1; id <= MANY; id++)
        said += says_limit(publish(&story, connection, id));
    for (unsigned id = 1; id <= MANY; id++) {
        char puback[32];
        snprintf(puback, sizeof puback, "40 { %04x }", id);
        const struct track_facts *facts = story_send_with(&story, connection, BROKER, puback);
        said += says_limit(facts);
        wrong += facts->anomaly_count;
    }
    CHECK_EQ(said, 1);
    CHECK_EQ(wrong, 0);
    CHECK(used_by(&story) <= options.max_memory);
    story_end(&story);
}

/** What was in flight is given back with each response. */
static void responses_give_memory_back(void)
{
    struct track_options options = limited_to(0);
    struct story story = story_begin(&options);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    publish(&story, connection, 1);
    story_send_with(&story, connection, BROKER, "40 { 0001 }");
    uint64_t used = used_by(&story);

    for (unsigned id = 1; id <= 10; id++)
        publish(&story, connection, id);
    CHECK(used_by(&story) > used);
    for (unsigned id = 1; id <= 10; id++) {
        char puback[32];
        snprintf(puback, sizeof puback, "40 { %04x }", id);
        story_send_with(&story, connection, BROKER, puback);
    }
    CHECK_EQ(used_by(&story), used);
    story_end(&story);
}

/** A Client comes back without its session: what the connection before had in flight is given back. */
static void end_of_session_gives_memory_back(void)
{
    enum { MANY = 500 };
    struct track_options options = limited_to(0);
    struct story story = story_begin(&options);
    struct track_connection *first = story_open(&story, CONNECT_KEPT_50, CONNACK_50);
    for (unsigned id = 1; id <= MANY; id++)
        publish(&story, first, id);
    story_send_with(&story, first, CLIENT, "e0 {}");
    uint64_t used = used_by(&story);

    story_open(&story, CONNECT_50, CONNACK_50);
    CHECK(used_by(&story) + MANY * 64 < used);
    story_end(&story);
}

/** Subscriptions are given back where they are removed, and where the Client connects again. */
static void subscriptions_give_memory_back(void)
{
    struct track_options options = limited_to(0);
    struct story story = story_begin(&options);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    story_send(&story, connection, CLIENT, "82 { 0001 {} s'a' 00 }");
    story_send(&story, connection, BROKER, "90 { 0001 {} 00 }");
    uint64_t used = used_by(&story);

    for (unsigned i = 0; i < 10; i++) {
        story_send(&story, connection, CLIENT, "82 { 0001 {} s'a' 00 }");
        story_send(&story, connection, BROKER, "90 { 0001 {} 00 }");
    }
    CHECK_EQ(used_by(&story), used);
    story_send(&story, connection, CLIENT, "a2 { 0002 {} s'a' }");
    story_send(&story, connection, BROKER, "b0 { 0002 {} 00 }");
    CHECK(used_by(&story) < used);
    story_end(&story);
}

/** Of a connection that there is no memory for, each packet says so, and nothing else is known. */
static void connections_over_the_limit_are_not_tracked(void)
{
    enum { MANY = 200 };
    struct track_options options = limited_to(60000);
    struct story story = story_begin(&options);
    struct track_connection *last = NULL;

    for (unsigned i = 0; i < MANY; i++)
        last = story_connect(&story);
    const struct track_facts *connect = story_send_with(&story, last, CLIENT, CONNECT_50);
    CHECK(says_limit(connect));
    CHECK(!connect->snapshot->connect_seen);
    CHECK(says_limit(story_send_with(&story, last, BROKER, "40 { 0007 }")));
    CHECK(last == story_connect(&story));
    CHECK(used_by(&story) <= options.max_memory + 4096);
    story_end(&story);
}

/** Where there is no memory for what changed, nothing new is known any more, and bytes count as missing. */
static void snapshots_end_at_the_limit(void)
{
    enum { MANY = 2000 };
    struct track_options options = limited_to(100000);
    struct story story = story_begin(&options);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    unsigned said = 0;

    for (unsigned i = 0; i < MANY; i++) {
        char connack[64];
        snprintf(connack, sizeof connack, "20 { 00 00 { 13 %04x } }", i);
        const struct track_facts *facts = story_send_with(&story, connection, BROKER, connack);
        said += says_limit(facts);
    }
    const struct track_facts *last = story_send_with(&story, connection, CLIENT, "c0 {}");
    CHECK_EQ(said, 1);
    CHECK(last->snapshot->has_gap);
    CHECK(last->snapshot->keep_alive_s < MANY - 1);
    story_end(&story);
}

/** What is not kept decides nothing: a packet is read on later visits as it was at first. */
static void packets_are_read_the_same_at_the_limit(void)
{
    enum { MANY = 2000 };
    struct track_options options = limited_to(100000);
    options.preferred_version = MQTT_V50;
    struct story story = story_begin(&options);
    struct track_connection *connection = story_connect(&story);

    for (unsigned i = 0; i < MANY; i++) {
        char connack[64];
        snprintf(connack, sizeof connack, "20 { 00 00 { 13 %04x } }", i);
        story_send_with(&story, connection, BROKER, connack);
    }
    for (unsigned i = 0; i < 6; i++) {
        const struct track_facts *proof = story_send_with(&story, connection, BROKER, "90 { 0001 01 }");
        CHECK(proof->snapshot->has_gap);
        CHECK_EQ(proof->snapshot->version, MQTT_V50);
    }
    story_end(&story);
}

int main(void)
{
    wmem_init();
    RUN(table_takes_all_identifiers);
    RUN(table_goes_without_more_lists);
    RUN(transactions_over_the_limit_are_not_followed);
    RUN(responses_give_memory_back);
    RUN(end_of_session_gives_memory_back);
    RUN(subscriptions_give_memory_back);
    RUN(connections_over_the_limit_are_not_tracked);
    RUN(snapshots_end_at_the_limit);
    RUN(packets_are_read_the_same_at_the_limit);
    wmem_cleanup();
    return FINISH();
}
