/* conversation.c - a libFuzzer target for whole conversations: many packets, several connections, two directions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The first byte of the input chooses the user's settings; the others are steps of five bytes and more:
 *
 *   what    bits 0: the end that sends; 1, 2: the connection; 3: bytes are missing before these; 4: the capture lacks
 *           the end of the last packet; 5: in the frame of the step before; 6: the connection ends; 7: a new one has
 *           taken its place
 *   time    how far the clock moves, exponentially; bit 6: back; 7: the segments have no numbers
 *   length  of the bytes that follow, two bytes
 *   bytes   a segment of the stream
 *
 * Segments are put together and packets cut out of them, as the plugin does it. Each packet is tracked; in the end all
 * are recalled, the last first, and what is said of them then, the broken rules included, has to be what was said at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check/check.h"
#include "../model/facts/version.h"
#include "../model/tracker.h"
#include "../test/unit/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONNECTIONS = 4, STEP_LEAST = 4, SECOND = 1000000000 };

enum step_bits {
    STEP_SENDER = 0x01,
    STEP_CONNECTION_SHIFT = 1,
    STEP_GAP = 0x08,
    STEP_CUT = 0x10,
    STEP_SAME_FRAME = 0x20,
    STEP_END = 0x40,
    STEP_ANEW = 0x80,
};

/** A packet that was tracked, and what was said of it. Its bytes are a heap block of their own. */
struct told {
    const struct track_connection *connection;
    struct track_facts facts;
    struct track_snapshot snapshot;
    struct track_packet_record record;
    struct mqtt_packet packet;
    struct check_findings findings;
    uint8_t *bytes;
};

/** What of a direction was sent and is no whole packet yet. */
struct rest {
    uint8_t *bytes;
    uint32_t length;
    uint32_t sent_to; /**< the number after its last byte */
};

/** A conversation under way. */
struct fuzz {
    wmem_allocator_t *scope;
    struct track_capture *capture;
    struct track_connection *connections[CONNECTIONS];
    struct track_transport_state *transports[CONNECTIONS];
    struct rest rests[CONNECTIONS][2];
    struct track_pdu_ref pdu;
    int64_t now_ns;
    bool has_numbers;
    struct check_policy policy;
    struct told *told;
    uint32_t told_count;
    uint32_t told_most;
};

/** The crash that libFuzzer looks for. */
static void demand(const char *wrong)
{
    if (wrong == NULL)
        return;
    fprintf(stderr, "broken promise: %s\n", wrong);
    abort();
}

/** Memory, or the end. */
static void *get_memory(void *old, size_t size)
{
    void *memory = realloc(old, size > 0 ? size : 1);
    if (memory == NULL)
        abort();
    return memory;
}

static struct track_transport_state state_of(const void *handle)
{
    return *(const struct track_transport_state *)handle;
}

/** Two brokers; what the transport knows of who is who is different for each connection. */
static void connect_anew(struct fuzz *fuzz, unsigned number)
{
    static const struct track_transport transports[CONNECTIONS] = {
        {.ends = {{{10, 0, 0, 2}, 40001, 4}, {{10, 0, 0, 1}, 1883, 4}},
         .server = 1,
         .evidence = TRACK_EVIDENCE_HANDSHAKE},
        {.ends = {{{10, 0, 0, 1}, 1883, 4}, {{10, 0, 0, 2}, 40002, 4}}, .evidence = TRACK_EVIDENCE_PORT},
        {.ends = {{{10, 0, 0, 2}, 40003, 4}, {{10, 0, 0, 1}, 1883, 4}}, .server = TRACK_END_UNKNOWN},
        {.ends = {{{10, 0, 0, 2}, 40004, 4}, {{10, 0, 0, 9}, 1883, 4}},
         .server = 1,
         .evidence = TRACK_EVIDENCE_HANDSHAKE},
    };
    struct track_transport transport = transports[number];

    transport.begun_ns = TRACK_TIME_UNKNOWN;
    fuzz->transports[number] = wmem_new0(fuzz->scope, struct track_transport_state);
    fuzz->transports[number]->last_ns = TRACK_TIME_UNKNOWN;
    transport.handle = fuzz->transports[number];
    fuzz->connections[number] = track_connection_new(fuzz->capture, &transport);
    fuzz->rests[number][0].length = fuzz->rests[number][1].length = 0;
}

/** What the links of a record cannot be, wherever they come from. */
static const char *judge_record(const struct track_packet_record *record)
{
    if (record->response_in != 0 && record->response_in < record->pdu.frame)
        return "an answer comes before its request";
    if (record->request_in > record->pdu.frame)
        return "a request comes after its response";
    if (record->first_sent_in > record->pdu.frame)
        return "a packet was sent first after it was re-sent";
    return NULL;
}

/** What the findings of a packet cannot be. */
static const char *judge_findings(const struct mqtt_packet *packet, const struct check_findings *findings)
{
    if (findings->count > CHECK_FINDINGS_MAX)
        return "too many findings";
    for (unsigned i = 0; i < findings->count; i++) {
        const struct check_finding *finding = &findings->list[i];
        char message[CHECK_MESSAGE_SIZE];
        struct check_ids ids;

        if (finding->number == 0 || finding->number > CHECK_FINDINGS_OF_RULE_MAX)
            return "a finding's number is out of range";
        if (finding->at.at > packet->length || finding->at.length > packet->length - finding->at.at)
            return "a finding's bytes leave the packet";
        check_message(finding, message, sizeof message);
        if (message[0] == '\0' || memchr(message, '\0', sizeof message) == NULL)
            return "a finding without a message";
        check_finding_ids(finding, &ids);
        if (ids.count > CHECK_IDS_MAX)
            return "too many statements";
    }
    return NULL;
}

/** Tracks a packet of which the last `missing` bytes were not captured, and keeps what is said of it. */
static void track_packet(struct fuzz *fuzz, unsigned number, unsigned sender, const uint8_t *bytes, uint32_t captured,
                         uint32_t length)
{
    struct track_connection *connection = fuzz->connections[number];

    if (fuzz->told_count == fuzz->told_most) {
        fuzz->told_most = 2 * fuzz->told_most + 16;
        fuzz->told = (struct told *)get_memory(fuzz->told, fuzz->told_most * sizeof *fuzz->told);
    }
    struct told *told = &fuzz->told[fuzz->told_count++];
    memset(told, 0, sizeof *told);
    told->connection = connection;
    told->bytes = (uint8_t *)get_memory(NULL, captured);
    memcpy(told->bytes, bytes, captured);
    track_read(&told->packet, told->bytes, captured, length, track_connection_version(connection));
    const struct track_arrival arrival = {
        .ns = fuzz->now_ns,
        .has_numbers = fuzz->has_numbers,
        .sent_to = fuzz->rests[number][sender].sent_to,
        .got_to = fuzz->rests[number][1 - sender].sent_to,
    };
    track(connection, sender, fuzz->pdu, &arrival, &told->packet, &told->facts);
    track_describe_journey(connection, &told->packet, &told->facts);
    memcpy(&told->snapshot, told->facts.snapshot, sizeof told->snapshot);
    if (told->facts.record != NULL)
        memcpy(&told->record, told->facts.record, sizeof told->record);
    demand(walk_packet(&told->packet));
    check_run(&fuzz->policy, &told->packet, &told->facts, fuzz->scope, &told->findings);
    demand(judge_findings(&told->packet, &told->findings));
    struct check_findings undecided;
    check_undecided(&fuzz->policy, &told->packet, &told->facts, fuzz->scope, &undecided);
    demand(judge_findings(&told->packet, &undecided));
    fuzz->pdu.pdu++;
}

/** Cuts the packets out of what has come. With `is_cut`, what is left was sent and not captured to its end. */
static void track_packets(struct fuzz *fuzz, unsigned number, unsigned sender, bool is_cut)
{
    struct rest *rest = &fuzz->rests[number][sender];
    uint32_t at = 0;

    while (at < rest->length) {
        uint32_t held = rest->length - at;
        uint32_t length = held + 1;
        enum mqtt_frame_state state = mqtt_frame(rest->bytes + at, held, &length);
        if (state == MQTT_FRAME_UNREADABLE)
            break;
        if (length > held) {
            if (is_cut)
                track_packet(fuzz, number, sender, rest->bytes + at, held, length);
            break;
        }
        track_packet(fuzz, number, sender, rest->bytes + at, length, length);
        at += length;
    }
    if (is_cut)
        at = rest->length;
    memmove(rest->bytes, rest->bytes + at, rest->length - at);
    rest->length -= at;
}

/** The clock of a capture file may jump, back as well, as far as the plugin lets it. */
static void move_clock(struct fuzz *fuzz, uint8_t step)
{
    const int64_t bound = INT64_C(4600000000) * SECOND;
    int64_t by = INT64_C(1) << step % 64 % 63;

    if (step & 0x40)
        fuzz->now_ns = fuzz->now_ns < -bound + by ? -bound : fuzz->now_ns - by;
    else
        fuzz->now_ns = fuzz->now_ns > bound - by ? bound : fuzz->now_ns + by;
}

/** Takes one step; returns how many bytes of the input it is. */
static size_t take_step(struct fuzz *fuzz, const uint8_t *data, size_t size)
{
    uint8_t what = data[0];
    unsigned sender = what & STEP_SENDER;
    unsigned number = what >> STEP_CONNECTION_SHIFT & (CONNECTIONS - 1);
    size_t length = (size_t)data[2] << 8 | data[3];
    struct rest *rest = &fuzz->rests[number][sender];

    length = MIN(length, size - STEP_LEAST);
    if (!(what & STEP_SAME_FRAME)) {
        fuzz->pdu = (struct track_pdu_ref){fuzz->pdu.frame + 1, 1};
        move_clock(fuzz, data[1]);
    }
    if (what & STEP_ANEW || fuzz->connections[number] == NULL)
        connect_anew(fuzz, number);
    if (what & STEP_GAP) {
        rest->length = 0;
        track_gap(fuzz->connections[number], fuzz->pdu);
    }
    rest->bytes = (uint8_t *)get_memory(rest->bytes, rest->length + length);
    memcpy(rest->bytes + rest->length, data + STEP_LEAST, length);
    rest->length += (uint32_t)length;
    rest->sent_to += (uint32_t)length;
    fuzz->has_numbers = !(data[1] & 0x80);
    track_packets(fuzz, number, sender, what & STEP_CUT);
    fuzz->transports[number]->last_ns = fuzz->now_ns;
    fuzz->transports[number]->is_finished |= what & STEP_END;
    return STEP_LEAST + length;
}

/** What is said of a packet now, but for answers that came later, is what was said at once. */
static const char *recall(const struct fuzz *fuzz, const struct told *told)
{
    const struct track_facts *first = &told->facts;
    struct track_facts now;
    struct mqtt_packet packet;
    struct check_findings findings;

    track_recall(told->connection, first->sender, first->pdu, &now);
    if (now.connection != first->connection || now.sender != first->sender ||
        memcmp(&now.pdu, &first->pdu, sizeof now.pdu) != 0)
        return "a packet is recalled as another";
    if (memcmp(now.snapshot, &told->snapshot, sizeof told->snapshot) != 0)
        return "the slow facts have changed";
    if (now.idle_ns != first->idle_ns)
        return "the silence before a packet has changed";
    if (now.record != first->record)
        return "the note is another";
    if (now.record != NULL) {
        struct track_packet_record record;
        memcpy(&record, now.record, sizeof record);
        if (told->record.response_in != 0 && told->record.response_in != record.response_in)
            return "a packet's answer has changed";
        record.response_in = told->record.response_in;
        if (memcmp(&record, &told->record, sizeof record) != 0)
            return "the note has changed";
        const char *wrong = judge_record(now.record);
        if (wrong != NULL)
            return wrong;
    }
    track_read(&packet, told->bytes, told->packet.captured, told->packet.length, now.snapshot->version);
    if (packet.version != told->packet.version || packet.type != told->packet.type ||
        packet.read_to != told->packet.read_to || packet.fault.kind != told->packet.fault.kind)
        return "a packet is read otherwise";
    check_run(&fuzz->policy, &packet, &now, fuzz->scope, &findings);
    if (findings.count != told->findings.count)
        return "other rules are broken";
    for (unsigned i = 0; i < findings.count; i++) {
        const struct check_finding *one = &findings.list[i], *other = &told->findings.list[i];
        if (one->rule != other->rule || one->severity != other->severity || one->at.at != other->at.at ||
            one->at.length != other->at.length || one->number != other->number || one->further != other->further)
            return "a rule is broken otherwise";
    }
    return NULL;
}

/** A connection at a glance, and its session's subscriptions from end to end. */
static const char *judge_summary(const struct track_connection *connection)
{
    struct track_summary summary;

    track_summarise(connection, &summary);
    for (const struct track_subscription *each = summary.subscriptions; each != NULL; each = each->next) {
        if (each->session == NULL || each->filter == NULL || each->filter->bytes[each->filter->length] != '\0')
            return "a subscription without a session or a filter";
        if (each->next != NULL && each->next->previous != each)
            return "the list of subscriptions is broken";
        if (each->granted >= 0x80)
            return "a subscription that was refused";
    }
    return NULL;
}

static struct fuzz fuzz_begin(uint8_t choice)
{
    static const enum mqtt_version versions[] = {MQTT_VERSION_UNKNOWN, MQTT_V31, MQTT_V311, MQTT_V50};
    static const uint32_t most_inflight[] = {65535, 0, 1, 2, 3, 16, 17, 20};
    static const uint32_t most_memory[] = {0, 0, 500, 3000, 52000, 54000, 60000, 120000};
    struct track_options options = {
        .preferred_version = versions[choice & 3],
        .max_inflight = most_inflight[choice >> 2 & 7],
        .max_memory = most_memory[choice >> 5],
        .has_rules = true,
        .has_practices = true,
        .keeps_undecided = true,
        .follows_messages = true,
        .closed_world = true,
        .delivery_deadline_ns = INT64_C(1000000000),
        .state_of = state_of,
    };
    struct fuzz fuzz = {0};

    /* Each block by itself, so that the sanitizer sees its ends. */
    fuzz.scope = wmem_allocator_new(WMEM_ALLOCATOR_SIMPLE);
    fuzz.capture = track_capture_new(fuzz.scope, &options);
    check_policy_begin(&fuzz.policy, true, (enum check_severity)0, CHECK_HINTS_ALL);
    fuzz.pdu = (struct track_pdu_ref){1, 1};
    return fuzz;
}

static void fuzz_end(struct fuzz *fuzz)
{
    for (uint32_t i = fuzz->told_count; i > 0; i--)
        demand(recall(fuzz, &fuzz->told[i - 1]));
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        if (fuzz->connections[i] != NULL)
            demand(judge_summary(fuzz->connections[i]));
        free(fuzz->rests[i][0].bytes);
        free(fuzz->rests[i][1].bytes);
    }
    for (uint32_t i = 0; i < fuzz->told_count; i++)
        free(fuzz->told[i].bytes);
    free(fuzz->told);
    wmem_destroy_allocator(fuzz->scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct fuzz fuzz = fuzz_begin(data[0]);
    size_t at = 1;

    while (size - at >= STEP_LEAST)
        at += take_step(&fuzz, data + at, size - at);
    fuzz_end(&fuzz);
    return 0;
}
