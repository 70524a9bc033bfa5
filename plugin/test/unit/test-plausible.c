/* test-plausible.c - what passes for a packet on sight, and how a run of packets is read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "../../wire/midstream.h"
#include "../../wire/validity.h"
#include "check.h"

static void well_formed_packets_are_plausible(void)
{
    for (const struct sample *sample = samples; sample->notation != NULL; sample++) {
        struct buffer buffer = buffer_from(sample->notation);
        struct mqtt_packet packet = decode_whole(buffer, sample->version);
        CHECK_EQ(packet.fault.kind, MQTT_FAULT_NONE);
        CHECK_EQ(packet.version, sample->version);
        if (!mqtt_packet_is_plausible(&packet))
            CHECK_TEXT(sample->notation, "plausible");
        free(buffer.bytes);
    }
}

static void strange_packets_are_not(void)
{
    static const struct sample strange[] = {
        {MQTT_V311, "36 { s'a' 0001 }"},                                      /* QoS 3 */
        {MQTT_V311, "38 { s'a' }"},                                           /* DUP with QoS 0 */
        {MQTT_V311, "32 { s'a' 0000 }"},                                      /* Packet Identifier 0 */
        {MQTT_V311, "30 { s'a/#' }"},                                         /* a wildcard in a Topic Name */
        {MQTT_V311, "30 { s'' }"},                                            /* no topic and no alias */
        {MQTT_V50, "30 { s'' {} }"},                                          /* the same in 5.0 */
        {MQTT_V311, "30 { 0002 c328 }"},                                      /* no UTF-8 */
        {MQTT_V311, "30 { 0001 01 }"},                                        /* a control character */
        {MQTT_V311, "41 { 0001 }"},                                           /* flags of a PUBACK */
        {MQTT_V311, "60 { 0001 }"},                                           /* a PUBREL without its flag */
        {MQTT_V311, "6a { 0001 }"},                                           /* with DUP, which only 3.1 knows */
        {MQTT_V50, "40 { 0001 01 }"},                                         /* no such Reason Code */
        {MQTT_V311, "20 { 02 00 }"},                                          /* reserved flags of a CONNACK */
        {MQTT_V311, "20 { 00 06 }"},                                          /* no such return code */
        {MQTT_V311, "82 { 0001 }"},                                           /* no topic filter */
        {MQTT_V311, "82 { 0001 s'' 00 }"},                                    /* an empty one */
        {MQTT_V311, "82 { 0001 s'a' 03 }"},                                   /* QoS 3 asked for */
        {MQTT_V311, "82 { 0001 s'a' 04 }"},                                   /* options of 5.0 */
        {MQTT_V50, "82 { 0001 {} s'a' 30 }"},                                 /* Retain Handling 3 */
        {MQTT_V50, "82 { 0001 {} s'a' 40 }"},                                 /* a reserved bit */
        {MQTT_V311, "90 { 0001 }"},                                           /* no code */
        {MQTT_V311, "90 { 0001 03 }"},                                        /* no such code */
        {MQTT_V31, "90 { 0001 80 }"},                                         /* none yet in 3.1 */
        {MQTT_V50, "b0 { 0001 {} }"},                                         /* no code */
        {MQTT_V311, "c1 {}"},                                                 /* flags of a PINGREQ */
        {MQTT_V311, "f0 {}"},                                                 /* AUTH before 5.0 */
        {MQTT_V311, "10 { s'MQTT' 03 02 003c s'a' }"},                        /* level of the other name */
        {MQTT_V311, "10 { s'MQXX' 04 02 003c s'a' }"},                        /* no such protocol */
        {MQTT_V311, "10 { s'MQTT' 04 03 003c s'a' }"},                        /* the reserved Connect Flag */
        {MQTT_V50, "20 { 00 00 { 21 0001 21 0002 } }"},                       /* a property twice */
        {MQTT_V50, "20 { 00 00 { 1f 0001 ff } }"},                            /* a property without UTF-8 */
        {MQTT_V50, "40 { 0001 00 { 26 s'k' 0001 00 } }"},                     /* U+0000 */
        {MQTT_V50, "10 { s'MQTT' 05 06 003c {} s'a' { 21 0001 } s'w' s'' }"}, /* not in a will */
        {MQTT_V311, "00 {}"},
    };

    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        struct buffer buffer = buffer_from(strange[i].notation);
        struct mqtt_packet packet = decode_whole(buffer, strange[i].version);
        if (mqtt_packet_is_plausible(&packet))
            CHECK_TEXT(strange[i].notation, "strange");
        free(buffer.bytes);
    }
}

static void runs_are_read_to_their_end(void)
{
    static const struct {
        const char *notation;
        enum mqtt_version version;
        uint32_t packets, length;
        bool broken, begun;
    } rows[] = {
        {"", MQTT_V311, 0, 0, false, false},
        {"c000", MQTT_V311, 1, 2, false, false},
        {"c000 40020001 d000", MQTT_VERSION_UNKNOWN, 3, 8, false, false},
        {"c000 00", MQTT_V311, 1, 2, true, false},
        {"c000 0000", MQTT_V311, 1, 2, true, false},
        {"c000 36", MQTT_V311, 1, 2, false, false},
        {"'hello, world'", MQTT_VERSION_UNKNOWN, 0, 0, true, false}, /* 'h' announces 101 bytes */
        {"'GET / HTTP/1.1'", MQTT_VERSION_UNKNOWN, 0, 0, true, false},
        {"ff ffffffff 00", MQTT_V311, 0, 0, true, false},
        {"30 40 s'a/b' 'xx'", MQTT_V311, 0, 0, false, true},
        {"30 40 0003 'a'", MQTT_V311, 0, 0, false, false}, /* the topic is not whole */
        {"30 40 0000 'xx'", MQTT_V50, 0, 0, true, false},  /* 'x' announces 120 bytes of properties */
        {"30 40 0000 03 23", MQTT_V50, 0, 0, false, false},
        {"30 40 s'a+b' 'xx'", MQTT_V311, 0, 0, true, false},
        {"36 40 s'a/b' 'xx'", MQTT_V311, 0, 0, true, false},
        {"31 23 s'm' 'essage 7'", MQTT_V50, 0, 0, true, false}, /* 'e' announces 101 bytes of properties */
        {"31 23 s'm' 'essage 7'", MQTT_VERSION_UNKNOWN, 0, 0, false, true},
        {"30 40 s'a' { 21 0001 } 'xx'", MQTT_V50, 0, 0, true, false}, /* no property of a PUBLISH */
        {"40 40 0001 00", MQTT_V50, 0, 0, false, false},
        {"41 40 0001 00", MQTT_V50, 0, 0, true, false},
        {"c000 32 40 s'a/b' 0001", MQTT_V311, 1, 2, false, true},
        {"40 { 0001 10 }", MQTT_V50, 1, 5, false, false},
        {"40 { 0001 10 }", MQTT_V311, 0, 0, true, false},
        {"40 { 0001 10 }", MQTT_VERSION_UNKNOWN, 1, 5, false, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        struct mqtt_run run = mqtt_read_run(buffer.bytes, buffer.length, rows[i].version);
        CHECK_EQ(run.packets, rows[i].packets);
        CHECK_EQ(run.length, rows[i].length);
        CHECK_EQ(run.broken, rows[i].broken);
        if (run.begun != rows[i].begun)
            CHECK_TEXT(rows[i].notation, rows[i].begun ? "begun" : "not begun");
        free(buffer.bytes);
    }
}

static void a_connect_is_recognised(void)
{
    static const char *const names[] = {
        [MQTT_CONNECT_NO] = "no CONNECT", [MQTT_CONNECT_BEGUN] = "perhaps one", [MQTT_CONNECT_YES] = "a CONNECT"};
    static const struct {
        const char *notation;
        enum mqtt_connect_match match;
    } rows[] = {
        {"10 { s'MQTT' 04 02 003c s'a' }", MQTT_CONNECT_YES},
        {"10 { s'MQTT' 85 02 003c {} s'a' }", MQTT_CONNECT_YES},
        {"10 { s'MQIsdp' 03 02 003c s'a' }", MQTT_CONNECT_YES},
        {"10 7f s'MQTT' 04", MQTT_CONNECT_YES}, /* the rest is in the next segment */
        {"10 ff01 s'MQTT' 04", MQTT_CONNECT_YES},
        {"10 7f s'MQTT'", MQTT_CONNECT_BEGUN},
        {"10 ff01 s'MQTT'", MQTT_CONNECT_BEGUN},
        {"10 7f s'MQIsdp'", MQTT_CONNECT_BEGUN},
        {"10 7f 0006 'MQ'", MQTT_CONNECT_BEGUN},
        {"10 7f 00", MQTT_CONNECT_BEGUN},
        {"10 7f", MQTT_CONNECT_BEGUN},
        {"10 ff", MQTT_CONNECT_BEGUN},
        {"10", MQTT_CONNECT_BEGUN},
        {"10 09", MQTT_CONNECT_NO},
        {"10 7f 01", MQTT_CONNECT_NO},
        {"10 7f 0005", MQTT_CONNECT_NO},
        {"10 7f 0004 'MQI'", MQTT_CONNECT_NO},
        {"10 7f s'HTTP'", MQTT_CONNECT_NO},
        {"10 ffffffff", MQTT_CONNECT_NO},
        {"10 { s'MQTT' 04 02 00 }", MQTT_CONNECT_NO}, /* too short for a CONNECT */
        {"10 { s'MQTT' 03 02 003c s'a' }", MQTT_CONNECT_NO},
        {"10 { s'MQIsdp' 04 02 003c s'a' }", MQTT_CONNECT_NO},
        {"10 { s'MQTT' 06 02 003c s'a' }", MQTT_CONNECT_NO},
        {"11 { s'MQTT' 04 02 003c s'a' }", MQTT_CONNECT_NO},
        {"10 { s'HTTP' 04 02 003c s'a' }", MQTT_CONNECT_NO},
        {"", MQTT_CONNECT_NO},
        {"'GET / HTTP/1.1'", MQTT_CONNECT_NO},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        enum mqtt_connect_match match = mqtt_match_connect(buffer.bytes, buffer.length);
        if (match != rows[i].match)
            CHECK_TEXT(rows[i].notation, names[match]);
        free(buffer.bytes);
    }
}

/** Whole packets fill a segment, whatever their flags are. */
static void packets_with_invalid_flags_fill_a_segment(void)
{
    static const struct {
        const char *notation;
        enum mqtt_version version;
        bool fills;
    } rows[] = {
        {"60 02 0001", MQTT_VERSION_UNKNOWN, true},
        {"60 02 0001 c1 00", MQTT_VERSION_UNKNOWN, true},
        {"80 { 0001 s'a' 00 }", MQTT_VERSION_UNKNOWN, true},
        {"80 { 0001 {} s'a' 00 }", MQTT_V50, true},
        {"80 { 0001 {} s'a' 00 }", MQTT_V311, false},
        {"60 02 00", MQTT_VERSION_UNKNOWN, false},      /* cut */
        {"60 02 0001 60", MQTT_VERSION_UNKNOWN, false}, /* and another begins */
        {"60 02 0000", MQTT_VERSION_UNKNOWN, false},    /* no Packet Identifier */
        {"36 { s'a' 0001 'x' }", MQTT_VERSION_UNKNOWN, false},
        {"00 00", MQTT_VERSION_UNKNOWN, false},
        {"", MQTT_VERSION_UNKNOWN, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        if (mqtt_is_filled_but_for_flags(buffer.bytes, buffer.length, rows[i].version) != rows[i].fills)
            CHECK_TEXT(rows[i].notation, rows[i].fills ? "fills" : "does not fill");
        free(buffer.bytes);
    }
}

/** Strange is not yet wrong: what ends a connection is less than what is not plausible. */
static void invalid_packets_are_told_from_strange_ones(void)
{
    static const struct {
        enum mqtt_version version;
        const char *notation;
        bool is_invalid;
    } rows[] = {
        {MQTT_V311, "36 { s'a' 0001 }", true},                   /* QoS 3 */
        {MQTT_V311, "38 { s'a' }", false},                       /* DUP with QoS 0 */
        {MQTT_V311, "80 { 0001 s'a' 00 }", true},                /* flags of a SUBSCRIBE */
        {MQTT_V311, "8a { 0001 s'a' 00 }", true},                /* DUP, which only 3.1 has */
        {MQTT_V31, "8a { 0001 s'a' 00 }", false},                /* there it may be */
        {MQTT_V31, "81 { 0001 s'a' 00 }", false},                /* and others mean nothing */
        {MQTT_V311, "82 { 0001 }", true},                        /* no Topic Filter */
        {MQTT_V311, "82 { 0001 s'a' 03 }", false},               /* QoS 3 requested */
        {MQTT_V311, "82 { 0001 s'a' }", true},                   /* malformed */
        {MQTT_V311, "90 { 0001 }", false},                       /* an answer without a code */
        {MQTT_V50, "30 { s'a' { 23 0001 23 0001 } }", true},     /* Topic Alias twice */
        {MQTT_V50, "30 { s'a' { 01 00 01 00 } }", false},        /* of this the text does not say it */
        {MQTT_V50, "30 { s'a' { 0b 01 0b 02 } }", false},        /* two Subscription Identifiers */
        {MQTT_V50, "82 { 0001 { 0b 01 0b 02 } s'a' 00 }", true}, /* which is for PUBLISH only */
        {MQTT_V50, "40 { 0001 00 { 23 0001 } }", true},          /* Topic Alias in a PUBACK */
        {MQTT_V50, "10 { s'MQTT' 05 06 003c {} s'a' { 21 0001 } s'w' s'' }", true}, /* Receive Maximum of a Will */
        {MQTT_V50, "10 { s'MQTT' 05 06 003c {} s'a' { 01 01 } s'w' s'' }", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        struct mqtt_packet packet = decode_whole(buffer, rows[i].version);
        if (mqtt_is_invalid(&packet) != rows[i].is_invalid)
            CHECK_TEXT(rows[i].notation, rows[i].is_invalid ? "invalid" : "valid");
        mqtt_decode(&packet, buffer.bytes, buffer.length - 1, buffer.length, rows[i].version);
        CHECK(!mqtt_is_malformed(&packet) || mqtt_is_invalid(&packet));
        CHECK(packet.fault.kind != MQTT_FAULT_CUT || !mqtt_is_invalid(&packet));
        free(buffer.bytes);
    }
}

static void what_a_wrong_length_may_have_made_is_not_trusted(void)
{
    static const struct {
        enum mqtt_version version;
        const char *notation;
        uint32_t trusted;
    } rows[] = {
        {MQTT_V311, "30 80808080 01", 1},                          /* the first byte only */
        {MQTT_V311, "80 { 0001 s'a' }", 4},                        /* up to the entry without options */
        {MQTT_V311, "82 { 0001 s'a#' 00 s'b' }", 9},               /* the first entry, too */
        {MQTT_V311, "82 { 0001 0004 'a/b' 00 0003 'c/d' 00 }", 4}, /* a filter with U+0000 */
        {MQTT_V311, "82 { 0001 s'a' 00 0002 'a/#' 00 }", 8},       /* an entry with the options '#' */
        {MQTT_V311, "82 { 0001 s'' 05 s'b' }", 4},
        {MQTT_V311, "a2 { 0001 s'a' s'b' 0009 }", 10}, /* options are for SUBSCRIBE only */
        {MQTT_V311, "32 { s'a/#' 00 }", 7},            /* the topic */
        {MQTT_V311, "32 { 0006 'a/#' 0001 'x' }", 2},  /* a topic with U+0000 and U+0001 */
        {MQTT_V311, "36 { s'a' 00 }", 5},              /* QoS 3: the topic */
        {MQTT_V311, "c0 { 00 }", 1},                   /* left over */
        {MQTT_V311, "20 { 03 05 00 }", 1},
        {MQTT_V50, "40 { 0001 01 7f }", 5},                             /* up to the Property Length at fault */
        {MQTT_V50, "30 { s'a' { 23 0001 23 0002 03 0005 'x' } }", 12},  /* properties before the one that is too long */
        {MQTT_V50, "30 { s'a' { 26 s'k' 0001 'v' 28 01 21 } }", 13},    /* up to one that a PUBLISH must not have */
        {MQTT_V50, "30 { s'a' { 03 0003 01 's' 23 00 } }", 7},          /* up to a text with a control character */
        {MQTT_V50, "82 { 0001 { 21 0001 26 s'k' 0001 01 } s'a' }", 15}, /* but a block that can be read is trusted */
        {MQTT_V50, "10 { s'MQTT' 05 06 003c {} s'c' { 01 02 } s'a/+' }", 24}, /* up to the Will Payload */
        {MQTT_V50, "10 { s'MQTT' 05 06 003c {} s'c' { 01 02 03 0005 } }", 19},
        {MQTT_V311, "10 { s'MQTT' 04 c2 003c 0003 's' 0001 s'p' }", 12}, /* a Client Identifier with U+0000 */
        {MQTT_V311, "10 { 0006 'MQTT' 04 02 003c s'a' }", 2},            /* a Protocol Name with control characters */
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        struct mqtt_packet packet = decode_whole(buffer, rows[i].version);
        CHECK(mqtt_is_malformed(&packet));
        CHECK_EQ(mqtt_trusted_length(&packet), rows[i].trusted);
        free(buffer.bytes);
    }
}

/** Takes in segments, one string each; "<" in front: of the other end. Returns after how many there is enough, 0: never. */
static unsigned believed_after(const char *const *segments)
{
    struct mqtt_midstream midstream = {0, 0};

    for (unsigned i = 0; segments[i] != NULL; i++) {
        bool is_other = segments[i][0] == '<';
        struct buffer buffer = buffer_from(segments[i] + is_other);
        bool is_enough = mqtt_midstream_add(&midstream, is_other, buffer.bytes, buffer.length);
        free(buffer.bytes);
        if (is_enough)
            return i + 1;
    }
    return 0;
}

static void evidence_adds_up_over_segments(void)
{
    static const struct {
        unsigned after;
        const char *segments[7];
    } rows[] = {
        {3, {"30 { s'a' 'x' }", "30 { s'a' 'y' }", "30 { s'a' 'z' }"}},
        {3, {"c0 00", "<d0 00", "c0 00"}},
        {1, {"40 { 0001 } 40 { 0002 } 40 { 0003 }"}},
        {2, {"40 { 0001 } 40 { 0002 }", "<30 { s'a' 'x' }"}},
        {0, {"c0 00", "<d0 00"}},
        {0, {"c0 00", "<d0 00", "c0 00 ff", "c0 00", "<d0 00"}},                 /* a misfit, and it begins again */
        {6, {"c0 00", "<d0 00", "47 45 54 20", "c0 00", "<d0 00", "c0 00"}},     /* the same */
        {0, {"c0 00", "d0 00", "c0 00", "d0 00", "c0 00", "d0 00"}},             /* one end is both */
        {0, {"c0 00", "<c0 00", "c0 00", "<c0 00", "c0 00", "<c0 00"}},          /* both are clients */
        {0, {"c0 00 d0 00", "c0 00 d0 00", "c0 00 d0 00"}},                      /* in one segment */
        {0, {"40 { 0001 } 40", "40 { 0002 } 40", "40 { 0003 } 40 { 0004 } 40"}}, /* packets that do not fill it */
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_EQ(believed_after(rows[i].segments), rows[i].after);
}

/** The next of a series of numbers that look random, the same each time. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/** Half of the streams have short segments, which fit most easily. */
static void random_streams_are_not_believed(void)
{
    enum { STREAMS = 10000, SEGMENTS = 30, SHORT = 6, LONG = 64 };
    uint32_t state = 1;

    for (unsigned stream = 0; stream < STREAMS; stream++) {
        struct mqtt_midstream midstream = {0, 0};
        for (unsigned segment = 0; segment < SEGMENTS; segment++) {
            uint8_t bytes[LONG];
            uint32_t length = 1 + next_random(&state) % (stream & 1 ? SHORT : LONG);
            for (uint32_t i = 0; i < length; i++)
                bytes[i] = (uint8_t)next_random(&state);
            CHECK(!mqtt_midstream_add(&midstream, next_random(&state) & 1, bytes, length));
        }
    }
}

int main(void)
{
    RUN(well_formed_packets_are_plausible);
    RUN(strange_packets_are_not);
    RUN(packets_with_invalid_flags_fill_a_segment);
    RUN(invalid_packets_are_told_from_strange_ones);
    RUN(runs_are_read_to_their_end);
    RUN(a_connect_is_recognised);
    RUN(evidence_adds_up_over_segments);
    RUN(random_streams_are_not_believed);
    RUN(what_a_wrong_length_may_have_made_is_not_trusted);
    return FINISH();
}
