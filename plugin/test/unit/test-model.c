/* test-model.c - what the model knows of a connection: its version, its roles, its limits, its silences.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "story.h"

#include "../../model/store/clock.h"
#include "../../model/store/packet-records.h"

#define CONNECT_50 "10 { s'MQTT' 05 02 003c {} s'me' }"
#define CONNECT_311 "10 { s'MQTT' 04 02 003c s'me' }"
#define CONNACK_50 "20 { 00 00 {} }"
#define CONNACK_311 "20 { 00 00 }"
#define PUBLISH_50 "30 { s'a' { 01 01 } 'x' }" /* 3.x would have to take the properties for payload */
#define SUBACK_311 "90 { 0001 00 }"            /* no room for a property block */
#define PINGREQ "c0 {}"
#define PINGRESP "d0 {}"

static void connect_settles_the_version(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);
    const struct track_facts *connect = story_send(&story, connection, CLIENT, CONNECT_311);
    const struct track_facts *later = story_send(&story, connection, CLIENT, PUBLISH_50);

    CHECK_EQ(connect->snapshot->version, MQTT_V311);
    CHECK_EQ(connect->snapshot->version_source, TRACK_VERSION_FROM_CONNECT);
    CHECK_EQ(later->snapshot->version, MQTT_V311);
    CHECK_EQ(later->snapshot->version_source, TRACK_VERSION_FROM_CONNECT);
    connect = story_send(&story, connection, CLIENT, CONNECT_50);
    CHECK_EQ(connect->snapshot->version, MQTT_V50);
    story_end(&story);
}

static void packets_prove_the_version_from_there_on(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);
    const struct track_facts *before = story_send(&story, connection, CLIENT, PINGREQ);
    const struct track_facts *weak = story_send(&story, connection, CLIENT, "30 { s'a' {} 'text' }");
    const struct track_facts *proof = story_send(&story, connection, BROKER, SUBACK_311);
    const struct track_facts *after = story_send(&story, connection, CLIENT, "30 { s'a' {} 'text' }");

    CHECK_EQ(before->snapshot->version, MQTT_VERSION_UNKNOWN);
    CHECK_EQ(before->snapshot->version_source, TRACK_VERSION_FROM_NOTHING);
    CHECK_EQ(weak->snapshot->version, MQTT_VERSION_UNKNOWN); /* likelier 5.0, but not proven */
    CHECK_EQ(proof->snapshot->version, MQTT_V311);
    CHECK_EQ(proof->snapshot->version_source, TRACK_VERSION_FROM_PACKETS);
    CHECK_EQ(after->snapshot->version, MQTT_V311);
    CHECK_EQ(track_connection_version(connection), MQTT_V311);
    story_end(&story);
}

static void packets_outweigh_the_preference(void)
{
    struct track_options options = {.preferred_version = MQTT_V50, .max_inflight = 100};
    struct story story = story_begin(&options);
    struct track_connection *connection = story_connect(&story);

    CHECK_EQ(track_connection_version(connection), MQTT_V50);
    const struct track_facts *facts = story_send(&story, connection, CLIENT, PINGREQ);
    CHECK_EQ(facts->snapshot->version, MQTT_V50);
    CHECK_EQ(facts->snapshot->version_source, TRACK_VERSION_FROM_PREFERENCE);
    facts = story_send(&story, connection, BROKER, SUBACK_311);
    CHECK_EQ(facts->snapshot->version, MQTT_V311);
    CHECK_EQ(facts->snapshot->version_source, TRACK_VERSION_FROM_PACKETS);
    story_end(&story);
}

/** What changes nothing begins no snapshot. */
static void epochs_begin_where_something_changes(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *first = story_send(&story, connection, CLIENT, "30 { s'a' {} }");
    const struct track_facts *second = story_send(&story, connection, CLIENT, "30 { s'a' {} }");
    struct track_facts between;

    CHECK_EQ(first->snapshot->from.frame, 2);
    CHECK_EQ(second->snapshot->from.frame, 2);
    track_recall(connection, CLIENT, (struct track_pdu_ref){1, UINT32_MAX}, &between);
    CHECK_EQ(between.snapshot->from.frame, 1);
    track_recall(connection, CLIENT, (struct track_pdu_ref){1000, 1}, &between);
    CHECK_EQ(between.snapshot->from.frame, 2);
    story_end(&story);
}

/** Every packet that only one kind of end may send tells who the broker is, whatever the ports say. */
static void each_evidence_corrects_the_weaker(void)
{
    static const struct {
        const char *notation;
        bool from_client;
        enum track_evidence evidence;
    } rows[] = {
        {PINGRESP, false, TRACK_EVIDENCE_PINGRESP},      {PINGREQ, true, TRACK_EVIDENCE_PINGREQ},
        {"b0 { 0001 }", false, TRACK_EVIDENCE_UNSUBACK}, {"a2 { 0001 s'a' }", true, TRACK_EVIDENCE_UNSUBSCRIBE},
        {SUBACK_311, false, TRACK_EVIDENCE_SUBACK},      {"82 { 0001 s'a' 00 }", true, TRACK_EVIDENCE_SUBSCRIBE},
        {CONNACK_311, false, TRACK_EVIDENCE_CONNACK},    {CONNECT_311, true, TRACK_EVIDENCE_CONNECT},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    static const enum track_evidence weaker[] = {TRACK_EVIDENCE_NONE, TRACK_EVIDENCE_PORT, TRACK_EVIDENCE_HANDSHAKE};

    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < ROWS; k++) {
            struct story story = story_begin(NULL);
            struct track_transport transport = story_transport();
            transport.server = weaker[i] == TRACK_EVIDENCE_NONE ? TRACK_END_UNKNOWN : 1;
            transport.evidence = weaker[i];
            struct track_connection *connection = story_connect_by(&story, &transport);
            const struct track_facts *before = story_send(&story, connection, 0, "30 { s'a' 'x' }");
            const struct track_facts *facts =
                story_send(&story, connection, rows[k].from_client ? 1 : 0, rows[k].notation);
            CHECK_EQ(before->snapshot->broker, transport.server);
            CHECK_EQ(before->snapshot->evidence, weaker[i]);
            /* Who opened the connection is no Server by its own word. */
            bool is_fault = weaker[i] == TRACK_EVIDENCE_HANDSHAKE && !rows[k].from_client;
            CHECK_EQ(facts->snapshot->broker, is_fault ? 1 : 0);
            CHECK_EQ(facts->snapshot->evidence, is_fault ? TRACK_EVIDENCE_HANDSHAKE : rows[k].evidence);
            story_end(&story);
        }
    }
    /* From the weakest to the strongest, each of them says the contrary of the one before. */
    struct story story = story_begin(NULL);
    struct track_transport transport = story_transport();
    transport.evidence = TRACK_EVIDENCE_PORT;
    struct track_connection *connection = story_connect_by(&story, &transport);
    for (size_t k = 0; k < ROWS; k++) {
        unsigned broker = k % 2;
        const struct track_facts *facts =
            story_send(&story, connection, rows[k].from_client ? 1 - broker : broker, rows[k].notation);
        CHECK_EQ(facts->snapshot->broker, broker);
        for (size_t weak = 0; weak <= k; weak++) {
            facts = story_send(&story, connection, rows[weak].from_client ? broker : 1 - broker, rows[weak].notation);
            CHECK_EQ(facts->snapshot->broker, broker);
            CHECK_EQ(facts->snapshot->evidence, rows[k].evidence);
        }
    }
    story_end(&story);
}

static void bytes_that_resemble_a_packet_prove_no_role(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);
    const struct track_facts *facts = story_send(&story, connection, BROKER, "80 { 0001 s'a' 00 }"); /* flags are 2 */

    CHECK_EQ(facts->snapshot->broker, BROKER);
    CHECK_EQ(facts->snapshot->evidence, TRACK_EVIDENCE_HANDSHAKE);
    CHECK(!facts->deeds[CLIENT].has_subscribed);
    story_end(&story);
}

static void roles_come_of_what_the_client_sends_and_gets(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_311, CONNACK_311);
    const struct track_facts *client = story_send(&story, connection, CLIENT, PINGREQ);
    const struct track_facts *subscriber = story_send(&story, connection, CLIENT, "82 { 0001 s'a' 00 }");
    const struct track_facts *both = story_send(&story, connection, CLIENT, "30 { s'a' 'x' }");
    struct track_connection *taken_up = story_open(&story, CONNECT_311, CONNACK_311);
    const struct track_facts *delivered = story_send(&story, taken_up, BROKER, "30 { s'a' 'x' }");
    struct track_connection *bridge = story_open(&story, "10 { s'MQTT' 84 02 003c s'b' }", CONNACK_311);
    const struct track_facts *publisher = story_send(&story, bridge, CLIENT, "30 { s'a' 'x' }");
    struct track_transport transport = {.server = TRACK_END_UNKNOWN};
    const struct track_facts *unknown = story_send(&story, story_connect_by(&story, &transport), 0, "30 { s'a' 'x' }");

    CHECK_EQ(track_role_of(client->snapshot, client->deeds, CLIENT), TRACK_ROLE_CLIENT);
    CHECK_EQ(track_role_of(client->snapshot, client->deeds, BROKER), TRACK_ROLE_BROKER);
    CHECK_EQ(track_role_of(subscriber->snapshot, subscriber->deeds, CLIENT), TRACK_ROLE_SUBSCRIBER);
    CHECK_EQ(track_role_of(both->snapshot, both->deeds, CLIENT), TRACK_ROLE_PUBLISHER_SUBSCRIBER);
    CHECK_EQ(track_role_of(delivered->snapshot, delivered->deeds, CLIENT), TRACK_ROLE_SUBSCRIBER);
    CHECK_EQ(track_role_of(publisher->snapshot, publisher->deeds, CLIENT), TRACK_ROLE_BRIDGE);
    CHECK_EQ(track_role_of(unknown->snapshot, unknown->deeds, 0), TRACK_ROLE_UNKNOWN);
    CHECK_EQ(track_role_of(unknown->snapshot, unknown->deeds, 1), TRACK_ROLE_UNKNOWN);
    story_end(&story);
}

/** A packet is shown again as it was: what came after it is not known yet. */
static void roles_are_those_at_the_packet(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_311, CONNACK_311);
    const struct track_facts *published = story_send(&story, connection, CLIENT, "30 { s'a' 'x' }");
    struct track_facts facts;

    track_recall(connection, CLIENT, (struct track_pdu_ref){2, UINT32_MAX}, &facts);
    CHECK_EQ(track_role_of(facts.snapshot, facts.deeds, CLIENT), TRACK_ROLE_CLIENT);
    track_recall(connection, CLIENT, published->pdu, &facts);
    CHECK_EQ(track_role_of(facts.snapshot, facts.deeds, CLIENT), TRACK_ROLE_PUBLISHER);
    story_end(&story);
}

/** What the broker sent while it was taken for the client does not make a publisher of the client. */
static void corrected_roles_start_afresh(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);
    const struct track_facts *mistaken = story_send(&story, connection, 0, "30 { s'a' 'x' }");
    const struct track_facts *corrected = story_send(&story, connection, 1, "82 { 0001 s'a' 00 }");

    CHECK_EQ(track_role_of(mistaken->snapshot, mistaken->deeds, 0), TRACK_ROLE_PUBLISHER);
    CHECK_EQ(track_role_of(corrected->snapshot, corrected->deeds, 0), TRACK_ROLE_BROKER);
    CHECK_EQ(track_role_of(corrected->snapshot, corrected->deeds, 1), TRACK_ROLE_SUBSCRIBER);
    CHECK_EQ(mistaken->idle_ns, TRACK_TIME_UNKNOWN);
    CHECK_EQ(corrected->idle_ns, TRACK_TIME_UNKNOWN);
    corrected = story_send(&story, connection, 1, PINGREQ);
    CHECK_EQ(corrected->idle_ns, MILLISECOND);
    story_end(&story);
}

/** The same within one frame: how long each was silent is told apart. */
static void corrected_roles_have_silences_of_their_own(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);

    story_send(&story, connection, 0, "30 { s'a' 'x' }");
    const struct track_facts *mistaken = story_send(&story, connection, 0, "30 { s'a' 'x' }");
    const struct track_facts *corrected = story_send_with(&story, connection, 1, "82 { 0001 s'a' 00 }");
    CHECK_EQ(mistaken->idle_ns, MILLISECOND);
    CHECK_EQ(corrected->idle_ns, TRACK_TIME_UNKNOWN);
    story_end(&story);
}

static void limits_are_those_of_the_packets_or_the_defaults(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);
    const struct track_facts *connect = story_send(
        &story, connection, CLIENT, "10 { s'MQTT' 05 02 003c { 11 0000003c 21 0014 22 000a 27 00010000 } s'me' }");
    const struct track_facts *connack =
        story_send(&story, connection, BROKER, "20 { 00 00 { 21 0005 24 01 25 00 28 00 29 00 2a 00 } }");

    CHECK(connect->snapshot->limits[BROKER] == NULL);
    const struct track_limits *client = connack->snapshot->limits[CLIENT];
    CHECK_EQ(client->receive_maximum, 20);
    CHECK_EQ(client->topic_alias_maximum, 10);
    CHECK_EQ(client->maximum_packet_size, 65536);
    CHECK_EQ(client->session_expiry_s, 60);
    CHECK_EQ(client->maximum_qos, 2);
    CHECK(client->retain_available && client->wildcard_available && client->subscription_id_available &&
          client->shared_available);
    const struct track_limits *broker = connack->snapshot->limits[BROKER];
    CHECK_EQ(broker->receive_maximum, 5);
    CHECK_EQ(broker->topic_alias_maximum, 0);
    CHECK_EQ(broker->maximum_packet_size, 0);
    CHECK_EQ(broker->maximum_qos, 1);
    CHECK(!broker->retain_available && !broker->wildcard_available && !broker->subscription_id_available &&
          !broker->shared_available);
    connection = story_open(&story, CONNECT_50, CONNACK_50);
    connack = story_send(&story, connection, CLIENT, PINGREQ);
    CHECK_EQ(connack->snapshot->limits[CLIENT]->receive_maximum, 65535);
    CHECK_EQ(connack->snapshot->limits[BROKER]->receive_maximum, 65535);
    connection = story_open(&story, CONNECT_311, CONNACK_311);
    connack = story_send(&story, connection, CLIENT, PINGREQ);
    CHECK(connack->snapshot->limits[CLIENT] == NULL && connack->snapshot->limits[BROKER] == NULL);
    story_end(&story);
}

static void server_keep_alive_wins(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);
    const struct track_facts *nothing = story_send(&story, connection, CLIENT, PINGREQ);
    const struct track_facts *connect = story_send(&story, connection, CLIENT, CONNECT_50);
    const struct track_facts *connack = story_send(&story, connection, BROKER, "20 { 00 00 { 13 001e } }");

    CHECK(!nothing->snapshot->has_keep_alive);
    CHECK(connect->snapshot->has_keep_alive);
    CHECK_EQ(connect->snapshot->keep_alive_s, 60);
    CHECK(connack->snapshot->has_keep_alive);
    CHECK_EQ(connack->snapshot->keep_alive_s, 30);
    connection = story_connect(&story);
    connack = story_send(&story, connection, BROKER, "20 { 00 00 { 13 0000 } }");
    CHECK(connack->snapshot->has_keep_alive);
    CHECK_EQ(connack->snapshot->keep_alive_s, 0);
    story_end(&story);
}

/** A frame may hold several packets: the first of the client's has the silence before it, the others have none. */
static void silence_is_the_clients(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *one = story_connect(&story);
    struct track_connection *other = story_connect(&story);
    const struct track_facts *first = story_send(&story, one, CLIENT, CONNECT_311);
    const struct track_facts *brokers = story_send(&story, one, BROKER, CONNACK_311);
    story.now_ns += 40000 * (int64_t)MILLISECOND;
    const struct track_facts *others = story_send(&story, other, CLIENT, CONNECT_311);
    const struct track_facts *second = story_send(&story, one, CLIENT, PINGREQ);
    const struct track_facts *third = story_send_with(&story, one, CLIENT, "30 { s'a' }");
    const struct track_facts *others_too = story_send_with(&story, other, CLIENT, PINGREQ);
    const struct track_facts *fourth = story_send_with(&story, one, CLIENT, PINGREQ);
    const struct track_facts *fifth = story_send(&story, one, CLIENT, PINGREQ);
    struct track_summary summary;

    CHECK_EQ(first->idle_ns, TRACK_TIME_UNKNOWN);
    CHECK_EQ(brokers->idle_ns, TRACK_TIME_UNKNOWN);
    CHECK_EQ(others->idle_ns, TRACK_TIME_UNKNOWN);
    CHECK_EQ(second->idle_ns, 40003 * (int64_t)MILLISECOND);
    CHECK_EQ(third->idle_ns, 0);
    CHECK_EQ(others_too->idle_ns, MILLISECOND);
    CHECK_EQ(fourth->idle_ns, 0);
    CHECK_EQ(fifth->idle_ns, MILLISECOND);
    track_summarise(one, &summary);
    CHECK_EQ(summary.last_client_ns, story.now_ns);
    story_end(&story);
}

/** Records are kept in pieces; each is found by its packet, and what lies between them is not. */
static void records_are_found_by_their_packet(void)
{
    enum { RECORDS = 2500 };
    wmem_allocator_t *scope = wmem_allocator_new(WMEM_ALLOCATOR_SIMPLE);
    struct track_file_memory memory = {.scope = scope};
    struct track_packet_records *records = track_packet_records_new(&memory);
    static struct track_packet_record *added[RECORDS];

    CHECK(track_packet_records_find(records, (struct track_pdu_ref){1, 1}) == NULL);
    CHECK_EQ(track_packet_records_idle(records, (struct track_pdu_ref){1, 1}, NULL), TRACK_TIME_UNKNOWN);
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct track_pdu_ref pdu = {2 + i / 2 * 2, 1 + i % 2}; /* two in each even frame */
        added[i] = track_packet_records_add(records, pdu);
        if (i % 2 == 0)
            CHECK(track_packet_records_add_idle(records, pdu, NULL, i));
    }
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct track_pdu_ref pdu = {2 + i / 2 * 2, 1 + i % 2};
        CHECK(track_packet_records_find(records, pdu) == added[i]);
        CHECK_EQ(track_packet_records_idle(records, pdu, NULL), i % 2 == 0 ? i : 0);
        pdu.frame++;
        CHECK(track_packet_records_find(records, pdu) == NULL);
        CHECK_EQ(track_packet_records_idle(records, pdu, NULL), TRACK_TIME_UNKNOWN);
    }
    CHECK(track_packet_records_find(records, (struct track_pdu_ref){2, 3}) == NULL);
    CHECK(track_packet_records_find(records, (struct track_pdu_ref){1, UINT32_MAX}) == NULL);
    wmem_destroy_allocator(scope);
}

/** What a record has no room for is kept by itself, and each packet of a frame is told apart from the others. */
static void silence_is_kept_with_the_note(void)
{
    wmem_allocator_t *scope = wmem_allocator_new(WMEM_ALLOCATOR_SIMPLE);
    struct track_file_memory memory = {.scope = scope};
    struct track_packet_records *records = track_packet_records_new(&memory);
    static const struct {
        struct track_pdu_ref pdu;
        bool has_note, is_answer;
        int64_t idle_ns;
    } packets[] = {
        {{1, 1}, true, false, TRACK_TIME_UNKNOWN},
        {{1, 2}, false, false, 0},
        {{2, 1}, true, false, 7},
        {{2, 2}, false, false, 0},
        {{2, 3}, true, false, 0},
        {{2, 4}, false, false, 5},
        {{2, 5}, true, false, TRACK_TIME_UNKNOWN},
        {{3, 1}, true, true, 9},
        {{3, 2}, true, true, 0},
        {{4, 1}, false, false, TRACK_TIME_UNKNOWN},
        {{4, 2}, true, true, 0},
        {{5, 1}, true, false, 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(packets); i++) {
        struct track_packet_record *record =
            packets[i].has_note ? track_packet_records_add(records, packets[i].pdu) : NULL;
        if (packets[i].is_answer) {
            record->request_in = 1;
            record->response_ns = 3;
        }
        CHECK(track_packet_records_add_idle(records, packets[i].pdu, record, packets[i].idle_ns));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(packets); i++) {
        const struct track_packet_record *record = track_packet_records_find(records, packets[i].pdu);
        CHECK((record != NULL) == packets[i].has_note);
        CHECK_EQ(track_packet_records_idle(records, packets[i].pdu, record), packets[i].idle_ns);
        CHECK(!packets[i].is_answer || record->response_ns == 3);
    }
    wmem_destroy_allocator(scope);
}

/** Over the limit there is room in proportion to the packets, and always for the record that says so. */
static void records_have_an_allowance(void)
{
    enum { PIECE = 1024, ITEMS_SIZE = 64 };
    wmem_allocator_t *scope = wmem_allocator_new(WMEM_ALLOCATOR_SIMPLE);
    struct track_file_memory memory = {.scope = scope, .max = PIECE * ITEMS_SIZE};
    struct track_packet_records *records = track_packet_records_new(&memory);
    struct track_pdu_ref pdu = {.frame = 1};

    for (pdu.pdu = 1; pdu.pdu <= PIECE; pdu.pdu++)
        CHECK(track_packet_records_add(records, pdu) != NULL);
    CHECK_EQ(memory.used, PIECE * sizeof(struct track_packet_record));
    struct track_anomaly anomaly = {.frame_at = pdu.frame, .pdu_at = pdu.pdu};
    CHECK(track_packet_records_add(records, pdu) == NULL);
    CHECK(track_packet_records_find(records, pdu) == NULL);
    CHECK(track_packet_records_add_anomaly(records, &anomaly) == NULL);
    struct track_packet_record *record = track_packet_records_add_always(records, pdu);
    CHECK(record != NULL && track_packet_records_find(records, pdu) == record);

    for (unsigned i = 0; i < 4 * PIECE; i++)
        track_packet_records_allow(records);
    uint64_t used = memory.used;
    pdu.frame = anomaly.frame_at = 2;
    CHECK(track_packet_records_add_idle(records, pdu, NULL, 1));
    CHECK(track_packet_records_add_anomaly(records, &anomaly) != NULL);
    CHECK_EQ(memory.used, used);
    wmem_destroy_allocator(scope);
}

/** The model's time never runs back; what lies before a step of the clock is not compared with what comes after it. */
static void a_clock_that_is_set_back_is_not_trusted_across(void)
{
    const int64_t second = INT64_C(1000000000);
    struct track_clock clock = track_clock_new();
    int64_t first = track_clock_read(&clock, 100 * second);
    int64_t jitter = track_clock_read(&clock, 100 * second - 50 * MILLISECOND);
    int64_t second_one = track_clock_read(&clock, 160 * second);

    CHECK_EQ(jitter, first - 50 * MILLISECOND);
    CHECK_EQ(track_least_elapsed_ns(&clock, first, second_one), 60 * second);
    CHECK_EQ(track_most_elapsed_ns(&clock, first, second_one), 60 * second);
    CHECK_EQ(track_clock_convert(&clock, 7), 7);
    int64_t step = track_clock_read(&clock, 130 * second);
    int64_t later = track_clock_read(&clock, 170 * second);
    CHECK_EQ(step, second_one);
    CHECK(track_least_elapsed_ns(&clock, first, later) < 0);
    CHECK_EQ(track_most_elapsed_ns(&clock, first, later), INT64_MAX);
    CHECK_EQ(track_least_elapsed_ns(&clock, step, later), 10 * second);
    CHECK_EQ(track_most_elapsed_ns(&clock, step, later), 70 * second);
    CHECK_EQ(track_clock_convert(&clock, 7), TRACK_TIME_UNKNOWN);
}

/** Times of many decades, there and back: no sum of them goes beyond 64 bits, and none is compared. */
static void a_clock_that_runs_wild_stands_still(void)
{
    const int64_t bound = INT64_C(4600000000999999999);
    struct track_clock clock = track_clock_new();
    int64_t latest = track_clock_read(&clock, -bound);

    for (unsigned i = 0; i < 8; i++) {
        int64_t now = track_clock_read(&clock, i % 2 == 0 ? bound : -bound);
        CHECK(now >= latest);
        CHECK(i == 0 || track_least_elapsed_ns(&clock, latest, now) < 0);
        CHECK(i == 0 || track_most_elapsed_ns(&clock, latest, now) == INT64_MAX);
        latest = now;
    }
}

int main(void)
{
    wmem_init();
    RUN(a_clock_that_is_set_back_is_not_trusted_across);
    RUN(a_clock_that_runs_wild_stands_still);
    RUN(connect_settles_the_version);
    RUN(packets_prove_the_version_from_there_on);
    RUN(packets_outweigh_the_preference);
    RUN(epochs_begin_where_something_changes);
    RUN(each_evidence_corrects_the_weaker);
    RUN(bytes_that_resemble_a_packet_prove_no_role);
    RUN(roles_come_of_what_the_client_sends_and_gets);
    RUN(roles_are_those_at_the_packet);
    RUN(corrected_roles_start_afresh);
    RUN(corrected_roles_have_silences_of_their_own);
    RUN(limits_are_those_of_the_packets_or_the_defaults);
    RUN(server_keep_alive_wins);
    RUN(silence_is_the_clients);
    RUN(records_are_found_by_their_packet);
    RUN(silence_is_kept_with_the_note);
    RUN(records_have_an_allowance);
    wmem_cleanup();
    return FINISH();
}
