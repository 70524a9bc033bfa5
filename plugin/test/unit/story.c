/* story.c - tells the model a story, packet by packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "story.h"

#include "../../model/facts/version.h"

static const struct track_options usual = {.max_inflight = 65535};

struct story story_begin(const struct track_options *options)
{
    struct story story = {0};

    story.scope = wmem_allocator_new(WMEM_ALLOCATOR_BLOCK);
    story.capture = track_capture_new(story.scope, options != NULL ? options : &usual);
    return story;
}

/** What was said of a packet at first is said now, but for answers that were still to come. */
static void recall(const struct scene *scene)
{
    const struct track_facts *first = &scene->facts;
    struct track_facts now;
    struct mqtt_packet packet;

    track_recall(scene->connection, first->sender, first->pdu, &now);
    CHECK_EQ(now.connection, first->connection);
    CHECK_EQ(now.sender, first->sender);
    CHECK_EQ(now.pdu.frame, first->pdu.frame);
    CHECK_EQ(now.pdu.pdu, first->pdu.pdu);
    CHECK_EQ(now.idle_ns, first->idle_ns);
    CHECK(memcmp(now.snapshot, &scene->snapshot, sizeof scene->snapshot) == 0);
    CHECK(now.record == first->record);
    CHECK_EQ(now.anomaly_count, first->anomaly_count);
    for (unsigned i = 0; i < now.anomaly_count; i++)
        CHECK(now.anomalies[i] == first->anomalies[i]);
    if (now.record != NULL) {
        struct track_packet_record record;
        memcpy(&record, now.record, sizeof record);
        CHECK(scene->record.response_in == 0 || scene->record.response_in == record.response_in);
        record.response_in = scene->record.response_in;
        CHECK(memcmp(&record, &scene->record, sizeof record) == 0);
    }
    track_read(&packet, scene->bytes.bytes, scene->bytes.length, scene->packet.length, now.snapshot->version);
    CHECK_EQ(packet.version, scene->packet.version);
    CHECK_EQ(packet.fault.kind, scene->packet.fault.kind);
    CHECK_EQ(packet.read_to, scene->packet.read_to);
    track_describe_journey(scene->connection, &packet, &now);
    CHECK(memcmp(&now.journey, &first->journey, sizeof now.journey) == 0);
}

bool story_is_recalled(const struct story *story, const char *test)
{
    unsigned failed_before = checks_failed;

    test_name = test;
    for (const struct scene *scene = story->latest; scene != NULL; scene = scene->previous)
        recall(scene);
    return checks_failed == failed_before;
}

void story_free(struct story *story)
{
    while (story->latest != NULL) {
        struct scene *scene = story->latest;
        story->latest = scene->previous;
        free(scene->bytes.bytes);
        free(scene);
    }
    wmem_destroy_allocator(story->scope);
}

struct track_transport story_transport(void)
{
    struct track_transport transport = {
        .ends = {{{10, 0, 0, 2}, 40001, 4}, {{10, 0, 0, 1}, 1883, 4}},
        .server = BROKER,
        .evidence = TRACK_EVIDENCE_HANDSHAKE,
    };
    return transport;
}

struct track_connection *story_connect_by(struct story *story, const struct track_transport *transport)
{
    return track_connection_new(story->capture, transport);
}

struct track_connection *story_connect(struct story *story)
{
    struct track_transport transport = story_transport();
    return story_connect_by(story, &transport);
}

struct track_connection *story_open(struct story *story, const char *connect, const char *connack)
{
    struct track_connection *connection = story_connect(story);

    story_send(story, connection, CLIENT, connect);
    story_send(story, connection, BROKER, connack);
    return connection;
}

/** Reads and tracks what was sent, and keeps what is said of it. Takes over the bytes. */
static const struct track_facts *tell(struct story *story, struct track_connection *connection, unsigned sender,
                                      struct buffer bytes, uint32_t length)
{
    struct scene *scene = (struct scene *)calloc(1, sizeof *scene);

    if (scene == NULL)
        abort();
    scene->connection = connection;
    scene->bytes = bytes;
    scene->previous = story->latest;
    story->latest = scene;
    track_read(&scene->packet, bytes.bytes, bytes.length, length, track_connection_version(connection));
    struct track_arrival arrival = {.ns = story->now_ns};
    track(connection, sender, story->pdu, &arrival, &scene->packet, &scene->facts);
    track_describe_journey(connection, &scene->packet, &scene->facts);
    memcpy(&scene->snapshot, scene->facts.snapshot, sizeof scene->snapshot);
    scene->facts.snapshot = &scene->snapshot;
    if (scene->facts.record != NULL)
        memcpy(&scene->record, scene->facts.record, sizeof scene->record);
    return &scene->facts;
}

static void next_frame(struct story *story)
{
    story->pdu = (struct track_pdu_ref){story->pdu.frame + 1, 1};
    story->now_ns += MILLISECOND;
}

const struct track_facts *story_send(struct story *story, struct track_connection *connection, unsigned sender,
                                     const char *notation)
{
    struct buffer bytes = buffer_from(notation);

    next_frame(story);
    return tell(story, connection, sender, bytes, bytes.length);
}

const struct track_facts *story_send_with(struct story *story, struct track_connection *connection, unsigned sender,
                                          const char *notation)
{
    struct buffer bytes = buffer_from(notation);

    story->pdu.pdu++;
    return tell(story, connection, sender, bytes, bytes.length);
}

const struct track_facts *story_send_cut(struct story *story, struct track_connection *connection, unsigned sender,
                                         const char *notation, uint32_t captured)
{
    struct buffer whole = buffer_from(notation);
    struct buffer cut = buffer_of(whole.bytes, captured);

    free(whole.bytes);
    next_frame(story);
    return tell(story, connection, sender, cut, whole.length);
}

const struct track_facts *story_send_id(struct story *story, struct track_connection *connection, unsigned sender,
                                        const char *notation, uint32_t id_at, uint16_t packet_id)
{
    struct buffer bytes = buffer_from(notation);

    if (id_at + 2 > bytes.length)
        abort();
    bytes.bytes[id_at] = (uint8_t)(packet_id >> 8);
    bytes.bytes[id_at + 1] = (uint8_t)(packet_id & 0xFF);
    next_frame(story);
    return tell(story, connection, sender, bytes, bytes.length);
}

bool story_says(const struct track_text *text, const char *expected)
{
    if (text == NULL || expected == NULL)
        return text == NULL && expected == NULL;
    return text->length == strlen(expected) && memcmp(text->bytes, expected, text->length) == 0;
}
