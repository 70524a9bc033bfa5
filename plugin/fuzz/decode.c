/* decode.c - a libFuzzer target for the wire decoder.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The first byte of the input chooses the version and how many bytes the capture lacks; the others are what a peer sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../test/unit/walk.h"
#include "../wire/json.h"
#include "../wire/tls-hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum mqtt_version versions[] = {MQTT_VERSION_UNKNOWN, MQTT_V31, MQTT_V311, MQTT_V50};

/** The crash that libFuzzer looks for. */
static void demand(const char *wrong)
{
    if (wrong == NULL)
        return;
    fprintf(stderr, "broken promise: %s\n", wrong);
    abort();
}

static void decode_one(const uint8_t *bytes, uint32_t captured, uint32_t length, enum mqtt_version version)
{
    struct mqtt_packet packet;

    mqtt_decode(&packet, bytes, captured, length, version);
    demand(walk_packet(&packet));
}

/** Packet after packet, as a stream is framed. */
static void decode_stream(const uint8_t *bytes, uint32_t captured, uint32_t missing, enum mqtt_version version)
{
    while (captured > 0) {
        uint32_t length = captured + missing;
        enum mqtt_frame_state state = mqtt_frame(bytes, captured, &length);
        uint32_t held = length < captured ? length : captured;

        decode_one(bytes, held, length, version);
        if (state != MQTT_FRAME_WHOLE)
            return;
        bytes += held;
        captured -= held;
    }
}

/** The same bytes as the beginning of a TLS connection. */
static void read_offer(const uint8_t *bytes, uint32_t captured)
{
    struct mqtt_tls_offer offer;
    const uint8_t *name;
    size_t length;

    if (!mqtt_tls_find_offer(bytes, captured, &offer))
        return;
    while (mqtt_tls_next_name(&offer, &name, &length))
        demand(name < bytes || length > captured || name + length > bytes + captured ? "a name is not in its bytes"
                                                                                     : NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum mqtt_version version = versions[data[0] & 3];
    uint32_t missing = data[0] >> 2;
    uint32_t captured = (uint32_t)size - 1;

    /* An exact copy on the heap, so that a read past its end is seen. */
    uint8_t *bytes = (uint8_t *)malloc(captured > 0 ? captured : 1);
    if (bytes == NULL)
        return 0;
    memcpy(bytes, data + 1, captured);
    decode_stream(bytes, captured, missing, version);
    decode_one(bytes, captured, captured, version);
    read_offer(bytes, captured);
    if (captured > 0) {
        struct mqtt_run run = mqtt_read_run(bytes, captured, version);
        demand(run.length > captured ? "a run is longer than its bytes" : NULL);
        demand(run.packets > run.length / 2 ? "a run has more packets than fit" : NULL);
        mqtt_match_connect(bytes, captured);
        uint32_t values = 0;
        demand(mqtt_json_check(bytes, captured, &values) && values > captured ? "more values than bytes" : NULL);
    }
    free(bytes);
    return 0;
}
