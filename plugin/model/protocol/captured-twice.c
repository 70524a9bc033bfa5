/* captured-twice.c - recognises a connection whose packets are in the capture already, at other addresses.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A capture on all interfaces of a machine shows each packet twice where the machine translates addresses, or passes what
 * comes in on one port on to another. Both are told by first packets that are the same within milliseconds. Translated
 * packets keep TCP's sequence numbers. A proxy has a connection of its own to the broker, and lies between its two ends: it
 * sends the CONNECT on before there is an answer, and the CONNACK after it came. A Client that connects twice by itself
 * is no proxy: where only its own address or only the Server's is another one, more is asked for.
 */
#include "captured-twice.h"

#include <string.h>

#include "../store/text.h"
#include "connection.h"
#include "session-state.h"
#include "wills.h"

enum { KEPT = 64 };

static const int64_t AT_ONCE_NS = INT64_C(100000000);

/** The bytes of a packet, to know them again by. */
struct fingerprint {
    uint32_t hash;
    uint32_t length; /**< 0: none */
};

/** The first packet of a connection, and its CONNACK where it may be a copy. */
struct first_packet {
    struct track_connection *connection; /**< NULL: the slot is unused */
    struct track_connection *original;   /**< the connection that it may be a copy of; NULL: none */
    struct fingerprint request;
    struct fingerprint response;
    int64_t request_ns;
    int64_t response_ns;
};

/** Those of the latest connections, the latest in place of the oldest. File scope. */
struct track_first_packets {
    struct first_packet kept[KEPT];
    uint32_t hashes[KEPT]; /**< of their requests: most are of none, which is seen at once */
    unsigned next;
    unsigned candidates; /**< how many have an original */
};

static struct fingerprint packet_fingerprint_of(const struct mqtt_packet *packet)
{
    if (packet->captured < packet->length)
        return (struct fingerprint){0, 0};
    return (struct fingerprint){track_hash_bytes(packet->bytes, packet->length), packet->length};
}

static bool is_same(struct fingerprint one, struct fingerprint other)
{
    return one.length != 0 && one.length == other.length && one.hash == other.hash;
}

static bool is_at_once(const struct track_context *tracking, int64_t earlier_ns)
{
    return tracking->now_ns - earlier_ns <= AT_ONCE_NS;
}

static bool is_same_address(const struct track_endpoint *one, const struct track_endpoint *other)
{
    return one->length == other->length && memcmp(one->address, other->address, one->length) == 0;
}

/** The packets of one are those of the other, with other addresses: TCP's sequence numbers are the same. Those of the end that
 *  has sent nothing yet may not be known. */
static bool is_translated(const struct track_transport *one, const struct track_transport *other)
{
    bool is_answered = one->first_seq[1] != 0 && other->first_seq[1] != 0;
    bool has_other_address =
        !is_same_address(&one->ends[0], &other->ends[0]) || !is_same_address(&one->ends[1], &other->ends[1]);

    return has_other_address && one->first_seq[0] != 0 && one->first_seq[0] == other->first_seq[0] &&
           (!is_answered || one->first_seq[1] == other->first_seq[1]);
}

/** One connection may be to a proxy, and the other from it to the broker. */
static bool may_be_proxied(const struct track_transport *to_proxy, const struct track_transport *from_proxy)
{
    enum { CLIENT, SERVER };
    bool is_same_client = is_same_address(&to_proxy->ends[CLIENT], &from_proxy->ends[CLIENT]);
    bool is_same_server = is_same_address(&to_proxy->ends[SERVER], &from_proxy->ends[SERVER]);
    bool is_chain = is_same_address(&to_proxy->ends[SERVER], &from_proxy->ends[CLIENT]);

    return is_chain || is_same_client == is_same_server;
}

static bool has_hash(const struct track_first_packets *packets, uint32_t hash)
{
    uint32_t count = 0; /* no bool: compilers compare several at once then */

    for (unsigned i = 0; i < KEPT; i++)
        count += packets->hashes[i] == hash;
    return count > 0;
}

/** The first packet that this one, the first of its connection, repeats; NULL where there is none. */
static const struct first_packet *find_repeated(const struct track_context *tracking,
                                                const struct track_first_packets *packets, struct fingerprint request)
{
    if (!has_hash(packets, request.hash))
        return NULL;
    for (unsigned back = 1; back <= KEPT; back++) {
        const struct first_packet *each = &packets->kept[(packets->next + KEPT - back) % KEPT];
        if (each->connection == NULL || !is_at_once(tracking, each->request_ns))
            return NULL;
        /* What has its CONNACK is of a Client that connects again. */
        if (is_same(each->request, request) && !track_latest_snapshot(each->connection)->is_copy &&
            !each->connection->session.connack_seen)
            return each;
    }
    return NULL;
}

/** Notes with the packet being tracked which connection has the same packets. */
static void tell(struct track_context *tracking, const struct track_connection *other)
{
    struct track_packet_record *record = track_record_of(tracking);

    record->is_captured_twice = true;
    record->captured_as = other->number;
}

/** The first packet of a connection: is it a copy, or may it be? */
static void look_for_original(struct track_context *tracking, struct track_first_packets *packets)
{
    struct first_packet *slot = &packets->kept[packets->next % KEPT];
    struct fingerprint request = packet_fingerprint_of(tracking->packet);
    const struct first_packet *repeated = find_repeated(tracking, packets, request);
    struct track_connection *original = repeated != NULL ? repeated->connection : NULL;
    const struct track_transport *transport = &tracking->connection->transport;

    if (original != NULL && is_translated(&original->transport, transport)) {
        tracking->snapshot.is_copy = true;
        tracking->snapshot.client_id = track_latest_snapshot(original)->client_id;
        tell(tracking, original);
        return;
    }
    if (original != NULL && (tracking->packet->type != MQTT_TYPE_CONNECT || tracking->sender != 0 ||
                             !may_be_proxied(&original->transport, transport)))
        original = NULL;
    packets->candidates -= slot->original != NULL;
    packets->candidates += original != NULL;
    packets->hashes[packets->next % KEPT] = request.hash;
    packets->next = (packets->next + 1) % KEPT;
    *slot = (struct first_packet){
        .connection = tracking->connection, .original = original, .request = request, .request_ns = tracking->now_ns};
}

/** Keeps the CONNACK of a connection that may be a copy. */
static void keep_response(const struct track_context *tracking, struct track_first_packets *packets,
                          struct fingerprint response)
{
    for (unsigned i = 0; i < KEPT; i++) {
        struct first_packet *each = &packets->kept[i];
        if (each->original != NULL && each->connection == tracking->connection) {
            each->response = response;
            each->response_ns = tracking->now_ns;
        }
    }
}

/** The CONNACK of a connection that has copies, maybe. Returns one that is a copy; NULL where none is. */
static struct track_connection *compare_response(struct track_context *tracking, struct track_first_packets *packets,
                                                 struct fingerprint response)
{
    struct track_connection *copy = NULL;

    for (unsigned i = 0; i < KEPT; i++) {
        struct first_packet *each = &packets->kept[i];
        if (each->original != tracking->connection)
            continue;
        each->original = NULL;
        packets->candidates--;
        if (copy == NULL && is_same(each->response, response) && is_at_once(tracking, each->response_ns))
            copy = each->connection;
    }
    return copy;
}

/** Takes back what a connection did as long as it was taken for one of its own. */
static void withdraw(struct track_context *tracking, struct track_connection *copy)
{
    tell(tracking, copy);
    track_withdraw_from_session(copy);
    track_withdraw_will(copy);
}

struct track_connection *track_update_captured_twice(struct track_context *tracking)
{
    struct track_capture *capture = tracking->capture;

    if (tracking->snapshot.is_copy)
        return NULL;
    if (!tracking->connection->has_packets) {
        if (capture->first_packets == NULL)
            capture->first_packets =
                (struct track_first_packets *)track_file_alloc(&capture->memory, sizeof *capture->first_packets);
        if (capture->first_packets != NULL)
            look_for_original(tracking, capture->first_packets);
    } else if (tracking->packet->type == MQTT_TYPE_CONNACK && track_is_from_server(tracking) &&
               capture->first_packets != NULL && capture->first_packets->candidates > 0) {
        struct fingerprint response = packet_fingerprint_of(tracking->packet);
        keep_response(tracking, capture->first_packets, response);
        struct track_connection *copy = compare_response(tracking, capture->first_packets, response);
        if (copy != NULL)
            withdraw(tracking, copy);
        return copy;
    }
    return NULL;
}
